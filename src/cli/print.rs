//! What commands print: sentences and tables for people, JSON for programs.

use clap::Args;
use serde_json::{Value, json};

use super::control::Control;
pub(super) use super::control::text;
pub(super) use super::table::print_line;
use super::table::print_table;
use crate::error::Result;

/// The names of some things, as a sentence lists them.
pub(super) fn names(things: &Value) -> String {
    let things = things.as_array().into_iter().flatten();
    let names: Vec<&str> = things.map(|thing| text(&thing["name"])).collect();
    names.join(", ")
}

/// A thing by its name and its id.
pub(super) fn named(thing: &Value) -> String {
    format!("{} (id {})", text(&thing["name"]), shown(&thing["id"]))
}

/// A number of things, in words that fit it.
pub(super) fn counted(number: &Value, thing: &str) -> String {
    match number.as_i64() {
        Some(0) => format!("no {thing} is"),
        Some(1) => format!("1 {thing} is"),
        _ => format!("{number} {thing}s are"),
    }
}

/// Prints an answer: as JSON with the database beside it, or what `said` makes of it.
pub(super) fn print_answer(
    control: &Control,
    mut answer: Value,
    as_json: bool,
    said: impl FnOnce(&Value) -> String,
) {
    if as_json {
        answer["database"] = json!(control.database());
        print_line(&answer.to_string());
    } else {
        print_line(&said(&answer));
    }
}

/// The number of a thing, or another value that is no text, as a cell shows it; `-` where there is none.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// When something ends, or was done.
pub(super) fn or_never(value: &Value) -> String {
    value.as_str().unwrap_or("never").to_owned()
}

/// How a list is asked for.
#[derive(Args)]
pub struct ListArguments {
    /// Those with this in what they are called by or described with
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A kind of things that a command lists.
pub(super) struct PrintedList<const N: usize> {
    /// What one of them is called.
    pub thing: &'static str,
    /// What they are in JSON.
    pub field: &'static str,
    /// What there is to do while there is none.
    pub hint: &'static str,
    /// The titles of the columns.
    pub titles: [&'static str; N],
    /// What stands in the columns.
    pub row: fn(&Value) -> [String; N],
}

impl<const N: usize> PrintedList<N> {
    /// Lists what is at a path and has what was asked for.
    pub(super) fn searched(
        &self,
        control: &Control,
        path: &str,
        asked: &ListArguments,
    ) -> Result<()> {
        let search = asked.search.as_deref();
        let things = control.searched(self.field, path, search)?;
        self.print(control, &things, search, asked.json);
        Ok(())
    }

    /// Lists these.
    pub(super) fn print(
        &self,
        control: &Control,
        things: &[Value],
        search: Option<&str>,
        as_json: bool,
    ) {
        let database = control.database();
        if as_json {
            return print_line(&json!({ self.field: things, "database": database }).to_string());
        }
        if things.is_empty() {
            let thing = self.thing;
            return print_line(&match search {
                Some(text) => format!("No {thing} with {text:?} in {database}"),
                None => format!("There is no {thing} in {database} yet; {}", self.hint),
            });
        }
        let rows: Vec<_> = things.iter().map(self.row).collect();
        print_table(self.titles, &rows);
        print_line(&format!("In {database}"));
    }
}
