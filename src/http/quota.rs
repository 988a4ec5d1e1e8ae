//! The handler by which the holder of a virtual key sees what binds it.

use serde::Serialize;
use utoipa::ToSchema;

use super::answer::{Answer, ok_unless_known, to_json};
use super::call::{Call, blocking};
use super::holder::Holder;
use super::problem::Problem;
use crate::domain::user_copy::UserCopy;
use crate::domain::validator::entity_tag;
use crate::domain::virtual_key::VirtualKey;
use crate::service::copies::ReadCopies;
use crate::store::{user_access_profiles, virtual_keys};
use jiff::Timestamp;

/// The virtual key that asks.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuotaKey {
    /// Its public id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether neither its own time is over nor that of every copy.
    pub is_active: bool,
    /// From when on it opens nothing.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

impl QuotaKey {
    fn of(key: VirtualKey, now: Timestamp) -> Self {
        Self {
            is_active: key.is_active(now),
            expires_at: key.ends_at(),
            id: key.public_id,
            name: key.name,
        }
    }
}

/// What binds the holder of a virtual key.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuotaAnswer {
    /// The key that asks.
    pub virtual_key: QuotaKey,
    /// Whose it is: a number in a string.
    pub user_id: String,
    /// The copies that the user holds, in the order in which they serve calls, with what binds them now.
    pub access_profiles: Vec<UserCopy>,
}

/// `GET /v1/quota`
///
/// # Errors
/// 401 or 403 when the key does not work.
pub async fn show(holder: Holder, call: Call) -> Answer {
    let services = call.services();
    let known = services
        .ledger
        .who(holder.0)
        .await?
        .map_err(Problem::from)?;
    let _permit = call.read_permit().await;
    let answer = blocking(move || {
        let (key, read) = services.store.read(|reading| {
            let copies = user_access_profiles::list_all_of_user(reading, known.user_id)?;
            let key = virtual_keys::get(reading, known.virtual_key_id)?;
            Ok((key, ReadCopies::read(reading, copies)?))
        })?;
        let now = services.clock.now();
        Ok(QuotaAnswer {
            virtual_key: QuotaKey::of(key, now),
            user_id: known.user_id.to_string(),
            access_profiles: read.with_counters(&services, now)?,
        })
    })
    .await?;
    let body = to_json(&answer)?;
    Ok(ok_unless_known(&call, &entity_tag(1, &body), body))
}
