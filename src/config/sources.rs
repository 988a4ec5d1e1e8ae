//! What the file, the variables and the flags say, put into one table; each value is read by itself first, so that every mistake is
//! found, each with its place.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use toml::de::{DeTable, DeValue, ValueDeserializer};
use toml::{Table, Value};

use super::names::{alone, hint, names, one_line, unknown_name, variable_of};
use super::{BOOTSTRAP_VARIABLE, CONFIG_VARIABLE, Settings};
use crate::domain::body::violation::Violation;
use crate::domain::settings::origin::SettingOrigin;

/// What was said so far; what is said later holds.
#[derive(Debug, Default)]
pub(super) struct Sources {
    table: Table,
    origins: BTreeMap<String, SettingOrigin>,
    mistakes: Vec<Violation>,
}

/// What is wrong in a file: where it begins, the setting, and a sentence.
type Found = Vec<(usize, String, String)>;

impl Sources {
    pub(super) fn file(&mut self, path: &Path) {
        let file = path.display();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                return self.mistake("", format!("can't read the settings file {file}: {error}"));
            }
        };
        let line_of = |begin: usize| text[..begin.min(text.len())].matches('\n').count() + 1;
        let mut found = Found::new();
        let (document, unreadable) = DeTable::parse_recoverable(&text);
        for error in unreadable {
            let begin = error.span().map_or(0, |span| span.start);
            found.push((begin, String::new(), one_line(&error)));
        }
        // What is guessed of a file that is no TOML would be refused for the wrong reasons.
        if found.is_empty() {
            let origin = |begin| SettingOrigin::File {
                path: path.to_owned(),
                line: line_of(begin),
            };
            self.walk(document.get_ref(), &[], &origin, &mut found);
        }
        found.sort_by_key(|(begin, ..)| *begin);
        for (begin, name, mistake) in found {
            let line = line_of(begin);
            self.mistake(&name, format!("{file}, line {line}: {mistake}"));
        }
    }

    fn walk(
        &mut self,
        table: &DeTable<'_>,
        above: &[&str],
        origin: &dyn Fn(usize) -> SettingOrigin,
        found: &mut Found,
    ) {
        for (key, value) in table {
            let path = [above, &[key.get_ref()]].concat();
            let name = path.join(".");
            let begin = key.span().start;
            if let DeValue::Array(items) = value.get_ref()
                && walk_list(&path, items, found)
            {
                continue;
            }
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
                (Ok(()), Some(inner)) => self.walk(inner, &path, origin, found),
                (Ok(()), None) => {
                    self.origins.insert(name, origin(begin));
                }
                (Err(error), _) => {
                    let sentence = unknown_name(&error, &name)
                        .unwrap_or_else(|| format!("{name}: {}", one_line(&error)));
                    found.push((begin, name, sentence));
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
            return self.mistake(variable, mistake);
        };
        let place = format!("the environment variable {variable}");
        self.text(
            name,
            text,
            (&place, SettingOrigin::Variable(variable.to_owned())),
        );
    }

    pub(super) fn flag(&mut self, flag: &'static str, name: &str, text: &str) {
        self.text(name, text, (flag, SettingOrigin::Flag(flag)));
    }

    /// Text without quotes is text; and a number may be meant as text, such as a folder named 2026.
    fn text(&mut self, name: &str, text: &str, (place, origin): (&str, SettingOrigin)) {
        let path: Vec<&str> = name.split('.').collect();
        let as_toml = text.parse::<Value>().ok();
        let readings = as_toml.into_iter().chain([Value::from(text)]);
        let mut refused: Vec<toml::de::Error> = Vec::new();
        for value in readings {
            match self.take(&path, value) {
                Ok(()) => {
                    self.origins.insert(name.to_owned(), origin);
                    return;
                }
                Err(error) => refused.push(error),
            }
        }
        // What says what was expected of the right kind of value: of text, where both do.
        let is_told = |error: &&toml::de::Error| !error.message().starts_with("invalid type");
        if let Some(error) = refused.iter().rev().find(is_told).or(refused.first()) {
            let sentence = unknown_name(error, name).unwrap_or_else(|| one_line(error));
            self.mistake(name, format!("{place}: {sentence}"));
        }
    }

    /// Puts a value into the table, if it is right.
    fn take(&mut self, path: &[&str], value: Value) -> std::result::Result<(), toml::de::Error> {
        let alone = alone(path, value);
        Settings::deserialize(alone.clone())?;
        merge(&mut self.table, alone);
        Ok(())
    }

    fn mistake(&mut self, name: &str, message: String) {
        self.mistakes.push(Violation {
            param: name.to_owned(),
            code: "wrong_setting",
            message,
        });
    }

    /// The settings by all that is right, and everything that is wrong.
    pub(super) fn settings(mut self) -> (Settings, Vec<Violation>) {
        let read = Settings::deserialize(std::mem::take(&mut self.table));
        let mut settings = read.unwrap_or_else(|error| {
            self.mistake("", one_line(&error));
            Settings::default()
        });
        settings.origins = self.origins;
        (settings, self.mistakes)
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

/// Reads each table of a list by itself. True when something is wrong with one, so that the list need not be read.
fn walk_list(path: &[&str], items: &[toml::Spanned<DeValue<'_>>], found: &mut Found) -> bool {
    let before = found.len();
    let name = path.join(".");
    for item in items {
        let DeValue::Table(fields) = item.get_ref() else {
            continue;
        };
        let judge = |table: Table| {
            let list = Value::Array(vec![Value::Table(table)]);
            Settings::deserialize(alone(path, list))
        };
        let mut all_known = true;
        for (field, _) in fields {
            let field_name = field.get_ref();
            // Of a field that is known, what is missing beside it is said first, or that it is no text.
            let probe = Table::from_iter([(field_name.to_string(), Value::Boolean(true))]);
            let refused = judge(probe).err();
            let below = format!("{name}.{field_name}");
            if let Some(sentence) = refused.and_then(|error| unknown_name(&error, &below)) {
                found.push((field.span().start, below, sentence));
                all_known = false;
            }
        }
        let read = Table::deserialize(ValueDeserializer::from(item.clone()));
        if let (true, Err(error)) = (all_known, read.and_then(judge)) {
            found.push((
                item.span().start,
                name.clone(),
                format!("{name}: {}", one_line(&error)),
            ));
        }
    }
    found.len() > before
}
