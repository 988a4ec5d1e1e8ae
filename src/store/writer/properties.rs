//! What the writer must keep, whatever the closures do: exactly the effects of what was acknowledged, in order.

use std::sync::mpsc::Receiver;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::domain::audit::ChainKey;
use crate::store::directory::{DataDirectory, Owned};
use crate::store::handle::Store;

/// What one closure does after writing its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Succeed,
    Fail,
    Panic,
    /// Leaves a reference to nothing, which only the commit notices.
    SpoilCommit,
}

/// A closure: so many rows, then its end.
type Step = (u8, End);

fn steps(ends: &'static [End]) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((0_u8..4, prop::sample::select(ends)), 1..12)
}

const TABLES: &str = "CREATE TABLE marks (id INTEGER PRIMARY KEY AUTOINCREMENT, thread INTEGER, step INTEGER, row INTEGER);
     CREATE TABLE parents (id INTEGER PRIMARY KEY);
     CREATE TABLE children (parent INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED);";

fn work(thread: u16, step: u16, (rows, end): Step) -> impl FnOnce(&Writing<'_>) -> Result<()> {
    move |writing| {
        for row in 0..rows {
            writing
                .connection
                .prepare_cached("INSERT INTO marks (thread, step, row) VALUES (?1, ?2, ?3)")
                .and_then(|mut statement| statement.execute((thread, step, row)))
                .doing("marking")?;
        }
        match end {
            End::Succeed => Ok(()),
            End::Fail => Err(Error::refused("as asked")),
            End::Panic => panic!("as asked"),
            End::SpoilCommit => writing
                .connection
                .execute("INSERT INTO children VALUES (1)", [])
                .map(|_| ())
                .doing("spoiling the commit"),
        }
    }
}

type Mark = (u16, u16, u8);

fn marks(connection: &Connection) -> Vec<Mark> {
    let mut statement = connection
        .prepare("SELECT thread, step, row FROM marks ORDER BY id")
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    rows.unwrap().map(rusqlite::Result::unwrap).collect()
}

fn open_store(root: &std::path::Path) -> Store {
    let Owned::Ours(directory) = DataDirectory::own(root).unwrap() else {
        panic!("a fresh directory is in use");
    };
    let store = Store::open(Arc::new(directory), Timestamp::UNIX_EPOCH).unwrap();
    let make = |writing: &Writing<'_>| writing.connection.execute_batch(TABLES).doing("preparing");
    store.write(Needs::ALL, make).unwrap();
    store
}

/// The writer's loop without its thread, so that a test says what is in one batch.
fn open_loop(root: &std::path::Path) -> Loop {
    let path = root.join("loop.db");
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;")
        .unwrap();
    connection.execute_batch(TABLES).unwrap();
    Loop {
        checkpoints: Checkpoints::start(&connection).unwrap(),
        connection,
        chain: Arc::new(ChainKeeper::of(ChainKey([7; 32]))),
        health: Arc::new(Health::new(path, true).unwrap()),
        gate: Arc::default(),
        generation: Arc::default(),
        figures: Arc::default(),
        synced: Cell::new(true),
    }
}

