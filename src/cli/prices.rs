//! `tollkeeper prices`: what models cost, by the list and the operator's file. Needs no server and no database.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::print::print_line;
use crate::config::Settings;
use crate::domain::price::import::{litellm, models_dev};
use crate::domain::price::prices::{KnownPrice, PriceFound, PriceOrigin, Prices, unknown_model};
use crate::domain::price::rates::Rates;
use crate::domain::price::unit_kind::UnitKind;
use crate::error::{Error, Result};
use crate::service::prices::{self, read_file};

/// How it ends when there is no price.
const NOT_FOUND: u8 = 3;
/// How many reasons are told of what an import leaves out.
const MOST_TOLD: usize = 20;

#[derive(Subcommand)]
pub(super) enum PricesCommand {
    /// List the models that have a price, with dollars for a million input and output tokens
    List {
        /// Of this provider only
        #[arg(long, value_name = "NAME")]
        provider: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show all that is known of what a model costs; ends with 3 when nothing is
    Show {
        /// The provider, as access profiles and upstreams call it
        provider: String,
        /// The model
        model: String,
        /// At this time [default: now]
        #[arg(long, value_name = "TIME")]
        at: Option<Timestamp>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Check a file of prices, as `[prices] file` names one
    Check {
        /// The file, TOML or JSON
        file: PathBuf,
    },
    /// Turn another program's file of prices into one for `[prices] file`; prints JSON, and on standard error what was left out
    Import {
        /// Whose file it is
        form: PriceForm,
        /// The file
        file: PathBuf,
    },
}

/// Whose file of prices it is.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum PriceForm {
    /// `model_prices_and_context_window.json` of `LiteLLM`
    Litellm,
    /// `api.json` of models.dev
    ModelsDev,
}

pub(super) fn run(command: PricesCommand, settings: &Settings) -> Result<ExitCode> {
    match command {
        PricesCommand::List { provider, json } => {
            list(&prices::open(&settings.prices)?, provider.as_deref(), json)?;
        }
        PricesCommand::Show {
            provider,
            model,
            at,
            json,
        } => {
            let known = prices::open(&settings.prices)?;
            let at = at.unwrap_or_else(Timestamp::now);
            return Ok(show(&known, (&provider, &model), at, json));
        }
        PricesCommand::Check { file } => {
            let entries = read_file(&file)?;
            print_line(&format!(
                "{}: {}, all right",
                file.display(),
                counted(entries.len())
            ));
        }
        PricesCommand::Import { form, file } => import(form, &file)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(prices: &Prices, provider: Option<&str>, as_json: bool) -> Result<()> {
    let list = prices.list();
    let providers: Vec<&str> = match provider {
        Some(name) => vec![list.provider_id(name).ok_or_else(|| {
            let known: Vec<&str> = list.provider_ids().collect();
            Error::refused(format!(
                "the list has no provider {name:?}; it has {}",
                known.join(", ")
            ))
        })?],
        None => list.provider_ids().collect(),
    };
    let now = Timestamp::now();
    let mut all = Vec::new();
    for provider in providers {
        for model in list.models_of(provider) {
            if let PriceFound::Known(known) = prices.price(provider, model, now) {
                all.push((provider, model, known));
            }
        }
    }
    if as_json {
        let models: Vec<Value> = all
            .iter()
            .map(|(provider, model, known)| shown(provider, model, known))
            .collect();
        print_line(&json!({ "version": list.version(), "models": models }).to_string());
        return Ok(());
    }
    print_line(&format!(
        "{:<20} {:<50} {:>12} {:>12}",
        "PROVIDER", "MODEL", "INPUT", "OUTPUT"
    ));
    for (provider, model, known) in all {
        let rates = known.price.rates(0);
        let [input, output] = [UnitKind::Input, UnitKind::Output].map(|kind| dollars(rates, kind));
        print_line(&format!(
            "{provider:<20} {model:<50} {input:>12} {output:>12}"
        ));
    }
    print_line(&format!(
        "Dollars for a million tokens, by {}",
        list.version()
    ));
    Ok(())
}

fn show(
    prices: &Prices,
    (provider, model): (&str, &str),
    at: Timestamp,
    as_json: bool,
) -> ExitCode {
    let known = match prices.price(provider, model, at) {
        PriceFound::Known(known) => known,
        PriceFound::TokensOnly | PriceFound::Unknown => {
            eprintln!("tollkeeper: {}", unknown_model(provider, model));
            return ExitCode::from(NOT_FOUND);
        }
    };
    if as_json {
        print_line(&shown(provider, model, &known).to_string());
        return ExitCode::SUCCESS;
    }
    if let PriceOrigin::List { model, .. } = known.origin {
        print_line(&format!("{model}, by {}", known.origin));
    } else {
        print_line(&format!("By {}", known.origin));
    }
    print_rates(known.price.rates(0));
    for tier in known.price.tiers() {
        print_line(&format!("Above {} input tokens:", tier.above));
        print_rates(&tier.rates);
    }
    if let Some(most) = known.greatest_output {
        print_line(&format!("At most {most} output tokens an answer"));
    }
    if let Some(window) = known.context_window {
        print_line(&format!("At most {window} input tokens"));
    }
    ExitCode::SUCCESS
}

fn print_rates(rates: &Rates) {
    for (kind, rate) in rates.iter() {
        let about = kind.about().split(';').next().unwrap_or_default();
        let about = about.trim_end_matches('.');
        print_line(&format!(
            "  {:<20} ${:<12} {about}",
            kind.name(),
            kind.dollars(rate)
        ));
    }
}

fn dollars(rates: &Rates, kind: UnitKind) -> String {
    let rate = rates.get(kind);
    rate.map_or_else(|| "-".to_owned(), |rate| kind.dollars(rate).to_string())
}

fn shown(provider: &str, model: &str, known: &KnownPrice<'_>) -> Value {
    let rates = |rates: &Rates| -> Value {
        let all = rates.iter();
        all.map(|(kind, rate)| (kind.name(), kind.dollars(rate)))
            .collect()
    };
    let above = known.price.tiers().iter();
    let above: Vec<Value> = above
        .map(|tier| json!({ "input_tokens": tier.above, "rates": rates(&tier.rates) }))
        .collect();
    json!({
        "provider": provider,
        "model": model,
        "priced_by": known.origin.to_string(),
        "rates": rates(known.price.rates(0)),
        "above": above,
        "greatest_output": known.greatest_output,
        "context_window": known.context_window,
    })
}

fn import(form: PriceForm, file: &Path) -> Result<()> {
    let wrong = |what: &dyn std::fmt::Display| {
        Error::refused(format!("can't import {}: {what}", file.display()))
    };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
    let imported = match form {
        PriceForm::Litellm => litellm::import(&text),
        PriceForm::ModelsDev => models_dev::import(&text),
    };
    let imported = imported.map_err(|what| wrong(&what))?;
    let written = serde_json::to_string_pretty(&json!({ "price": imported.entries }));
    print_line(&written.map_err(|error| Error::internal("writing prices", error))?);
    let left = imported.left_out.len();
    eprintln!("{}; {left} left out", counted(imported.entries.len()));
    for (name, why) in imported.left_out.iter().take(MOST_TOLD) {
        eprintln!("  {name}: {why}");
    }
    if left > MOST_TOLD {
        eprintln!("  and {} more", left - MOST_TOLD);
    }
    for (member, models) in &imported.not_counted {
        eprintln!("  {member}, which {models} of the models have, is not counted");
    }
    Ok(())
}

fn counted(prices: usize) -> String {
    match prices {
        1 => "1 price".to_owned(),
        _ => format!("{prices} prices"),
    }
}
