//! Building an access profile from what was sent, and applying a change to one.
//!
//! A budget or rate limit that keeps its place (same scope, same reset duration) keeps its id and with it its counters.

use std::collections::HashMap;

use jiff::Timestamp;

use super::input::AccessProfileInput;
use super::rules::{check_grants, check_rotation};
use super::{AccessProfile, Budget, ProviderConfig, RateLimit};
use crate::domain::body::violation::Violations;
use crate::domain::values::duration::RotationInterval;
use crate::domain::values::letter_case::fold;
use crate::error::Result;

/// Hands out the numbers of new provider lines, budgets and rate limits.
pub type NextId<'a> = &'a mut dyn FnMut() -> i64;

/// The scope of limits over all providers.
const TOTAL: &str = "total";

impl AccessProfile {
    /// A new profile, version 1.
    ///
    /// # Errors
    /// [`crate::error::Error::Invalid`] when fields contradict each other.
    pub fn create(
        id: i64,
        input: AccessProfileInput,
        next_id: NextId<'_>,
        now: Timestamp,
    ) -> Result<Self> {
        let blank = Self {
            id,
            is_active: true,
            version: 1,
            created_at: now,
            updated_at: now,
            ..Self::default()
        };
        let violations = Violations::default();
        let new = blank.merged(input, &violations, next_id, now);
        violations.finish(Some(new))
    }

    /// This profile with the sent fields in place of its own; version and dates untouched. Notes where fields contradict each
    /// other.
    pub(super) fn merged(
        &self,
        input: AccessProfileInput,
        violations: &Violations,
        next_id: NextId<'_>,
        now: Timestamp,
    ) -> Self {
        let place = input.place();
        let (auto_rotation_interval, next_rotation_at) = self.rotation(&input, violations, now);
        let mut new = Self {
            auto_rotation_interval,
            next_rotation_at,
            ..self.clone()
        };
        replace(&mut new.name, input.name);
        replace(&mut new.description, input.description);
        replace(&mut new.is_active, input.is_active);
        replace(&mut new.tags, input.tags);
        if let Some(sent) = input.provider_configs {
            new.provider_configs = providers(&self.provider_configs, sent, next_id, now);
        }
        if let Some(sent) = input.budgets {
            new.budgets = budgets(&self.budgets, sent, TOTAL, next_id, now);
        }
        if let Some(sent) = input.rate_limit {
            let old = self.rate_limit.as_ref();
            new.rate_limit = sent.map(|sent| rate_limit(old, &sent, next_id, now));
        }
        replace(&mut new.calendar_aligned, input.calendar_aligned);
        replace(&mut new.mcp_tool_groups, input.mcp_tool_groups);
        replace(&mut new.mcp_servers, input.mcp_servers);
        replace(&mut new.mcp_tool_overrides, input.mcp_tool_overrides);
        check_grants(
            violations,
            &place,
            &new.mcp_servers,
            &new.mcp_tool_overrides,
        );
        new
    }

    /// The interval and date of rotation: a date that is not sent stays while the interval stays, and is one interval from now when
    /// that is another.
    fn rotation(
        &self,
        input: &AccessProfileInput,
        violations: &Violations,
        now: Timestamp,
    ) -> (i64, Option<Timestamp>) {
        let interval = match input.auto_rotation_interval {
            Some(interval) => interval,
            None => RotationInterval::from_nanoseconds(self.auto_rotation_interval),
        };
        // The date as it was read is no wish: it may have passed, or rotation may be going off.
        let wished = input
            .next_rotation_at
            .flatten()
            .filter(|next| Some(*next) != self.next_rotation_at);
        check_rotation(violations, &input.place(), interval, wished, now);
        // Where there was no date, none is sent back.
        let clears = input.next_rotation_at == Some(None) && self.next_rotation_at.is_some();
        if clears && interval.is_some() {
            violations.add(
                &input.place().field("next_rotation_at"),
                "date_while_rotating",
                "is null, which is for a profile that rotates no keys; an auto_rotation_interval of 0 turns rotation off",
            );
        }
        let next = interval.and_then(|interval| {
            let stays = interval.nanoseconds() == self.auto_rotation_interval
                || input.next_rotation_at.flatten().is_some();
            wished
                .or(self.next_rotation_at.filter(|_| stays))
                .or_else(|| interval.after(now))
        });
        (interval.map_or(0, RotationInterval::nanoseconds), next)
    }
}

