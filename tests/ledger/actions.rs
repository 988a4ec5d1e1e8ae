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

pub fn asked() -> impl Strategy<Value = Asked> {
    (0..2_usize, 0..8_usize, 0..8_usize, 0..400_i64, 0..4_000_i64).prop_map(
        |(user, provider, model, tokens, cents)| Asked {
            user,
            // Most calls are ones that may be let in.
            provider: PROVIDERS.get(provider).copied().flatten(),
            model: MODELS.get(model).copied().unwrap_or("gpt-4o"),
            tokens,
            cost: cents * DOLLAR / 1_000,
        },
    )
}

pub fn action() -> impl Strategy<Value = Action> {
    let used = || (0..500_i64, 0..6_000_i64);
    prop_oneof![
        10 => (asked(), any::<bool>()).prop_map(|(asked, id)| Action::Reserve(asked, id)),
        3 => (asked(), any::<bool>()).prop_map(|(asked, id)| Action::Charge(asked, id)),
        7 => (0..1_000_usize, used()).prop_map(|(at, (tokens, cost))| {
            Action::Settle(at, tokens, cost * DOLLAR / 1_000)
        }),
        2 => (0..1_000_usize).prop_map(Action::Cancel),
        2 => (0..1_000_usize, used(), 1..1_200_000_i64).prop_map(|(at, (tokens, cost), ttl)| {
            Action::Extend(at, tokens, cost * DOLLAR / 1_000, ttl)
        }),
        6 => prop_oneof![
            1_000..200_000_i64, 1_000_000..4_000_000_i64, 0..172_800_000_i64, -4_000_000..0_i64
        ].prop_map(Action::Advance),
        1 => (0..3_usize, 0..PLANS.len(), any::<bool>())
            .prop_map(|(copy, plan, reset)| Action::Follow(copy, plan, reset)),
        1 => (0..3_usize, 1..20_i64, prop_oneof![Just(None), (1..4_i64).prop_map(Some)])
            .prop_map(|(copy, dollars, cycles)| Action::Raise(copy, dollars, cycles)),
        1 => Just(Action::Crash),
    ]
}
