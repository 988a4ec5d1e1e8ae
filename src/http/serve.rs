//! Starting the workers: the application over every connection, each of which has a place and deadlines.
//!
//! What `HttpServer` of actix-web does, put together here because that one can't wrap its connections. The control socket has a
//! server of its own, so that an operator gets in however many others there are.

use std::future::Future;
use std::io::Result;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{Extensions, HttpService, KeepAlive, Protocol};
use actix_server::{Server, ServerBuilder, ServerHandle};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, apply_fn_factory, map_config,
};
use actix_web::dev::AppConfig;
use actix_web::middleware::from_fn;
use actix_web::rt::net::{TcpStream, UnixStream};
use actix_web::web;
use futures_util::future::{join_all, try_join_all};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::domain::settings::Deadlines;
use crate::http::connection::{Connection, Connections, Encrypted, Places, Served, Socket};
use crate::http::core::authenticate::ControlSocket;
use crate::http::core::discipline;
use crate::http::core::hosts::MetricsListener;
use crate::http::core::state::State;
use crate::http::mount;

/// How long open requests may take to end after a stop was asked for; the store needs the rest of the 8 seconds (R10).
const DRAIN_SECONDS: u64 = 5;
/// How long a client may take to close a connection that we have ended.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Connections of the control socket at a time.
const CONTROL_PLACES: usize = 32;
/// Connections of the listener for metrics at a time.
const METRICS_PLACES: usize = 16;
/// Connections that each worker accepts beyond its share of the places, where they wait for one.
const WAITING: usize = 4;
/// Files of each worker beside its connections: what its runtime waits with and is woken by takes three, its readers of the database
/// the others.
const FILES_OF_A_WORKER: usize = 8;
/// Where those are who come over a Unix socket: on this machine.
const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Bytes that large answers may hold in all before those are given up that nobody reads.
const MOST_HELD: usize = 64 * 1024 * 1024;

/// Where connections come from.
pub struct Listeners {
    /// Those of the settings; none when only the control socket is served.
    pub network: Vec<Listener>,
    /// The address that shows metrics and nothing else, if there is one.
    pub metrics: Option<TcpListener>,
    /// The control socket.
    pub control: UnixListener,
}

/// What was bound.
pub enum Listener {
    /// Of plain connections.
    Plain(TcpListener),
    /// Of encrypted ones.
    Encrypted(TcpListener, Arc<ServerConfig>),
    /// Of programs on this machine.
    Unix(UnixListener),
}

/// What runs.
pub struct Running {
    servers: Vec<Server>,
    stopper: StopHandle,
}

/// Stops what runs.
pub struct StopHandle {
    handles: Vec<ServerHandle>,
    places: Vec<Arc<Places>>,
}

/// How many files the workers may have open at a time when `max_connections` have a place: connections, and what each runs on.
pub fn most_open(max_connections: usize) -> usize {
    let workers = workers();
    let accepted = workers * accepted_by_each(max_connections, workers)
        + accepted_by_each(CONTROL_PLACES, 1)
        + accepted_by_each(METRICS_PLACES, 1);
    accepted + FILES_OF_A_WORKER * (workers + 2)
}

fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn accepted_by_each(places: usize, workers: usize) -> usize {
    places.div_ceil(workers) + WAITING
}

/// Starts the workers: one for each core, which share `max_connections` places, one for the control socket, and one for metrics if they
/// have an address of their own.
///
/// # Errors
/// When a listener can't be used.
pub fn serve(
    listeners: Listeners,
    state: &web::Data<State>,
    max_connections: usize,
    deadlines: Deadlines,
) -> Result<Running> {
    let mut running = Running {
        servers: Vec::new(),
        stopper: StopHandle {
            handles: Vec::new(),
            places: Vec::new(),
        },
    };
    let (builder, places) = running.prepare(1, CONTROL_PLACES);
    let (application, until_stop) = (state.clone(), until_stop(&builder));
    let server = builder.listen_uds("control", listeners.control, move || {
        let mark = |extensions: &mut Extensions| {
            extensions.insert(ControlSocket);
        };
        let worker = Connections::new(deadlines, Arc::clone(&places), MOST_HELD);
        let requests = requests(
            mount::configure(application.clone()),
            until_stop.clone(),
            mark,
        );
        connections(worker, requests, |stream: UnixStream| (stream, None))
    })?;
    running.add(server);
    if let Some(listener) = listeners.metrics {
        let (builder, places) = running.prepare(1, METRICS_PLACES);
        let (application, until_stop) = (state.clone(), self::until_stop(&builder));
        let server = builder.listen("metrics", listener, move || {
            let mark = |extensions: &mut Extensions| {
                extensions.insert(MetricsListener);
            };
            let worker = Connections::new(deadlines, Arc::clone(&places), MOST_HELD);
            let requests = requests(
                mount::configure_metrics(application.clone()),
                until_stop.clone(),
                mark,
            );
            connections(worker, requests, |stream: TcpStream| {
                let from = prepared(&stream);
                (stream, from)
            })
        })?;
        running.add(server);
    }
    if listeners.network.is_empty() {
        return Ok(running);
    }
    let workers = workers();
    let (mut builder, places) = running.prepare(workers, max_connections);
    let network = Network {
        state: state.clone(),
        until_stop: self::until_stop(&builder),
        places,
        deadlines,
    };
    for listener in listeners.network {
        let network = network.clone();
        builder = match listener {
            Listener::Plain(listener) => builder.listen("network", listener, move || {
                network.served(|stream: TcpStream| {
                    let from = prepared(&stream);
                    (stream, from)
                })
            })?,
            Listener::Encrypted(listener, config) => {
                builder.listen("encrypted", listener, move || {
                    let config = Arc::clone(&config);
                    network.served(move |stream: TcpStream| {
                        let from = prepared(&stream);
                        (Encrypted::new(stream, &config), from)
                    })
                })?
            }
            Listener::Unix(listener) => builder.listen_uds("unix", listener, move || {
                network.served(|stream: UnixStream| (stream, Some(LOCAL)))
            })?,
        };
    }
    running.add(builder);
    Ok(running)
}

