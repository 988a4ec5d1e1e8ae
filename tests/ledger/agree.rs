//! Explanations are the decisions: ten thousand random calls are explained, then decided.

use serde_json::{Value, json};
use tollkeeper::domain::decision::amounts::Spent;
use tollkeeper::domain::decision::{Aside, McpCall, Presented};
use tollkeeper::domain::settings::DecisionSettings;
use tollkeeper::domain::values::money::Money;

use crate::house::{House, NOON, call, owner, quick};
use crate::plan::DOLLAR;

const CALLS: usize = 10_000;
const MINUTE: i64 = 60_000;

/// Numbers that look random, the same in every run.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    pub fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        let at = usize::try_from(self.below(all.len() as u64)).unwrap();
        all[at].clone()
    }

    pub fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(3) > 0).then(|| value(self))
    }
}

fn profile(dice: &mut Dice, name: &str) -> Value {
    let limits = |dice: &mut Dice| {
        let budgets: Vec<Value> = ["5m", "1h", "1d"]
            .into_iter()
            .filter_map(|duration| {
                let max = dice.maybe(|dice| 1 + dice.below(9))?;
                Some(json!({ "max_limit": max, "reset_duration": duration }))
            })
            .collect();
        let rate = dice.maybe(|dice| {
            json!({ "token_max_limit": 500 + dice.below(2_000), "token_reset_duration": "10m",
                    "request_max_limit": 3 + dice.below(20), "request_reset_duration": "5m" })
        });
        (json!(budgets), json!(rate))
    };
    let mut lines = Vec::new();
    for provider in ["openai", "anthropic", "mistral"] {
        if dice.below(4) == 0 {
            continue;
        }
        let (budgets, rate) = limits(dice);
        let mut line = json!({ "provider_name": provider, "budgets": budgets, "rate_limit": rate });
        match dice.below(3) {
            0 => line["all_models_allowed"] = json!(true),
            1 => line["allowed_models"] = json!(["gpt-*", "o3"]),
            _ => {
                line["allowed_models"] = json!(["*"]);
                line["blacklisted_models"] = json!(["gpt-5*"]);
            }
        }
        lines.push(line);
    }
    let (budgets, rate) = limits(dice);
    let mut profile = json!({
        "name": name, "provider_configs": lines, "budgets": budgets, "rate_limit": rate,
        "calendar_aligned": dice.below(2) == 0,
    });
    let tool = |server: &str, tool: &str, action: &str| json!({ "mcp_client_id": server, "tool_name": tool, "action": action });
    let mail = tool("mail", "send", dice.one_of(&["include", "exclude"]));
    if dice.below(2) == 0 {
        profile["mcp_servers"] = json!([{ "mcp_server_id": "files" }]);
        profile["mcp_tool_overrides"] = json!([mail]);
    } else {
        let (read, delete) = (
            tool("files", "read", "include"),
            tool("files", "delete", "exclude"),
        );
        profile["mcp_tool_overrides"] = json!([mail, read, delete]);
    }
    profile
}

/// Eight users with one to three copies of random profiles; the copies of the first expire after a while.
fn furnished(dice: &mut Dice) -> (House, Vec<Presented>) {
    let house = House::new(DecisionSettings {
        max_hold: Money::from_nanodollars(2 * DOLLAR),
        ..quick()
    });
    let profiles: Vec<i64> = (0..6)
        .map(|number| house.profile_of(&profile(dice, &format!("profile {number}"))))
        .collect();
    let mut keys = Vec::new();
    for number in 0..8 {
        let user = house.user(number);
        let first = usize::try_from(dice.below(4)).unwrap();
        for profile in &profiles[first..=first + usize::try_from(dice.below(3)).unwrap()] {
            let until = jiff::Timestamp::from_millisecond(NOON + 200 * MINUTE).unwrap();
            let until = (number == 0).then_some(until);
            keys.push(house.give_until(user, *profile, until).1);
        }
    }
    keys.push(Presented {
        secret_hash: [0; 32],
        ..keys[0]
    });
    (house, keys)
}

#[test]
fn what_is_explained_is_what_is_decided() {
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    let (house, keys) = furnished(&mut dice);
    let (mut granted, mut refusals) = (0, std::collections::BTreeMap::new());
    let mut open = Vec::new();
    for number in 0..CALLS {
        let provider =
            dice.maybe(|dice| dice.one_of(&["openai", "Anthropic", "mistral", "nobody"]));
        let model = dice.one_of(&["gpt-4", "gpt-5", "o3", "claude"]);
        let mut asked = call(dice.one_of(&keys), provider, model);
        let mcp = (dice.below(3) == 0).then(|| McpCall {
            server: dice.one_of(&["files", "mail"]).to_owned(),
            tool: dice.maybe(|dice| dice.one_of(&["read", "delete", "send"]).to_owned()),
        });
        asked.particulars.aside = Aside::if_any(mcp, None);
        asked.particulars.estimated_tokens =
            dice.maybe(|dice| i64::try_from(dice.below(200)).unwrap());
        let cents = |dice: &mut Dice| {
            let cents = i64::try_from(1 + dice.below(400)).unwrap();
            Money::from_nanodollars(cents * DOLLAR / 100).unwrap()
        };
        asked.particulars.estimated_cost = dice.maybe(cents);
        asked.particulars.max_hold = dice.maybe(cents);
        let explained = house.ledger.explain(asked.clone()).wait().unwrap();
        match house.ledger.reserve(asked).wait().unwrap() {
            Ok(made) => {
                granted += 1;
                assert_eq!(explained.refusal, None, "call {number}");
                assert_eq!(explained.provider, Some(made.provider));
                assert_eq!(explained.access_profile_id, Some(made.access_profile_id));
                open.push(made.reservation);
            }
            Err(refusal) => {
                *refusals.entry(refusal.kind.code()).or_insert(0) += 1;
                assert_eq!(explained.refusal, Some(refusal), "call {number}");
            }
        }
        if dice.below(4) == 0
            && let Some(id) = open.pop()
        {
            let cost = cents(&mut dice);
            house
                .ledger
                .settle(id, Spent::of(100, cost), owner())
                .wait()
                .unwrap();
        }
        if dice.below(20) == 0 {
            house.advance(i64::try_from(dice.below(4)).unwrap() * MINUTE);
            open.clear();
        }
    }
    // Both ways it was tried often enough to mean something.
    assert!(granted > CALLS / 20, "{granted} of {CALLS} were granted");
    assert!(refusals.len() >= 6, "{refusals:?}");
}
