//! The provider lines of an access profile, as a profile holds them.
//!
//! A large profile is mostly lines, and most of them are the same from version to version: versions share them, and each is written as
//! JSON once.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::access_profile::{Budget, RateLimit};
use super::access_profile_input::{BudgetTerms, ProviderTerms, RateLimitTerms};
use super::names::Names;

/// A [`ProviderConfig`](super::access_profile::ProviderConfig) whose names of models lie close together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProviderLine {
    /// Set by the server; kept as long as the provider stays in the profile.
    pub id: i64,
    /// The provider, unique in the profile without regard to case.
    pub provider_name: String,
    /// Every model of the provider may be used.
    pub all_models_allowed: bool,
    /// Patterns of the models that may be used.
    pub allowed_models: Names,
    /// Patterns of those that may not.
    pub blacklisted_models: Names,
    /// Spending limits of this provider alone.
    pub budgets: Vec<Budget>,
    /// Request and token limits of this provider alone.
    pub rate_limit: Option<RateLimit>,
}

impl ProviderLine {
    /// Whether it is what these terms ask for.
    pub fn meets(&self, terms: &ProviderTerms) -> bool {
        self.provider_name == terms.provider_name
            && self.all_models_allowed == terms.all_models_allowed
            && self.allowed_models == terms.allowed_models
            && self.blacklisted_models == terms.blacklisted_models
            && (self.budgets.iter().map(BudgetTerms::from)).eq(terms.budgets.iter().copied())
            && self.rate_limit.as_ref().map(RateLimitTerms::from) == terms.rate_limit
    }
}

/// A line and its JSON. Copies share both.
#[derive(Debug, Clone)]
pub struct SharedLine(Arc<Written>);

#[derive(Debug)]
struct Written {
    line: ProviderLine,
    json: OnceLock<Box<RawValue>>,
}

impl From<ProviderLine> for SharedLine {
    fn from(line: ProviderLine) -> Self {
        Self(Arc::new(Written {
            line,
            json: OnceLock::new(),
        }))
    }
}

impl Deref for SharedLine {
    type Target = ProviderLine;

    fn deref(&self) -> &ProviderLine {
        &self.0.line
    }
}

impl PartialEq for SharedLine {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || **self == **other
    }
}

impl Serialize for SharedLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json = if let Some(json) = self.0.json.get() {
            json
        } else {
            let json = to_raw_value(&**self).map_err(S::Error::custom)?;
            self.0.json.get_or_init(|| json)
        };
        json.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SharedLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ProviderLine::deserialize(deserializer).map(Self::from)
    }
}
