//! A year in some minutes: decisions, carried calls, management and reading beside each other, through kills, a full disk and a clock that
//! is set. Callers keep books of what was acknowledged to them, which have to agree with the server's in the end. The process of the last
//! part lives without faults: its memory, files and log should not grow.
//!
//! Clock steps need `libfaketime` (`apt-get install faketime`); without it they are left out, and that is said.

mod books;
mod callers;
mod faults;
mod management;
mod samples;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::{Duration, Instant};

use self::books::Books;
use self::callers::{Caller, carry, charge, read, reserve};
use self::faults::{Fault, Faults};
use self::management::{Kept, manage};
use self::samples::{Resources, Samples};
use super::house::{Person, make_people};
use super::process::Process;
use super::proxy::start_streams;
use super::server::{Launch, Server, tollkeeper};
use super::table::{Aim, Table};

const PEOPLE: usize = 50;
/// Callers of each kind, but for the one who manages.
const CALLERS: usize = 6;
const READERS: usize = 2;
/// The parts of the time with faults, and in which the last process settles in before its memory is judged.
const WITH_FAULTS: f64 = 0.6;
const SETTLED: f64 = 0.75;
/// How much a figure may grow from then on.
const MOST_GROWTH: f64 = 1.10;
/// How long a disk is full, and how long nothing is done to a server before and after each fault.
const FULL: Duration = Duration::from_secs(30);
const QUIET: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub struct Arguments {
    /// How long it takes
    #[arg(long, default_value_t = 20.0)]
    minutes: f64,
    /// The library that sets the clock of the server alone
    #[arg(
        long,
        default_value = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
    )]
    faketime: PathBuf,
}

/// What callers need to know of the server, which is another one after each kill.
pub struct House {
    /// Where it listens; nothing is asked while it is 0.
    port: AtomicU16,
    operator: String,
    people: Vec<Person>,
    books: Books,
    is_over: AtomicBool,
}

/// Whether nothing was lost and nothing grew.
pub fn run(arguments: &Arguments) -> bool {
    let mut table = Table::default();
    let time = Duration::from_secs_f64(arguments.minutes * 60.0);
    let work = tempfile::tempdir().unwrap();
    let streams = start_streams(work.path());
    let faults = Faults::prepare(work.path(), &arguments.faketime);
    let launch = launch(&faults, &streams);
    let server = launch.fresh();
    let house = House {
        port: AtomicU16::new(server.process.port),
        operator: server.operator.clone(),
        people: make_people(&server, PEOPLE),
        books: Books::default(),
        is_over: AtomicBool::new(false),
    };
    let (server, samples, kept) = std::thread::scope(|scope| {
        let house = &house;
        for number in 0..CALLERS {
            scope.spawn(move || charge(Caller::new(house, "charge", number)));
            scope.spawn(move || reserve(Caller::new(house, "reserve", number)));
            scope.spawn(move || carry(Caller::new(house, "carry", number)));
        }
        for number in 0..READERS {
            scope.spawn(move || read(Caller::new(house, "read", number)));
        }
        let managing = scope.spawn(move || manage(Caller::new(house, "manage", 0)));
        let (server, samples) = conduct(house, server, &launch, &faults, time);
        house.is_over.store(true, Ordering::SeqCst);
        (server, samples, managing.join().unwrap())
    });
    judge(&house, server, &samples, &kept, &mut table);
    table.all_met()
}

fn launch(faults: &Faults, streams: &Process) -> Launch {
    let upstreams = format!(
        r#"[{{ name = "openai", base_url = "http://127.0.0.1:{}" }}]"#,
        streams.port
    );
    Launch::of(&tollkeeper())
        .under(&faults.wrapper())
        .with("TOLLKEEPER_UPSTREAMS", &upstreams)
        .with("TOLLKEEPER_DECISIONS__ON_EXPIRY", "release")
}

/// Does to the server what happens to servers, then nothing; answers the last process.
fn conduct(
    house: &House,
    mut server: Server,
    launch: &Launch,
    faults: &Faults,
    time: Duration,
) -> (Server, Samples) {
    let began = Instant::now();
    let until = |share: f64| began + time.mul_f64(share);
    let mut turn = 0;
    while Instant::now() < until(WITH_FAULTS) {
        std::thread::sleep(QUIET);
        let fault = faults.in_turn(turn);
        turn += 1;
        println!("{:>6.0} s  {}", began.elapsed().as_secs_f64(), fault.name());
        match fault {
            Fault::Killed => {
                house.port.store(0, Ordering::SeqCst);
                server = launch.on(server.kill());
                server.process.wait_for("/ready");
                house.port.store(server.process.port, Ordering::SeqCst);
            }
            Fault::DiskFull => {
                faults.fill_disk(&server.process);
                std::thread::sleep(FULL);
                faults.free_disk(&server.process);
            }
            Fault::ClockSet(seconds) => faults.set_clock(seconds),
        }
    }
    let mut samples = Samples::default();
    while Instant::now() < until(1.0) {
        std::thread::sleep(QUIET);
        let resources = Resources::of(&server);
        println!(
            "{:>6.0} s  {}",
            began.elapsed().as_secs_f64(),
            resources.words()
        );
        if Instant::now() >= until(SETTLED) {
            samples.take(resources);
        }
    }
    (server, samples)
}

fn judge(house: &House, server: Server, samples: &Samples, kept: &Kept, table: &mut Table) {
    println!();
    for (what, growth) in samples.growth() {
        let verdict = table.verdict(Aim::AtMost(MOST_GROWTH).is_met(growth));
        println!("{what:<44} grew to {growth:.2} of what it was (aim <= {MOST_GROWTH})  {verdict}");
    }
    let mut found = house.books.compare(&server);
    found.extend(kept.compare(&server));
    let directory = server.stop();
    found.extend(faults::left_sound(directory.path()));
    for (what, wrong) in found {
        let verdict = table.verdict(wrong.is_none());
        println!("{what:<44} {}  {verdict}", wrong.unwrap_or_default());
    }
}
