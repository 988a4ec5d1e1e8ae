//! How prices of an operator stand in files and where they are kept: their rates in dollars, as exact decimals.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;

use super::entry::{MAX_PATTERN, PriceEntry, problem};
use super::rates::Rates;
use super::unit_kind::UnitKind;
use crate::domain::values::number::MAX_COUNT;

/// Most prices in one file.
pub const MAX_ENTRIES: usize = 20_000;

/// Reads a file of prices in TOML: a table `[[price]]` for each.
///
/// A number there goes through a float, which keeps fifteen digits; one in quotes keeps all.
///
/// # Errors
/// A sentence about the first mistake and where it is.
pub fn read_toml(text: &str) -> Result<Vec<PriceEntry>, String> {
    let file: EntryFile = toml::from_str(text).map_err(|error| error.to_string())?;
    file.entries()
}

/// Reads a file of prices in JSON: an object with a list `price`.
///
/// # Errors
/// A sentence about the first mistake and where it is.
pub fn read_json(text: &str) -> Result<Vec<PriceEntry>, String> {
    let file: EntryFile = serde_json::from_str(text).map_err(|error| error.to_string())?;
    file.entries()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryFile {
    #[serde(default)]
    price: Vec<PriceEntry>,
}

impl EntryFile {
    fn entries(self) -> Result<Vec<PriceEntry>, String> {
        let has = self.price.len();
        if has > MAX_ENTRIES {
            return Err(format!("has {has} prices, at most {MAX_ENTRIES} may be"));
        }
        Ok(self.price)
    }
}

/// A price as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryText {
    provider: String,
    model: String,
    #[serde(default, skip_serializing_if = "DollarRates::is_empty")]
    rates: DollarRates,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    above: Vec<AboveText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    greatest_output: Option<i64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    free: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_from: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AboveText {
    input_tokens: i64,
    rates: DollarRates,
}

impl Serialize for PriceEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        EntryText::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PriceEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = EntryText::deserialize(deserializer)?;
        text.try_into().map_err(D::Error::custom)
    }
}

impl From<&PriceEntry> for EntryText {
    fn from(entry: &PriceEntry) -> Self {
        let above = entry.above.iter().map(|(start, rates)| AboveText {
            input_tokens: *start,
            rates: DollarRates(rates.clone()),
        });
        Self {
            above: above.collect(),
            free: entry.is_free(),
            provider: entry.provider.clone(),
            model: entry.model.clone(),
            rates: DollarRates(entry.rates.clone()),
            greatest_output: entry.greatest_output,
            valid_from: entry.valid_from,
        }
    }
}

impl TryFrom<EntryText> for PriceEntry {
    type Error = String;

    fn try_from(text: EntryText) -> Result<Self, String> {
        for (field, name) in [("provider", &text.provider), ("model", &text.model)] {
            let length = name.trim().chars().count();
            if !(1..=MAX_PATTERN).contains(&length) {
                return Err(format!("{field} must have 1 to {MAX_PATTERN} characters"));
            }
        }
        let counts = text.above.iter().map(|tier| tier.input_tokens);
        let mut counts = counts.chain(text.greatest_output);
        if counts.any(|count| !(1..=MAX_COUNT).contains(&count)) {
            let sentence = "input_tokens and greatest_output must be from 1 to";
            return Err(format!("{sentence} {MAX_COUNT}"));
        }
        let above = text.above.into_iter();
        let above: Vec<_> = above
            .map(|tier| (tier.input_tokens, tier.rates.0))
            .collect();
        if let Some(problem) = problem(&text.rates.0, &above, text.free) {
            return Err(format!("{} {}", problem.field, problem.sentence));
        }
        Ok(Self {
            provider: text.provider.trim().to_owned(),
            model: text.model.trim().to_owned(),
            rates: text.rates.0,
            above,
            greatest_output: text.greatest_output,
            valid_from: text.valid_from,
        })
    }
}

/// Rates as they are written: in dollars, by kind.
#[derive(Debug, Default)]
pub struct DollarRates(pub Rates);

impl DollarRates {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for DollarRates {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rates = self.0.iter();
        serializer.collect_map(rates.map(|(kind, rate)| (kind.name(), kind.dollars(rate))))
    }
}