/// What the listeners of the settings share.
#[derive(Clone)]
struct Network<U> {
    state: web::Data<State>,
    until_stop: U,
    places: Arc<Places>,
    deadlines: Deadlines,
}

impl<U, W> Network<U>
where
    U: Fn() -> W + Clone + 'static,
    W: Future<Output = ()> + 'static,
{
    /// What serves the connections of a listener in one worker.
    fn served<S, T: Socket + 'static, A: Fn(S) -> (T, Option<SocketAddr>) + Clone>(
        &self,
        accept: A,
    ) -> impl ServiceFactory<S, Config = (), Response = (), Error = DispatchError, InitError = ()>
    + use<S, T, A, U, W> {
        let worker = Connections::new(self.deadlines, Arc::clone(&self.places), MOST_HELD);
        let requests = requests(
            mount::configure(self.state.clone()),
            self.until_stop.clone(),
            |_| (),
        );
        connections(worker, requests, accept)
    }
}

/// Prepares a connection; answers where it comes from.
fn prepared(stream: &TcpStream) -> Option<SocketAddr> {
    // The last piece of an answer would wait until the one before it is acknowledged, which clients put off for 40 ms.
    let _ = stream.set_nodelay(true);
    stream.peer_addr().ok()
}

impl Running {
    fn prepare(&mut self, workers: usize, places: usize) -> (ServerBuilder, Arc<Places>) {
        let builder = Server::build()
            .workers(workers)
            .max_concurrent_connections(accepted_by_each(places, workers))
            .shutdown_timeout(DRAIN_SECONDS)
            .disable_signals();
        let places = Arc::new(Places::new(places));
        self.stopper.places.push(Arc::clone(&places));
        (builder, places)
    }

    fn add(&mut self, server: ServerBuilder) {
        let server = server.run();
        self.stopper.handles.push(server.handle());
        self.servers.push(server);
    }

    /// What serves until it is stopped, and what stops it.
    pub fn split(self) -> (impl Future<Output = Result<()>>, StopHandle) {
        let serving = try_join_all(self.servers);
        (async move { serving.await.map(|_| ()) }, self.stopper)
    }
}

impl StopHandle {
    /// Lets open requests end, and the connections with them.
    pub async fn stop(self) {
        self.places.iter().for_each(|places| places.close());
        join_all(self.handles.iter().map(|handle| handle.stop(true))).await;
    }
}

fn until_stop(
    server: &ServerBuilder,
) -> impl Fn() -> futures_util::future::LocalBoxFuture<'static, ()> + Clone + Send + 'static {
    let draining = server.graceful_shutdown_signal();
    move || {
        let draining = draining.clone();
        Box::pin(async move { draining.notified().await })
    }
}

/// Serves the connections of one worker. `accept` makes of what was accepted what is spoken over, and says where it comes from.
fn connections<S, T, F>(
    worker: Rc<Connections>,
    requests: F,
    accept: impl Fn(S) -> (T, Option<SocketAddr>) + Clone,
) -> impl ServiceFactory<S, Config = (), Response = (), Error = DispatchError, InitError = ()>
where
    T: Socket + 'static,
    F: ServiceFactory<
            (Connection<T>, Protocol, Option<SocketAddr>),
            Config = (),
            Response = (),
            Error = DispatchError,
            InitError = (),
        >,
{
    apply_fn_factory(requests, move |stream: S, requests: &F::Service| {
        let (stream, from) = accept(stream);
        let (served, connection) = Served::new(stream, &worker);
        let requests = requests.call((connection, Protocol::Http1, from));
        async move {
            served.run(requests).await;
            Ok(())
        }
    })
}

/// Serves the requests of a connection to what `configure` mounts. `mark` says on the connection where it comes from.
fn requests<T, F>(
    configure: impl FnOnce(&mut web::ServiceConfig),
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
        .configure(configure)
        .wrap(from_fn(discipline::apply))
        .into_factory()
        .map_err(|error: actix_web::Error| error.error_response());
    HttpService::build()
        .graceful_shutdown_signal(until_stop)
        // Deadlines are the connection's.
        .keep_alive(KeepAlive::Os)
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        .on_connect_ext(move |connection: &Connection<T>, extensions| {
            extensions.insert(connection.progress());
            extensions.insert(connection.all());
            mark(extensions);
        })
        .finish(map_config(application, |()| AppConfig::default()))
}
