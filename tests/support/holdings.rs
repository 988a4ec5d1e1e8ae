//! Giving users what they hold.

use serde_json::{Value, json};

use super::{Client, Reply};

impl Client {
    /// Makes a profile with one budget of so many dollars a month; answers its id.
    pub fn create_budgeted(&self, name: &str, dollars: i64) -> i64 {
        let body = json!({ "name": name, "budgets": [{ "max_limit": dollars }] });
        self.create_profile(&body)["id"].as_i64().unwrap()
    }

    /// Makes a user without a role; answers the id.
    pub fn create_person(&self, name: &str) -> i64 {
        self.create_user(name, &format!("{name}@example.com"), None)
    }

    /// Assigns a profile to a user; answers the copy and the key.
    pub fn assign(&self, user: i64, profile: i64) -> Value {
        let body = json!({ "access_profile_id": profile });
        self.post(&format!("/api/users/{user}/access-profiles"), &body)
            .expect(201)
            .json()
    }

    /// Attaches a profile to roles.
    pub fn attach(&self, profile: i64, roles: &[i64], is_default: bool, apply: bool) -> Reply {
        let body =
            json!({ "role_ids": roles, "is_default": is_default, "apply_to_existing": apply });
        self.post(&format!("/api/access-profiles/{profile}/roles"), &body)
    }

    /// What a user holds.
    pub fn copies_of(&self, user: i64) -> Vec<Value> {
        let list = self
            .get(&format!("/api/users/{user}/access-profiles?limit=500"))
            .expect(200)
            .json();
        list["access_profiles"].as_array().unwrap().clone()
    }

    /// The copy of a profile that a user holds.
    pub fn copy_of(&self, user: i64, profile: i64) -> Value {
        self.get(&format!("/api/users/{user}/access-profiles/{profile}"))
            .expect(200)
            .json()["access_profile"]
            .clone()
    }

    /// Changes a profile.
    pub fn change_profile(&self, profile: i64, change: &Value) -> Value {
        self.put(&format!("/api/access-profiles/{profile}"), change)
            .expect(200)
            .json()["access_profile"]
            .clone()
    }

    /// Pushes parts of a profile to its copies; answers what was done.
    pub fn propagate(&self, profile: i64, body: &Value) -> Value {
        self.post(&format!("/api/access-profiles/{profile}/propagate"), body)
            .expect(200)
            .json()
    }

    /// Where the override of a budget of a copy is.
    #[expect(clippy::unused_self, reason = "reads like the calls around it")]
    pub fn override_path(&self, user: i64, profile: i64, budget: &Value) -> String {
        let budget = budget["id"].as_str().unwrap();
        format!("/api/users/{user}/access-profiles/{profile}/budgets/{budget}/override")
    }
}
