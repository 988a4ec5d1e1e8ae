//! What the file, the variables and the flags say, put into one table; each value is read by itself first, so that every mistake is
//! found, each with its place.

use std::path::Path;

use serde::Deserialize;
use toml::de::{DeTable, DeValue, ValueDeserializer};
use toml::{Table, Value};

use super::{BOOTSTRAP_VARIABLE, CONFIG_VARIABLE, PREFIX, Settings};
use crate::domain::body::input::nearest;
use crate::error::{Error, Result};

/// What the file, the variables and the flags said, of which settings were made. It is no part of what holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Said(Table);

impl PartialEq for Said {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Said {}

impl Said {
    /// What was said of one setting.
    pub(super) fn value(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        let found = self.0.get(*first)?;
        rest.iter().try_fold(found, |value, key| value.get(*key))
    }
}

/// What was said so far; what is said later holds.
#[derive(Debug, Default)]
pub(super) struct Sources {
    table: Table,
    mistakes: Vec<String>,
}

impl Sources {
    pub(super) fn file(&mut self, path: &Path) {
        let file = path.display();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                let mistake = format!("can't read the settings file {file}: {error}");
                return self.mistakes.push(mistake);
            }
        };
        // Where it begins, and what is wrong.
        let mut found: Vec<(usize, String)> = Vec::new();
        let (document, unreadable) = DeTable::parse_recoverable(&text);
        for error in unreadable {
            let begin = error.span().map_or(0, |span| span.start);
            found.push((begin, one_line(&error)));
        }
        // What is guessed of a file that is no TOML would be refused for the wrong reasons.
        if found.is_empty() {
            self.walk(document.get_ref(), &[], &mut found);
        }
        found.sort_by_key(|(begin, _)| *begin);
        self.mistakes
            .extend(found.into_iter().map(|(begin, mistake)| {
                let line = text[..begin.min(text.len())].matches('\n').count() + 1;
                format!("{file}, line {line}: {mistake}")
            }));
    }

    fn walk(&mut self, table: &DeTable<'_>, above: &[&str], found: &mut Vec<(usize, String)>) {
        for (key, value) in table {
            let path = [above, &[key.get_ref()]].concat();
            let inner = match value.get_ref() {
                DeValue::Table(inner) => Some(inner),
                _ => None,
            };
            // A table is read empty first, so that one that is no table of ours is named once.
            let read = match inner {
                Some(_) => Ok(Value::Table(Table::new())),
                None => Value::deserialize(ValueDeserializer::from(value.clone())),
            };
            match (read.and_then(|value| self.take(&path, value)), inner) {
                (Ok(()), Some(inner)) => self.walk(inner, &path, found),
                (Ok(()), None) => {}
                (Err(error), _) => {
                    let name = path.join(".");
                    found.push((
                        key.span().start,
                        unknown_name(&error, &name)
                            .unwrap_or_else(|| format!("{name}: {}", one_line(&error))),
                    ));
                }
            }
        }
    }

    /// Takes one value from a variable such as `TOLLKEEPER_SERVER__LISTEN`.
    pub(super) fn variable(&mut self, variable: &str, text: &str) {
        let names = names();
        let Some(name) = names.iter().find(|name| variable_of(name) == variable) else {
            let all: Vec<String> = names.iter().map(|name| variable_of(name)).collect();
            let known = all.iter().map(String::as_str);
            let known = known.chain([CONFIG_VARIABLE, BOOTSTRAP_VARIABLE]);
            let hint = hint(variable, known, "");
            let mistake = format!("the environment variable {variable} is no setting; {hint}");
            return self.mistakes.push(mistake);
        };
        self.text(name, text, &format!("the environment variable {variable}"));
    }

    pub(super) fn flag(&mut self, flag: &str, name: &str, text: &str) {
        self.text(name, text, flag);
    }

    /// Text without quotes is text; and a number may be meant as text, such as a folder named 2026.
    fn text(&mut self, name: &str, text: &str, place: &str) {
        let path: Vec<&str> = name.split('.').collect();
        let as_toml = text.parse::<Value>().ok();
        let readings = as_toml.into_iter().chain([Value::from(text)]);
        let mut first = None;
        for value in readings {
            match self.take(&path, value) {
                Ok(()) => return,
                Err(error) => first = first.or(Some(error)),
            }
        }
        self.mistakes
            .extend(first.map(|error| format!("{place}: {}", one_line(&error))));
    }

    /// Puts a value into the table, if it is right.
    fn take(&mut self, path: &[&str], value: Value) -> std::result::Result<(), toml::de::Error> {
        let alone = alone(path, value);
        Settings::deserialize(alone.clone())?;
        merge(&mut self.table, alone);
        Ok(())
    }

    /// The settings, or everything that is wrong with them.
    pub(super) fn settings(self) -> Result<Settings> {
        refuse(&self.mistakes)?;
        let settings = Settings::deserialize(self.table.clone());
        let mut settings = settings.map_err(|error| Error::refused(one_line(&error)))?;
        settings.said = Said(self.table);
        Ok(settings)
    }
}

/// Names everything that is wrong, if anything is.
pub(super) fn refuse(mistakes: &[String]) -> Result<()> {
    match mistakes {
        [] => Ok(()),
        [mistake] => Err(Error::refused(mistake.as_str())),
        all => Err(Error::refused(format!(
            "{} settings are wrong:\n  {}",
            all.len(),
            all.join("\n  ")
        ))),
    }
}

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

fn merge(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => merge(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
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

fn one_line(error: &toml::de::Error) -> String {
    error.message().trim().replace('\n', " ")
}

/// The name that is none, and those that are known in its place.
fn known_names(error: &toml::de::Error) -> Option<(String, Vec<String>)> {
    let message = one_line(error);
    let mut quoted = message.split('`').skip(1).step_by(2).map(str::to_owned);
    let unknown = message.starts_with("unknown field");
    unknown.then(|| quoted.next().map(|wrong| (wrong, quoted.collect())))?
}

fn unknown_name(error: &toml::de::Error, name: &str) -> Option<String> {
    let (wrong, known) = known_names(error)?;
    // What stands inside a value is told with it.
    if !name.ends_with(&wrong) {
        return None;
    }
    let hint = hint(&wrong, known.iter().map(String::as_str), "\"");
    Some(format!("there is no setting {name:?}; {hint}"))
}

fn hint<'a>(wrong: &str, known: impl Iterator<Item = &'a str> + Clone, quote: &str) -> String {
    nearest(wrong, known.clone()).map_or_else(
        || format!("known: {}", known.collect::<Vec<_>>().join(", ")),
        |name| format!("did you mean {quote}{name}{quote}?"),
    )
}
