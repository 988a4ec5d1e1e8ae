//! Our own binary as everybody gets it, with a hundred people who call, and the check that its books say what was answered.

use std::sync::atomic::Ordering;

use serde_json::Value;

use super::contender::{Answers, Contender, chat};
use super::setups::STREAMS;
use super::upstream::{COST, MODEL, Shape, USAGE, Upstream};
use crate::client::request;
use crate::house::{Person, make_people, value};
use crate::server::{Launch, Server, tollkeeper};
use crate::settings::Settings;
use crate::table::Table;

const PEOPLE: usize = 100;

pub struct Ours {
    server: Server,
    people: Vec<Person>,
}

impl Ours {
    pub fn start(settings: &Settings, upstream: &Upstream) -> Self {
        let streams = STREAMS.trim_start_matches('/');
        let upstreams = format!(
            r#"[{{ name = "openai", base_url = "http://127.0.0.1:{}" }}, {{ name = "{streams}", provider = "openai", base_url = "http://127.0.0.1:{}" }}]"#,
            upstream.documents.port, upstream.streams.port
        );
        let launch = Launch::of(&tollkeeper()).under(&settings.wrapper());
        let server = launch.with("TOLLKEEPER_UPSTREAMS", &upstreams).fresh();
        let people = make_people(&server, PEOPLE);
        Self { server, people }
    }

    pub fn contender(&self) -> Contender<'_> {
        let requests = |shape: Shape| {
            let prefix = match shape {
                Shape::Document => "",
                Shape::Stream(_) => STREAMS,
            };
            let call = |person: &Person| {
                let key = format!("Authorization: Bearer {}", person.key);
                chat(prefix, &key, &shape.call(MODEL))
            };
            self.people.iter().map(call).collect()
        };
        Contender::new(
            "tollkeeper",
            Answers::Same,
            |_| &self.server.process,
            requests,
        )
    }

    /// Whether the history has as many calls, tokens and dollars as were answered, and nothing is held.
    pub fn check_books(&self, contender: &Contender<'_>, table: &mut Table) {
        let calls = contender.answered.load(Ordering::Relaxed);
        let [input, output] = USAGE;
        let expected = [calls, calls * input, calls * output, calls * COST];
        let usage = value(&self.server.ask("GET", "/api/usage", "").body);
        let found = ["calls", "input_tokens", "output_tokens", "cost"].map(|name| {
            let rows = usage["usage"].as_array().into_iter().flatten();
            rows.map(|row| amount(&row[name], name == "cost"))
                .sum::<u64>()
        });
        let held: u64 = self.people.iter().map(|person| self.held(person)).sum();
        let is_met = found == expected && held == 0;
        let words = |[calls, input, output, cost]: [u64; 4]| {
            format!("{calls} calls, {input} and {output} tokens, {cost} nanodollars")
        };
        println!(
            "\nbooks: {}; answered: {}; held: {held} nanodollars  {}",
            words(found),
            words(expected),
            table.verdict(is_met)
        );
    }

    fn held(&self, person: &Person) -> u64 {
        let key = format!("x-bf-vk: {}", person.key);
        let answer = self
            .server
            .connect()
            .ask(&request("GET", "/v1/quota", &key, ""));
        let quota = value(&answer.unwrap().body);
        amount(&quota["access_profiles"][0]["budgets"][0]["held"], true)
    }
}

/// A count, or dollars as nanodollars.
pub fn amount(number: &Value, is_money: bool) -> u64 {
    let text = number.to_string();
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let digits = if is_money { 9 } else { 0 };
    let all = format!("{whole}{part:0<digits$}");
    all.parse()
        .unwrap_or_else(|_| panic!("{text} is no amount"))
}
