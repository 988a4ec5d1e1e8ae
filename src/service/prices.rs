//! What models cost: the list that the program brings, and what the operator says over it.

use std::path::Path;
use std::sync::Arc;

use crate::domain::price::entry::PriceEntry;
use crate::domain::price::entry_text::{read_json, read_toml};
use crate::domain::price::list::PriceList;
use crate::domain::price::prices::{Prices, UnknownModels};
use crate::domain::settings::{PriceSettings, UnknownPrice};
use crate::error::{Error, Result};

/// The list, and the prices of the file that the settings name.
///
/// # Errors
/// [`Error::Refused`] when the file can't be read.
pub fn open(settings: &PriceSettings) -> Result<Prices> {
    let of_file = match &settings.file {
        Some(path) => read_file(path)?,
        None => Vec::new(),
    };
    let unknown = match settings.unknown {
        UnknownPrice::Deny => UnknownModels::Deny,
        UnknownPrice::Tokens => UnknownModels::TokensOnly,
    };
    let list = Arc::new(PriceList::embedded()?);
    Ok(Prices::new(list, of_file, unknown))
}

/// The prices of a file, in TOML or, by its ending, in JSON.
///
/// # Errors
/// [`Error::Refused`] with the first mistake.
pub fn read_file(path: &Path) -> Result<Vec<PriceEntry>> {
    let wrong = |what: &dyn std::fmt::Display| {
        let path = path.display();
        Error::refused(format!("can't use the prices in {path}: {what}"))
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    let is_json = path.extension().is_some_and(|ending| ending == "json");
    let read = if is_json {
        read_json(&text)
    } else {
        read_toml(&text)
    };
    read.map_err(|what| wrong(&what))
}
