//! An open reservation, in memory, as it is stored, and as it is listed.

use std::sync::Arc;

use crate::domain::credential::ID_LENGTH;
use crate::domain::decision::journal::ReservationRow;
use crate::domain::decision::{Call, McpCall, OpenReservation, Party, Presented, ReservationId};
use crate::domain::values::money::Money;
use crate::ledger::engine::directory::user_profile::Amounts;

/// An open hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Its public id.
    pub id: ReservationId,
    /// The key it was made with.
    pub key_id: i64,
    /// Whose it is.
    pub user_id: i64,
    /// The copy it is held on, which may be gone.
    pub copy_id: i64,
    /// The profile.
    pub access_profile_id: i64,
    /// The provider, as the profile names it.
    pub provider: Arc<str>,
    /// The provider without regard to case.
    pub provider_key: Arc<str>,
    /// The model.
    pub model: Arc<str>,
    /// The MCP tool.
    pub mcp: Option<Box<McpCall>>,
    /// What the gateway expects.
    pub estimated_tokens: Option<i64>,
    /// What the gateway expects, in nanodollars.
    pub estimated_cost: Option<i64>,
    /// What it holds.
    pub hold: Amounts,
    /// The gateway's id of the call.
    pub request_id: Option<Box<str>>,
    /// When it was made.
    pub created_at: i64,
    /// When it expires.
    pub expires_at: i64,
    /// The most of a budget that its call asked to be held, in nanodollars.
    pub max_hold: Option<i64>,
    /// Who made it.
    pub owner: Party,
    /// Whether its user was deleted since, so that its time is over. Known in memory only.
    pub is_orphan: bool,
}

impl Reservation {
    /// The reservation as it is stored.
    pub fn row(&self) -> ReservationRow {
        ReservationRow {
            id: self.id.number,
            nonce: self.id.nonce,
            virtual_key_id: self.key_id,
            user_id: self.user_id,
            copy_id: self.copy_id,
            access_profile_id: self.access_profile_id,
            provider: Arc::clone(&self.provider),
            model: Arc::clone(&self.model),
            mcp_server: self.mcp.as_ref().map(|mcp| mcp.server.clone()),
            mcp_tool: self.mcp.as_ref().and_then(|mcp| mcp.tool.clone()),
            estimated_tokens: self.estimated_tokens,
            estimated_cost: self.estimated_cost,
            held_tokens: self.hold.tokens,
            held_cost: self.hold.cost,
            request_id: self.request_id.as_deref().map(str::to_owned),
            created_at: self.created_at,
            expires_at: self.expires_at,
            end: None,
            requests: 1,
            max_hold: self.max_hold,
            owner: self.owner,
        }
    }

    /// The reservation of a row; `provider_key` is its provider without regard to case.
    pub fn of(row: ReservationRow, provider_key: Arc<str>) -> Self {
        Self {
            id: ReservationId {
                number: row.id,
                nonce: row.nonce,
            },
            key_id: row.virtual_key_id,
            user_id: row.user_id,
            copy_id: row.copy_id,
            access_profile_id: row.access_profile_id,
            provider: row.provider,
            provider_key,
            model: row.model,
            mcp: row.mcp_server.map(|server| {
                Box::new(McpCall {
                    server,
                    tool: row.mcp_tool,
                })
            }),
            estimated_tokens: row.estimated_tokens,
            estimated_cost: row.estimated_cost,
            hold: Amounts {
                tokens: row.held_tokens,
                cost: row.held_cost,
            },
            request_id: row.request_id.map(String::into_boxed_str),
            created_at: row.created_at,
            expires_at: row.expires_at,
            max_hold: row.max_hold,
            owner: row.owner,
            is_orphan: false,
        }
    }

    /// What the gateway expects it to use.
    pub fn estimate(&self) -> Amounts {
        Amounts {
            tokens: self.estimated_tokens.unwrap_or(0),
            cost: self.estimated_cost.unwrap_or(0),
        }
    }

    /// The call that it was made for, with the key as it is now.
    pub fn call(&self, key: Presented) -> Call {
        Call {
            key,
            provider: Some(self.provider.to_string()),
            model: self.model.to_string(),
            mcp: self.mcp.as_deref().cloned(),
            estimated_tokens: self.estimated_tokens,
            estimated_cost: self.estimated_cost.and_then(Money::from_nanodollars),
            max_hold: self.max_hold.and_then(Money::from_nanodollars),
            requests: 1,
            request: None,
            owner: self.owner,
        }
    }

    /// The reservation as it is listed; `key` is the public id of its virtual key, if that is still there.
    pub fn shown(&self, key: Option<[u8; ID_LENGTH]>) -> OpenReservation {
        OpenReservation {
            id: self.id,
            user_id: self.user_id,
            access_profile_id: self.access_profile_id,
            copy_id: self.copy_id,
            virtual_key: key,
            provider: Arc::clone(&self.provider),
            model: self.model.to_string(),
            mcp: self.mcp.as_deref().cloned(),
            estimated_tokens: self.estimated_tokens,
            estimated_cost: self.estimated_cost.and_then(Money::from_nanodollars),
            held_tokens: self.hold.tokens,
            held_cost: Money::from_nanodollars(self.hold.cost).unwrap_or(Money::MAX),
            owner: self.owner,
            request_id: self.request_id.as_deref().map(str::to_owned),
            created_at_ms: self.created_at,
            expires_at_ms: self.expires_at,
        }
    }
}
