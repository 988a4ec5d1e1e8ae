//! The page about compatibility is made from the table of the contract and the table of routes, so it says what is so.

use std::collections::BTreeSet;
use std::fmt::Write;

use tollkeeper::http::routes;

use crate::operations::{Operation, contract, nameless, operations, served};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/compatibility.md");

const HEAD: &str = "\
# Compatibility

Tollkeeper serves the access-profile section of the management API of the Bifrost AI gateway, and what belongs to it. A client that was
written or generated for that API works here by changing its address and its key. This page says what is the same, what is ours, and
what is not there. `P` stands for `/api` and `/api/governance`, which answer the same unless it says otherwise.

`tests/contract` makes this page, and calls every operation of the first part and holds the answer against a schema. It fails when an
operation comes or goes and the page does not say so; `WRITE_COMPATIBILITY=1 cargo test --test contract compatibility` writes it anew.

## What holds everywhere

| | here |
|---|---|
| credentials | `Authorization: Bearer <management API key>` and nothing else: no Basic, no `x-api-key`, no cookie, no virtual key |
| unknown members of a body | 400 with the nearest known name; members that only the server sets may be sent back and are ignored |
| unknown query parameters | 400, so that a misspelt filter does not answer everything; `from_memory` is taken and has no effect |
| absent in answers | left out, where the contract does not type it as nullable; lists are always there |
| null in changes | keeps what is there; `rate_limit: null` takes the limit away, `role_id: null` the role |
| lists | at most 500 items; what the contract does not page comes whole up to that |
| reset durations | a budget takes `never`, too (ours): a prepaid sum, whose answers leave `resets_at` out |
| more members | answers have some that the contract does not know; clients ignore them |
| deprecated paths | answer as the newer ones do, without `Deprecation` and `Link` |
| ours on top | `ETag`, `If-Match`, `If-None-Match`, `Idempotency-Key` |
";

fn is_covered(places: &[String], among: &BTreeSet<String>) -> bool {
    places.iter().all(|place| among.contains(place))
}

fn row(page: &mut String, operation: &Operation) {
    let note = operation.note.as_deref().unwrap_or_default();
    let space = if note.is_empty() { "" } else { " " };
    writeln!(
        page,
        "| {} | `{}` |{space}{note} |",
        operation.method, operation.path
    )
    .unwrap();
}

fn page() -> String {
    let served = served();
    let mut page = HEAD.to_owned();
    for (title, is_there) in [("The same", true), ("Not there", false)] {
        write!(page, "\n## {title}\n").unwrap();
        for part in contract() {
            let mut operations = part
                .operations
                .iter()
                .filter(|one| is_covered(&one.places(), &served) == is_there)
                .peekable();
            if operations.peek().is_some() {
                write!(page, "\n### {}\n\n| | path | |\n|---|---|---|\n", part.part).unwrap();
                operations.for_each(|operation| row(&mut page, operation));
            }
        }
    }
    page.push_str(
        "\n## Ours\n\nNo client of the contract needs these.\n\n| | path | |\n|---|---|---|\n",
    );
    let known: BTreeSet<String> = operations().iter().flat_map(Operation::places).collect();
    for route in routes::documented() {
        let paths = route.paths();
        let places: Vec<String> = paths
            .iter()
            .map(|path| format!("{} {}", route.method, nameless(path)))
            .collect();
        if !places.iter().any(|place| known.contains(place)) {
            let method = if route.any_method {
                "any"
            } else {
                route.method.as_str()
            };
            writeln!(
                page,
                "| {method} | `{}` | {} |",
                route.path, route.description.summary
            )
            .unwrap();
        }
    }
    page
}

#[test]
fn the_page_about_compatibility_says_what_is_so() {
    let made = page();
    if std::env::var_os("WRITE_COMPATIBILITY").is_some() {
        std::fs::write(FILE, &made).unwrap();
    }
    let kept = std::fs::read_to_string(FILE).unwrap_or_default();
    let differs = made
        .lines()
        .find(|line| !kept.lines().any(|known| known == *line));
    assert!(
        kept == made,
        "docs/compatibility.md is not so any more, first {differs:?}; write it anew with WRITE_COMPATIBILITY=1 cargo test --test contract compatibility"
    );
}

#[test]
fn what_is_served_of_the_contract_has_an_answer_in_the_table_and_nothing_else_has() {
    let served = served();
    for operation in operations() {
        let is_served = is_covered(&operation.places(), &served);
        assert_eq!(
            is_served,
            operation.answer.is_some(),
            "{} {}: what is served needs the schema of its answer in operations.json, and a call in walk.rs",
            operation.method,
            operation.path
        );
    }
}
