//! `tollkeeper profiles …`: what may be used, and for how much. Everything else that a profile can say is said over the API or on the page.

use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::{Value, json};

use super::control::Control;
use super::find::find_profile;
use super::print::{ListArguments, PrintedList, named, names, print_answer, shown, text};
use super::table::fields;
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
    List(ListArguments),
    /// Show an access profile
    #[command(after_help = "Example:\n  tollkeeper profiles show developers")]
    Show(OneProfile),
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
        /// The most that is spent in each span, such as 100/1M, or 100 alone, for $100 a month, or 100/never for $100 in all; can be given several times
        #[arg(long = "budget", value_name = "DOLLARS[/SPAN]", value_parser = parse_budget)]
        budgets: Vec<Value>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make an access profile like another one, without its roles and holders
    #[command(after_help = "Example:\n  tollkeeper profiles clone developers testers")]
    Clone {
        #[command(flatten)]
        one: OneProfile,
        /// A name that no other profile has
        name: String,
    },
    /// Let a profile be given to users again
    #[command(after_help = "Example:\n  tollkeeper profiles activate developers")]
    Activate(OneProfile),
    /// Let nobody else get a profile; who holds it keeps it
    #[command(after_help = "Example:\n  tollkeeper profiles deactivate developers")]
    Deactivate(OneProfile),
    /// List the versions of a profile, the newest first
    #[command(after_help = "Example:\n  tollkeeper profiles versions developers")]
    Versions(OneProfile),
    /// Bring back the content of an earlier version, as a new one
    #[command(after_help = "Example:\n  tollkeeper profiles restore developers 1")]
    Restore {
        #[command(flatten)]
        one: OneProfile,
        /// The number of the version
        version: u32,
    },
    /// Delete a profile that nobody holds
    #[command(after_help = "Example:\n  tollkeeper profiles delete developers")]
    Delete(OneProfile),
}

/// The profile that is meant.
#[derive(Args)]
pub struct OneProfile {
    /// The name or the id
    #[arg(value_name = "NAME|ID")]
    profile: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const LIST: PrintedList<4> = PrintedList {
    thing: "access profile",
    field: "access_profiles",
    hint: "make one with `tollkeeper profiles create NAME --provider NAME`",
    titles: ["id", "name", "active", "providers"],
    row: |profile| {
        let lines = profile["provider_configs"].as_array().into_iter().flatten();
        let providers: Vec<&str> = lines.map(|line| text(&line["provider_name"])).collect();
        let [id, name, active] = ["id", "name", "is_active"].map(|field| shown(&profile[field]));
        [id, name, active, providers.join(", ")]
    },
};

const VERSIONS: PrintedList<4> = PrintedList {
    thing: "version",
    field: "versions",
    hint: "",
    titles: ["version", "name", "made by", "made at"],
    row: |one| ["version", "name", "changed_by", "created_at"].map(|field| shown(&one[field])),
};

/// A budget as the API takes it.
fn parse_budget(written: &str) -> std::result::Result<Value, String> {
    let expected = || {
        "expected dollars and a span, such as 100/1M (units s m h d w M Q Y) or 100/never, or dollars alone"
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
        ProfilesCommand::List(asked) => LIST.searched(control, "/api/access-profiles", &asked),
        ProfilesCommand::Show(one) => show(control, &one),
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
            let answer = control.call(Method::POST, "/api/access-profiles", Some(&body))?;
            print_made(control, answer, "Made", json);
            Ok(())
        }
        ProfilesCommand::Clone { one, name } => {
            let body = json!({ "name": name });
            change(control, &one, Method::POST, "/clone", (&body, "Made"))
        }
        ProfilesCommand::Activate(one) => change(
            control,
            &one,
            Method::PUT,
            "/activate",
            (&json!({}), "Activated"),
        ),
        ProfilesCommand::Deactivate(one) => change(
            control,
            &one,
            Method::PUT,
            "/deactivate",
            (&json!({}), "Deactivated"),
        ),
        ProfilesCommand::Versions(one) => {
            let path = format!("{}/versions?limit=500", path_of(control, &one)?);
            let versions = control.every("versions", &path)?;
            VERSIONS.print(control, &versions, None, one.json);
            Ok(())
        }
        ProfilesCommand::Restore { one, version } => {
            let below = format!("/versions/{version}/restore");
            change(
                control,
                &one,
                Method::POST,
                &below,
                (&json!({}), "Restored"),
            )
        }
        ProfilesCommand::Delete(one) => delete(control, &one),
    })
}

