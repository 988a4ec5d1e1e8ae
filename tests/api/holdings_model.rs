//! A plain model of who holds what, with which limits: lists and loops, no database.

use serde_json::{Value, json};

pub const DAY: i64 = 86_400;
pub const MONTH: i64 = 30 * DAY;

/// The limits that a policy may have: dollars in all a month and a day, dollars for the provider a day, tokens and requests a day.
pub const LIMITS: usize = 5;
/// Those of them that are budgets, which can be raised.
pub const BUDGETS: usize = 3;
/// The length of the windows of each.
const LENGTHS: [i64; LIMITS] = [MONTH, DAY, DAY, DAY, DAY];
/// The fields of a policy, and which limits are in each.
pub const FIELDS: [(&str, &[usize]); 3] = [
    ("budgets", &[0, 1]),
    ("provider_configs", &[2]),
    ("rate_limit", &[3, 4]),
];

/// The limits of a policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms(pub [Option<i64>; LIMITS]);

impl Terms {
    /// The fields of a profile with these limits.
    pub fn json(self) -> Value {
        let [month, day, provider, tokens, requests] = self.0;
        let budget = |limit: Option<i64>, every: &str| {
            limit.map(|limit| json!({ "max_limit": limit, "reset_duration": every }))
        };
        let list = |budgets: [Option<Value>; 2]| budgets.into_iter().flatten().collect::<Value>();
        let mut rate = json!({});
        if let Some(tokens) = tokens {
            rate["token_max_limit"] = json!(tokens);
            rate["token_reset_duration"] = json!("1d");
        }
        if let Some(requests) = requests {
            rate["request_max_limit"] = json!(requests);
            rate["request_reset_duration"] = json!("1d");
        }
        let rate = Some(rate).filter(|rate| *rate != json!({}));
        json!({
            "budgets": list([budget(month, "1M"), budget(day, "1d")]),
            "provider_configs": [{
                "provider_name": "openai",
                "all_models_allowed": true,
                "budgets": list([budget(provider, "1d"), None]),
            }],
            "rate_limit": rate,
        })
    }

    fn each(self) -> impl Iterator<Item = (usize, i64)> {
        let limits = self.0.into_iter().enumerate();
        limits.filter_map(|(limit, max)| Some((limit, max?)))
    }
}

/// What a call costs: dollars and tokens.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub dollars: i64,
    pub tokens: i64,
}

