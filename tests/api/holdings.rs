//! Random sequences of everything that changes who holds what: a plain model and the server agree after each step.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value, json};

use crate::holdings_model::{BUDGETS, Cost, FIELDS, Model, Raised, Terms, User};
use crate::support::{Reply, Server};

const PROFILES: usize = 2;
const ROLES: usize = 2;
const USERS: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    Attach {
        profile: usize,
        role: usize,
        default: bool,
        apply: bool,
    },
    Detach {
        profile: usize,
        role: usize,
    },
    ChangeRole {
        user: usize,
        role: Option<usize>,
    },
    Assign {
        user: usize,
        profile: usize,
        hours: Option<i64>,
    },
    Unassign {
        user: usize,
        profile: usize,
    },
    Edit {
        profile: usize,
        terms: Terms,
    },
    Switch {
        profile: usize,
        active: bool,
    },
    Propagate {
        profile: usize,
        fields: Vec<usize>,
        to: To,
        dry: bool,
        reset: bool,
    },
    Spend {
        user: usize,
        cost: Cost,
    },
    Call {
        user: usize,
        cost: Cost,
        cancel: bool,
    },
    Raise {
        user: usize,
        profile: usize,
        budget: usize,
        amount: i64,
        cycles: Option<i64>,
    },
    Lower {
        user: usize,
        profile: usize,
        budget: usize,
    },
    Wait {
        hours: i64,
    },
    Replace {
        user: usize,
    },
    Restart,
}

#[derive(Debug, Clone)]
enum To {
    All,
    User(usize),
    Role(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (profile, role, user, budget) = (0..PROFILES, 0..ROLES, 0..USERS, 0..BUDGETS);
    let to = prop_oneof![
        Just(To::All),
        (0..USERS).prop_map(To::User),
        (0..ROLES).prop_map(To::Role)
    ];
    let limit = |most: i64| option::weighted(0.6, 1..most);
    let terms = (
        option::weighted(0.9, 1..6_i64),
        limit(4),
        limit(4),
        limit(40),
        limit(5),
    );
    let terms = terms.prop_map(|(month, day, provider, tokens, requests)| {
        Terms([month, day, provider, tokens, requests])
    });
    let cost = (1..3_i64, 1..12_i64).prop_map(|(dollars, tokens)| Cost { dollars, tokens });
    let fields = subsequence((0..FIELDS.len()).collect::<Vec<_>>(), 1..=FIELDS.len());
    prop_oneof![
        2 => (profile.clone(), role.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(profile, role, default, apply)| Step::Attach { profile, role, default, apply }),
        1 => (profile.clone(), role.clone()).prop_map(|(profile, role)| Step::Detach { profile, role }),
        3 => (user.clone(), option::of(role)).prop_map(|(user, role)| Step::ChangeRole { user, role }),
        3 => (user.clone(), profile.clone(), option::of(1..60_i64))
            .prop_map(|(user, profile, hours)| Step::Assign { user, profile, hours }),
        1 => (user.clone(), profile.clone()).prop_map(|(user, profile)| Step::Unassign { user, profile }),
        3 => (profile.clone(), terms).prop_map(|(profile, terms)| Step::Edit { profile, terms }),
        1 => (profile.clone(), prop::bool::weighted(0.7)).prop_map(|(profile, active)| Step::Switch { profile, active }),
        4 => (profile.clone(), fields, to, any::<bool>(), prop::bool::weighted(0.3))
            .prop_map(|(profile, fields, to, dry, reset)| Step::Propagate { profile, fields, to, dry, reset }),
        3 => (user.clone(), cost.clone()).prop_map(|(user, cost)| Step::Spend { user, cost }),
        4 => (user.clone(), cost, prop::bool::weighted(0.2)).prop_map(|(user, cost, cancel)| Step::Call { user, cost, cancel }),
        3 => (user.clone(), profile.clone(), budget.clone(), 1..5_i64, option::of(1..4_i64))
            .prop_map(|(user, profile, budget, amount, cycles)| Step::Raise { user, profile, budget, amount, cycles }),
        1 => (user.clone(), profile, budget).prop_map(|(user, profile, budget)| Step::Lower { user, profile, budget }),
        3 => (1..400_i64).prop_map(|hours| Step::Wait { hours }),
        1 => user.prop_map(|user| Step::Replace { user }),
        1 => Just(Step::Restart),
    ]
}

/// A server beside its model, and what things are called there.
struct Stage {
    server: Server,
    model: Model,
    profiles: Vec<i64>,
    roles: Vec<i64>,
    users: Vec<i64>,
    made: usize,
}

impl Stage {
    fn new() -> Self {
        let server = Server::start();
        let client = &server.client;
        let terms = Terms([Some(2), Some(1), Some(1), Some(20), Some(2)]);
        let profile = |n: usize| {
            let mut body = terms.json();
            body["name"] = json!(format!("p{n}"));
            client.create_profile(&body)
        };
        Self {
            profiles: (0..PROFILES)
                .map(|n| profile(n)["id"].as_i64().unwrap())
                .collect(),
            roles: (0..ROLES)
                .map(|n| client.create_role(&format!("r{n}")))
                .collect(),
            users: (0..USERS)
                .map(|n| client.create_person(&format!("u{n}")))
                .collect(),
            model: Model {
                profiles: vec![terms; PROFILES],
                active: vec![true; PROFILES],
                attached: Vec::new(),
                users: vec![User::default(); USERS],
            },
            server,
            made: USERS,
        }
    }

