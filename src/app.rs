//! Wiring: opens the store, makes the first key, binds, serves, and stops in order.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use actix_web::{rt, web};
use tokio::sync::{Semaphore, watch};

use crate::config::{Settings, said};
use crate::domain::credential::Token;
use crate::domain::server_status::StartFacts;
use crate::domain::settings::Deadlines;
use crate::error::{Error, Result};
use crate::file_limit;
use crate::gateway::proxy::Proxy;
use crate::http::certificates::Certificates;
use crate::http::core::attempts::{Attempts, BadHolders};
use crate::http::core::base_path::BasePath;
use crate::http::core::client_address::TrustedProxies;
use crate::http::core::context::RequestIds;
use crate::http::core::hosts::Hosts;
use crate::http::core::replays::Replays;
use crate::http::core::request_figures::RequestFigures;
use crate::http::core::settings_in_force::SettingsInForce;
use crate::http::core::slow_work::SlowWork;
use crate::http::core::state::State;
use crate::http::metrics;
use crate::http::openapi;
use crate::http::serve::{Listeners, most_open, serve};
use crate::ledger::Ledger;
use crate::listening::{self, Bound, SocketFile, listen_for_commands};
use crate::prepared::Prepared;
use crate::reload::{ReadSettings, Reloading};
use crate::repeating::Repeating;
use crate::retries::Retries;
use crate::service::api_keys::keyring::Keyring;
use crate::service::api_keys::{first_start, key_uses};
use crate::service::backups::known::Backups;
use crate::service::backups::restored;
use crate::service::changed_settings::{self, SettingsMoment};
use crate::service::decisions::near_limits::NearLimitCount;
use crate::service::price_book::PriceBook;
use crate::service::revocations::{Revocations, storing};
use crate::service::sign_in::SignInCodes;
use crate::service::{Clock, Services};
use crate::signals::{asked_to_stop, reloaded_when_asked};
use crate::store::directory::DataDirectory;
use crate::store::lists::read_cache::ReadCache;
use crate::store::{self, Store};
use crate::supervisor;
use crate::{backup_schedule, certificate_watch, upkeep};

/// A server that is bound and not yet running.
pub struct App {
    listeners: Listeners,
    state: web::Data<State>,
    max_connections: usize,
    deadlines: Deadlines,
    services: Arc<Services>,
    first_key: Option<Token>,
    socket: PathBuf,
    addresses: Vec<SocketAddr>,
    places: Vec<String>,
    sockets: Vec<SocketFile>,
    reload: Option<Reloading>,
    metrics_port: Option<u16>,
    stop: watch::Sender<bool>,
    /// What is done again and again, in the order in which it stops.
    repeating: Vec<Repeating>,
    retries: Retries,
}

/// Stops a running server from another thread.
#[derive(Clone)]
pub struct Stopper(watch::Sender<bool>);

impl Stopper {
    /// Asks the server to drain and stop; [`App::run`] then returns.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// Who may reach the server.
pub enum Reach {
    /// The addresses of the settings, and the control socket.
    Network,
    /// One command, by a socket of its own, on a directory that it holds while no server does. Makes no first key.
    Command(DataDirectory),
}

/// Opens the data directory and binds; nothing is written when anything is in the way.
///
/// # Errors
/// [`Error::Refused`]: one sentence with the path or address and what to do; [`Error::Settings`] with every mistake in the settings.
pub fn build(settings: &Settings, clock: Clock, reach: Reach) -> Result<App> {
    let is_command = matches!(reach, Reach::Command(_));
    let (bound, for_metrics, max_connections, directory) = match reach {
        Reach::Network => {
            let room = file_limit::make_room(settings.server.max_connections, most_open)?;
            let bound = listening::listen(settings, Prepared::read(settings)?.certificate)?;
            let for_metrics = metrics::listen(settings.metrics.listen)?;
            let directory = DataDirectory::own(&settings.storage.data_dir)?.ours()?;
            directory.has_initial_key()?;
            (bound, for_metrics, room, directory)
        }
        // A command serves itself alone, whatever there would be room for.
        Reach::Command(directory) => {
            let room = settings.server.max_connections;
            (Bound::default(), None, room, directory)
        }
    };
    let directory = Arc::new(directory);
    let services = open(settings, clock, &directory, max_connections)?;
    services.keyring.learn_hints(&services.store)?;
    storing::resume(&services)?;
    restored::tell(&services);
    let first_key = if is_command {
        None
    } else {
        changed_settings::tell(&services, &said(&settings.shown()), SettingsMoment::Start);
        first_start::make_first_key(&services, settings.bootstrap_key_file.as_deref())?
    };
    let base_path = settings.server.base_path.clone();
    let page_url = bound.page_url(&base_path);
    let socket = if is_command {
        directory.command_socket()
    } else {
        directory.control_socket()
    };
    let control = listen_for_commands(&socket)?;
    let metrics_port = for_metrics.as_ref().and_then(listening::port_of);
    let state = web::Data::new(State {
        services: Arc::clone(&services),
        body_timeout: settings.server.deadlines.body,
        proxies: TrustedProxies(settings.server.trusted_proxies.clone()),
        attempts: Attempts::default(),
        bad_holders: BadHolders::default(),
        refused_calls: Arc::default(),
        request_figures: RequestFigures::default(),
        near_limits: NearLimitCount::default(),
        hosts: Hosts::new(
            &settings.server.allowed_hosts,
            bound.addresses.iter().map(SocketAddr::ip).collect(),
        ),
        base_path: BasePath::new(&settings.server.base_path),
        request_ids: RequestIds::new(),
        read_permits: Arc::new(Semaphore::new(store::READERS as usize)),
        slow: SlowWork::default(),
        download: Arc::new(Semaphore::new(1)),
        page_url,
        certificates: bound.certificates.clone(),
        read_answers: ReadCache::default(),
        explained_names: ReadCache::default(),
        replays: Replays::default(),
        openapi: LazyLock::new(Box::new(move || openapi::served(&base_path))),
        rate_limit_headers: settings.decisions.rate_limit_headers,
        proxy: Proxy::new(&settings.upstreams, settings.proxy.clone())?,
        refusals: settings.refusals.clone(),
        settings: SettingsInForce::new(settings.shown()),
    });
    let mut repeating = Vec::new();
    if !is_command {
        repeating.push(backup_schedule::start(Arc::clone(&services))?);
    }
    let grace = settings.virtual_keys.rotation_grace;
    repeating.push(upkeep::start(Arc::clone(&services), grace)?);
    if let Some(certificates) = bound.certificates {
        repeating.push(certificate_watch::start(
            certificates,
            services.clock.clone(),
        )?);
    }
    Ok(App {
        listeners: Listeners {
            network: bound.listeners,
            metrics: for_metrics,
            control,
        },
        state,
        max_connections,
        deadlines: settings.server.deadlines,
        retries: Retries::start(Arc::clone(&services))?,
        repeating,
        services,
        first_key,
        socket,
        addresses: bound.addresses,
        places: bound.places,
        sockets: bound.sockets,
        reload: None,
        metrics_port,
        stop: watch::Sender::new(false),
    })
}

impl App {
    /// The port of the first address that was bound; 0 when none was.
    pub fn port(&self) -> u16 {
        self.addresses.first().map_or(0, SocketAddr::port)
    }

