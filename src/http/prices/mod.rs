//! Handlers of prices: the list that the program brings, and the operator's over it (API.md §6).

pub mod views;

use jiff::Timestamp;

use self::views::{GivenPrices, PriceAnswer, PricePage, PriceView};
use crate::domain::list::{MAX_SEARCH, Query};
use crate::domain::price::entry::MAX_PATTERN;
use crate::domain::price::entry_body::PRICE_ENTRY;
use crate::domain::price::listing::PriceFilter;
use crate::domain::price::overlay::GivenIn;
use crate::http::core::answer::{Answer, Message, ok, ok_tagged, ok_unless_known, to_json};
use crate::http::core::guard::{Caller, Delete, Settings, Update, View};
use crate::http::core::path_values::priced_model;
use crate::http::core::request::{Request, blocking};
use crate::service;
use crate::store::prices;

/// `GET /api/prices`
pub async fn list(_: Caller<View, Settings>, request: Request) -> Answer {
    let (filter, at, page) = request.query(|query| {
        let filter = PriceFilter {
            provider: query.text("provider", MAX_PATTERN),
            model: query.text("model", MAX_PATTERN),
            search: query.search(),
        };
        (filter, instant(query), query.page())
    })?;
    let services = request.services();
    let at = at.unwrap_or_else(|| services.clock.now());
    let list = blocking(move || Ok(PricePage::of(&services.prices.now(), &filter, at, page)));
    ok(&list.await?)
}

/// `at`: a time, such as `2026-01-31T00:00:00Z`.
fn instant(query: &Query) -> Option<Timestamp> {
    let text = query.text("at", MAX_SEARCH)?;
    let at = text.parse();
    if at.is_err() {
        let sentence = format_args!("expected a time such as 2026-01-31T00:00:00Z, found {text:?}");
        query.refuse("at", "invalid_timestamp", sentence);
    }
    at.ok()
}

/// `GET /api/prices/{provider}/{model}`
///
/// # Errors
/// 404 when none was given over the API.
pub async fn get(_: Caller<View, Settings>, request: Request) -> Answer {
    let of = priced_model(&request)?;
    let stored = request
        .read(move |reading| prices::get(reading, &of))
        .await?;
    let given = stored.entries.iter();
    let shown = GivenPrices {
        prices: given
            .map(|entry| PriceView::given(entry, GivenIn::Api))
            .collect(),
    };
    let tag = stored.entity_tag();
    Ok(ok_unless_known(&request, &tag, to_json(&shown)?))
}

/// `PUT /api/prices/{provider}/{model}`
///
/// # Errors
/// 400 with every violation; 404 with `If-Match` where there is no price; 409 when there are too many; 412.
pub async fn set(caller: Caller<Update, Settings>, request: Request) -> Answer {
    let (of, if_match) = (priced_model(&request)?, request.if_match()?);
    let (input, _) = request.json(&PRICE_ENTRY).await?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let entry = input.into_entry(of);
    let set = move || {
        let stored = service::prices::set(&services, actor, entry.clone(), if_match)?;
        Ok((PriceView::given(&entry, GivenIn::Api), stored.entity_tag()))
    };
    let (price, tag) = blocking(set).await?;
    Ok(ok_tagged(&tag, to_json(&PriceAnswer { price })?))
}

/// `DELETE /api/prices/{provider}/{model}`
///
/// # Errors
/// 404 when none was given over the API; 412.
pub async fn delete(caller: Caller<Delete, Settings>, request: Request) -> Answer {
    let (of, if_match) = (priced_model(&request)?, request.if_match()?);
    let (services, actor) = (request.services(), caller.actor(&request));
    let delete = move || service::prices::delete(&services, actor, of, if_match);
    let deleted = blocking(delete).await?;
    ok(&Message {
        message: format!(
            "the price of {:?} is deleted; what the file and the list say of it holds again",
            deleted.of.name()
        ),
    })
}
