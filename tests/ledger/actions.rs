//! What may happen, at random.

use proptest::prelude::*;

use crate::model::Asked;
use crate::plan::{DOLLAR, PLANS};

const PROVIDERS: [Option<&str>; 4] = [None, Some("openai"), Some("anthropic"), Some("nobody")];
const MODELS: [&str; 4] = ["gpt-4o", "gpt-bad", "claude", "gpt-4o-mini"];
#[derive(Debug, Clone)]
pub enum Action {
    Reserve(Asked, bool),
    Charge(Asked, bool),
    Settle(usize, i64, i64),
    Cancel(usize),
    Extend(usize, i64, i64, i64),
    Advance(i64),
    Follow(usize, usize, bool),
    Raise(usize, i64, Option<i64>),
    Crash,
}

/// A year in milliseconds.
const YEAR: i64 = 365 * 86_400_000;
/// The largest amounts that can be sent.
const MOST_TOKENS: i64 = (1 << 53) - 1;
const MOST_COST: i64 = 1_000_000_000 * DOLLAR;

/// An amount of `unit`s, now and then nothing at all or the largest.
fn amount(range: std::ops::Range<i64>, unit: i64, most: i64) -> impl Strategy<Value = i64> {
    prop_oneof![
        18 => range.prop_map(move |number| number * unit),
        1 => Just(0),
        1 => prop_oneof![Just(most), Just(most - 1)],
    ]
}

/// The same, now and then not said.
fn maybe(range: std::ops::Range<i64>, unit: i64, most: i64) -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        9 => amount(range, unit, most).prop_map(Some),
        1 => Just(None),
    ]
}

pub fn asked() -> impl Strategy<Value = Asked> {
    let tokens = maybe(0..400_i64, 1, MOST_TOKENS);
    let cost = maybe(0..4_000_i64, DOLLAR / 1_000, MOST_COST);
    (0..2_usize, 0..8_usize, 0..8_usize, tokens, cost).prop_map(
        |(user, provider, model, tokens, cost)| Asked {
            user,
            // Most calls are ones that may be let in.
            provider: PROVIDERS.get(provider).copied().flatten(),
            model: MODELS.get(model).copied().unwrap_or("gpt-4o"),
            tokens,
            cost,
        },
    )
}

pub fn action() -> impl Strategy<Value = Action> {
    let used = || {
        (
            amount(0..500, 1, MOST_TOKENS),
            amount(0..6_000, DOLLAR / 1_000, MOST_COST),
        )
    };
    prop_oneof![
        10 => (asked(), any::<bool>()).prop_map(|(asked, id)| Action::Reserve(asked, id)),
        3 => (asked(), any::<bool>()).prop_map(|(asked, id)| Action::Charge(asked, id)),
        7 => (0..1_000_usize, used()).prop_map(|(at, (tokens, cost))| {
            Action::Settle(at, tokens, cost)
        }),
        2 => (0..1_000_usize).prop_map(Action::Cancel),
        2 => (0..1_000_usize, used(), 1..1_200_000_i64).prop_map(|(at, (tokens, cost), ttl)| {
            Action::Extend(at, tokens, cost, ttl)
        }),
        6 => prop_oneof![
            3 => 1_000..200_000_i64,
            3 => 1_000_000..4_000_000_i64,
            3 => 0..172_800_000_i64,
            3 => -4_000_000..0_i64,
            1 => -172_800_000..0_i64,
            1 => prop_oneof![Just(YEAR), Just(-YEAR)],
        ].prop_map(Action::Advance),
        1 => (0..3_usize, 0..PLANS.len(), any::<bool>())
            .prop_map(|(copy, plan, reset)| Action::Follow(copy, plan, reset)),
        1 => (0..3_usize, 1..20_i64, prop_oneof![Just(None), (1..4_i64).prop_map(Some)])
            .prop_map(|(copy, dollars, cycles)| Action::Raise(copy, dollars, cycles)),
        1 => Just(Action::Crash),
    ]
}
