//! What was acknowledged to the callers, and how it compares with what the server says.

use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::house::value;
use crate::proxy::amount;
use crate::server::Server;

/// The models by which the history tells who recorded what.
pub const CHARGED: &str = "lab-charged";
pub const RESERVED: &str = "lab-reserved";

/// What a figure is called, and what is wrong with it.
pub type Finding = (String, Option<String>);

/// Calls and nanodollars.
#[derive(Default)]
pub struct Sum {
    calls: AtomicU64,
    cost: AtomicU64,
}

impl Sum {
    pub fn add(&self, cost: u64) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.cost.fetch_add(cost, Ordering::Relaxed);
    }

    fn read(&self) -> [u64; 2] {
        [&self.calls, &self.cost].map(|sum| sum.load(Ordering::Relaxed))
    }
}

/// The books of all callers.
#[derive(Default)]
pub struct Books {
    /// What was recorded after the call.
    pub charged: Sum,
    /// What was held and settled.
    pub reserved: Sum,
    /// What the proxy carried and answered as a whole.
    pub carried: Sum,
    /// Carried calls whose answer broke off, and what each may cost at most.
    pub broken: Sum,
    /// Answers that nobody should get, the first few.
    wrong: Mutex<Vec<String>>,
    wrong_answers: AtomicU64,
}

impl Books {
    /// Notes an answer that should not be.
    pub fn note_wrong(&self, what: &str) {
        self.wrong_answers.fetch_add(1, Ordering::Relaxed);
        let mut wrong = self.wrong.lock().unwrap();
        if wrong.len() < 5 {
            wrong.push(what.to_owned());
        }
    }

    /// Whether the history has all of it, once.
    pub fn compare(&self, server: &Server) -> Vec<Finding> {
        let answer = server.ask(
            "GET",
            "/api/usage?group_by=model&from=2020-01-01&to=2099-12-31",
            "",
        );
        let rows = value(&answer.body);
        let found = |model: &str| -> [u64; 2] {
            let all = rows["usage"].as_array().into_iter().flatten();
            let row = all.into_iter().find(|row| row["model"] == model);
            row.map_or([0, 0], |row| {
                [amount(&row["calls"], false), amount(&row["cost"], true)]
            })
        };
        let exact = |what: &str, sum: &Sum, model: &str| {
            let (expected, found) = (sum.read(), found(model));
            let wrong = (found != expected)
                .then(|| format!("{found:?} are recorded, {expected:?} were acknowledged"));
            (format!("{what}: {} calls", expected[0]), wrong)
        };
        let (carried, broken) = (self.carried.read(), self.broken.read());
        let found_carried = found(crate::proxy::MODEL);
        let most = [carried[0] + broken[0], carried[1] + broken[1]];
        let is_between = (0..2).all(|at| (carried[at]..=most[at]).contains(&found_carried[at]));
        let said = format!(
            "{found_carried:?} are recorded; {carried:?} were answered, {broken:?} at most broke off"
        );
        let mut wrong = format!(
            "{} wrong answers",
            self.wrong_answers.load(Ordering::Relaxed)
        );
        for one in self.wrong.lock().unwrap().iter() {
            let _ = write!(wrong, "\n    {one}");
        }
        let is_wrong = self.wrong_answers.load(Ordering::Relaxed) > 0;
        vec![
            exact("recorded after the call", &self.charged, CHARGED),
            exact("held and settled", &self.reserved, RESERVED),
            (
                format!("carried: {} calls, {} broke off", carried[0], broken[0]),
                (!is_between).then_some(said),
            ),
            ("answers".to_owned(), is_wrong.then_some(wrong)),
        ]
    }
}
