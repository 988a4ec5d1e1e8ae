//! Prices that are given to the server, over its list and the operator's file, and taken back.

use clap::Args;
use hyper::Method;
use jiff::Timestamp;
use serde_json::{Map, Number, Value, json};

use crate::cli::control::{Control, encoded};
use crate::cli::print::{print_answer, text};
use crate::domain::body::input::nearest;
use crate::domain::price::unit_kind::UnitKind;
use crate::error::Result;

/// A price that is given.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tollkeeper prices set openai gpt-5 input=2.5 output=15\n  tollkeeper prices set own '*' --free"
)]
pub(in crate::cli) struct SetPriceArguments {
    /// The provider, as access profiles and upstreams call it
    provider: String,
    /// The model, "*" for any text
    model: String,
    /// What a kind of unit costs, in dollars for a million tokens; can be given several times
    #[arg(value_name = "KIND=DOLLARS", value_parser = parse_rate, required_unless_present = "free")]
    rates: Vec<(String, Number)>,
    /// Calls cost nothing
    #[arg(long, conflicts_with = "rates")]
    free: bool,
    /// Most tokens that one answer may have [default: what the list says]
    #[arg(long, value_name = "TOKENS")]
    greatest_output: Option<u32>,
    /// From when on it holds, such as 2027-01-31T00:00:00Z [default: always]
    #[arg(long, value_name = "TIME")]
    valid_from: Option<Timestamp>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The model whose price is taken back.
#[derive(Args)]
#[command(after_help = "Example:\n  tollkeeper prices delete openai gpt-5")]
pub(in crate::cli) struct DeletePriceArguments {
    /// The provider, as it was given
    provider: String,
    /// The model, as it was given
    model: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A rate such as `input=2.5`.
fn parse_rate(written: &str) -> std::result::Result<(String, Number), String> {
    let known = || UnitKind::ALL.iter().map(|kind| kind.name());
    let (kind, dollars) = written
        .split_once('=')
        .ok_or("expected a kind of unit and dollars, such as input=2.5")?;
    if !known().any(|name| name == kind) {
        return Err(nearest(kind, known()).map_or_else(
            || format!("known kinds: {}", known().collect::<Vec<_>>().join(", ")),
            |name| format!("there is no kind {kind:?}; did you mean {name:?}?"),
        ));
    }
    // A number as JSON writes it keeps each of its digits.
    let dollars = serde_json::from_str(dollars);
    let dollars = dollars.map_err(|_| "expected dollars, such as input=2.5".to_owned())?;
    Ok((kind.to_owned(), dollars))
}

/// Gives a price.
///
/// # Errors
/// One sentence that says what is in the way.
pub(super) fn set(control: &Control, arguments: &SetPriceArguments) -> Result<()> {
    let rates = arguments.rates.iter().cloned();
    let rates: Map<String, Value> = rates.map(|(kind, rate)| (kind, rate.into())).collect();
    let mut body = json!({ "free": arguments.free, "greatest_output": arguments.greatest_output,
        "valid_from": arguments.valid_from });
    if !arguments.free {
        body["rates"] = rates.into();
    }
    let (provider, model) = (&arguments.provider, &arguments.model);
    let answer = control.call(Method::PUT, &path(provider, model), Some(&body))?;
    print_answer(control, answer, arguments.json, |_| {
        format!(
            "{provider}/{model} has this price\nIn {}",
            control.database()
        )
    });
    Ok(())
}

/// Takes a price back.
///
/// # Errors
/// One sentence that says what is in the way.
pub(super) fn delete(control: &Control, arguments: &DeletePriceArguments) -> Result<()> {
    let path = path(&arguments.provider, &arguments.model);
    let answer = control.call(Method::DELETE, &path, None)?;
    print_answer(control, answer, arguments.json, |answer| {
        format!("{} in {}", text(&answer["message"]), control.database())
    });
    Ok(())
}

fn path(provider: &str, model: &str) -> String {
    format!("/api/prices/{}/{}", encoded(provider), encoded(model))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_names_a_kind_that_is_known() {
        let (kind, dollars) = parse_rate("input=2.50").unwrap();
        assert_eq!(
            (kind.as_str(), dollars.to_string().as_str()),
            ("input", "2.50")
        );
        for (wrong, expected) in [
            ("inptu=1", "did you mean \"input\"?"),
            ("input", "such as input=2.5"),
            ("input=$1", "expected dollars"),
        ] {
            let said = parse_rate(wrong).unwrap_err();
            assert!(said.contains(expected), "{said}");
        }
    }
}
