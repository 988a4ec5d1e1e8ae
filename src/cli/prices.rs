//! `tollkeeper prices`: what models cost, by what was given over the API, the operator's file and the list; and files of prices.

mod given;

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use hyper::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use self::given::{DeletePriceArguments, SetPriceArguments};
use super::control::{Control, encoded};
use super::print::{print_line, shown, text};
use super::table::print_table;
use crate::config::Settings;
use crate::domain::list::{MAX_LIMIT, Page};
use crate::domain::price::import::{litellm, models_dev};
use crate::domain::price::list::PriceList;
use crate::domain::price::listing::PriceFilter;
use crate::domain::price::prices::unknown_model;
use crate::domain::price::unit_kind::UnitKind;
use crate::error::{Error, Result};
use crate::http::prices::views::PricePage;
use crate::service::price_book::{PriceBook, read_file};
use crate::store::directory::place;

/// How many reasons are told of what an import leaves out.
const MOST_TOLD: usize = 20;

#[derive(Subcommand)]
pub(super) enum PricesCommand {
    /// List the models that have a price, with dollars for a million input and output tokens
    #[command(
        after_help = "Examples:\n  tollkeeper prices list\n  tollkeeper prices list --provider openai"
    )]
    List {
        /// Of this provider only
        #[arg(long, value_name = "NAME")]
        provider: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show all that is known of what a model costs; ends with 3 when nothing is
    #[command(after_help = "Example:\n  tollkeeper prices show openai gpt-5")]
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
    /// Give a model a price, in place of what the list and the file say
    Set(SetPriceArguments),
    /// Take back what was given; what the file and the list say holds again
    Delete(DeletePriceArguments),
    /// Check a file of prices, as `[prices] file` names one
    #[command(after_help = "Example:\n  tollkeeper prices check prices.toml")]
    Check {
        /// The file, TOML or JSON
        file: PathBuf,
    },
    /// Turn another program's file of prices into one for `[prices] file`; prints JSON, and on standard error what was left out
    #[command(
        after_help = "Example:\n  tollkeeper prices import litellm model_prices_and_context_window.json"
    )]
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

pub(super) fn run(command: PricesCommand, settings: &Settings) -> Result<()> {
    match command {
        PricesCommand::List { provider, json } => list(settings, provider, json)?,
        PricesCommand::Show {
            provider,
            model,
            at,
            json,
        } => show(settings, (&provider, &model), at, json)?,
        PricesCommand::Set(arguments) => {
            Control::with(settings, |control| given::set(control, &arguments))?;
        }
        PricesCommand::Delete(arguments) => {
            Control::with(settings, |control| given::delete(control, &arguments))?;
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
    Ok(())
}

/// A page of prices as the server of the data directory answers it; where there is no database yet, as one would that starts now.
fn page(
    settings: &Settings,
    filter: &PriceFilter,
    (at, offset): (Timestamp, usize),
) -> Result<Value> {
    if place::holds_database(&settings.storage.data_dir)? {
        let mut path = format!("/api/prices?limit={MAX_LIMIT}&offset={offset}&at={at}");
        for (name, value) in [("provider", &filter.provider), ("model", &filter.model)] {
            if let Some(value) = value {
                path = format!("{path}&{name}={}", encoded(value));
            }
        }
        return Control::with(settings, |control| control.call(Method::GET, &path, None));
    }
    let page = Page {
        limit: MAX_LIMIT,
        offset: i64::try_from(offset).unwrap_or(i64::MAX),
        ends_early: false,
    };
    let prices = PriceBook::open(&settings.prices)?.now();
    serde_json::to_value(PricePage::of(&prices, filter, at, page))
        .map_err(|error| Error::internal("showing prices", error))
}

fn list(settings: &Settings, provider: Option<String>, as_json: bool) -> Result<()> {
    let (filter, at) = (
        PriceFilter {
            provider,
            ..PriceFilter::default()
        },
        Timestamp::now(),
    );
    let mut all = Vec::new();
    let version = loop {
        let mut page = page(settings, &filter, (at, all.len()))?;
        let Value::Array(found) = page["prices"].take() else {
            return Err(Error::refused("the server's answer has no prices"));
        };
        let is_last = found.is_empty();
        all.extend(found);
        if is_last || page["total_count"] == all.len() {
            break page["version"].take();
        }
    };
    if let (true, Some(name)) = (all.is_empty(), &filter.provider) {
        let list = PriceList::embedded()?;
        let known: Vec<&str> = list.provider_ids().collect();
        return Err(Error::absent(format!(
            "there are no prices of a provider {name:?}; the list has {}",
            known.join(", ")
        )));
    }
    if as_json {
        print_line(&json!({ "version": version, "prices": all }).to_string());
        return Ok(());
    }
    let row = |price: &Value| {
        let [provider, model, origin] =
            ["provider", "model", "origin"].map(|field| shown(&price[field]));
        let [input, output] = ["input", "output"].map(|kind| shown(&price["rates"][kind]));
        [provider, model, input, output, origin]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    print_table(["provider", "model", "input", "output", "from"], &rows);
    print_line(&format!(
        "Dollars for a million tokens, by {}",
        text(&version)
    ));
    Ok(())
}

fn show(
    settings: &Settings,
    (provider, model): (&str, &str),
    at: Option<Timestamp>,
    as_json: bool,
) -> Result<()> {
    let filter = PriceFilter {
        provider: Some(provider.to_owned()),
        model: Some(model.to_owned()),
        search: None,
    };
    let at = at.unwrap_or_else(Timestamp::now);
    let page = page(settings, &filter, (at, 0))?;
    let price = &page["price"];
    if price.is_null() {
        return Err(Error::absent(unknown_model(provider, model)));
    }
    if as_json {
        print_line(&price.to_string());
        return Ok(());
    }
    print_line(&format!("By {}", text(&price["priced_by"])));
    print_rates(&price["rates"]);
    for tier in price["above"].as_array().into_iter().flatten() {
        print_line(&format!("Above {} input tokens:", tier["input_tokens"]));
        print_rates(&tier["rates"]);
    }
    if let Some(most) = price["greatest_output"].as_i64() {
        print_line(&format!("At most {most} output tokens an answer"));
    }
    if let Some(window) = price["context_window"].as_i64() {
        print_line(&format!("At most {window} input tokens"));
    }
    Ok(())
}

fn print_rates(rates: &Value) {
    for kind in UnitKind::ALL {
        let rate = &rates[kind.name()];
        if rate.is_null() {
            continue;
        }
        let about = kind.about().split(';').next().unwrap_or_default();
        let about = about.trim_end_matches('.');
        print_line(&format!(
            "  {:<20} ${:<12} {about}",
            kind.name(),
            rate.to_string()
        ));
    }
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