impl Cost {
    fn of(self, limit: usize) -> i64 {
        match limit {
            0..BUDGETS => self.dollars,
            3 => self.tokens,
            _ => 1,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Raised {
    pub amount: i64,
    pub cycles: Option<i64>,
    /// The number of the window it was given in.
    pub given_in: i64,
}

#[derive(Debug, Clone)]
pub struct Copy {
    pub profile: usize,
    pub role: Option<usize>,
    pub terms: Terms,
    pub raised: [Option<Raised>; BUDGETS],
    /// For each limit the window in which it was last used, and what was used in it.
    pub used: [(i64, i64); LIMITS],
    pub expires_at: Option<i64>,
    pub created_at: i64,
}

impl Copy {
    pub fn window(&self, limit: usize, now: i64) -> i64 {
        (now - self.created_at).div_euclid(LENGTHS[limit])
    }

    fn is_active(&self, now: i64) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }

    fn used(&self, limit: usize, now: i64) -> i64 {
        let (window, used) = self.used[limit];
        if window == self.window(limit, now) {
            used
        } else {
            0
        }
    }

    /// The limit that binds, with what an override adds and for how many windows.
    fn binding(&self, limit: usize, max: i64, now: i64) -> (i64, Option<(i64, Option<i64>)>) {
        let window = self.window(limit, now);
        let raised = self.raised.get(limit).copied().flatten();
        let raised = raised.and_then(|raised| {
            let left = raised
                .cycles
                .map(|cycles| cycles - (window - raised.given_in));
            left.is_none_or(|left| left > 0)
                .then_some((raised.amount, left))
        });
        (max + raised.map_or(0, |(amount, _)| amount), raised)
    }

    /// A call that was made needs no more than that something is left.
    fn has_something_left(&self, now: i64) -> bool {
        let left = |(limit, max)| self.used(limit, now) < self.binding(limit, max, now).0;
        self.terms.each().all(left)
    }

    /// A call that is yet to be made has to fit.
    fn has_room_for(&self, cost: Cost, now: i64) -> bool {
        let fits = |(limit, max)| {
            self.used(limit, now) + cost.of(limit) <= self.binding(limit, max, now).0
        };
        self.has_something_left(now) && self.terms.each().all(fits)
    }

    fn spend(&mut self, cost: Cost, now: i64) {
        for (limit, _) in self.terms.each() {
            let used = self.used(limit, now) + cost.of(limit);
            self.used[limit] = (self.window(limit, now), used);
        }
    }

    /// Forgets what belongs to limits that there are no more.
    fn forget_gone(&mut self) {
        for limit in 0..LIMITS {
            if self.terms.0[limit].is_none() {
                self.used[limit] = (0, 0);
                if limit < BUDGETS {
                    self.raised[limit] = None;
                }
            }
        }
    }

    /// As the server must show it: what is used, the limit that binds, what is left of an override, and when the window ends.
    fn shown_limit(&self, limit: usize, max: i64, now: i64) -> Value {
        let used = self.used(limit, now);
        if limit >= BUDGETS {
            return json!([used, max]);
        }
        let window = self.window(limit, now);
        let (effective, raised) = self.binding(limit, max, now);
        let ends = self.created_at + (window + 1) * LENGTHS[limit];
        json!([
            used,
            max,
            effective,
            raised.and_then(|(_, left)| left),
            raised.map(|(amount, _)| amount),
            ends
        ])
    }

    pub fn shown(&self, now: i64) -> Value {
        let shown = |limit: usize| self.terms.0[limit].map(|max| self.shown_limit(limit, max, now));
        let limits: Vec<_> = (0..LIMITS).map(shown).collect();
        json!([self.profile, self.role, self.is_active(now), limits])
    }
}

#[derive(Debug, Clone, Default)]
pub struct User {
    pub role: Option<usize>,
    pub copies: Vec<Copy>,
}

#[derive(Debug, Clone)]
pub struct Model {
    pub profiles: Vec<Terms>,
    /// Whether each can be given to anybody.
    pub active: Vec<bool>,
    /// Profile, role, whether it is a default; in the order in which they were attached.
    pub attached: Vec<(usize, usize, bool)>,
    pub users: Vec<User>,
}

impl Model {
    pub fn holds(&self, user: usize, profile: usize) -> Option<usize> {
        let mut copies = self.users[user].copies.iter();
        copies.position(|copy| copy.profile == profile)
    }

    /// Gives a copy unless there is one whose time is not over; answers whether there was none.
    pub fn give(&mut self, user: usize, profile: usize, role: Option<usize>, now: i64) -> bool {
        self.users[user]
            .copies
            .retain(|copy| copy.profile != profile || copy.is_active(now));
        if self.holds(user, profile).is_some() {
            return false;
        }
        let copy = Copy {
            profile,
            role,
            terms: self.profiles[profile],
            raised: [None; BUDGETS],
            used: [(0, 0); LIMITS],
            expires_at: None,
            created_at: now,
        };
        self.users[user].copies.push(copy);
        true
    }

    pub fn attach(&mut self, profile: usize, role: usize, default: bool) {
        let found = self
            .attached
            .iter_mut()
            .find(|(p, r, _)| (*p, *r) == (profile, role));
        match found {
            Some(attached) => attached.2 = default,
            None => self.attached.push((profile, role, default)),
        }
    }

    pub fn change_role(&mut self, user: usize, role: Option<usize>, now: i64) {
        if self.users[user].role == role {
            return;
        }
        if let Some(old) = self.users[user].role {
            self.users[user]
                .copies
                .retain(|copy| copy.role != Some(old));
        }
        self.users[user].role = role;
        for (profile, attached, default) in self.attached.clone() {
            if default && Some(attached) == role && self.active[profile] {
                self.give(user, profile, role, now);
            }
        }
    }

    /// Charges the first active copy that has something left, else the first that is active, else the first.
    pub fn spend(&mut self, user: usize, cost: Cost, now: i64) {
        let copies = &mut self.users[user].copies;
        let active = |copy: &Copy| copy.is_active(now);
        let left = |copy: &Copy| active(copy) && copy.has_something_left(now);
        let left = copies.iter().position(left);
        let at = left.or_else(|| copies.iter().position(active));
        copies[at.unwrap_or(0)].spend(cost, now);
    }

    /// Charges the first active copy in which a call has room; answers whether there is one.
    pub fn call(&mut self, user: usize, cost: Cost, now: i64) -> bool {
        let mut copies = self.users[user].copies.iter_mut();
        let found = copies.find(|copy| copy.is_active(now) && copy.has_room_for(cost, now));
        found.map(|copy| copy.spend(cost, now)).is_some()
    }

    /// Pushes fields of a profile to some users; answers whom that changes.
    pub fn propagate(
        &mut self,
        profile: usize,
        fields: &[usize],
        users: &[usize],
        reset: bool,
    ) -> Vec<usize> {
        let template = self.profiles[profile];
        let mut changed = Vec::new();
        for user in users {
            let Some(at) = self.holds(*user, profile) else {
                continue;
            };
            let copy = &mut self.users[*user].copies[at];
            let mut terms = copy.terms;
            for limit in fields.iter().flat_map(|field| FIELDS[*field].1) {
                terms.0[*limit] = template.0[*limit];
            }
            if copy.terms != terms || reset {
                copy.terms = terms;
                copy.forget_gone();
                if reset {
                    copy.used = [(0, 0); LIMITS];
                }
                changed.push(*user);
            }
        }
        changed
    }
}
