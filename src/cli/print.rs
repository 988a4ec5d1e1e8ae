//! What commands print: sentences and tables for people, JSON for programs.

use serde_json::{Value, json};

use super::control::Control;
pub(super) use super::control::text;

/// The names of some things, as a sentence lists them.
pub(super) fn names(things: &Value) -> String {
    let things = things.as_array().into_iter().flatten();
    let names: Vec<&str> = things.map(|thing| text(&thing["name"])).collect();
    names.join(", ")
}

/// A number of things, in words that fit it.
pub(super) fn counted(number: &Value, thing: &str) -> String {
    match number.as_i64() {
        Some(0) => format!("no {thing} is"),
        Some(1) => format!("1 {thing} is"),
        _ => format!("{number} {thing}s are"),
    }
}

/// Prints a line; a reader that has gone away (`| head`) is no failure.
pub(super) fn print_line(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{text}");
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

/// A list that is printed.
pub(super) struct PrintedList<'a> {
    /// What the things are in JSON.
    pub field: &'a str,
    /// What is printed when there are none.
    pub none: Option<String>,
    /// The line above the rows.
    pub heading: String,
    /// The line of one thing.
    pub row: fn(&Value) -> String,
}

impl PrintedList<'_> {
    pub(super) fn print(self, control: &Control, things: &[Value], as_json: bool) {
        if as_json {
            return print_answer(control, json!({ self.field: things }), true, |_| {
                String::new()
            });
        }
        if let (Some(none), true) = (&self.none, things.is_empty()) {
            return print_line(none);
        }
        print_line(&self.heading);
        for thing in things {
            print_line(&(self.row)(thing));
        }
        print_line(&format!("In {}", control.database()));
    }
}

/// What a list says that has nothing in it.
pub(super) fn none(control: &Control, thing: &str, search: Option<&str>, hint: &str) -> String {
    let database = control.database();
    match search {
        Some(text) => format!("No {thing} with {text:?} in {database}"),
        None => format!("There is no {thing} in {database} yet; {hint}"),
    }
}
