//! The names of settings, and which one was probably meant.

use serde::Deserialize;
use toml::{Table, Value};

use super::{PREFIX, Settings};
use crate::domain::body::input::nearest;

/// A table that says this alone.
pub(super) fn alone(path: &[&str], value: Value) -> Table {
    let whole = path.iter().rev().fold(value, |value, key| {
        Value::Table(Table::from_iter([((*key).to_owned(), value)]))
    });
    match whole {
        Value::Table(table) => table,
        _ => Table::new(),
    }
}

/// Every setting by its name in the file.
pub(super) fn names() -> Vec<String> {
    let below = |table: &str| {
        let path: Vec<&str> = table.split('.').filter(|key| !key.is_empty()).collect();
        // The struct says what it has when it is asked for what it can't have.
        let asked = alone(&[&path[..], &["?"]].concat(), Value::Boolean(true));
        let refused = Settings::deserialize(asked).err();
        refused.and_then(|error| Some(known_names(&error)?.1))
    };
    let tables = below("").unwrap_or_default();
    let names = tables.into_iter().flat_map(|name| match below(&name) {
        Some(inner) => inner
            .iter()
            .map(|inner| format!("{name}.{inner}"))
            .collect(),
        None => vec![name],
    });
    names.collect()
}

pub(super) fn variable_of(name: &str) -> String {
    format!("{PREFIX}{}", name.replace('.', "__").to_uppercase())
}

pub(super) fn one_line(error: &toml::de::Error) -> String {
    error.message().trim().replace('\n', " ")
}

/// The name that is none, and those that are known in its place.
fn known_names(error: &toml::de::Error) -> Option<(String, Vec<String>)> {
    let message = one_line(error);
    let said = message.strip_prefix("unknown field ")?;
    let mut quoted = said.split('`').skip(1).step_by(2).map(str::to_owned);
    quoted.next().map(|wrong| (wrong, quoted.collect()))
}

/// What to say of a setting that is refused because there is none of that name, with the one that was probably meant.
pub(super) fn unknown_name(error: &toml::de::Error, name: &str) -> Option<String> {
    let (wrong, known) = known_names(error)?;
    let (table, last) = name.rsplit_once('.').unwrap_or(("", name));
    if last == wrong {
        let known = known.iter().map(String::as_str);
        let hint =
            elsewhere(table, &wrong, known.clone()).unwrap_or_else(|| hint(&wrong, known, "\""));
        return Some(format!("there is no setting {name:?}; {hint}"));
    }
    // What stands inside a value is told with it.
    let hint = hint(&wrong, known.iter().map(String::as_str), "\"");
    Some(format!("{name}: there is no field {wrong:?}; {hint}"))
}

/// The setting of this very name in another table, where nothing in its own is near.
fn elsewhere<'a>(table: &str, wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    if nearest(wrong, known).is_some() {
        return None;
    }
    let all = names();
    let found = all.iter().find(|name| {
        let (other, last) = name.rsplit_once('.').unwrap_or(("", name));
        last == wrong && other != table
    });
    found.map(|name| format!("did you mean {name:?}?"))
}

pub(super) fn hint<'a>(
    wrong: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    quote: &str,
) -> String {
    nearest(wrong, known.clone()).map_or_else(
        || format!("known: {}", known.collect::<Vec<_>>().join(", ")),
        |name| format!("did you mean {quote}{name}{quote}?"),
    )
}
