//! The ledger's thread.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::message::Message;
use crate::domain::settings::DecisionSettings;
use crate::error::{Error, Result};
use crate::store::Store;

/// Starts the thread.
pub(super) fn start(
    store: Arc<Store>,
    _settings: DecisionSettings,
    _zone: TimeZone,
    _clock: impl Fn() -> Timestamp + Send + 'static,
    waiting: Receiver<Message>,
) -> Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("ledger".to_owned())
        .spawn(move || {
            while let Ok(message) = waiting.recv() {
                match message {
                    Message::Change(mut change) => {
                        let work = change.work();
                        let outcome = store.write(move |writing| match work {
                            Some(work) => work(writing).map(|_| ()),
                            None => Ok(()),
                        });
                        change.answer(outcome);
                    }
                    Message::Stop(done) => {
                        let _ = done.send(());
                        return;
                    }
                    _ => {}
                }
            }
        })
        .map_err(|error| Error::internal("starting the ledger's thread", error))
}
