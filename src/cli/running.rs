//! Asking a server that may be running, without starting one and without waiting long.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::error::{Error, Result};
use crate::store::directory::files::CONTROL_SOCKET;
use crate::store::directory::place;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What comes of asking.
pub(super) enum ServerAnswer {
    /// Nobody listens there.
    Nobody,
    /// Somebody does, and gives no answer that can be read.
    Silent(String),
    /// It answered.
    Answered {
        /// Whether with success.
        is_ok: bool,
        /// What.
        body: Value,
    },
}

/// Asks the server of a data directory over its control socket.
///
/// # Errors
/// [`Error::Forbidden`] with whom to be, where this user may not look into the directory or not open the socket.
pub(super) fn ask(data_dir: &Path, path: &str) -> Result<ServerAnswer> {
    // What this user can't look into may be the place of a server.
    place::holds_database(data_dir)?;
    ask_socket(&place::find(data_dir).join(CONTROL_SOCKET), path)
}

/// Asks the server that listens on a Unix socket.
///
/// # Errors
/// [`Error::Forbidden`] with whom to be, where this user may not open it.
pub(super) fn ask_socket(socket: &Path, path: &str) -> Result<ServerAnswer> {
    match asked(async { exchange(UnixStream::connect(socket).await?, path).await })? {
        Ok(answer) => Ok(answer),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Err(place::unusable(socket, &error))
        }
        Err(error) => Ok(unanswered(&error)),
    }
}

/// Asks the server that listens on an address of this machine.
pub(super) fn ask_address(address: SocketAddr, path: &str) -> Result<ServerAnswer> {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let address = SocketAddr::new(ip, address.port());
    let asked = asked(async { exchange(TcpStream::connect(address).await?, path).await })?;
    Ok(asked.unwrap_or_else(|error| unanswered(&error)))
}

/// What comes of asking, within the time that an answer may take.
fn asked(
    exchange: impl Future<Output = std::io::Result<ServerAnswer>>,
) -> Result<std::io::Result<ServerAnswer>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::internal("starting to call the server", error))?;
    let within = runtime.block_on(async { tokio::time::timeout(PATIENCE, exchange).await });
    Ok(within.unwrap_or_else(|_| {
        let said = format!("no answer within {} s", PATIENCE.as_secs());
        Ok(ServerAnswer::Silent(said))
    }))
}

fn unanswered(error: &std::io::Error) -> ServerAnswer {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => ServerAnswer::Nobody,
        _ => ServerAnswer::Silent(error.to_string()),
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    path: &str,
) -> std::io::Result<ServerAnswer> {
    let failed = std::io::Error::other::<hyper::Error>;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    tokio::spawn(connection);
    let request = Request::get(path).header("host", "localhost");
    let request = request
        .body(Empty::<Bytes>::new())
        .map_err(std::io::Error::other)?;
    let response = sender.send_request(request).await.map_err(failed)?;
    let is_ok = response.status().is_success();
    let bytes = response.into_body().collect().await.map_err(failed)?;
    let body = serde_json::from_slice(&bytes.to_bytes())?;
    Ok(ServerAnswer::Answered { is_ok, body })
}
