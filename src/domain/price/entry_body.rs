//! A price of an operator as a request has it: provider and model stand in the path.

use jiff::Timestamp;
use serde_json::Number;

use super::entry::{MAX_TIERS, PriceEntry, problem};
use super::rates::Rates;
use super::stored::PricedModel;
use super::unit_kind::{DollarsFor, UnitKind};
use crate::domain::body::json::Json;
use crate::domain::body::{Body, BodySchema, Form, ValueKind, integer, object, timestamp};
use crate::domain::values::number::MAX_COUNT;

/// A price without whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceInput {
    /// See [`PriceEntry::rates`].
    pub rates: Rates,
    /// See [`PriceEntry::above`].
    pub above: Vec<(i64, Rates)>,
    /// See [`PriceEntry::greatest_output`].
    pub greatest_output: Option<i64>,
    /// See [`PriceEntry::valid_from`].
    pub valid_from: Option<Timestamp>,
}

/// What giving a price takes.
pub const PRICE_ENTRY: Body<PriceInput> = Body::new(
    "PriceBody",
    "A price: what units cost, or that they cost nothing.",
    PriceInput::read,
);

impl PriceInput {
    fn read(form: &mut Form<'_>) -> Option<Self> {
        let about = "What units cost, each kind with its rate in dollars.";
        let rates = form.optional("rates", rates(), about);
        let above = form.optional(
            "above",
            tiers(),
            "Rates of calls with more input, in place of those of the same kinds; ascending.",
        );
        let greatest_output = form.optional(
            "greatest_output",
            integer(1..=MAX_COUNT),
            "Most tokens that one answer may have; left out: what the list says.",
        );
        let free = form.flag(
            "free",
            false,
            "Whether calls cost nothing; then without rates.",
        );
        let valid_from = form.optional(
            "valid_from",
            timestamp(),
            "From when on it holds; left out: always.",
        );
        form.ignore(&["provider", "model", "origin", "priced_by", "context_window"]);
        let is_read = |name: &'static str, read: bool| read || !form.gives(name);
        if !(is_read("rates", rates.is_some()) && is_read("above", above.is_some())) {
            return None;
        }
        let (rates, above) = (rates.unwrap_or_default(), above.unwrap_or_default());
        if let Some(problem) = problem(&rates, &above, free) {
            form.refuse(problem.field, problem.code, problem.sentence);
            return None;
        }
        Some(Self {
            rates,
            above,
            greatest_output,
            valid_from,
        })
    }

    /// The price of this model.
    pub fn into_entry(self, of: PricedModel) -> PriceEntry {
        PriceEntry {
            provider: of.provider,
            model: of.model,
            rates: self.rates,
            above: self.above,
            greatest_output: self.greatest_output,
            valid_from: self.valid_from,
        }
    }
}

fn tiers() -> ValueKind<'static, Vec<(i64, Rates)>> {
    object(
        "PriceTierBody",
        "Rates of calls with more input than this.",
        |form| {
            let about = "Input tokens above which they hold, for all tokens of the call.";
            let start = form.required("input_tokens", integer(1..=MAX_COUNT), about);
            let rates = form.required("rates", rates(), "In place of those of the same kinds.");
            start.zip(rates)
        },
    )
    .list()
    .at_most(MAX_TIERS)
}

fn rates() -> ValueKind<'static, Rates> {
    object("PriceRatesBody", "Rates in dollars.", |form| {
        let mut rates = Rates::default();
        let mut is_whole = true;
        for kind in UnitKind::ALL {
            match form.optional(kind.name(), rate(kind), kind.about()) {
                Some(rate) => rates.set(kind, rate),
                None => is_whole &= !form.gives(kind.name()),
            }
        }
        is_whole.then_some(rates)
    })
}

/// A rate in dollars, read digit by digit; what is finer than it can be is rounded up.
fn rate(kind: UnitKind) -> ValueKind<'static, i64> {
    let most = match kind.dollars_for() {
        DollarsFor::One => 1e3,
        DollarsFor::Million | DollarsFor::Hour => 1e9,
    };
    ValueKind::new(
        move || BodySchema::Number(0.0..=most),
        move |node| {
            let Json::Number(number) = node.value else {
                return node.refuse("wrong_type", "expected dollars as a number");
            };
            let number: &Number = number;
            match kind.rate(number) {
                Ok(rate) => Some(rate),
                Err(sentence) => node.refuse("out_of_range", sentence),
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn a_body_becomes_an_entry() {
        let body = br#"{"rates":{"input":2.5,"output":10.0,"request":0.005},
            "above":[{"input_tokens":200000,"rates":{"output":1.5e1}}],"greatest_output":4096}"#;
        let input = PRICE_ENTRY.parse_bytes(body).unwrap();
        let entry = input.into_entry(PricedModel::parse("openai", "gpt-*").unwrap());
        assert_eq!(entry.rates.get(UnitKind::Request), Some(5_000_000_000_000));
        assert_eq!(entry.above[0].1.get(UnitKind::Output), Some(15_000_000_000));
        assert_eq!(entry.greatest_output, Some(4096));
        let free = PRICE_ENTRY.parse_bytes(br#"{"free":true,"rates":null}"#);
        assert!(
            free.unwrap()
                .into_entry(PricedModel::parse("a", "b").unwrap())
                .is_free()
        );
    }

    #[test]
    fn the_body_is_described_as_it_is_read() {
        let fields = PRICE_ENTRY.schema().fields;
        let written = fields.iter().filter(|field| !field.read_only);
        let names: Vec<_> = written.map(|field| field.name).collect();
        let expected = ["rates", "above", "greatest_output", "free", "valid_from"];
        assert_eq!(names, expected);
        let rates = format!("{:?}", fields[0].schema);
        for kind in UnitKind::ALL {
            assert!(rates.contains(&format!("{:?}", kind.name())), "{rates}");
        }
    }

    #[test]
    fn every_mistake_is_noted_with_its_place() {
        for (body, places) in [
            ("{}", vec![("rates", "required")]),
            (
                r#"{"rates":{"input":-1,"output":"1","outptu":1},"above":[{"input_tokens":0}],"free":1}"#,
                vec![
                    ("above[0].input_tokens", "out_of_range"),
                    ("above[0].rates", "required"),
                    ("free", "wrong_type"),
                    ("rates.input", "out_of_range"),
                    ("rates.outptu", "unknown_field"),
                    ("rates.output", "wrong_type"),
                ],
            ),
            (
                r#"{"rates":{"cached_input":1}}"#,
                vec![("rates", "no_parent_rate")],
            ),
            (
                r#"{"rates":{"input":1},"free":true}"#,
                vec![("free", "free_with_rates")],
            ),
            (
                r#"{"rates":{"image":1001}}"#,
                vec![("rates.image", "out_of_range")],
            ),
        ] {
            let Err(Error::Invalid(violations)) = PRICE_ENTRY.parse_bytes(body.as_bytes()) else {
                panic!("{body}")
            };
            let mut found: Vec<_> = violations
                .iter()
                .map(|violation| (violation.param.as_str(), violation.code))
                .collect();
            found.sort_unstable();
            assert_eq!(found, places, "{body}");
        }
    }
}
