//! What signals ask of a running server: SIGTERM and Ctrl-C to stop, SIGHUP to read the settings again.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::error::{Error, Result};
use crate::reload::Reloading;
use crate::supervisor;

/// Ends when the server is to stop. Signals are received from the call on, not only from the first poll on.
pub fn asked_to_stop(stop: watch::Sender<bool>) -> impl Future<Output = ()> {
    let signals = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    async move {
        let mut asked = stop.subscribe();
        let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
            log::error!("signals can't be received");
            // The sender lives in this function, so this only ends when it is set.
            let _ = asked.wait_for(|asked| *asked).await;
            return;
        };
        tokio::select! {
            _ = asked.wait_for(|asked| *asked) => {}
            _ = terminate.recv() => log::info!("SIGTERM: draining"),
            _ = interrupt.recv() => log::info!("interrupted: draining"),
        }
        supervisor::stopping();
    }
}

/// Reads the settings again at every SIGHUP, one after the other. Signals are received from the call on.
pub fn reloaded_when_asked(mut reload: Reloading) -> impl Future<Output = ()> {
    let hangups = signal(SignalKind::hangup());
    async move {
        let Ok(mut hangups) = hangups else {
            log::error!("SIGHUP can't be received");
            return;
        };
        while hangups.recv().await.is_some() {
            // It reads files.
            let done = tokio::task::spawn_blocking(move || {
                supervisor::reloading();
                reload.run();
                supervisor::ready();
                reload
            });
            reload = match done.await {
                Ok(reload) => reload,
                Err(error) => {
                    log::error!(
                        "reading the settings again: {error}; SIGHUP does nothing from now on"
                    );
                    return;
                }
            };
        }
    }
}

/// From now on SIGHUP does not end this process; before the server runs it does nothing.
///
/// # Errors
/// [`Error::Internal`] when the system gives no signals.
pub fn survive_hangups() -> Result<()> {
    let failed = |error| Error::internal("preparing for SIGHUP", error);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let _entered = runtime.enter();
    // Who receives it first takes it from the system for good.
    signal(SignalKind::hangup()).map(drop).map_err(failed)
}
