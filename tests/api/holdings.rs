//! Random sequences of everything that changes who holds what: a plain model and the server agree after each step.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::holdings_model::{Budgets, LENGTHS, Model, Raised, User};
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
        budgets: Budgets,
    },
    Propagate {
        profile: usize,
        to: To,
        dry: bool,
        reset: bool,
    },
    Spend {
        user: usize,
        dollars: i64,
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
    let (profile, role, user, budget) = (0..PROFILES, 0..ROLES, 0..USERS, 0..2_usize);
    let to = prop_oneof![
        Just(To::All),
        (0..USERS).prop_map(To::User),
        (0..ROLES).prop_map(To::Role)
    ];
    let budgets = (1..4_i64, option::of(1..3_i64)).prop_map(|(month, day)| Budgets { month, day });
    prop_oneof![
        2 => (profile.clone(), role.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(profile, role, default, apply)| Step::Attach { profile, role, default, apply }),
        1 => (profile.clone(), role.clone()).prop_map(|(profile, role)| Step::Detach { profile, role }),
        3 => (user.clone(), option::of(role)).prop_map(|(user, role)| Step::ChangeRole { user, role }),
        3 => (user.clone(), profile.clone(), option::of(1..60_i64))
            .prop_map(|(user, profile, hours)| Step::Assign { user, profile, hours }),
        1 => (user.clone(), profile.clone()).prop_map(|(user, profile)| Step::Unassign { user, profile }),
        2 => (profile.clone(), budgets).prop_map(|(profile, budgets)| Step::Edit { profile, budgets }),
        3 => (profile.clone(), to, any::<bool>(), any::<bool>())
            .prop_map(|(profile, to, dry, reset)| Step::Propagate { profile, to, dry, reset }),
        4 => (user.clone(), 1..3_i64).prop_map(|(user, dollars)| Step::Spend { user, dollars }),
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
        let budgets = Budgets {
            month: 1,
            day: Some(1),
        };
        let profile = |n: usize| {
            client.create_profile(&json!({ "name": format!("p{n}"), "budgets": budgets.json(), "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }] }))
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
                profiles: vec![budgets; PROFILES],
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
                let fits = self.model.give(user, profile, None, now);
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
            Step::Edit { profile, budgets } => {
                client.change_profile(
                    self.profiles[profile],
                    &json!({ "budgets": budgets.json() }),
                );
                self.model.profiles[profile] = budgets;
            }
            Step::Propagate {
                profile,
                to,
                dry,
                reset,
            } => self.propagate(profile, &to, dry, reset),
            Step::Spend { user, dollars } => self.spend(user, dollars),
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

    /// Reports what a call cost, with a key of the user that is made for it: any key works with every copy.
    fn spend(&mut self, user: usize, dollars: i64) {
        let client = &self.server.client;
        let path = format!("/api/users/{}/virtual-keys", self.users[user]);
        let made = client.post(&path, &json!({}));
        if self.model.users[user].copies.is_empty() {
            made.expect(404);
            return;
        }
        let key = made.expect(200).json()["virtual_key"].clone();
        self.made += 1;
        let body = json!({
            "virtual_key": key["value"], "provider": "openai", "model": "m", "tokens": 1, "cost": dollars,
            "request_id": format!("call {}", self.made),
        });
        let charged = client.post("/v1/usage", &body);
        expect(&charged, self.model.spend(user, dollars, self.now()), 403);
        let id = key["id"].as_str().unwrap();
        let path = format!(
            "/api/users/{}/access-profiles/virtual-keys/{id}",
            self.users[user]
        );
        client.delete(&path).expect(200);
    }

    fn propagate(&mut self, profile: usize, to: &To, dry: bool, reset: bool) {
        let mut body = json!({ "fields": ["budgets"], "dry_run": dry, "reset_usage": reset });
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
            .propagate(profile, &chosen, reset)
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
        let copy = self.model.holds(user, profile)?;
        if !self.model.users[user].copies[copy].has(budget) {
            return None;
        }
        let client = &self.server.client;
        let copy = client.copy_of(self.users[user], self.profiles[profile]);
        let budget = &copy["budgets"][budget];
        Some(client.override_path(self.users[user], self.profiles[profile], budget))
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
        let budget = |budget: &Value| {
            let ends: jiff::Timestamp = budget["resets_at"].as_str().unwrap().parse().unwrap();
            json!([
                budget["current_usage"],
                budget["max_limit"],
                budget["effective_max_limit"],
                budget["override_cycles_remaining"],
                budget["override_amount"],
                ends.as_second()
            ])
        };
        let budgets: Vec<Value> = copy["budgets"]
            .as_array()
            .unwrap()
            .iter()
            .map(budget)
            .collect();
        assert!(budgets.len() <= LENGTHS.len());
        json!([
            of(&self.profiles, &copy["parent_profile_id"]),
            of(&self.roles, &copy["source_role_id"]),
            copy["is_active"],
            budgets
        ])
    }
}

/// 200 or 201 when it fits, otherwise the refusal.
#[track_caller]
fn expect(reply: &Reply, fits: bool, refusal: u16) {
    let expected = if fits { 200..=201 } else { refusal..=refusal };
    assert!(expected.contains(&reply.status), "{}", reply.text);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_server_and_a_plain_model_agree_on_who_holds_what(steps in vec(step(), 1..25)) {
        let mut stage = Stage::new();
        for step in &steps {
            stage = stage.take(step);
            stage.compare();
        }
    }
}