impl<'de> Deserialize<'de> for DollarRates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let dollars = BTreeMap::<UnitKind, DecimalText>::deserialize(deserializer)?;
        let rates = dollars.into_iter().map(|(kind, DecimalText(dollars))| {
            let rate = kind.rate(&dollars);
            let rate = rate.map_err(|why| D::Error::custom(format_args!("{} {why}", kind.name())));
            Ok((kind, rate?))
        });
        rates.collect::<Result<_, _>>().map(Self)
    }
}

/// A number, or a text that is one.
struct DecimalText(Number);

impl<'de> Deserialize<'de> for DecimalText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DecimalVisitor;
        impl<'de> Visitor<'de> for DecimalVisitor {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("dollars as a number, or as one in quotes")
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Number, E> {
                Ok(number.into())
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Number, E> {
                Ok(number.into())
            }

            /// The shortest decimal that is this float, which is what its author wrote.
            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Number, E> {
                Number::from_f64(number).ok_or_else(|| E::custom("must be finite"))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Number, E> {
                let number = text.trim().parse();
                number.map_err(|_| E::custom(format_args!("{text:?} is no number")))
            }

            /// As `serde_json` hands on a number with every digit.
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Number, A::Error> {
                Number::deserialize(MapAccessDeserializer::new(map))
            }
        }
        deserializer.deserialize_any(DecimalVisitor).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        [[price]]
        provider = "openai"
        model = "gpt-4o*"
        rates = { input = 2.5, cached_input = "1.2500000000000000001", output = 10, image = 0.04 }
        above = [{ input_tokens = 200000, rates = { input = 3e-7 } }]
        greatest_output = 16384
        valid_from = "2026-01-01T00:00:00Z"

        [[price]]
        provider = "ollama"
        model = "*"
        free = true
    "#;

    #[test]
    fn files_are_read_digit_by_digit() {
        let entries = read_toml(FILE).unwrap();
        let [entry, free] = entries.as_slice() else {
            panic!("{entries:?}")
        };
        let rates: Vec<_> = entry.rates.iter().collect();
        let expected = [
            (UnitKind::Input, 2_500_000_000),
            (UnitKind::CachedInput, 1_250_000_001),
            (UnitKind::Output, 10_000_000_000),
            (UnitKind::Image, 40_000_000_000_000),
        ];
        assert_eq!(rates, expected);
        assert_eq!(entry.above[0].1.get(UnitKind::Input), Some(300));
        assert!(free.is_free() && free.price().is_free());
    }

    #[test]
    fn an_entry_is_read_as_it_is_written() {
        for entry in read_toml(FILE).unwrap() {
            let text = serde_json::to_string(&entry).unwrap();
            assert_eq!(serde_json::from_str::<PriceEntry>(&text).unwrap(), entry);
            let file = format!("{{\"price\":[{text}]}}");
            assert_eq!(read_json(&file).unwrap(), [entry], "{file}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (entry, expected) in [
            (r#"{"provider":"a","model":"b"}"#, "rates must have a rate"),
            (
                r#"{"provider":" ","model":"b","free":true}"#,
                "provider must have",
            ),
            (
                r#"{"provider":"a","model":"b","free":true,"rates":{"input":1}}"#,
                "free must not",
            ),
            (
                r#"{"provider":"a","model":"b","rates":{"reasoning":1}}"#,
                "reasoning without output",
            ),
            (
                r#"{"provider":"a","model":"b","rates":{"input":-1}}"#,
                "input must be 0 or more",
            ),
            (
                r#"{"provider":"a","model":"b","rates":{"inptu":1}}"#,
                "unknown variant `inptu`",
            ),
            (
                r#"{"provider":"a","model":"b","rates":{"input":"x"}}"#,
                "\"x\" is no number",
            ),
            (
                r#"{"provider":"a","model":"b","rate":{}}"#,
                "unknown field `rate`",
            ),
            (
                r#"{"provider":"a","model":"b","rates":{"input":1},"greatest_output":0}"#,
                "from 1 to",
            ),
            (
                r#"{"provider":"a","model":"b","rates":{"input":1},"above":[{"input_tokens":2,"rates":{}},{"input_tokens":2,"rates":{}}]}"#,
                "above must have",
            ),
        ] {
            let error = read_json(&format!("{{\"price\":[{entry}]}}")).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
