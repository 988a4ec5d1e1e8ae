//! The house rules that a machine can read off the source (ARCHITECTURE.md): which folder may know what, how a file begins and
//! how long it is, what is never left behind, and which SQLite is linked.

#[path = "house/circles.rs"]
mod circles;
#[path = "house/counts.rs"]
mod counts;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Most lines of one source file.
const MAX_LINES: usize = 350;
/// Most lines of one module of the page.
const MAX_PAGE_LINES: usize = 300;
/// SQLite before this version can corrupt a WAL database under two connections.
const MIN_SQLITE: i32 = 3_051_003;

/// What stands for a module of ours or a library, and the only places that may name it. A place is a file, or a folder with `/`.
const KNOWN_ONLY_IN: [(&str, &[&str]); 4] = [
    (
        r"rusqlite|r2d2|r2d2_sqlite|refinery|libsqlite3_sys",
        &["src/store/"],
    ),
    (
        r"actix_web|actix_rt|actix_http|actix_server|actix_service",
        &["src/http/", "src/app.rs"],
    ),
    (
        r"std::env",
        &["src/config.rs", "src/config/", "src/main.rs"],
    ),
    (
        r"Instant|SystemTime|Timestamp::now|getrandom",
        &[
            "src/app.rs",
            "src/cli/",
            "src/gateway/proxy/",
            "src/http/",
            "src/service/",
            "src/store/",
            "src/ledger/",
        ],
    ),
];

/// The modules of ours that each place may import, beside itself. What is not listed may import all.
const MAY_IMPORT: [(&str, &[&str]); 11] = [
    ("src/metrics.rs", &[]),
    ("src/domain/", &["error"]),
    ("src/error.rs", &["domain"]),
    ("src/config.rs", &["domain", "error"]),
    ("src/store/", &["domain", "error", "metrics"]),
    ("src/ledger/engine/", &["domain", "error"]),
    ("src/ledger/", &["domain", "error", "metrics", "store"]),
    ("src/gateway/meter/", &["domain", "error"]),
    (
        "src/service/",
        &["domain", "error", "metrics", "store", "ledger"],
    ),
    (
        "src/gateway/",
        &["domain", "error", "metrics", "service", "store", "ledger"],
    ),
    (
        "src/http/",
        &[
            "domain", "error", "metrics", "gateway", "service", "store", "ledger",
        ],
    ),
];

#[derive(Clone)]
struct Source {
    path: String,
    text: String,
    /// The text without comments.
    code: String,
}

fn sources(folder: &str) -> Vec<Source> {
    files(folder, "rs")
}

/// The files of a folder and those below it with this ending.
fn files(folder: &str, ending: &str) -> Vec<Source> {
    files_of(Path::new(env!("CARGO_MANIFEST_DIR")), folder, ending)
}

