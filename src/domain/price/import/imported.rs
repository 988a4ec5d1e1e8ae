//! What an import takes and what it leaves out.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};

use crate::domain::price::entry::{MAX_PATTERN, PriceEntry, problem};
use crate::domain::price::rates::Rates;
use crate::domain::price::unit_kind::{DollarsFor, UnitKind};
use crate::domain::values::letter_case::fold;
use crate::domain::values::number::{Decimal, MAX_COUNT, Whole, read_whole};

/// Prices that were imported, and a report.
#[derive(Debug, Default)]
pub struct Imported {
    /// The prices, no model of a provider twice.
    pub entries: Vec<PriceEntry>,
    /// What was left out, by the name that it has in the file, and why.
    pub left_out: Vec<(String, String)>,
    /// Prices of models that were taken which are for something that is not counted, by their names, with how many models have one.
    pub not_counted: BTreeMap<String, usize>,
    seen: HashSet<(String, String)>,
}

/// A price as it is being read.
#[derive(Debug, Default)]
pub struct PriceDraft {
    base: Rates,
    above: BTreeMap<i64, Rates>,
    /// Members that are prices of something that is not counted.
    not_counted: Vec<String>,
}

impl Imported {
    /// Takes a price, or notes why not.
    pub fn add(&mut self, name: &str, read: Result<(PriceEntry, PriceDraft), String>) {
        let (entry, draft) = match read {
            Ok(read) => read,
            Err(why) => return self.leave_out(name, why),
        };
        if !self
            .seen
            .insert((fold(&entry.provider), fold(&entry.model)))
        {
            let (provider, model) = (&entry.provider, &entry.model);
            return self.leave_out(name, format!("is {provider}/{model} once more"));
        }
        for member in draft.not_counted {
            *self.not_counted.entry(member).or_default() += 1;
        }
        self.entries.push(entry);
    }

    /// Notes why something is left out.
    pub fn leave_out(&mut self, name: &str, why: impl Into<String>) {
        self.left_out.push((name.to_owned(), why.into()));
    }
}

impl PriceDraft {
    /// Sets the rate of a kind, of all calls or of those with more input than this.
    pub fn set(&mut self, kind: UnitKind, above: Option<i64>, rate: i64) {
        let rates = match above {
            Some(start) if start > 0 => self.above.entry(start).or_default(),
            _ => &mut self.base,
        };
        rates.set(kind, rate);
    }

    /// The rate of a kind of all calls.
    pub fn rate(&self, kind: UnitKind) -> Option<i64> {
        self.base.get(kind)
    }

    /// Notes a price of something that is not counted, unless it is none.
    pub fn note_not_counted(&mut self, member: &str, value: &Value) {
        if costs(value) {
            self.not_counted.push(member.to_owned());
        }
    }

    /// The price of this model.
    ///
    /// # Errors
    /// A sentence about why it is none.
    pub fn finish(
        mut self,
        provider: &str,
        model: &str,
        greatest_output: Option<i64>,
    ) -> Result<(PriceEntry, Self), String> {
        let tiers = self.above.values();
        let mut all = std::iter::once(&self.base).chain(tiers);
        let is_free = all.all(|rates| rates.iter().all(|(_, rate)| rate == 0));
        if is_free && !self.not_counted.is_empty() {
            let members = self.not_counted.join(", ");
            return Err(format!("costs only what is not counted: {members}"));
        }
        self.give_parents();
        let above: Vec<_> = self.above.clone().into_iter().collect();
        if self.base.is_empty() && above.is_empty() {
            return Err("has no price".to_owned());
        }
        if let Some(problem) = problem(&self.base, &above, false) {
            return Err(format!("{} {}", problem.field, problem.sentence));
        }
        for (field, name) in [("provider", provider), ("model", model)] {
            if name.is_empty() || name.chars().count() > MAX_PATTERN {
                return Err(format!(
                    "has a {field} without a name, or with too long a one"
                ));
            }
            if name.contains('*') {
                return Err(format!(
                    "has a {field} with an asterisk, which is a pattern here"
                ));
            }
        }
        let entry = PriceEntry {
            provider: provider.to_owned(),
            model: model.to_owned(),
            rates: self.base.clone(),
            above,
            greatest_output,
            valid_from: None,
        };
        Ok((entry, self))
    }
}

impl PriceDraft {
    /// What has a rate for tokens of sound, pictures or films and none for others has none of these others: whatever is not told apart
    /// costs as much.
    fn give_parents(&mut self) {
        for kind in UnitKind::ALL {
            let is_medium = matches!(
                kind,
                UnitKind::AudioInput
                    | UnitKind::ImageInput
                    | UnitKind::VideoInput
                    | UnitKind::AudioOutput
                    | UnitKind::ImageOutput
                    | UnitKind::VideoOutput
            );
            let rate = self.base.get(kind).filter(|_| is_medium);
            if let Some((rate, parent)) = rate.zip(kind.parent())
                && self.base.get(parent).is_none()
            {
                self.base.set(parent, rate);
            }
        }
    }
}

/// Whether something is a price above zero, or has one.
fn costs(value: &Value) -> bool {
    match value {
        Value::Number(number) => !Decimal::of(number).digits.is_empty(),
        Value::Object(members) => members.values().any(costs),
        Value::Array(items) => items.iter().any(costs),
        _ => false,
    }
}

/// The rate of so many dollars for so many units.
///
/// # Errors
/// A sentence that begins with the member.
pub fn read_rate(
    member: &str,
    kind: UnitKind,
    units: DollarsFor,
    value: &Value,
) -> Result<i64, String> {
    let Value::Number(dollars) = value else {
        return Err(format!("{member} is no number"));
    };
    let rate = kind.rate_for(units, dollars);
    rate.map_err(|why| format!("{member} {why}"))
}

/// A whole number from 1 on, if there is one.
pub fn read_count(members: &Map<String, Value>, name: &str) -> Option<i64> {
    match members.get(name)? {
        Value::Number(number) => match read_whole(number) {
            Whole::Of(count) if (1..=MAX_COUNT).contains(&count) => Some(count),
            _ => None,
        },
        _ => None,
    }
}
