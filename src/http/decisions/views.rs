//! Answers about decisions.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::limits::LimitView;
use super::replay::MADE;
use crate::domain::decision::OpenReservation;
use crate::domain::values::money::Money;
use crate::http::core::list::ListItem;

/// An open reservation.
#[derive(ToSchema)]
pub struct HeldView {
    /// Its id.
    pub id: String,
    /// When it expires if it is neither settled nor extended.
    #[schema(format = DateTime)]
    pub expires_at: String,
}

/// A call that may be made.
#[derive(ToSchema)]
pub struct ReservationAnswer {
    /// The reservation.
    pub reservation: HeldView,
    /// The profile that grants it.
    pub access_profile_id: i64,
    /// Whose call it is.
    pub user_id: String,
    /// The provider, as the profile names it.
    pub provider: String,
    /// Every limit that it is held on.
    pub limits: Vec<LimitView>,
}

/// What was charged.
#[derive(ToSchema)]
pub struct ChargedView {
    /// Its id.
    pub id: String,
    /// `settled`.
    pub status: String,
    /// Tokens.
    pub tokens: i64,
    /// US dollars.
    pub cost: f64,
    /// Who says that it costs this: the version of the list of prices, or an operator's entry over it. Left out where the cost was
    /// sent. It stands with the charge.
    pub priced_by: Option<String>,
}

/// A call that was charged.
#[derive(ToSchema)]
pub struct SettledAnswer {
    /// The reservation.
    pub reservation: ChargedView,
    /// The profile that it was charged to, or that its user held last; 0 when that is not known any more.
    pub access_profile_id: i64,
    /// Whose call it was.
    pub user_id: String,
    /// The provider, as the profile names it, or as it was sent where none does.
    pub provider: String,
    /// Every limit that it was charged to; none when the user's copy is gone.
    pub limits: Vec<LimitView>,
}

/// A call that was made without a reservation and charged.
#[derive(ToSchema)]
pub struct UsageAnswer {
    /// The reservation.
    pub reservation: ChargedView,
    /// The profile that it was charged to, or that its user held last; 0 when that is not known any more.
    pub access_profile_id: i64,
    /// Whose call it was.
    pub user_id: String,
    /// The provider, as the profile names it, or as it was sent where none does.
    pub provider: String,
    /// Every limit that it was charged to; none when the user holds nothing any more.
    pub limits: Vec<LimitView>,
    /// What would have refused the call, had it been asked about before; left out when nothing would have.
    pub outside_policy: Option<OutsideView>,
}

/// What would have refused a call: the `error` of that refusal.
#[derive(ToSchema)]
pub struct OutsideView {
    /// The code of the refusal.
    pub r#type: String,
    /// The same.
    pub code: String,
    /// Why, in a sentence.
    pub message: String,
}

/// A reservation that was given back.
#[derive(ToSchema)]
pub struct CancelledView {
    /// Its id.
    pub id: String,
    /// `cancelled`.
    pub status: String,
}

/// A reservation that was given back.
#[derive(ToSchema)]
pub struct CancelledAnswer {
    /// The reservation.
    pub reservation: CancelledView,
}

/// An open hold.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReservationView {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// The profile that granted it.
    pub access_profile_id: i64,
    /// The public id of the virtual key it was made with; left out once that was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_key_id: Option<String>,
    /// The provider, as the profile names it.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The MCP server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_server: Option<String>,
    /// The tool of that server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_tool: Option<String>,
    /// What the gateway expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_tokens: Option<i64>,
    /// What the gateway expected, in US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub estimated_cost: Option<Money>,
    /// What is held on limits of tokens.
    pub held_tokens: i64,
    /// What is held on budgets, in US dollars: less than was expected where `max_hold` says so.
    #[schema(value_type = f64)]
    pub held_cost: Money,
    /// The management key that made it; left out when it was made over the control socket, or before this was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_id: Option<i64>,
    /// The gateway's own id of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it expires.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

impl ListItem for ReservationView {
    const MEMBER: &'static str = "reservations";
    const SCHEMA: &'static str = "ReservationList";
    const ABOUT: &'static str = "A page of open holds, the oldest first.";
}

impl ReservationView {
    /// A hold as it is listed.
    pub fn of(open: OpenReservation) -> Self {
        let OpenReservation {
            record,
            virtual_key,
        } = open;
        let said = &record.particulars;
        let mcp = said.mcp();
        let request_id = record.request_id.as_deref();
        Self {
            id: record.id.to_string(),
            user_id: record.user_id.to_string(),
            access_profile_id: record.access_profile_id,
            virtual_key_id: virtual_key.map(|id| String::from_utf8_lossy(&id).into_owned()),
            provider: record.provider.to_string(),
            model: record.model.to_string(),
            mcp_server: mcp.map(|mcp| mcp.server.clone()),
            mcp_tool: mcp.and_then(|mcp| mcp.tool.clone()),
            estimated_tokens: said.estimated_tokens,
            estimated_cost: said.estimated_cost,
            held_tokens: record.held.tokens,
            held_cost: Money::nearest(record.held.cost),
            api_key_id: record.owner.api_key_id(),
            request_id: request_id
                .filter(|id| !id.starts_with(MADE))
                .map(str::to_owned),
            created_at: time(record.created_at),
            expires_at: time(record.expires_at),
        }
    }
}

/// The tools of an MCP server that a key may call.
#[derive(Debug, Serialize, ToSchema)]
pub struct McpTools {
    /// The server, as asked.
    pub mcp_server: String,
    /// Every tool may be called but those excluded.
    pub all_tools: bool,
    /// The tools that are granted by name.
    pub tools: Vec<String>,
    /// The tools that may not be called although all are granted.
    pub excluded_tools: Vec<String>,
}

/// An instant in milliseconds since 1970.
pub fn time(at_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::MAX)
}
