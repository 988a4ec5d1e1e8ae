//! What callers are told who are refused, as the operator sets it.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What callers are told who are refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RefusalSettings {
    /// The status of a budget without room.
    #[serde(deserialize_with = "budget_status")]
    pub budget_status: BudgetStatus,
    /// Whom to ask, as people read it.
    #[serde(deserialize_with = "line")]
    pub contact: Option<String>,
    /// Where holders of virtual keys see what they have left.
    #[serde(deserialize_with = "link")]
    pub link: Option<String>,
}

/// The status of a budget without room, where refusals look as a provider's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BudgetStatus {
    /// 402, which clients show and don't repeat.
    #[default]
    PaymentRequired,
    /// 429, as `OpenAI`'s own.
    TooManyRequests,
}

impl Serialize for BudgetStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(match self {
            Self::PaymentRequired => 402,
            Self::TooManyRequests => 429,
        })
    }
}

/// The status of a budget without room.
fn budget_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BudgetStatus, D::Error> {
    match u16::deserialize(deserializer)? {
        402 => Ok(BudgetStatus::PaymentRequired),
        429 => Ok(BudgetStatus::TooManyRequests),
        other => Err(D::Error::custom(format_args!(
            "expected 402 or 429, found {other}"
        ))),
    }
}

/// A line of text, at most 200 characters, that can stand in an answer.
fn line<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?.trim().to_owned();
    if text.chars().count() > 200 || text.chars().any(char::is_control) {
        return Err(D::Error::custom(
            "expected one line of at most 200 characters",
        ));
    }
    Ok((!text.is_empty()).then_some(text))
}

/// The address of a page.
fn link<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = line(deserializer)?;
    let fits = |text: &String| {
        (text.starts_with("https://") || text.starts_with("http://")) && !text.contains(' ')
    };
    if text.as_ref().is_some_and(|text| !fits(text)) {
        return Err(D::Error::custom(format_args!(
            "expected an address such as \"https://tollkeeper.example/#/me\", found {text:?}"
        )));
    }
    Ok(text)
}