/// Runs closures as one batch; answers what each caller was told.
fn commit_batch<W>(writer: &Loop, batch: Vec<W>) -> Vec<Result<()>>
where
    W: FnOnce(&Writing<'_>) -> Result<()> + Send + 'static,
{
    let (jobs, callers): (Vec<_>, Vec<Receiver<Result<()>>>) = batch
        .into_iter()
        .map(|work| {
            let (answer, receiver) = to_a_caller();
            (job(work, Needs::ALL, answer), receiver)
        })
        .unzip();
    writer.commit(jobs);
    callers.iter().map(|told| told.recv().unwrap()).collect()
}

fn quietly<T>(work: impl FnOnce() -> T) -> T {
    // Panics are part of these tests; their reports would hide a real one.
    static HOOK: std::sync::Once = std::sync::Once::new();
    HOOK.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if panic.payload_as_str() != Some("as asked") {
                report(panic);
            }
        }));
    });
    work()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exactly_what_was_acknowledged_is_there_in_order(
        threads in prop::collection::vec(steps(&[End::Succeed, End::Fail, End::Panic]), 1..5)
    ) {
        let root = tempfile::tempdir().unwrap();
        let store = open_store(root.path());
        quietly(|| std::thread::scope(|scope| {
            for (thread, steps) in (0_u16..).zip(&threads) {
                let store = &store;
                scope.spawn(move || {
                    for (number, step) in (0_u16..).zip(steps) {
                        let before = store.generation();
                        let told = store.write(Needs::ALL, work(thread, number, *step));
                        assert_eq!(told.is_ok(), step.1 == End::Succeed, "{told:?}");
                        assert!(store.generation() > before);
                    }
                });
            }
        }));
        let found = store.read(|reading| Ok(marks(reading.connection))).unwrap();
        for (thread, steps) in (0_u16..).zip(&threads) {
            let expected: Vec<Mark> = (0_u16..).zip(steps)
                .filter(|(_, (_, end))| *end == End::Succeed)
                .flat_map(|(number, (rows, _))| (0..*rows).map(move |row| (thread, number, row)))
                .collect();
            let theirs: Vec<Mark> = found.iter().filter(|mark| mark.0 == thread).copied().collect();
            prop_assert_eq!(theirs, expected);
        }
        // Closures are serial: between the rows of one there is none of another.
        for pair in found.windows(2) {
            prop_assert!(pair[1].2 == 0 || pair[0] == (pair[1].0, pair[1].1, pair[1].2 - 1), "{:?}", pair);
        }
        store.close(Timestamp::UNIX_EPOCH).unwrap();
    }

    #[test]
    fn a_failed_commit_fails_all_of_its_batch_and_the_next_works(
        before in steps(&[End::Succeed, End::Fail, End::Panic]),
        after in steps(&[End::Succeed, End::Fail, End::Panic]),
    ) {
        let root = tempfile::tempdir().unwrap();
        let writer = open_loop(root.path());
        let spoiled = before.iter().chain([&(1, End::SpoilCommit)]).chain(&after);
        let batch = (0_u16..).zip(spoiled).map(|(number, step)| work(0, number, *step)).collect();
        let told = quietly(|| commit_batch(&writer, batch));
        prop_assert!(told.iter().all(Result::is_err), "{:?}", told);
        prop_assert_eq!(marks(&writer.connection), vec![]);
        let told = commit_batch(&writer, vec![work(1, 0, (2, End::Succeed))]);
        prop_assert!(told[0].is_ok());
        prop_assert_eq!(marks(&writer.connection), vec![(1, 0, 0), (1, 0, 1)]);
    }

    #[test]
    fn a_full_disk_refuses_with_nothing_half_done_and_recovers(small in 1_u8..4, place in 0_u16..5) {
        let root = tempfile::tempdir().unwrap();
        let writer = open_loop(root.path());
        let pages: i64 = writer.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        let limit = |pages: i64| writer.connection
            .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| row.get::<_, i64>(0)).unwrap();
        limit(pages + 2);
        let batch: Vec<_> = (0..5).map(|number| move |writing: &Writing<'_>| {
            if number == place {
                let large = writing.connection.execute("INSERT INTO marks (row) VALUES (zeroblob(1000000))", []);
                large.doing("filling the disk")?;
            }
            work(0, number, (small, End::Succeed))(writing)
        }).collect();
        let told = commit_batch(&writer, batch);
        prop_assert!(matches!(told[usize::from(place)], Err(Error::Unavailable { code: "disk_full", .. })), "{:?}", told);
        let expected: Vec<Mark> = (0_u16..5).filter(|number| told[usize::from(*number)].is_ok())
            .flat_map(|number| (0..small).map(move |row| (0, number, row))).collect();
        prop_assert_eq!(marks(&writer.connection), expected.clone());
        limit(1_000_000);
        let told = commit_batch(&writer, vec![work(1, 0, (1, End::Succeed))]);
        prop_assert!(told[0].is_ok());
        prop_assert_eq!(marks(&writer.connection).len(), expected.len() + 1);
    }
}

#[test]
fn only_writes_that_others_hold_up_ask_for_them_to_be_tried_again_at_once() {
    let root = tempfile::tempdir().unwrap();
    let writer = open_loop(root.path());
    writer.gate.close();
    let commit = |needs| {
        let (answer, told) = to_a_caller();
        writer.commit(vec![job(work(0, 0, (1, End::Succeed)), needs, answer)]);
        told.recv().unwrap()
    };
    commit(Needs::FIRST).unwrap();
    assert!(!writer.gate.is_round_wanted());
    commit(Needs::ALL).unwrap_err();
    assert!(writer.gate.is_round_wanted());
}