fn path_of(control: &Control, one: &OneProfile) -> Result<String> {
    let profile = find_profile(control, &one.profile)?;
    Ok(format!("/api/access-profiles/{}", profile["id"]))
}

fn show(control: &Control, one: &OneProfile) -> Result<()> {
    let answer = control.call(Method::GET, &path_of(control, one)?, None)?;
    print_answer(control, answer, one.json, |answer| {
        let profile = &answer["access_profile"];
        let lines = profile["provider_configs"].as_array().into_iter().flatten();
        let mut said = vec![
            ("Name", named(profile)),
            ("Description", shown(&profile["description"])),
            ("Active", shown(&profile["is_active"])),
            ("Version", shown(&profile["version"])),
            ("Roles", shown(&names(&answer["roles"]).into())),
            ("Held by", format!("{} users", answer["user_count"])),
            ("Budgets", budgets(&profile["budgets"])),
            ("Rate limit", rate_limit(&profile["rate_limit"])),
        ];
        said.extend(lines.map(|line| ("Provider", provider(line))));
        format!("{}\nIn {}", fields(&said), control.database())
    });
    Ok(())
}

/// What one provider may be used for, in a line.
fn provider(line: &Value) -> String {
    let listed = |field: &str| {
        let models = line[field].as_array().into_iter().flatten();
        models.map(text).collect::<Vec<_>>().join(", ")
    };
    let models = if line["all_models_allowed"] == json!(true) {
        "every model".to_owned()
    } else {
        listed("allowed_models")
    };
    let mut said = format!("{}: {models}", text(&line["provider_name"]));
    for (before, more) in [
        ("but ", listed("blacklisted_models")),
        ("", budgets(&line["budgets"])),
        ("", rate_limit(&line["rate_limit"])),
    ] {
        if !["", "-"].contains(&more.as_str()) {
            said = format!("{said}; {before}{more}");
        }
    }
    said
}

fn budgets(budgets: &Value) -> String {
    let budgets = budgets.as_array().into_iter().flatten();
    let each: Vec<String> = budgets
        .map(|budget| {
            format!(
                "${}/{}",
                budget["max_limit"],
                text(&budget["reset_duration"])
            )
        })
        .collect();
    shown(&each.join(", ").into())
}

fn rate_limit(limit: &Value) -> String {
    let of = |kind: &str| {
        let most = limit[format!("{kind}_max_limit")].as_i64()?;
        let span = text(&limit[format!("{kind}_reset_duration")]);
        Some(format!("{most} {kind}s/{span}"))
    };
    let each: Vec<String> = ["request", "token"].into_iter().filter_map(of).collect();
    shown(&each.join(", ").into())
}

fn change(
    control: &Control,
    one: &OneProfile,
    method: Method,
    below: &str,
    (body, done): (&Value, &str),
) -> Result<()> {
    let path = format!("{}{below}", path_of(control, one)?);
    let answer = control.call(method, &path, Some(body))?;
    print_made(control, answer, done, one.json);
    Ok(())
}

fn print_made(control: &Control, answer: Value, done: &str, json: bool) {
    print_answer(control, answer, json, |answer| {
        let profile = &answer["access_profile"];
        let mut said = format!(
            "{done} the access profile {}\nIn {}",
            named(profile),
            control.database()
        );
        for warning in answer["warnings"].as_array().into_iter().flatten() {
            said = format!("{said}\nBut {}", text(&warning["message"]));
        }
        said
    });
}

fn delete(control: &Control, one: &OneProfile) -> Result<()> {
    let answer = control.call(Method::DELETE, &path_of(control, one)?, None)?;
    print_answer(control, answer, one.json, |answer| {
        format!("{} in {}", text(&answer["message"]), control.database())
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
        assert_eq!(
            of("100/never"),
            Some(json!({ "max_limit": 100, "reset_duration": "never" }))
        );
        assert_eq!(of("0.5"), Some(json!({ "max_limit": 0.5 })));
        for wrong in ["", "$5", "5/", "5/day", "/1d", "5/1d/2", "nothing"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
