//! Starting the workers: the application over every connection, each wrapped in a [`Connection`].
//!
//! What `HttpServer` of actix-web does, put together here because that one can't wrap its connections.

use std::future::Future;
use std::io::Result;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{Extensions, HttpService, Protocol};
use actix_service::{
    IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config,
};
use actix_web::dev::{AppConfig, Server};
use actix_web::middleware::from_fn;
use actix_web::rt::net::{TcpStream, UnixStream};
use actix_web::web;
use tokio::io::{AsyncRead, AsyncWrite};

use super::authenticate::ControlSocket;
use super::connection::Connection;
use super::{State, configure, discipline};

/// How long open requests may take to end after a stop was asked for; the store needs the rest of the 8 seconds (R10).
const DRAIN_SECONDS: u64 = 5;
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long the head of a connection's first request may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to close a connection that we have ended.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Where connections come from.
pub struct Listeners {
    /// The address of the settings, unless only the control socket is served.
    pub network: Option<TcpListener>,
    /// The control socket.
    pub control: UnixListener,
}

/// Starts the workers, one for each core; each holds up to `max_connections`.
///
/// # Errors
/// When a listener can't be used.
pub fn serve(
    listeners: Listeners,
    state: web::Data<State>,
    max_connections: usize,
) -> Result<Server> {
    let server = Server::build()
        .workers(std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
        .max_concurrent_connections(max_connections)
        .shutdown_timeout(DRAIN_SECONDS)
        .disable_signals();
    let draining = server.graceful_shutdown_signal();
    let until_stop = move || {
        let draining = draining.clone();
        async move { draining.notified().await }
    };

    let (for_commands, until) = (state.clone(), until_stop.clone());
    let server = server.listen_uds("control", listeners.control, move || {
        let mark = |extensions: &mut Extensions| {
            extensions.insert(ControlSocket);
        };
        fn_service(|stream: UnixStream| async {
            Ok((Connection::new(stream), Protocol::Http1, None))
        })
        .and_then(requests(for_commands.clone(), until.clone(), mark))
    })?;
    let Some(listener) = listeners.network else {
        return Ok(server.run());
    };
    let server = server.listen("network", listener, move || {
        fn_service(|stream: TcpStream| async {
            let peer = stream.peer_addr().ok();
            Ok((Connection::new(stream), Protocol::Http1, peer))
        })
        .and_then(requests(state.clone(), until_stop.clone(), |_| ()))
    })?;
    Ok(server.run())
}

/// Serves the requests of a connection. `mark` says on the connection where it comes from.
fn requests<T, F>(
    state: web::Data<State>,
    until_stop: impl Fn() -> F + 'static,
    mark: impl Fn(&mut Extensions) + 'static,
) -> impl ServiceFactory<
    (Connection<T>, Protocol, Option<SocketAddr>),
    Config = (),
    Response = (),
    Error = DispatchError,
    InitError = (),
>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
    F: Future<Output = ()> + 'static,
{
    let application = actix_web::App::new()
        .configure(configure(state))
        .wrap(from_fn(discipline::apply))
        .into_factory()
        .map_err(|error: actix_web::Error| error.error_response());
    HttpService::build()
        .graceful_shutdown_signal(until_stop)
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(HEAD_TIMEOUT)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        .on_connect_ext(move |connection: &Connection<T>, extensions| {
            extensions.insert(connection.waiting());
            mark(extensions);
        })
        .finish(map_config(application, |()| AppConfig::default()))
}
