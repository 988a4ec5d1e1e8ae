//! A plain model of who holds what, with which limits: lists and loops, no database.

use serde_json::{Value, json};

pub const DAY: i64 = 86_400;
pub const MONTH: i64 = 30 * DAY;

/// The budgets of a policy: dollars a month, and perhaps a day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budgets {
    pub month: i64,
    pub day: Option<i64>,
}

impl Budgets {
    pub fn json(self) -> Value {
        let day = self
            .day
            .map(|limit| json!({ "max_limit": limit, "reset_duration": "1d" }));
        let month = json!({ "max_limit": self.month, "reset_duration": "1M" });
        Value::Array([Some(month), day].into_iter().flatten().collect())
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
    pub budgets: Budgets,
    pub raised: [Option<Raised>; 2],
    /// For each budget the window in which it was last used, and what was used in it.
    pub used: [(i64, i64); 2],
    pub expires_at: Option<i64>,
    pub created_at: i64,
}

/// The length of the windows of the budgets, in the order of [`Copy::raised`].
pub const LENGTHS: [i64; 2] = [MONTH, DAY];

impl Copy {
    pub fn window(&self, budget: usize, now: i64) -> i64 {
        (now - self.created_at).div_euclid(LENGTHS[budget])
    }

    pub fn has(&self, budget: usize) -> bool {
        budget == 0 || self.budgets.day.is_some()
    }

    fn used(&self, budget: usize, now: i64) -> i64 {
        let (window, used) = self.used[budget];
        if window == self.window(budget, now) {
            used
        } else {
            0
        }
    }

    /// The limit that binds, with what an override adds and for how many windows.
    fn binding(&self, budget: usize, limit: i64, now: i64) -> (i64, Option<(i64, Option<i64>)>) {
        let window = self.window(budget, now);
        let raised = self.raised[budget].and_then(|raised| {
            let left = raised
                .cycles
                .map(|cycles| cycles - (window - raised.given_in));
            left.is_none_or(|left| left > 0)
                .then_some((raised.amount, left))
        });
        (limit + raised.map_or(0, |(amount, _)| amount), raised)
    }

    fn limits(&self) -> Vec<(usize, i64)> {
        let day = self.budgets.day.map(|limit| (1, limit));
        [Some((0, self.budgets.month)), day]
            .into_iter()
            .flatten()
            .collect()
    }

    /// A call that was made needs no more than that something is left.
    fn has_room(&self, now: i64) -> bool {
        let left = |(budget, limit)| self.used(budget, now) < self.binding(budget, limit, now).0;
        self.limits().into_iter().all(left)
    }

    fn spend(&mut self, dollars: i64, now: i64) {
        for (budget, _) in self.limits() {
            self.used[budget] = (self.window(budget, now), self.used(budget, now) + dollars);
        }
    }

    /// As the server must show it: what is used, the limit that binds, what is left of an override, and when the window ends.
    fn shown_budget(&self, budget: usize, limit: i64, now: i64) -> Value {
        let window = self.window(budget, now);
        let (effective, raised) = self.binding(budget, limit, now);
        let ends = self.created_at + (window + 1) * LENGTHS[budget];
        json!([
            self.used(budget, now),
            limit,
            effective,
            raised.and_then(|(_, left)| left),
            raised.map(|(amount, _)| amount),
            ends
        ])
    }

    pub fn shown(&self, now: i64) -> Value {
        let day = self
            .budgets
            .day
            .map(|limit| self.shown_budget(1, limit, now));
        let budgets: Vec<_> = [Some(self.shown_budget(0, self.budgets.month, now)), day]
            .into_iter()
            .flatten()
            .collect();
        json!([
            self.profile,
            self.role,
            self.expires_at.is_none_or(|at| at > now),
            budgets
        ])
    }
}

#[derive(Debug, Clone, Default)]
pub struct User {
    pub role: Option<usize>,
    pub copies: Vec<Copy>,
}

#[derive(Debug, Clone)]
pub struct Model {
    pub profiles: Vec<Budgets>,
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
            .retain(|copy| copy.profile != profile || copy.expires_at.is_none_or(|at| at > now));
        if self.holds(user, profile).is_some() {
            return false;
        }
        let copy = Copy {
            profile,
            role,
            budgets: self.profiles[profile],
            raised: [None, None],
            used: [(0, 0); 2],
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
            if default && Some(attached) == role {
                self.give(user, profile, role, now);
            }
        }
    }

    /// Charges the first active copy that has room, else the first that is active; answers whether there is one.
    pub fn spend(&mut self, user: usize, dollars: i64, now: i64) -> bool {
        let copies = &mut self.users[user].copies;
        let active = |copy: &Copy| copy.expires_at.is_none_or(|at| at > now);
        let roomy = copies
            .iter()
            .position(|copy| active(copy) && copy.has_room(now));
        let Some(at) = roomy.or_else(|| copies.iter().position(active)) else {
            return false;
        };
        copies[at].spend(dollars, now);
        true
    }

    /// Pushes the budgets of a profile to some users; answers whom that changes.
    pub fn propagate(&mut self, profile: usize, users: &[usize], reset: bool) -> Vec<usize> {
        let template = self.profiles[profile];
        let mut changed = Vec::new();
        for user in users {
            let Some(at) = self.holds(*user, profile) else {
                continue;
            };
            let copy = &mut self.users[*user].copies[at];
            if copy.budgets != template || reset {
                copy.budgets = template;
                if template.day.is_none() {
                    copy.raised[1] = None;
                    copy.used[1] = (0, 0);
                }
                if reset {
                    copy.used = [(0, 0); 2];
                }
                changed.push(*user);
            }
        }
        changed
    }
}