/// Puts what was sent in place of a field.
fn replace<T>(field: &mut T, sent: Option<T>) {
    if let Some(sent) = sent {
        *field = sent;
    }
}

fn providers(
    old: &[ProviderConfig],
    sent: Vec<ProviderConfig>,
    next_id: NextId<'_>,
    now: Timestamp,
) -> Vec<ProviderConfig> {
    let by_name: HashMap<_, _> = old
        .iter()
        .map(|line| (fold(&line.provider_name), line))
        .collect();
    let one = |sent: ProviderConfig| {
        let old = by_name.get(&fold(&sent.provider_name)).copied();
        let scope = format!("provider:{}", sent.provider_name);
        let old_budgets = old.map_or(&[][..], |line| &line.budgets);
        let old_limit = old.and_then(|line| line.rate_limit.as_ref());
        ProviderConfig {
            id: old.map_or_else(&mut *next_id, |line| line.id),
            budgets: budgets(old_budgets, sent.budgets, &scope, next_id, now),
            rate_limit: sent
                .rate_limit
                .map(|sent| rate_limit(old_limit, &sent, next_id, now)),
            ..sent
        }
    };
    sent.into_iter().map(one).collect()
}

fn budgets(
    old: &[Budget],
    sent: Vec<Budget>,
    scope: &str,
    next_id: NextId<'_>,
    now: Timestamp,
) -> Vec<Budget> {
    let one = |sent: Budget| {
        let is_same = |old: &&Budget| old.reset_duration == sent.reset_duration;
        let (id, last_reset) = match old.iter().find(is_same) {
            Some(old) => (old.id.clone(), old.last_reset),
            None => (format!("budget-{}", next_id()), now),
        };
        Budget {
            id,
            scope: scope.to_owned(),
            last_reset,
            ..sent
        }
    };
    sent.into_iter().map(one).collect()
}

