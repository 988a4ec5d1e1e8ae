//! The handler by which the holder of a virtual key sees what binds it.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::holder::KeyHolder;
use crate::domain::decision::Refusal;
use crate::domain::list::{MAX_PAGE_BYTES, Query, page_too_large};
use crate::domain::people::user_copy::UserCopy;
use crate::domain::validator::entity_tag;
use crate::domain::virtual_key::VirtualKey;
use crate::http::core::answer::{Answer, ok_unless_known, to_json};
use crate::http::core::problem::Problem;
use crate::http::core::request::Request;
use crate::service::decisions::quota;

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
    /// Copies on this page.
    pub count: usize,
    /// Copies on all pages.
    pub total_count: i64,
    /// As asked.
    pub limit: i64,
    /// As asked.
    pub offset: i64,
}

/// `GET /v1/quota`
///
/// # Errors
/// 400 when a parameter is not valid, 401 or 403 when the key does not work.
pub async fn show(holder: KeyHolder, request: Request) -> Answer {
    let page = request.query(Query::page)?;
    let known = request
        .state()
        .services
        .ledger
        .who(holder.key)
        .await?
        .map_err(|refusal| holder.refuse(refusal))?;
    let user_id = known.user_id.to_string();
    let found = request.slow(move |services| quota::find(services, &known, page));
    // Somebody may delete a key while it asks.
    let found = found.await?;
    let quota = found.ok_or_else(|| Problem::from(Refusal::unknown_key()))?;
    let body = to_json(&QuotaAnswer {
        virtual_key: QuotaKey::of(quota.key, quota.now),
        user_id,
        count: quota.copies.len(),
        access_profiles: quota.copies,
        total_count: quota.total_count,
        limit: page.limit,
        offset: page.offset,
    })?;
    if body.len() > MAX_PAGE_BYTES {
        return Err(page_too_large().into());
    }
    Ok(ok_unless_known(&request, &entity_tag(1, &body), body))
}
