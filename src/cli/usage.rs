//! `tollkeeper usage`: what was called, used and refused.

use clap::Args;
use hyper::Method;
use serde_json::{Value, json};

use super::control::{Control, encoded};
use super::find::{find_profile, find_user};
use super::print::{print_line, shown, text};
use super::table::print_table;
use crate::config::Settings;
use crate::error::Result;

/// Which part of the history is shown.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tollkeeper usage\n  tollkeeper usage --group-by user,model --from 2027-01-01 --to 2027-01-31\n  tollkeeper usage --user ada@example.com --json"
)]
pub struct UsageArguments {
    /// The first day, such as 2027-01-31 [default: 30 days up to the last]
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// The last day [default: today]
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// What rows are told apart by, with commas between: day, user, `access_profile`, provider, model
    #[arg(long, value_name = "FIELDS", default_value = "day")]
    group_by: String,
    /// Of this user only, by id or e-mail address
    #[arg(long, value_name = "ID|EMAIL")]
    user: Option<String>,
    /// Of this access profile only, by name or id
    #[arg(long, value_name = "NAME|ID")]
    profile: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Shows the history.
///
/// # Errors
/// One sentence that says what is in the way.
pub fn run(arguments: &UsageArguments, settings: &Settings) -> Result<()> {
    Control::with(settings, |control| show(control, arguments))
}

fn show(control: &Control, arguments: &UsageArguments) -> Result<()> {
    let mut path = format!("/api/usage?group_by={}", encoded(&arguments.group_by));
    for (name, day) in [("from", &arguments.from), ("to", &arguments.to)] {
        if let Some(day) = day {
            path = format!("{path}&{name}={}", encoded(day));
        }
    }
    if let Some(user) = &arguments.user {
        let user = find_user(control, user)?;
        path = format!("{path}&user_id={}", text(&user["id"]));
    }
    if let Some(profile) = &arguments.profile {
        let profile = find_profile(control, profile)?;
        path = format!("{path}&access_profile_id={}", profile["id"]);
    }
    let mut page = control.call(Method::GET, &format!("{path}&limit=1"), None)?;
    let rows = control.every("usage", &format!("{path}&limit=500"))?;
    if arguments.json {
        page["usage"] = json!(rows);
        page["count"] = json!(rows.len());
        page["database"] = json!(control.database());
        print_line(&page.to_string());
        return Ok(());
    }
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            [
                about(row),
                shown(&row["calls"]),
                refused(row),
                shown(&row["tokens"]),
                shown(&row["cost"]),
            ]
        })
        .chain([total(&page)])
        .collect();
    print_table(["of", "calls", "refused", "tokens", "dollars"], &rows);
    let [from, to] = ["from", "to"].map(|field| text(&page[field]));
    print_line(&format!("From {from} to {to}, in {}", control.database()));
    Ok(())
}

fn total(page: &Value) -> [String; 5] {
    let totals = &page["totals"];
    let [calls, tokens, cost] = ["calls", "tokens", "cost"].map(|field| shown(&totals[field]));
    ["all".to_owned(), calls, refused(totals), tokens, cost]
}

/// What a row is about: the names where there are any.
fn about(row: &Value) -> String {
    let parts = [
        &["day"][..],
        &["user_name", "user_id"],
        &["access_profile_name", "access_profile_id"],
        &["provider"],
        &["model"],
    ];
    let known = parts.iter().filter_map(|names| {
        let mut values = names.iter().map(|name| &row[*name]);
        values.find(|value| !value.is_null()).map(shown)
    });
    let known: Vec<String> = known.collect();
    if known.is_empty() {
        "-".to_owned()
    } else {
        known.join(" · ")
    }
}

fn refused(row: &Value) -> String {
    let reasons = row["refusals"].as_object().into_iter().flatten();
    let calls: i64 = reasons.filter_map(|(_, calls)| calls.as_i64()).sum();
    calls.to_string()
}
