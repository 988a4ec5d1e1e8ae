//! What pages cost, in instructions that SQLite runs, and the plans of their orders.

use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;

use super::*;
use crate::domain::audit::{ChainKey, MAC_LENGTH};
use crate::domain::list::Sort;
use crate::domain::people::user::{Email, NewUser};
use crate::store::database::migrate;
use crate::store::lists::remembered::Remembered;
use crate::store::lists::search;
use crate::store::people::users;
use crate::store::people::users::UserFilter;
use crate::store::sql::Writing;
use crate::store::unit_of_work::WorkInTurn;

const CHAIN: ChainKey = ChainKey([7; MAC_LENGTH]);
const PAGE: Page = Page {
    limit: 25,
    offset: 0,
    ends_early: false,
};

/// A database, and what was found in it before.
struct People {
    connection: Connection,
    remembered: Remembered,
}

impl People {
    fn new(many: i64) -> Self {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate::run(&mut connection).unwrap();
        let people = Self {
            connection,
            remembered: Remembered::default(),
        };
        people.connection.execute_batch("BEGIN").unwrap();
        for number in 1..=many {
            people.add(
                &format!("Person {number}"),
                &format!("{}@example.org", many - number),
            );
        }
        people.connection.execute_batch("COMMIT").unwrap();
        people
    }

    fn add(&self, name: &str, email: &str) {
        let writing = Writing::of(&self.connection, &CHAIN);
        let new = NewUser {
            name: name.to_owned(),
            email: Email::from_stored(email.to_owned()),
            role_id: None,
        };
        WorkInTurn::alone(&writing, |work| users::insert(work, &new)).unwrap();
    }

    /// The instructions that SQLite runs for a page, how many users there are in all, and the first of the page.
    fn list(&self, search: &str, field: &'static str, offset: i64) -> (u64, i64, String) {
        let steps = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&steps);
        let count = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            false
        };
        self.connection.progress_handler(1, Some(count)).unwrap();
        let reading = Reading {
            connection: &self.connection,
            remembered: Some(&self.remembered),
        };
        let filter = UserFilter {
            search: (!search.is_empty()).then(|| search.to_owned()),
            ..UserFilter::default()
        };
        let sort = Sort {
            field,
            descending: false,
        };
        let page = Page { offset, ..PAGE };
        let listed = users::list(&reading, &filter, sort, page).unwrap();
        self.connection
            .progress_handler(0, None::<fn() -> bool>)
            .unwrap();
        let first = listed.items[0].user.name.clone();
        (steps.load(Ordering::Relaxed), listed.total_count, first)
    }
}

#[test]
fn after_a_write_a_page_costs_the_same_however_many_there_are() {
    let steps = [100, 4_000].map(|many| {
        let people = People::new(many);
        for search in ["", "e", "on"] {
            people.list(search, "id", 0);
        }
        people.add("Zoe Onder", "zoe@example.net");
        ["", "e", "on"].map(|search| {
            let (steps, total, first) = people.list(search, "id", 0);
            assert_eq!((total, first.as_str()), (many + 1, "Person 1"));
            steps
        })
    });
    let [few, many] = steps;
    for (few, many) in few.into_iter().zip(many) {
        assert!(many < few + few / 5, "{few} {many}");
    }
}

#[test]
fn what_was_there_before_there_were_packs_is_packed_when_the_database_is_opened() {
    let people = People::new(100);
    let packs = "DELETE FROM user_search";
    people.connection.execute_batch(packs).unwrap();
    let writing = Writing::of(&people.connection, &CHAIN);
    search::fill(&writing).unwrap();
    let (_, total, first) = people.list("person 9", "email", 0);
    assert_eq!((total, first.as_str()), (11, "Person 90"));
    let change = search::USERS.last_change(&writing).unwrap();
    search::fill(&writing).unwrap();
    let again = search::USERS.last_change(&writing).unwrap();
    assert_eq!(again, change, "once is enough");
}

#[test]
fn a_search_reads_one_row_for_eight() {
    let people = People::new(4_000);
    let (steps, total, _) = people.list("", "id", 0);
    assert_eq!(total, 4_000);
    for (search, expected) in [("e", 4_000), ("99@", 40), ("person 3999", 1)] {
        let (searched, total, _) = people.list(search, "id", 0);
        assert_eq!(total, expected, "{search}");
        assert!(searched < steps + 4_000, "{search}: {steps} {searched}");
    }
}

#[test]
fn a_page_is_walked_to_from_the_nearer_end() {
    let people = People::new(4_000);
    for search in ["", "e"] {
        let (front, _, first) = people.list(search, "email", 0);
        assert_eq!(first, "Person 4000");
        let (back, _, _) = people.list(search, "email", 3_970);
        let (last, ..) = people.list(search, "email", 3_999);
        assert!(
            back < front + 1_000 && last < front,
            "{front} {back} {last}"
        );
    }
}

#[test]
fn every_order_is_that_of_an_index() {
    let people = People::new(0);
    for (table, columns) in [
        (
            "users",
            &["name_key", "email_key", "created_at", "updated_at"][..],
        ),
        ("virtual_keys", &["name_key", "created_at"]),
        (
            "access_profiles",
            &["name_key", "created_at", "updated_at", "version"],
        ),
    ] {
        for column in columns.iter().copied().map(Some).chain([None]) {
            let order = Order {
                table,
                column,
                descending: false,
            };
            for reversed in [false, true] {
                let sql = format!("EXPLAIN QUERY PLAN {}", order.sql("", "", reversed));
                let mut statement = people.connection.prepare(&sql).unwrap();
                let plan = statement
                    .query_map([], |row| row.get::<_, String>(3))
                    .unwrap();
                let plan: Vec<String> = plan.map(|line| line.unwrap()).collect();
                let covered = column.is_none() || plan[0].contains("USING COVERING INDEX");
                assert!(plan.len() == 1 && covered, "{table} {column:?}: {plan:?}");
            }
        }
    }
}
