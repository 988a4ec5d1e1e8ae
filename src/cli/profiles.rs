//! `tollkeeper profiles …`: what may be used, and for how much. Everything else that a profile can say is said over the API or on the page.

use clap::Subcommand;
use hyper::Method;
use serde_json::{Value, json};

use super::control::Control;
use super::print::{PrintedList, none, print_answer, text};
use crate::config::Settings;
use crate::domain::values::duration::ResetDuration;
use crate::error::Result;

/// What can be done with access profiles.
#[derive(Subcommand)]
pub enum ProfilesCommand {
    /// List access profiles
    #[command(
        after_help = "Examples:\n  tollkeeper profiles list\n  tollkeeper profiles list --search dev"
    )]
    List {
        /// Those with this in name or description
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make an access profile
    #[command(
        after_help = "Examples:\n  tollkeeper profiles create developers --provider openai --budget 100/1M\n  tollkeeper profiles create testers --provider openai --model 'gpt-5*' --model gpt-4o --budget 5/1d"
    )]
    Create {
        /// A name that no other profile has
        name: String,
        /// A provider that may be used; can be given several times
        #[arg(long = "provider", value_name = "NAME", required = true)]
        providers: Vec<String>,
        /// A model that may be used, "*" for any text; can be given several times [default: every model of the providers]
        #[arg(long = "model", value_name = "MODEL")]
        models: Vec<String>,
        /// The most that is spent in each span, such as 100/1M for $100 a month, or 100 for good; can be given several times
        #[arg(long = "budget", value_name = "DOLLARS[/SPAN]", value_parser = parse_budget)]
        budgets: Vec<Value>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// A budget as the API takes it.
fn parse_budget(written: &str) -> std::result::Result<Value, String> {
    let expected = || {
        "expected dollars and a span, such as 100/1M (units s m h d w M Q Y), or dollars alone"
            .to_owned()
    };
    let (dollars, span) = match written.split_once('/') {
        Some((dollars, span)) => (dollars, Some(span)),
        None => (written, None),
    };
    // A number as JSON writes it keeps each of its digits.
    let dollars: serde_json::Number = serde_json::from_str(dollars).map_err(|_| expected())?;
    let mut budget = json!({ "max_limit": dollars });
    if let Some(span) = span {
        span.parse::<ResetDuration>().map_err(|()| expected())?;
        budget["reset_duration"] = span.into();
    }
    Ok(budget)
}

/// Runs one of the commands.
///
/// # Errors
/// One sentence that says what is in the way.
pub fn run(command: ProfilesCommand, settings: &Settings) -> Result<()> {
    Control::with(settings, |control| match command {
        ProfilesCommand::List { search, json } => list(control, search.as_deref(), json),
        ProfilesCommand::Create {
            name,
            providers,
            models,
            budgets,
            json,
        } => {
            let line = |provider: &String| {
                let mut line = json!({ "provider_name": provider });
                if models.is_empty() {
                    line["all_models_allowed"] = true.into();
                } else {
                    line["allowed_models"] = json!(models);
                }
                line
            };
            let lines: Vec<Value> = providers.iter().map(line).collect();
            let body = json!({ "name": name, "provider_configs": lines, "budgets": budgets });
            create(control, &body, json)
        }
    })
}

fn list(control: &Control, search: Option<&str>, json: bool) -> Result<()> {
    let hint = "make one with `tollkeeper profiles create NAME --provider NAME`";
    let list = PrintedList {
        field: "access_profiles",
        none: Some(none(control, "access profile", search, hint)),
        heading: format!("{:>6}  {:<24}  {:<8}  providers", "id", "name", "active"),
        row: |profile| {
            let lines = profile["provider_configs"].as_array().into_iter().flatten();
            let providers: Vec<&str> = lines.map(|line| text(&line["provider_name"])).collect();
            format!(
                "{:>6}  {:<24}  {:<8}  {}",
                profile["id"].to_string(),
                text(&profile["name"]),
                profile["is_active"].to_string(),
                providers.join(", ")
            )
        },
    };
    let profiles = control.searched("access_profiles", "/api/access-profiles", search)?;
    list.print(control, &profiles, json);
    Ok(())
}

fn create(control: &Control, body: &Value, json: bool) -> Result<()> {
    let answer = control.call(Method::POST, "/api/access-profiles", Some(body))?;
    print_answer(control, answer, json, |answer| {
        let profile = &answer["access_profile"];
        let mut said = format!(
            "Made the access profile {} (id {})\nIn {}",
            text(&profile["name"]),
            profile["id"],
            control.database()
        );
        for warning in answer["warnings"].as_array().into_iter().flatten() {
            said = format!("{said}\nBut {}", text(&warning["message"]));
        }
        said
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_dollars_with_or_without_a_span() {
        let of = |text| parse_budget(text).ok();
        assert_eq!(
            of("100/1M"),
            Some(json!({ "max_limit": 100, "reset_duration": "1M" }))
        );
        assert_eq!(of("0.5"), Some(json!({ "max_limit": 0.5 })));
        for wrong in ["", "$5", "5/", "5/day", "/1d", "5/1d/2", "nothing"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
