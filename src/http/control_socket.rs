//! The control socket: a file in the data directory by which commands reach the server, for whoever may open it.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use crate::error::{Error, Result};
use crate::store::directory::DataDirectory;

/// Longest path of a Unix socket that every system takes.
const MAX_SOCKET_PATH: usize = 100;

/// Makes the socket anew.
///
/// # Errors
/// [`Error::Refused`] when it can't be listened on.
pub fn listen(directory: &DataDirectory) -> Result<UnixListener> {
    let path = directory.control_socket();
    if path.as_os_str().len() > MAX_SOCKET_PATH {
        return Err(Error::refused(format!(
            "the path of the data directory is too long for its control socket ({} of {MAX_SOCKET_PATH} bytes): {}; \
             choose a shorter one with --data-dir",
            path.as_os_str().len(),
            path.display()
        )));
    }
    // Whoever left it there is gone: the lock is ours.
    let _ = std::fs::remove_file(&path);
    let bind = || {
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    };
    bind().map_err(|error: std::io::Error| {
        Error::refused(format!("can't listen on {}: {error}", path.display()))
    })
}
