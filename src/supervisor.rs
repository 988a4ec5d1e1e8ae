//! What a supervisor such as systemd is told: that the server takes requests, reads its settings again, lives, or stops. Where there is
//! none (no `NOTIFY_SOCKET` among the variables), nothing.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::WaitOptions;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};

use crate::error::Result;
use crate::repeating::Repeating;
use crate::service::{Services, status};

/// Says that requests are taken.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Says that the settings are read again; [`ready`] ends it.
pub fn reloading() {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        tell(&[NotifyState::Reloading, now]);
    }
}

/// Says that the server drains.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Waits for processes that lost their parents, where this one is the first of all, as in a container: nobody else would.
pub async fn reap_orphans() {
    if std::process::id() != 1 {
        return;
    }
    let Ok(mut ended) = signal(SignalKind::child()) else {
        return log::warn!(
            "processes that end in this container stay as zombies: SIGCHLD can't be received"
        );
    };
    while ended.recv().await.is_some() {
        while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        log::warn!("telling the supervisor: {error}");
    }
}

/// Starts telling the supervisor that the server lives, if it asks for that and as often as it does: while HTTP is answered, the ledger
/// replies and the writer is there. A full disk does not count, because a new start would not mend it.
///
/// # Errors
/// As [`Repeating::start`].
pub fn watchdog(services: Arc<Services>, socket: PathBuf) -> Result<Option<Repeating>> {
    let Some(within) = sd_notify::watchdog_enabled() else {
        return Ok(None);
    };
    let between = within / 3;
    let watch = move || {
        let fault = match answers(&socket, between) {
            Err(error) => Some(format!("the server does not answer itself: {error}")),
            Ok(()) if status::can_decide(&services) => None,
            Ok(()) => {
                Some("the thread that decides or the one that writes down has ended".to_owned())
            }
        };
        match fault {
            None => tell(&[NotifyState::Watchdog]),
            Some(fault) => {
                log::error!("{fault}; the supervisor is not told that the server lives");
            }
        }
        between
    };
    Repeating::start("watchdog", between, watch).map(Some)
}

/// Asks the server as a client would, by the control socket, for which there is always a place.
fn answers(socket: &Path, within: Duration) -> std::io::Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(within))?;
    stream.set_write_timeout(Some(within))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut begin = [0; 12];
    stream.read_exact(&mut begin)?;
    if &begin == b"HTTP/1.1 200" {
        return Ok(());
    }
    Err(std::io::Error::other("no answer of ours"))
}