    fn now(&self) -> i64 {
        self.server.time.now().as_second()
    }

    fn copy_path(&self, user: usize, profile: usize) -> String {
        format!(
            "/api/users/{}/access-profiles/{}",
            self.users[user], self.profiles[profile]
        )
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each kind of step")]
    fn take(mut self, step: &Step) -> Self {
        let (now, client) = (self.now(), self.server.client.clone());
        match step.clone() {
            Step::Attach {
                profile,
                role,
                default,
                apply,
            } => {
                let reply =
                    client.attach(self.profiles[profile], &[self.roles[role]], default, apply);
                if !self.model.active[profile] {
                    reply.expect(409);
                    return self;
                }
                self.model.attach(profile, role, default);
                let mut given = 0;
                for user in (0..USERS).filter(|_| apply) {
                    if self.model.users[user].role == Some(role) {
                        given += usize::from(self.model.give(user, profile, Some(role), now));
                    }
                }
                assert_eq!(reply.expect(200).json()["users_applied"], given);
            }
            Step::Detach { profile, role } => {
                let path = format!(
                    "/api/access-profiles/{}/roles/{}",
                    self.profiles[profile], self.roles[role]
                );
                let before = self.model.attached.len();
                self.model
                    .attached
                    .retain(|(p, r, _)| (*p, *r) != (profile, role));
                expect(
                    &client.delete(&path),
                    self.model.attached.len() < before,
                    404,
                );
            }
            Step::ChangeRole { user, role } => {
                let body = json!({ "role_id": role.map(|role| self.roles[role]) });
                client
                    .put(&format!("/api/users/{}/role", self.users[user]), &body)
                    .expect(200);
                self.model.change_role(user, role, now);
            }
            Step::Assign {
                user,
                profile,
                hours,
            } => {
                let expires = hours.map(|hours| now + hours * 3_600);
                let at = expires.map(|at| jiff::Timestamp::from_second(at).unwrap());
                let body = json!({ "access_profile_id": self.profiles[profile], "expires_at": at });
                let path = format!("/api/users/{}/access-profiles", self.users[user]);
                let fits =
                    self.model.active[profile] && self.model.give(user, profile, None, now);
                if fits {
                    let last = self.model.users[user].copies.last_mut().unwrap();
                    last.expires_at = expires;
                }
                expect(&client.post(&path, &body), fits, 409);
            }
            Step::Unassign { user, profile } => {
                let held = self.model.holds(user, profile);
                if let Some(at) = held {
                    self.model.users[user].copies.remove(at);
                }
                expect(
                    &client.delete(&self.copy_path(user, profile)),
                    held.is_some(),
                    404,
                );
            }
            Step::Edit { profile, terms } => {
                client.change_profile(self.profiles[profile], &terms.json());
                self.model.profiles[profile] = terms;
            }
            Step::Switch { profile, active } => {
                let what = if active { "activate" } else { "deactivate" };
                let path = format!("/api/access-profiles/{}/{what}", self.profiles[profile]);
                client.put(&path, &json!({})).expect(200);
                self.model.active[profile] = active;
            }
            Step::Propagate {
                profile,
                fields,
                to,
                dry,
                reset,
            } => self.propagate(profile, &fields, &to, dry, reset),
            Step::Spend { user, cost } => self.with_key(user, |stage, key| {
                stage.made += 1;
                let body = json!({
                    "virtual_key": key, "provider": "openai", "model": "m", "tokens": cost.tokens, "cost": cost.dollars,
                    "request_id": format!("call {}", stage.made),
                });
                let now = stage.now();
                stage.server.client.post("/v1/usage", &body).expect(201);
                stage.model.spend(user, cost, now);
            }),
            Step::Call { user, cost, cancel } => {
                self.with_key(user, |stage, key| stage.call(user, key, cost, cancel));
            }
            Step::Raise {
                user,
                profile,
                budget,
                amount,
                cycles,
            } => {
                let mode = if cycles.is_some() {
                    "cycles"
                } else {
                    "forever"
                };
                let body = json!({ "amount": amount, "mode": mode, "cycles": cycles });
                let Some(path) = self.override_path(user, profile, budget) else {
                    return self;
                };
                client.put(&path, &body).expect(200);
                let copy = self.model.holds(user, profile).unwrap();
                let copy = &mut self.model.users[user].copies[copy];
                let given_in = copy.window(budget, now);
                copy.raised[budget] = Some(Raised {
                    amount,
                    cycles,
                    given_in,
                });
            }
            Step::Lower {
                user,
                profile,
                budget,
            } => {
                let Some(path) = self.override_path(user, profile, budget) else {
                    return self;
                };
                let copy = self.model.holds(user, profile).unwrap();
                // Ending what was never raised, or has ended, is no mistake.
                self.model.users[user].copies[copy].raised[budget] = None;
                client.delete(&path).expect(200);
            }
            Step::Wait { hours } => self.server.time.advance_seconds(hours * 3_600),
            Step::Replace { user } => {
                client
                    .delete(&format!("/api/users/{}", self.users[user]))
                    .expect(200);
                self.made += 1;
                self.users[user] = client.create_person(&format!("u{}", self.made));
                self.model.users[user] = User::default();
            }
            Step::Restart => self.server = self.server.restart(),
        }
        self
    }

    /// Does something with a key of the user that is made for it: any key works with every copy.
    fn with_key(&mut self, user: usize, work: impl FnOnce(&mut Self, &Value)) {
        let client = self.server.client.clone();
        let path = format!("/api/users/{}/virtual-keys", self.users[user]);
        let made = client.post(&path, &json!({}));
        if self.model.users[user].copies.is_empty() {
            made.expect(404);
            return;
        }
        let key = made.expect(200).json()["virtual_key"].clone();
        work(self, &key["value"]);
        let id = key["id"].as_str().unwrap();
        let path = format!(
            "/api/users/{}/access-profiles/virtual-keys/{id}",
            self.users[user]
        );
        client.delete(&path).expect(200);
    }

    /// Reserves what a call costs, and settles it at that or cancels it.
    fn call(&mut self, user: usize, key: &Value, cost: Cost, cancel: bool) {
        let client = self.server.client.clone();
        let body = json!({
            "virtual_key": key, "provider": "openai", "model": "m", "estimated_tokens": cost.tokens, "estimated_cost": cost.dollars,
        });
        let reply = client.post("/v1/reservations", &body);
        let mut after = self.model.clone();
        if !after.call(user, cost, self.now()) {
            assert!([402, 403, 429].contains(&reply.status), "{}", reply.text);
            return;
        }
        let made = reply.expect(201).json();
        let path = format!(
            "/v1/reservations/{}",
            made["reservation"]["id"].as_str().unwrap()
        );
        if cancel {
            client.delete(&path).expect(200);
        } else {
            let spent = json!({ "tokens": cost.tokens, "cost": cost.dollars });
            client.post(&format!("{path}/settle"), &spent).expect(200);
            self.model = after;
        }
    }

    fn propagate(&mut self, profile: usize, fields: &[usize], to: &To, dry: bool, reset: bool) {
        let names: Vec<&str> = fields.iter().map(|field| FIELDS[*field].0).collect();
        let mut body = json!({ "fields": names, "dry_run": dry, "reset_usage": reset });
        let chosen: Vec<usize> = match to {
            To::All => (0..USERS).collect(),
            To::User(user) => {
                body["user_ids"] = json!([self.users[*user].to_string()]);
                vec![*user]
            }
            To::Role(role) => {
                body["group_ids"] = json!([self.roles[*role]]);
                let is_in = |user: &usize| self.model.users[*user].role == Some(*role);
                (0..USERS).filter(is_in).collect()
            }
        };
        let path = format!("/api/access-profiles/{}/propagate", self.profiles[profile]);
        let reply = self.server.client.post(&path, &body);
        if matches!(to, To::User(user) if self.model.holds(*user, profile).is_none()) {
            reply.expect(404);
            return;
        }
        let mut would = self.model.clone();
        let mut changed: Vec<String> = would
            .propagate(profile, fields, &chosen, reset)
            .iter()
            .map(|user| self.users[*user].to_string())
            .collect();
        changed.sort();
        if !dry {
            self.model = would;
        }
        let done = reply.expect(200).json();
        let mut told: Vec<String> = serde_json::from_value(done["user_ids"].clone()).unwrap();
        told.sort();
        assert_eq!(told, changed);
        assert_eq!(done["applied"], !dry);
    }

    /// Where the override of a budget is, if the user has that budget.
    fn override_path(&self, user: usize, profile: usize, budget: usize) -> Option<String> {
        let at = self.model.holds(user, profile)?;
        let terms = self.model.users[user].copies[at].terms;
        terms.0[budget]?;
        let client = &self.server.client;
        let copy = client.copy_of(self.users[user], self.profiles[profile]);
        let shown = limits_of(&copy)[budget].clone();
        Some(client.override_path(self.users[user], self.profiles[profile], &shown))
    }

    /// Everything that users hold, as the server shows it and as the model says.
    fn compare(&self) {
        let now = self.now();
        for (user, id) in self.users.iter().enumerate() {
            let copies = self.server.client.copies_of(*id);
            let held = &self.model.users[user].copies;
            let expected: Vec<Value> = held.iter().map(|copy| copy.shown(now)).collect();
            let shown: Vec<Value> = copies.iter().map(|copy| self.seen(copy)).collect();
            assert_eq!(shown, expected, "user {user}");
        }
        // Who is listed, by what they hold and are in.
        let listed = |filter: &str| -> Vec<i64> {
            let path = format!("/api/governance/users?{filter}");
            let list = self.server.client.get(&path).expect(200).json();
            let users = list["users"].as_array().unwrap();
            let id = |user: &Value| user["id"].as_str().unwrap().parse().unwrap();
            users.iter().map(id).collect()
        };
        let expected = |is: &dyn Fn(usize) -> bool| -> Vec<i64> {
            let mut ids: Vec<i64> = (0..USERS)
                .filter(|user| is(*user))
                .map(|user| self.users[user])
                .collect();
            ids.sort_unstable();
            ids
        };
        for (profile, id) in self.profiles.iter().enumerate() {
            let holds = |user| self.model.holds(user, profile).is_some();
            assert_eq!(listed(&format!("access_profile_id={id}")), expected(&holds));
        }
        for (role, id) in self.roles.iter().enumerate() {
            let is_in = |user: usize| self.model.users[user].role == Some(role);
            assert_eq!(listed(&format!("role_id={id}&search=u")), expected(&is_in));
        }
        for (profile, id) in self.profiles.iter().enumerate() {
            let detail = self
                .server
                .client
                .get(&format!("/api/access-profiles/{id}"))
                .expect(200)
                .json();
            let holders = (0..USERS).filter(|user| self.model.holds(*user, profile).is_some());
            assert_eq!(detail["user_count"], holders.count());
            let roles: Vec<Value> = detail["roles"]
                .as_array()
                .unwrap()
                .iter()
                .map(|role| json!([role["role_id"], role["is_default"]]))
                .collect();
            let attached = self
                .model
                .attached
                .iter()
                .filter(|(attached, ..)| *attached == profile);
            let expected: Vec<Value> = attached
                .map(|(_, role, default)| json!([self.roles[*role], default]))
                .collect();
            assert_eq!(roles, expected);
        }
    }

    /// A copy in the terms of the model.
    fn seen(&self, copy: &Value) -> Value {
        assert_eq!(copy["virtual_key_ids"].as_array().unwrap().len(), 1);
        let of = |ids: &[i64], id: &Value| ids.iter().position(|known| Some(*known) == id.as_i64());
        let shown = limits_of(copy).map(|limit| {
            if !limit.is_object() {
                return limit;
            }
            let fields = [
                "current_usage",
                "max_limit",
                "effective_max_limit",
                "override_cycles_remaining",
                "override_amount",
            ];
            let ends: jiff::Timestamp = limit["resets_at"].as_str().unwrap().parse().unwrap();
            let fields = fields.map(|field| limit[field].clone());
            fields
                .into_iter()
                .chain([json!(ends.as_second())])
                .collect()
        });
        json!([
            of(&self.profiles, &copy["parent_profile_id"]),
            of(&self.roles, &copy["source_role_id"]),
            copy["is_active"],
            shown
        ])
    }
}

/// The limits of a copy in the order of the model: budgets as they are shown, of the others what is used and the limit.
fn limits_of(copy: &Value) -> [Value; 5] {
    let every = |budgets: &Value, every: &str| {
        let mut all = budgets.as_array().unwrap().iter();
        let found = all.find(|budget| budget["reset_duration"] == every);
        found.cloned().unwrap_or_default()
    };
    let rate = |kind: &str| {
        let of = |what: &str| copy["rate_limit"][format!("{kind}_{what}")].clone();
        let max = of("max_limit");
        if max.is_null() {
            max
        } else {
            json!([of("current_usage"), max])
        }
    };
    [
        every(&copy["budgets"], "1M"),
        every(&copy["budgets"], "1d"),
        every(&copy["provider_configs"][0]["budgets"], "1d"),
        rate("token"),
        rate("request"),
    ]
}

/// 200 or 201 when it fits, otherwise the refusal.
#[track_caller]
fn expect(reply: &Reply, fits: bool, refusal: u16) {
    let expected = if fits { 200..=201 } else { refusal..=refusal };
    assert!(expected.contains(&reply.status), "{}", reply.text);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_server_and_a_plain_model_agree_on_who_holds_what(steps in vec(step(), 1..30)) {
        let mut stage = Stage::new();
        for step in &steps {
            stage = stage.take(step);
            stage.compare();
        }
    }
}
