//! What models cost: the list that the program brings, and what the operator says over it in a file and over the API.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::domain::price::entry::PriceEntry;
use crate::domain::price::entry_text::{read_json, read_toml};
use crate::domain::price::list::PriceList;
use crate::domain::price::prices::{Prices, UnknownModels};
use crate::domain::settings::{PriceSettings, UnknownPrice};
use crate::error::{Error, Result};
use crate::store::{Store, prices};

/// The prices that hold now. Whoever began with some goes on with them.
pub struct PriceBook {
    list: Arc<PriceList>,
    of_file: Vec<PriceEntry>,
    unknown: UnknownModels,
    now: RwLock<Arc<Prices>>,
    /// Held while stored prices are read and laid over, so that no older ones come after newer ones.
    loading: Mutex<()>,
}

impl PriceBook {
    /// The list, and the prices of the file that the settings name.
    ///
    /// # Errors
    /// [`Error::Refused`] when the file can't be read.
    pub fn open(settings: &PriceSettings) -> Result<Self> {
        let list = Arc::new(PriceList::embedded()?);
        let of_file = match &settings.file {
            Some(path) => read_file(path)?,
            None => Vec::new(),
        };
        let unknown = match settings.unknown {
            UnknownPrice::Deny => UnknownModels::Deny,
            UnknownPrice::Tokens => UnknownModels::TokensOnly,
        };
        let now = Prices::new(Arc::clone(&list), of_file.clone(), Vec::new(), unknown);
        Ok(Self {
            list,
            of_file,
            unknown,
            now: RwLock::new(Arc::new(now)),
            loading: Mutex::default(),
        })
    }

    /// The prices that hold now.
    pub fn now(&self) -> Arc<Prices> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lays what is stored over the list and the file.
    ///
    /// # Errors
    /// [`Error::Internal`] when it can't be read; then the prices of before hold.
    pub fn load(&self, store: &Store) -> Result<()> {
        let loading = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = store.read(prices::list)?;
        let prices = Prices::new(
            Arc::clone(&self.list),
            self.of_file.clone(),
            stored,
            self.unknown,
        );
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(prices);
        drop(loading);
        Ok(())
    }
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
