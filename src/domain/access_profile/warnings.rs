//! What an access profile says that is valid and yet lets nothing through, so that nobody finds out by the first refused call.

use serde::Serialize;
use utoipa::ToSchema;

use super::{AccessProfile, Budget, ProviderConfig};
use crate::domain::models::model_pattern::ModelPatterns;
use crate::domain::values::letter_case::fold;
use crate::domain::values::money::Money;

/// Something that was stored as it was sent, and lets nothing through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Warning {
    /// Stable machine-readable reason.
    #[schema(pattern = "^[a-z_]+$")]
    pub code: &'static str,
    /// A sentence for people: what is refused, and what to do.
    #[schema(min_length = 1)]
    pub message: String,
    /// JSON path of the value in the access profile.
    pub param: String,
}

/// What lets nothing through in a profile, in the order of its fields.
pub fn warnings(profile: &AccessProfile) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if profile.provider_configs.is_empty() {
        warnings.push(warning(
            "no_provider",
            "provider_configs".to_owned(),
            "names no provider, so every call of a model is refused; add one, such as {\"provider_name\": \"openai\", \
             \"all_models_allowed\": true}",
        ));
    }
    for (at, line) in profile.provider_configs.iter().enumerate() {
        let place = format!("provider_configs[{at}]");
        warnings.extend(of_models(line, &place));
        let whole = format!("calls of {:?}", line.provider_name);
        warnings.extend(of_budgets(&line.budgets, &format!("{place}."), &whole));
    }
    warnings.extend(of_budgets(&profile.budgets, "", "calls"));
    warnings
}

fn warning(code: &'static str, param: String, sentence: &str) -> Warning {
    Warning {
        code,
        message: format!("{param}: {sentence}"),
        param,
    }
}

fn of_models(line: &ProviderConfig, place: &str) -> Option<Warning> {
    let provider = &line.provider_name;
    if !line.all_models_allowed && line.allowed_models.is_empty() {
        let sentence = format!(
            "is empty, so every model of {provider:?} is refused; name some, such as \"gpt-5*\", or set all_models_allowed"
        );
        return Some(warning(
            "no_model",
            format!("{place}.allowed_models"),
            &sentence,
        ));
    }
    // Of an expression only its very text is compared.
    let blocked = ModelPatterns::without_expressions(&line.blacklisted_models);
    let is_blocked = |allowed: &String| {
        let folded = fold(allowed);
        let mut texts = line.blacklisted_models.iter();
        texts.any(|text| fold(text) == folded) || blocked.find(allowed, &folded).is_some()
    };
    let all_blocked = if line.all_models_allowed {
        line.blacklisted_models.iter().any(|text| text == "*")
    } else {
        line.allowed_models.iter().all(is_blocked)
    };
    let sentence = format!(
        "blocks all that is allowed, so every model of {provider:?} is refused; take out what may be used: a blocked model is \
         refused whatever allows it"
    );
    let param = || format!("{place}.blacklisted_models");
    all_blocked.then(|| warning("all_models_blocked", param(), &sentence))
}

fn of_budgets(budgets: &[Budget], place: &str, what: &str) -> Option<Warning> {
    let at = budgets
        .iter()
        .position(|budget| budget.max_limit == Money::ZERO)?;
    let sentence = format!(
        "is a budget of nothing, so all {what} are refused; raise it, or take the budget out"
    );
    let param = format!("{place}budgets[{at}].max_limit");
    Some(warning("budget_of_nothing", param, &sentence))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::access_profile::input::AccessProfileInput;
    use crate::domain::body::json;

    /// The codes and places of what is said of a profile with one line.
    fn of_line(all: bool, allowed: &[&str], blocked: &[&str]) -> Vec<String> {
        let line = json!({ "provider_name": "openai", "all_models_allowed": all, "allowed_models": allowed,
                           "blacklisted_models": blocked });
        codes(&json!({ "name": "x", "provider_configs": [line] }))
    }

    fn codes(body: &Value) -> Vec<String> {
        let now = Timestamp::UNIX_EPOCH;
        let text = body.to_string();
        let input = AccessProfileInput::parse_new(&json::parse(text.as_bytes()).unwrap(), now);
        let profile = AccessProfile::create(1, input.unwrap(), &mut || 1, now).unwrap();
        let shown = |one: Warning| {
            assert!(one.message.starts_with(&one.param), "{}", one.message);
            format!("{} {}", one.param, one.code)
        };
        warnings(&profile).into_iter().map(shown).collect()
    }

    #[test]
    fn only_what_lets_nothing_through_is_warned_of() {
        let nothing: [String; 0] = [];
        let no_model = ["provider_configs[0].allowed_models no_model"];
        let blocked = ["provider_configs[0].blacklisted_models all_models_blocked"];
        assert_eq!(of_line(true, &[], &[]), nothing);
        assert_eq!(of_line(true, &[], &["gpt-*"]), nothing);
        assert_eq!(of_line(false, &["gpt-5"], &["gpt-4"]), nothing);
        assert_eq!(of_line(false, &["gpt-5*"], &["gpt-5-pro"]), nothing);
        assert_eq!(of_line(false, &["gpt-5", "o3"], &["o3"]), nothing);
        assert_eq!(of_line(false, &[], &[]), no_model);
        assert_eq!(of_line(false, &[], &["gpt-4"]), no_model);
        assert_eq!(of_line(true, &["o3"], &["*"]), blocked);
        assert_eq!(of_line(false, &["GPT-5", "o3"], &["o3", "gpt-5"]), blocked);
        assert_eq!(of_line(false, &["gpt-5*", "gpt-4o"], &["GPT-*"]), blocked);
        assert_eq!(
            of_line(false, &["regex:o[0-9]"], &["regex:o[0-9]"]),
            blocked
        );
        assert_eq!(
            codes(
                &json!({ "name": "x", "budgets": [{ "max_limit": 5 }, { "max_limit": 0, "reset_duration": "1d" }] })
            ),
            [
                "provider_configs no_provider",
                "budgets[1].max_limit budget_of_nothing"
            ]
        );
    }
}
