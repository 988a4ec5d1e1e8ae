//! Prices that operators gave over the API: one row for each provider and model. There are few enough to read them all.

use rusqlite::params;

use super::sql::{Columns, Reading};
use super::unit_of_work::Work;
use crate::domain::event::Event;
use crate::domain::price::entry::PriceEntry;
use crate::domain::price::stored::{MAX_MODELS, PricedModel, StoredPrice, with_entry};
use crate::domain::validator::IfMatch;
use crate::domain::values::letter_case::fold;
use crate::error::{Error, Result};

const SELECT: &str =
    "SELECT id, provider, model, entries, revision, created_at, updated_at FROM prices";

fn price(row: &Columns<'_>) -> rusqlite::Result<StoredPrice> {
    Ok(StoredPrice {
        id: row.get("id")?,
        of: PricedModel {
            provider: row.get("provider")?,
            model: row.get("model")?,
        },
        entries: row.json("entries")?,
        revision: row.get("revision")?,
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
    })
}

/// All prices, by provider and model.
pub fn list(reading: &Reading<'_>) -> Result<Vec<StoredPrice>> {
    let sql = format!("{SELECT} ORDER BY provider_key, model_key");
    reading.all("reading prices", &sql, [], price)
}

/// The prices of a model, if there are any. Case makes no difference.
pub fn find(reading: &Reading<'_>, of: &PricedModel) -> Result<Option<StoredPrice>> {
    let sql = format!("{SELECT} WHERE provider_key = ?1 AND model_key = ?2");
    let keys = [fold(&of.provider), fold(&of.model)];
    reading.find("reading a price", &sql, keys, price)
}

/// The same.
///
/// # Errors
/// [`Error::NotFound`] when there are none.
pub fn get(reading: &Reading<'_>, of: &PricedModel) -> Result<StoredPrice> {
    find(reading, of)?.ok_or_else(|| Error::not_found("price", of.name()))
}

/// Stores one more price of a model; what it takes the place of, [`with_entry`] says. One that is there already is written no second time.
///
/// # Errors
/// [`Error::Stale`], and [`Error::NotFound`] when there is none that could match; [`Error::Conflict`] when there are too many.
pub fn set(work: &mut Work<'_>, new: PriceEntry, if_match: &IfMatch) -> Result<StoredPrice> {
    let of = PricedModel {
        provider: new.provider.clone(),
        model: new.model.clone(),
    };
    let before = find(work, &of)?;
    match &before {
        Some(before) => if_match.check(&before.entity_tag())?,
        None if *if_match != IfMatch::Unconditional => {
            return Err(Error::not_found("price", of.name()));
        }
        None => {}
    }
    let known = before.as_ref().map_or(&[][..], |price| &price.entries);
    let entries = with_entry(known, new)?;
    if let Some(before) = before.as_ref().filter(|before| before.entries == entries) {
        return Ok(before.clone());
    }
    if before.is_none() {
        refuse_too_many(work)?;
    }
    let text = serde_json::to_string(&entries);
    let text = text.map_err(|error| Error::internal("writing a price", error))?;
    work.run(
        "storing a price",
        "INSERT INTO prices (provider, provider_key, model, model_key, entries, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
         ON CONFLICT (provider_key, model_key) DO UPDATE
         SET provider = ?1, model = ?3, entries = ?5, updated_at = ?6, revision = revision + 1",
        params![
            of.provider,
            fold(&of.provider),
            of.model,
            fold(&of.model),
            text,
            work.now().as_millisecond(),
        ],
    )?;
    let after = find(work, &of)?;
    let after = after.ok_or_else(|| Error::internal("storing a price", "it is not there"))?;
    work.record(Event::PriceSet {
        before,
        after: after.clone(),
    });
    Ok(after)
}

fn refuse_too_many(work: &Work<'_>) -> Result<()> {
    let count: i64 = work.value("counting prices", "SELECT count(*) FROM prices", [])?;
    if count < MAX_MODELS {
        return Ok(());
    }
    let message = format!(
        "there are prices of {MAX_MODELS} models already; cover several with a pattern such as gpt-*, or put them into the file that [prices] file names"
    );
    Err(Error::conflict("too_many_prices", "", message))
}

/// Removes all prices of a model; answers them.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`].
pub fn delete(work: &mut Work<'_>, of: &PricedModel, if_match: &IfMatch) -> Result<StoredPrice> {
    let before = get(work, of)?;
    if_match.check(&before.entity_tag())?;
    work.run(
        "deleting a price",
        "DELETE FROM prices WHERE id = ?1",
        [before.id],
    )?;
    work.record(Event::PriceDeleted(before.clone()));
    Ok(before)
}
