//! What models cost: the list that the program brings, and what the operator says over it in a file and over the API.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::domain::price::entry::PriceEntry;
use crate::domain::price::entry_text::{read_json, read_toml};
use crate::domain::price::list::PriceList;
use crate::domain::price::prices::{Prices, UnknownModels};
use crate::domain::price::stored::StoredPrice;
use crate::domain::settings::{PriceSettings, UnknownPrice};
use crate::error::{Error, Result};
use crate::store::{Store, prices};

/// The prices that hold now. Whoever began with some goes on with them.
pub struct PriceBook {
    list: Arc<PriceList>,
    now: RwLock<Arc<Prices>>,
    /// What the settings say. Held while stored prices are read and laid over, so that no older ones come after newer ones.
    set: Mutex<SetPrices>,
}

/// What the settings say of prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetPrices {
    of_file: Vec<PriceEntry>,
    unknown: UnknownModels,
}

impl SetPrices {
    /// What the settings say, and the file that they name.
    ///
    /// # Errors
    /// [`Error::Refused`] when the file can't be read.
    pub fn read(settings: &PriceSettings) -> Result<Self> {
        let of_file = settings.file.as_deref().map(read_file).transpose()?;
        Ok(Self {
            of_file: of_file.unwrap_or_default(),
            unknown: match settings.unknown {
                UnknownPrice::Deny => UnknownModels::Deny,
                UnknownPrice::Tokens => UnknownModels::TokensOnly,
            },
        })
    }

    fn over(&self, list: &Arc<PriceList>, stored: Vec<StoredPrice>) -> Prices {
        Prices::new(Arc::clone(list), self.of_file.clone(), stored, self.unknown)
    }
}

impl PriceBook {
    /// The list, and the prices of the file that the settings name.
    ///
    /// # Errors
    /// [`Error::Refused`] when the file can't be read.
    pub fn open(settings: &PriceSettings) -> Result<Self> {
        let list = Arc::new(PriceList::embedded()?);
        let set = SetPrices::read(settings)?;
        Ok(Self {
            now: RwLock::new(Arc::new(set.over(&list, Vec::new()))),
            set: Mutex::new(set),
            list,
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
        let set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        let prices = set.over(&self.list, store.read(prices::list)?);
        self.hold(prices);
        drop(set);
        Ok(())
    }

    /// Takes what the settings say now; answers whether it is something else, and of how many entries its file then is.
    ///
    /// # Errors
    /// As [`PriceBook::load`].
    pub fn replace(&self, new: SetPrices, store: &Store) -> Result<Option<usize>> {
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        if *set == new {
            return Ok(None);
        }
        let prices = new.over(&self.list, store.read(prices::list)?);
        self.hold(prices);
        *set = new;
        Ok(Some(set.of_file.len()))
    }

    fn hold(&self, prices: Prices) {
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(prices);
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
