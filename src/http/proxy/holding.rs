//! Holding what a call may cost for as long as somebody waits for the answer.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::domain::decision::{Call, Granted};
use crate::error::{Error, Result};
use crate::ledger::{Decision, Ender};
use crate::service::Services;

/// Holds what a call may cost, and frees it again when nobody waits for it any more: then it will not be sent.
///
/// # Errors
/// Those of the ledger.
pub async fn reserve(services: Arc<Services>, call: Call, by: Ender) -> Result<Decision<Granted>> {
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let granted = services.ledger.reserve(call).await;
        if let Err(Ok(Ok(granted))) = tell.send(granted) {
            let freed = services.ledger.cancel(granted.reservation, by);
            if let Err(error) = freed.await {
                log::error!("freeing what was held for a caller who has gone: {error}");
            }
        }
    });
    let gone = |_| {
        Err(Error::internal(
            "holding what a call may cost",
            "nobody answers",
        ))
    };
    told.await.unwrap_or_else(gone)
}