/// The same of another tree of this repository.
fn files_of(root: &Path, folder: &str, ending: &str) -> Vec<Source> {
    fn walk(folder: &Path, ending: &str, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, ending, into);
            } else if path
                .extension()
                .is_some_and(|extension| extension == ending)
            {
                into.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(&root.join(folder), ending, &mut paths);
    paths.sort();
    assert!(!paths.is_empty(), "no source in {folder}");
    let comment = Regex::new(r"(?m)(^|\s)//.*$").unwrap();
    paths
        .iter()
        .map(|path| {
            let text = fs::read_to_string(path).unwrap();
            Source {
                path: path.strip_prefix(root).unwrap().display().to_string(),
                code: comment.replace_all(&text, "").into_owned(),
                text,
            }
        })
        .collect()
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

fn assert_none(breaches: &[String]) {
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

/// The modules of ours that a piece of code names, through `crate::x`, `crate::{x, y::z}` or `super::super::x`, with its lines.
fn imports(source: &Source) -> Vec<(usize, String)> {
    let one = Regex::new(r"\bcrate::(\w+)").unwrap();
    let several = Regex::new(r"\bcrate::\{((?:[^{}]|\{[^{}]*\})*)\}").unwrap();
    let inner = Regex::new(r"\{[^{}]*\}").unwrap();
    let mut found = Vec::new();
    for capture in one.captures_iter(&source.code) {
        found.push((
            line_of(&source.code, capture.get(0).unwrap().start()),
            capture[1].to_owned(),
        ));
    }
    for capture in several.captures_iter(&source.code) {
        let line = line_of(&source.code, capture.get(0).unwrap().start());
        let flat = inner.replace_all(&capture[1], "");
        for item in flat
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
        {
            found.push((line, item.split("::").next().unwrap().trim().to_owned()));
        }
    }
    // Files lie one folder deep, so `super::super` is the crate itself. From the engine, which lies deeper, it is the ledger around it,
    // which it may import as little.
    let above = Regex::new(r"\bsuper::super::(\w+)").unwrap();
    for capture in above.captures_iter(&source.code) {
        found.push((
            line_of(&source.code, capture.get(0).unwrap().start()),
            capture[1].to_owned(),
        ));
    }
    found
}

#[test]
fn libraries_are_known_only_where_they_belong() {
    let mut breaches = Vec::new();
    for source in sources("src") {
        for (names, places) in KNOWN_ONLY_IN {
            if places.iter().any(|place| source.path.starts_with(place)) {
                continue;
            }
            for found in Regex::new(&format!(r"\b({names})\b"))
                .unwrap()
                .find_iter(&source.code)
            {
                breaches.push(format!(
                    "{}:{}: names {}, which only {} may",
                    source.path,
                    line_of(&source.code, found.start()),
                    found.as_str(),
                    places.join(", ")
                ));
            }
        }
    }
    assert_none(&breaches);
}

#[test]
fn the_engine_of_the_ledger_has_no_clock_no_threads_and_no_chance() {
    let names = r"\b(tokio|Instant|SystemTime|Timestamp::now|thread|mpsc|Mutex|RwLock|getrandom|RandomState)\b";
    let names = Regex::new(names).unwrap();
    let mut breaches = Vec::new();
    for source in sources("src/ledger/engine") {
        for found in names.find_iter(&source.code) {
            let line = line_of(&source.code, found.start());
            breaches.push(format!("{}:{line}: {}", source.path, found.as_str()));
        }
    }
    assert_none(&breaches);
}

#[test]
fn modules_import_only_what_lies_below_them() {
    let mut breaches = Vec::new();
    for source in sources("src") {
        let Some((place, allowed)) = MAY_IMPORT
            .iter()
            .find(|(place, _)| source.path.starts_with(place))
        else {
            continue;
        };
        let own = place
            .trim_start_matches("src/")
            .trim_end_matches('/')
            .trim_end_matches(".rs");
        // A path to something of the place itself, which may be a folder in a folder, is no import.
        let own_path = format!("crate::{}::", own.replace('/', "::"));
        let others = Source {
            code: source.code.replace(&own_path, "self::"),
            ..source.clone()
        };
        for (line, module) in imports(&others) {
            if module != own && !allowed.contains(&module.as_str()) {
                breaches.push(format!(
                    "{}:{line}: imports {module}, but {place} may import only {}",
                    source.path,
                    allowed.join(", ")
                ));
            }
        }
    }
    assert_none(&breaches);
}

/// What may be called in few places only, and where: the writer is reached through one gate, and what follows from what happened is
/// worked out in one place.
const CALLED_ONLY_IN: [(&str, &[&str]); 7] = [
    // The gate of management, and the store's own.
    (r"\.unit_of_work\(", &["src/service/unit_of_work.rs"]),
    (
        r"\b(ledger|self\.ledger)\s*\.change\(",
        &["src/service/unit_of_work.rs"],
    ),
    // The plain writer: the store itself, and the ledger's journal through its seat.
    (
        r"\bstore\s*\.(write|write_with|submit|hand_over)\(|\bSeat::take\(|Store::(write|submit|hand_over)\b",
        &["src/store/", "src/ledger/"],
    ),
    (r"&(mut )?Writing\b", &["src/store/", "src/ledger/"]),
    // A statement is run by the helpers, which read columns by name and keep it. Beside them: what takes many rows at once, the writer
    // itself, and what looks at tables that may not be ours.
    (
        r"\b(prepare_cached|query_row|query_map)\(",
        &[
            "src/store/sql.rs",
            "src/store/journal/many_rows.rs",
            "src/store/writer",
            "src/store/audit/walk.rs",
            "src/store/database/migrate.rs",
            "src/store/lists/pages/tests.rs",
        ],
    ),
    // What follows: audit entries and what is searched.
    (
        r"\bchain::append\(",
        &["src/store/followers.rs", "src/store/journal/write.rs"],
    ),
    (
        r"\b(USERS|VIRTUAL_KEYS|ACCESS_PROFILES|index)\s*\.refresh\(",
        &["src/store/followers.rs", "src/store/lists/search.rs"],
    ),
];

#[test]
fn what_is_written_goes_through_one_gate_and_what_follows_from_it_through_one_dispatcher() {
    let mut breaches = Vec::new();
    for source in sources("src") {
        for (calls, places) in CALLED_ONLY_IN {
            if places.iter().any(|place| source.path.starts_with(place)) {
                continue;
            }
            for found in Regex::new(calls).unwrap().find_iter(&source.code) {
                breaches.push(format!(
                    "{}:{}: {}, which only {} may",
                    source.path,
                    line_of(&source.code, found.start()),
                    found.as_str(),
                    places.join(", ")
                ));
            }
        }
    }
    // A store function that changes rows takes a work: the plain writer is for journals and for what the store does by itself.
    let plain = Regex::new(r"pub fn (\w+)\((writing|&self, writing): &Writing").unwrap();
    for source in sources("src/store") {
        let of_its_own = ["src/store/journal", "src/store/writer"];
        if of_its_own
            .iter()
            .any(|place| source.path.starts_with(place))
        {
            continue;
        }
        for found in plain.captures_iter(&source.code) {
            if !PLAIN_WRITES.contains(&&found[1]) {
                let line = line_of(&source.code, found.get(0).unwrap().start());
                breaches.push(format!(
                    "{}:{line}: {} writes plainly",
                    source.path, &found[1]
                ));
            }
        }
    }
    assert_none(&breaches);
}

/// The functions outside the journal that write plainly: a counter that the ledger starts anew, secrets that it forgets, and the try
/// whether the disk takes writes.
const PLAIN_WRITES: [&str; 3] = ["delete_counter", "prune", "try_to_write"];

#[test]
fn every_file_says_what_it_is_for_and_stays_short() {
    let mut breaches = Vec::new();
    for source in sources("src") {
        if !source.text.starts_with("//! ") {
            breaches.push(format!("{}: does not begin with //!", source.path));
        }
        let lines = source.text.lines().count();
        if lines > MAX_LINES {
            breaches.push(format!(
                "{}: has {lines} lines, more than {MAX_LINES}; split it by topic",
                source.path
            ));
        }
    }
    assert_none(&breaches);
}

#[test]
fn the_page_is_made_of_short_modules_that_make_no_markup_from_strings() {
    let from_strings = Regex::new(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function|localStorage\.setItem\(.*key",
    )
    .unwrap();
    let mut breaches = Vec::new();
    for source in files("static", "js") {
        if !source.text.starts_with("// ") {
            breaches.push(format!("{}: does not begin with //", source.path));
        }
        let lines = source.text.lines().count();
        if lines > MAX_PAGE_LINES {
            breaches.push(format!("{}: has {lines} lines", source.path));
        }
        for found in from_strings.find_iter(&source.code) {
            let line = line_of(&source.code, found.start());
            breaches.push(format!("{}:{line}: {}", source.path, found.as_str()));
        }
    }
    assert_none(&breaches);
}

#[test]
fn pages_of_decisions_are_numbered_from_one_on() {
    let mut numbers: Vec<String> =
        fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/decisions"))
            .unwrap()
            .map(|page| page.unwrap().file_name().into_string().unwrap()[..3].to_owned())
            .collect();
    numbers.sort();
    let expected: Vec<String> = (1..=numbers.len()).map(|n| format!("{n:03}")).collect();
    assert_eq!(numbers, expected);
}

#[test]
fn nothing_is_left_for_later() {
    // Put together, so that this file does not name them.
    let marks = [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["XX", "X"],
        ["todo", "!"],
        ["unimplemented", "!"],
        ["#[ign", "ore"],
    ]
    .map(|halves| halves.concat());
    let mut breaches = Vec::new();
    let all = [
        files("src", "rs"),
        files("tests", "rs"),
        files("static", "js"),
    ];
    for source in all.into_iter().flatten() {
        for (number, line) in source.text.lines().enumerate() {
            for mark in marks.iter().filter(|mark| line.contains(mark.as_str())) {
                breaches.push(format!("{}:{}: {mark}", source.path, number + 1));
            }
        }
    }
    assert_none(&breaches);
}

#[test]
fn one_sqlite_is_linked_and_it_is_new_enough() {
    let lock =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).unwrap();
    assert_eq!(lock.matches("name = \"libsqlite3-sys\"").count(), 1);
    let linked = rusqlite::version_number();
    assert!(
        linked >= MIN_SQLITE,
        "SQLite {} is linked",
        rusqlite::version()
    );
}

#[test]
fn every_dependency_comes_from_one_registry() {
    let lock =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).unwrap();
    let sources: BTreeSet<&str> = lock
        .lines()
        .filter_map(|line| line.strip_prefix("source = "))
        .collect();
    assert_eq!(sources.len(), 1, "{sources:?}");
    assert!(
        sources
            .iter()
            .all(|source| source.contains("crates.io-index")),
        "{sources:?}"
    );
}

#[test]
fn the_rules_find_a_breach_in_every_form() {
    let source = |code: &str| Source {
        path: String::new(),
        text: String::new(),
        code: code.to_owned(),
    };
    let modules = |code: &str| {
        imports(&source(code))
            .into_iter()
            .map(|(_, module)| module)
            .collect::<Vec<_>>()
    };
    assert_eq!(modules("use crate::http::core::request;"), ["http"]);
    assert_eq!(
        modules("use crate::{error::{Error, Result}, store::Store};"),
        ["error", "store"]
    );
    assert_eq!(modules("let x = super::super::service::go();"), ["service"]);
}