fn rate_limit(
    old: Option<&RateLimit>,
    sent: &RateLimit,
    next_id: NextId<'_>,
    now: Timestamp,
) -> RateLimit {
    let tokens = old.filter(|old| old.token_reset_duration == sent.token_reset_duration);
    let requests = old.filter(|old| old.request_reset_duration == sent.request_reset_duration);
    RateLimit {
        id: old.map_or_else(|| format!("rate-limit-{}", next_id()), |old| old.id.clone()),
        token_last_reset: tokens.map_or(now, |old| old.token_last_reset),
        request_last_reset: requests.map_or(now, |old| old.request_last_reset),
        ..*sent
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::body::json;
    use crate::domain::body::stored_texts::StoredTexts;

    /// Provider lines in which much is alike.
    fn bodies() -> impl Strategy<Value = String> {
        let one_of = |choices: &[&'static str]| prop::sample::select(choices.to_vec());
        let line = (
            one_of(&[
                r#""all_models_allowed":false"#,
                r#""all_models_allowed":true"#,
            ]),
            one_of(&[
                "",
                r#","allowed_models":["a"]"#,
                r#","blacklisted_models":["a"]"#,
            ]),
            one_of(&[
                "",
                r#","budgets":[{"max_limit":1},{"max_limit":2,"reset_duration":"1d"}]"#,
                r#","budgets":[{"max_limit":2,"reset_duration":"1d"},{"max_limit":1}]"#,
                r#","budgets":[{"max_limit":1}]"#,
                r#","budgets":[{"max_limit":2}]"#,
                r#","budgets":[{"max_limit":1,"reset_duration":"1Q"}]"#,
                r#","budgets":[{"max_limit":1,"reset_duration":"1Q","reset_config":{"quarter_start_month":2}}]"#,
            ]),
            one_of(&[
                "",
                r#","rate_limit":{"token_max_limit":1}"#,
                r#","rate_limit":{"token_max_limit":2}"#,
                r#","rate_limit":{"token_max_limit":1,"token_reset_duration":"1d"}"#,
                r#","rate_limit":{"request_max_limit":1}"#,
                r#","rate_limit":{}"#,
            ]),
        );
        let names = Just(["a", "A", "b", "c", "C"]).prop_shuffle();
        (names, prop::collection::vec(line, 0..4)).prop_map(|(names, lines)| {
            let lines = names
                .iter()
                .zip(lines)
                .map(|(name, (all, models, budgets, limits))| {
                    format!(r#"{{"provider_name":"{name}",{all}{models}{budgets}{limits}}}"#)
                });
            format!(
                r#"{{"provider_configs":[{}]}}"#,
                lines.collect::<Vec<_>>().join(",")
            )
        })
    }

    /// The ids of lines by their providers, and of limits by their places.
    fn ids(profile: &AccessProfile) -> HashMap<String, String> {
        let mut ids = HashMap::new();
        for line in &profile.provider_configs {
            let provider = fold(&line.provider_name);
            for budget in &line.budgets {
                let place = format!("{provider} {}", budget.reset_duration);
                ids.insert(place, budget.id.clone());
            }
            let limit = line.rate_limit.iter();
            ids.extend(limit.map(|limit| (format!("{provider} limit"), limit.id.clone())));
            ids.insert(provider, line.id.to_string());
        }
        ids
    }

    /// Lines without what the server sets.
    fn without_ids(lines: &[ProviderConfig]) -> Vec<ProviderConfig> {
        let blank = |line: &ProviderConfig| {
            let mut line = line.blank();
            line.budgets
                .iter_mut()
                .for_each(|budget| budget.scope.clear());
            line
        };
        lines.iter().map(blank).collect()
    }

    fn read(body: &str) -> AccessProfileInput {
        let body = json::parse(body.as_bytes()).unwrap();
        AccessProfileInput::parse_change(&body, || Ok(StoredTexts::None)).unwrap()
    }

    proptest! {
        #[test]
        fn what_keeps_its_place_keeps_its_id_and_nothing_gets_an_id_of_another(bodies in prop::collection::vec(bodies(), 2..6)) {
            let mut given = HashSet::new();
            let mut last = 0;
            let mut next_id = || { last += 1; last };
            let named = AccessProfileInput { name: Some("x".to_owned()), ..AccessProfileInput::default() };
            let mut profile = AccessProfile::create(1, named, &mut next_id, Timestamp::UNIX_EPOCH).unwrap();
            for (round, body) in bodies.iter().enumerate() {
                let now = Timestamp::from_second(i64::try_from(round).unwrap()).unwrap();
                let input = read(body);
                prop_assume!(input.violations.is_empty());
                let sent = input.provider_configs.clone().unwrap();
                let before = ids(&profile);
                let is_same = without_ids(&profile.provider_configs) == without_ids(&sent);
                let changed = profile.change(input, &mut next_id, now).unwrap();
                prop_assert_eq!(changed.is_none(), is_same);
                profile = changed.unwrap_or(profile);
                prop_assert_eq!(without_ids(&profile.provider_configs), without_ids(&sent));
                for (place, id) in ids(&profile) {
                    match before.get(&place) {
                        Some(kept) => prop_assert_eq!(kept, &id, "{}", place),
                        None => prop_assert!(given.insert(id.clone()), "{} got {} again", place, id),
                    }
                }
            }
        }
    }
}
