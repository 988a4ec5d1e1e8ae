//! The provider and the model that headers name, and whether they are those of the body.

use actix_web::http::header::HeaderName;
use jiff::Timestamp;

use super::faults::fault;
use crate::domain::body::input::MAX_NAME;
use crate::domain::body::violation::{Path, Violations};
use crate::domain::credential::may_hold_token;
use crate::domain::decision::input::NO_CREDENTIAL;
use crate::domain::models::model_name;
use crate::domain::price::prices::{PriceFound, Prices};
use crate::domain::values::letter_case::fold;
use crate::domain::values::unseen::is_unseen;
use crate::error::Result;
use crate::http::core::request::Request;

static PROVIDER: HeaderName = HeaderName::from_static("x-provider");
static MODEL: HeaderName = HeaderName::from_static("x-model");

/// What the headers name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedCall {
    /// The provider.
    pub provider: Option<String>,
    /// The model.
    pub model: Option<String>,
}

impl NamedCall {
    /// What the headers name.
    ///
    /// # Errors
    /// 400 with everything that is wrong with them.
    pub fn read(request: &Request) -> Result<Self> {
        let violations = Violations::default();
        let provider = read_name(request, &PROVIDER, &violations);
        let model = read_name(request, &MODEL, &violations);
        violations.finish(Some(Self { provider, model }))
    }

    /// Makes sure that the headers name nothing else than what is called: `model`, which `place` names.
    ///
    /// # Errors
    /// 400 with both names.
    pub fn refuse_others(
        &self,
        (place, model): (&str, &str),
        prices: &Prices,
        now: Timestamp,
    ) -> Result<()> {
        let provider = self.provider.as_deref();
        if let Some(named) = self.model.as_deref()
            && !is_same(named, model, provider)
        {
            let sentence = format_args!(
                "names {named:?}, but {place} names {model:?}; leave the header out, or name the same"
            );
            return Err(fault(MODEL.as_str(), "model_differs", sentence));
        }
        let Some((prefix, _)) = model.split_once('/') else {
            return Ok(());
        };
        let is_other = |provider: &&str| {
            let prefix = fold(prefix.trim());
            // A provider may have models of another's name.
            prefix != fold(provider)
                && prices.list().names_provider(&prefix)
                && !matches!(prices.price(provider, model, now), PriceFound::Known(_))
        };
        if let Some(provider) = provider.filter(is_other) {
            let sentence = format_args!(
                "names {provider:?}, but {place} names {prefix:?} in {model:?}; leave the header out, or name the same"
            );
            return Err(fault(PROVIDER.as_str(), "provider_differs", sentence));
        }
        Ok(())
    }
}

/// Whether two names are of one model: without regard to case and to a provider before one of them.
pub fn is_same(one: &str, other: &str, provider: Option<&str>) -> bool {
    let (one, other) = (fold(one), fold(other));
    let bare = |name: &str| {
        let behind = match provider {
            Some(provider) => model_name::behind_provider(name, name, &fold(provider)),
            None => None,
        };
        behind.map_or_else(|| name.to_owned(), |(_, rest)| rest.to_owned())
    };
    let is_behind = |long: &str, short: &str| {
        provider.is_none()
            && long
                .split_once('/')
                .is_some_and(|(_, rest)| rest.trim_start() == short)
    };
    bare(&one) == bare(&other) || is_behind(&one, &other) || is_behind(&other, &one)
}

/// The name in a header, noting what is wrong with it; `None` when it is missing or empty.
fn read_name(request: &Request, header: &HeaderName, violations: &Violations) -> Option<String> {
    let path = || Path::root().field(header.as_str().to_owned());
    let mut values = request.header_values(header);
    let value = values.next()?;
    if values.next().is_some() {
        let sentence =
            "must be sent once: whoever serves the call may take another one than is decided on";
        violations.add(&path(), "duplicate_header", sentence);
    }
    let text = std::str::from_utf8(value.as_bytes()).ok().map(str::trim);
    let unfit = |character: char| character.is_control() || is_unseen(character);
    let Some(text) = text.filter(|text| !text.contains(unfit)) else {
        violations.add(
            &path(),
            "invalid_character",
            "must be UTF-8 without control characters and others that can't be seen",
        );
        return None;
    };
    if text.chars().count() > MAX_NAME {
        let sentence = format_args!("must have at most {MAX_NAME} characters");
        violations.add(&path(), "too_long", sentence);
    }
    if let Some(sentence) = model_name::refuse(text).filter(|_| *header == MODEL) {
        violations.add(&path(), "invalid_character", sentence);
    }
    if may_hold_token(text) {
        violations.add(&path(), "credential_here", NO_CREDENTIAL);
    }
    (!text.is_empty()).then(|| text.to_owned())
}
