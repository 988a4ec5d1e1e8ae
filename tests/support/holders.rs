//! People with profiles and virtual keys, arranged through the public API, and the calls that gateways make for them.

use serde_json::{Value, json};

use super::{Client, Reply};

/// A user with one profile and its virtual key.
#[derive(Debug, Clone)]
pub struct Holder {
    pub user_id: String,
    pub profile_id: i64,
    pub key: String,
}

impl Holder {
    /// The public id of the key.
    pub fn key_id(&self) -> &str {
        &self.key["tk_vk_".len()..][..12]
    }
}

impl Client {
    /// Makes a user who holds a new profile of their own.
    pub fn make_holder(&self, name: &str, policy: &Value) -> Holder {
        let mut body = policy.clone();
        body["name"] = json!(format!("profile of {name}"));
        let profile_id = self.create_profile(&body)["id"].as_i64().unwrap();
        let (user_id, key) = self.make_user_with(name, profile_id);
        Holder {
            user_id,
            profile_id,
            key,
        }
    }

    /// Makes a user who holds a profile that is there; answers the id and the virtual key.
    pub fn make_user_with(&self, name: &str, profile_id: i64) -> (String, String) {
        let user = self.create_person(name);
        let given = self.assign(user, profile_id);
        let key = given["virtual_key"]["value"].as_str().unwrap();
        (user.to_string(), key.to_owned())
    }

    /// Asks for a reservation: a model of `OpenAI`, with these further fields.
    pub fn reserve(&self, key: &str, more: &Value) -> Reply {
        self.post("/v1/reservations", &call(key, more))
    }

    /// Settles a reservation.
    pub fn settle(&self, id: &str, tokens: i64, cost: f64) -> Reply {
        let body = json!({ "tokens": tokens, "cost": cost });
        self.post(&format!("/v1/reservations/{id}/settle"), &body)
    }

    /// Calls with a virtual key in the place of the credential.
    pub fn with_virtual_key(&self, key: &str) -> Self {
        self.with_key(key)
    }
}

/// The body of a call of `gpt-5` of `OpenAI`, with these further fields.
pub fn call(key: &str, more: &Value) -> Value {
    let mut body = json!({ "virtual_key": key, "provider": "openai", "model": "gpt-5" });
    if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
        body.extend(more.clone());
    }
    body
}

/// The id of the reservation in an answer.
pub fn reservation_id(reply: &Reply) -> String {
    reply.json()["reservation"]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// A profile that allows two models of `OpenAI`, with a budget of ten dollars a day, 10,000 tokens and five requests an hour.
pub fn policy() -> Value {
    json!({
        "provider_configs": [{
            "provider_name": "openai", "allowed_models": ["gpt-5*", "o3"], "blacklisted_models": ["gpt-5-pro"]
        }],
        "budgets": [{ "max_limit": 10, "reset_duration": "1d" }],
        "rate_limit": { "token_max_limit": 10_000, "token_reset_duration": "1h",
                        "request_max_limit": 5, "request_reset_duration": "1h" }
    })
}

/// Both providers, any model, nothing limited but what `more` says.
pub fn two_providers(more: &Value) -> Value {
    let mut policy = json!({ "provider_configs": [
        { "provider_name": "openai", "all_models_allowed": true },
        { "provider_name": "anthropic", "all_models_allowed": true }
    ] });
    if let (Some(policy), Some(more)) = (policy.as_object_mut(), more.as_object()) {
        policy.extend(more.clone());
    }
    policy
}