    /// The addresses that were bound, in the order of the settings.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where the server is reached, as people write it: addresses and Unix sockets.
    pub fn places(&self) -> String {
        self.places.join(", ")
    }

    /// The port of the listener that shows metrics and nothing else, if there is one.
    pub fn metrics_port(&self) -> Option<u16> {
        self.metrics_port
    }

    /// The address of the page on this machine; none when only the control socket was bound.
    pub fn page_url(&self) -> Option<&str> {
        self.state.page_url.as_deref()
    }

    /// The first key, if this start made it; it is given once.
    pub fn take_first_key(&mut self) -> Option<Token> {
        self.first_key.take()
    }

    /// What the server works with, for tests that look behind the scenes.
    pub fn services(&self) -> &Arc<Services> {
        &self.services
    }

    /// What encrypted connections are served with, for the same tests.
    pub fn certificates(&self) -> Option<&Arc<Certificates>> {
        self.state.certificates.as_ref()
    }

    /// A handle that stops the server from another thread.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone())
    }

    /// What SIGHUP reads again, by what read `started`; without it SIGHUP ends the process, as it does a command.
    pub fn reload_by(&mut self, read: ReadSettings, started: Settings) {
        self.reload = Some(Reloading {
            read,
            in_force: started.clone(),
            started,
            state: self.state.clone().into_inner(),
        });
    }

    /// Serves until SIGTERM, Ctrl-C or [`Stopper::stop`]; then drains, flushes and returns. Calls `serving` when requests are
    /// taken and a signal ends in that order: before, it would end the process on the spot.
    ///
    /// # Errors
    /// When serving or flushing failed.
    pub fn run(self, serving: impl FnOnce()) -> Result<()> {
        let Self {
            listeners,
            state,
            max_connections,
            deadlines,
            services,
            socket,
            stop,
            repeating,
            retries,
            sockets,
            reload,
            ..
        } = self;
        let (shared, ending) = (state.clone(), Arc::clone(&services));
        let served = rt::System::new().block_on(async move {
            let (served, stopper) = serve(listeners, &state, max_connections, deadlines)?.split();
            let asked = asked_to_stop(stop);
            if let Some(reload) = reload {
                rt::spawn(reloaded_when_asked(reload));
            }
            rt::spawn(async move {
                asked.await;
                ending.backups.end();
                stopper.stop().await;
            });
            rt::spawn(supervisor::reap_orphans());
            serving();
            served.await
        });
        shared.refused_calls.end();
        retries.stop();
        services.backups.stop();
        drop(repeating);
        // The socket of a server that is gone would only puzzle the next command.
        let _ = std::fs::remove_file(&socket);
        drop(sockets);
        if let Err(error) = key_uses::write(&services) {
            log::warn!("noting when keys were used: {error}");
        }
        services.ledger.stop();
        let closed = services.store.close(services.clock.now());
        served.map_err(|error| Error::internal("serving", error))?;
        closed
    }
}

/// Opens what is stored, and starts what answers from it. `room` is that for connections.
fn open(
    settings: &Settings,
    clock: Clock,
    directory: &Arc<DataDirectory>,
    room: usize,
) -> Result<Arc<Services>> {
    let backups = Backups::open(directory, &settings.backup)?;
    let store = Arc::new(Store::open(Arc::clone(directory), clock.now())?);
    let prices = PriceBook::open(&settings.prices)?;
    prices.load(&store)?;
    let ledger_clock = clock.clone();
    let now = move || ledger_clock.now();
    let ledger = Ledger::start(
        Arc::clone(&store),
        &settings.decisions,
        &settings.time_zone,
        now,
    )?;
    Ok(Arc::new(Services {
        start: StartFacts {
            at: clock.now(),
            clock_before: ledger.latest_time(),
            max_connections: settings.server.max_connections,
            connection_room: room,
        },
        ledger,
        revocations: Revocations::open(directory)?,
        store,
        keyring: Keyring::start()?,
        sign_in_codes: SignInCodes::default(),
        backups,
        prices,
        clock,
        time_zone: settings.time_zone.clone(),
    }))
}
