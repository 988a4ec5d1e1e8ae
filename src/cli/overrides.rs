//! `tollkeeper overrides …`: what single users may spend beyond the budgets of what they hold.

use clap::{ArgGroup, Args, Subcommand};
use hyper::Method;
use serde_json::{Number, Value, json};

use super::control::Control;
use super::find::{find_copy, find_user};
use super::print::{PrintedList, print_answer, shown, text};
use crate::config::Settings;
use crate::error::{Error, Result};

/// What can be done with overrides.
#[derive(Subcommand)]
pub enum OverridesCommand {
    /// List the budgets of what a user holds, with what overrides add to them
    #[command(after_help = "Example:\n  tollkeeper overrides list ada@example.com")]
    List {
        /// The user: the e-mail address, or the id
        #[arg(value_name = "EMAIL|ID")]
        user: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Let a user spend more than a budget says; replaces the override before
    #[command(
        after_help = "Examples:\n  tollkeeper overrides set ada@example.com developers --amount 100 --cycles 2\n  tollkeeper overrides set ada@example.com developers --budget 1M --amount 50 --forever",
        group(ArgGroup::new("how long").required(true).args(["cycles", "forever"]))
    )]
    Set {
        #[command(flatten)]
        of: OfBudget,
        /// US dollars that are added to the limit
        #[arg(long, value_name = "DOLLARS")]
        amount: Number,
        /// For so many windows, of which the open one is the first; not of a budget that never resets
        #[arg(long, value_name = "N")]
        cycles: Option<u32>,
        /// For good
        #[arg(long)]
        forever: bool,
    },
    /// Take an override away
    #[command(after_help = "Example:\n  tollkeeper overrides remove ada@example.com developers")]
    Remove(OfBudget),
}

/// The budget that is meant.
#[derive(Args)]
pub struct OfBudget {
    /// The user: the e-mail address, or the id
    #[arg(value_name = "EMAIL|ID")]
    user: String,
    /// The access profile: its name, or its id
    #[arg(value_name = "NAME|ID")]
    profile: String,
    /// Which of its budgets: the reset duration, or the id that `overrides list` shows [default: the only one]
    #[arg(long, value_name = "SPAN|ID")]
    budget: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const LIST: PrintedList<7> = PrintedList {
    thing: "budget",
    field: "budgets",
    hint: "`tollkeeper assign` gives the user an access profile",
    titles: [
        "profile", "budget", "resets", "scope", "limit", "override", "lasts",
    ],
    row: |budget| {
        let lasts = match budget["override_cycles_remaining"].as_i64() {
            Some(windows) => format!("{windows} windows"),
            None => shown(&budget["override_mode"]),
        };
        let [profile, id, resets, scope, limit, more] = [
            "access_profile",
            "id",
            "reset_duration",
            "scope",
            "max_limit",
            "override_amount",
        ]
        .map(|field| shown(&budget[field]));
        [profile, id, resets, scope, limit, more, lasts]
    },
};

/// Runs one of the commands.
///
/// # Errors
/// One sentence that says what is in the way.
pub fn run(command: OverridesCommand, settings: &Settings) -> Result<()> {
    Control::with(settings, |control| match command {
        OverridesCommand::List { user, json } => {
            let user = find_user(control, &user)?;
            let path = format!("/api/users/{}/access-profiles?limit=500", text(&user["id"]));
            let copies = control.every("access_profiles", &path)?;
            let named = copies.iter().flat_map(|copy| {
                let name = copy["name"].clone();
                budgets(copy).map(move |budget| {
                    let mut budget = budget.clone();
                    budget["access_profile"] = name.clone();
                    budget
                })
            });
            LIST.print(control, &named.collect::<Vec<_>>(), None, json);
            Ok(())
        }
        OverridesCommand::Set {
            of, amount, cycles, ..
        } => {
            let mode = if cycles.is_some() {
                "cycles"
            } else {
                "forever"
            };
            let body = json!({ "amount": amount, "mode": mode, "cycles": cycles });
            change(control, &of, Method::PUT, Some(&body))
        }
        OverridesCommand::Remove(of) => change(control, &of, Method::DELETE, None),
    })
}

/// All budgets of a copy, those of its providers too.
fn budgets(copy: &Value) -> impl Iterator<Item = &Value> {
    let lines = copy["provider_configs"].as_array().into_iter().flatten();
    let own = copy["budgets"].as_array().into_iter().flatten();
    own.chain(lines.flat_map(|line| line["budgets"].as_array().into_iter().flatten()))
}

fn change(control: &Control, of: &OfBudget, method: Method, body: Option<&Value>) -> Result<()> {
    let copy = find_copy(control, &of.user, &of.profile)?;
    let budget = find_budget(&copy, of.budget.as_deref())?;
    let path = format!(
        "/api/users/{}/access-profiles/{}/budgets/{}/override",
        text(&copy["user_id"]),
        copy["parent_profile_id"],
        text(&budget["id"])
    );
    let answer = control.call(method, &path, body)?;
    print_answer(control, answer, of.json, |answer| {
        let each = match text(&answer["budget"]["reset_duration"]) {
            "never" => ", which never resets,".to_owned(),
            span => format!(" for each {span}"),
        };
        format!(
            "The budget {} of {}{each} is now ${}\nIn {}",
            text(&answer["budget"]["id"]),
            text(&copy["name"]),
            answer["effective_max_limit"],
            control.database()
        )
    });
    Ok(())
}

/// The budget of a copy that is meant.
fn find_budget<'c>(copy: &'c Value, wanted: Option<&str>) -> Result<&'c Value> {
    let is = |budget: &&Value| {
        wanted.is_none_or(|wanted| {
            [&budget["id"], &budget["reset_duration"]]
                .map(text)
                .contains(&wanted)
        })
    };
    let found: Vec<&Value> = budgets(copy).filter(is).collect();
    let name = text(&copy["name"]);
    match (found.as_slice(), wanted) {
        ([budget], _) => Ok(budget),
        ([], None) => Err(Error::absent(format!("{name} has no budget"))),
        ([], Some(wanted)) => Err(Error::absent(format!(
            "{name} has no budget {wanted:?}; see `tollkeeper overrides list`"
        ))),
        (several, _) => {
            let ids: Vec<&str> = several.iter().map(|budget| text(&budget["id"])).collect();
            Err(Error::usage(format!(
                "{name} has several budgets; name one with --budget: {}",
                ids.join(", ")
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_found_by_its_span_or_its_id_and_without_either_if_it_is_the_only_one() {
        let copy = json!({
            "name": "dev",
            "budgets": [{ "id": "budget-1-1", "reset_duration": "1M" }],
            "provider_configs": [{ "budgets": [{ "id": "budget-1-2", "reset_duration": "1d" }] }],
        });
        let found =
            |wanted| find_budget(&copy, wanted).map(|budget| text(&budget["id"]).to_owned());
        assert_eq!(found(Some("1d")).unwrap(), "budget-1-2");
        assert_eq!(found(Some("budget-1-1")).unwrap(), "budget-1-1");
        let said = found(None).unwrap_err().to_string();
        assert!(said.contains("budget-1-1, budget-1-2"), "{said}");
        assert!(matches!(found(Some("1Y")), Err(Error::NotFound { .. })));
    }
}
