//! What callers can make grow stands in ARCHITECTURE.md, each with who makes it, its bound and its life.

use std::collections::BTreeSet;
use std::path::Path;

use actix_web::http::Method;
use regex::Regex;
use rusqlite::Connection;
use tollkeeper::http::routes;

use crate::support::Server;

const HEADING: &str = "## What callers can make";

/// The section, and the cells of each row of its table.
fn section() -> (String, Vec<Vec<String>>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let (_, rest) = text.split_once(HEADING).expect(HEADING);
    let section = rest.split("\n## ").next().unwrap().to_owned();
    let rows = section
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let cells = line.trim_matches('|').split('|');
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect();
    (section, rows)
}

/// What stands in backticks.
fn named(text: &str) -> BTreeSet<String> {
    let code = Regex::new("`([^`]+)`").unwrap();
    code.captures_iter(text)
        .map(|found| found[1].to_owned())
        .collect()
}

#[test]
fn every_row_says_who_makes_it_how_much_and_how_long() {
    let (_, rows) = section();
    assert!(rows.len() > 10);
    for row in rows {
        assert!(
            row.len() == 4 && row.iter().all(|cell| cell.len() > 3),
            "{row:?}"
        );
    }
}

#[test]
fn every_table_of_a_fresh_database_has_a_row_and_every_row_a_table() {
    let server = Server::start();
    let database = Connection::open(server.data_dir().join("tollkeeper.db")).unwrap();
    let stored: BTreeSet<String> = database
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let (_, rows) = section();
    let tables = rows.iter().map(|row| &row[0]);
    let tables = tables.filter(|cell| !cell.starts_with("memory") && !cell.starts_with("files"));
    let told: BTreeSet<String> = tables.flat_map(|cell| named(cell)).collect();
    let untold: Vec<_> = stored.difference(&told).collect();
    let gone: Vec<_> = told.difference(&stored).collect();
    assert!(
        untold.is_empty() && gone.is_empty(),
        "ARCHITECTURE.md, {HEADING}: tables without a row (give each a bound and a life): {untold:?}; rows without a table: {gone:?}"
    );
}

#[test]
fn every_route_that_changes_something_is_named() {
    let (section, _) = section();
    let told = named(&section);
    for route in routes::table() {
        let changes = route.any_method || !matches!(route.method, Method::GET | Method::HEAD);
        let operation = route.description.operation;
        assert!(
            !changes || told.contains(operation),
            "ARCHITECTURE.md, {HEADING}: no row says what {operation} makes, and nothing says that it makes nothing"
        );
    }
}

#[test]
fn every_file_that_holds_things_under_a_lock_is_named() {
    let lock = Regex::new(r"[:(]\s*(Arc<)?(Mutex|RwLock)<").unwrap();
    let (section, _) = section();
    let told = named(&section);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut untold = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            let text = std::fs::read_to_string(&path).unwrap();
            if lock.is_match(&text) && !told.contains(&name) {
                untold.push(name);
            }
        }
    }
    assert!(
        untold.is_empty(),
        "ARCHITECTURE.md, {HEADING}: these hold things under a lock and have no row: {untold:?}"
    );
}
