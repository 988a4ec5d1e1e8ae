//! The one shape of every refusal (API.md §1), held against an answer.

use serde_json::Value;

use super::Reply;

impl Reply {
    /// The body of a refusal with this status, `type` and code, after checking everything that holds for all of them.
    #[track_caller]
    pub fn expect_refusal(&self, status: u16, kind: &str, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(
            self.header("content-type"),
            Some("application/json"),
            "{self:?}"
        );
        let body = self.json();
        let keys = |value: &Value| -> Vec<String> {
            let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys
        };
        assert_eq!(
            keys(&body),
            [
                "error",
                "event_id",
                "extra_fields",
                "is_bifrost_error",
                "status_code",
                "type"
            ]
        );
        let mut said = keys(&body["error"]);
        said.retain(|key| key != "param");
        assert_eq!(said, ["code", "message", "type"]);
        assert!(body["error"].get("param").is_none_or(Value::is_string));
        assert_eq!(body["event_id"].as_str(), self.header("x-request-id"));
        assert_eq!(body["is_bifrost_error"], false);
        assert_eq!(body["status_code"], status);
        assert_eq!(body["type"], kind);
        assert_eq!(body["error"]["type"], kind);
        assert_eq!(body["error"]["code"], code, "{}", self.text);
        assert!(
            body["error"]["message"].as_str().unwrap().len() > 10,
            "{}",
            self.text
        );
        assert!(body["extra_fields"].is_object());
        if status == 400 {
            let error = &body["error"];
            let first = &body["extra_fields"]["errors"][0];
            for name in ["code", "message", "param"] {
                assert_eq!(first.get(name), error.get(name), "{}", self.text);
            }
        }
        body
    }

    /// The sentence of the refusal.
    pub fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap().to_owned()
    }
}
