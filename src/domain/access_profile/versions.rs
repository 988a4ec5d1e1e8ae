//! The life of an access profile after its creation: every change makes the next version, and every version can be shown,
//! compared and brought back.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::change::NextId;
use super::input::AccessProfileInput;
use super::{AccessProfile, Budget, ProviderConfig, RateLimit};
use crate::domain::body::json;
use crate::domain::body::violation::Violations;
use crate::domain::body::{Body, description, name};
use crate::domain::values::duration::RotationInterval;
use crate::domain::values::patch::JsonPatch;
use crate::error::{Error, Result};

/// Fields that differ between any two versions and say nothing about the policy.
const BOOKKEEPING: [&str; 2] = ["version", "updated_at"];

/// Members that were written as `null` where there is nothing, and are left out now (API.md §1).
const ONCE_NULL: [&str; 3] = [
    "\"rate_limit\":null",
    "\"reset_config\":null",
    "_reset_duration\":null",
];

/// A snapshot as it is written today, if it was written otherwise: versions never change, because the audit log holds them to their hashes.
///
/// # Errors
/// [`Error::Internal`] when it is of another shape.
pub fn rewritten(snapshot: &str) -> Result<Option<String>> {
    if !ONCE_NULL.iter().any(|member| snapshot.contains(member)) {
        return Ok(None);
    }
    AccessProfile::from_json(snapshot)?.to_json().map(Some)
}

/// What a profile was called in a version of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct VersionTexts {
    /// The name.
    pub name: String,
    /// Free text.
    pub description: String,
}

impl VersionTexts {
    /// Those of a snapshot.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is of another shape.
    pub fn read(snapshot: &str) -> Result<Self> {
        serde_json::from_str(snapshot).map_err(|error| Error::internal("reading a snapshot", error))
    }
}

impl AccessProfile {
    /// The profile of a snapshot.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is of another shape.
    pub fn from_json(snapshot: &str) -> Result<Self> {
        serde_json::from_str(snapshot).map_err(|error| Error::internal("reading a snapshot", error))
    }

    /// The snapshot of this version.
    ///
    /// # Errors
    /// [`Error::Internal`] when it can't be written as JSON.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::internal("writing a snapshot", error))
    }

    /// The next version with the sent fields in place of today's; `None` when that changes nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] when fields are wrong or contradict each other, or `is_active` differs from today's.
    pub fn change(
        &self,
        mut input: AccessProfileInput,
        next_id: NextId<'_>,
        now: Timestamp,
    ) -> Result<Option<Self>> {
        let violations = Violations::of(std::mem::take(&mut input.violations));
        if input
            .is_active
            .is_some_and(|wanted| wanted != self.is_active)
        {
            let route = if self.is_active {
                "deactivate"
            } else {
                "activate"
            };
            violations.add(
                &input.place().field("is_active"),
                "is_active_not_changeable",
                format_args!(
                    "is {} and can't be changed here; PUT …/{}/{route} does that",
                    self.is_active, self.id
                ),
            );
        }
        let new = self.merged(input, &violations, next_id, now);
        Ok(self.succeeded_by(violations.finish(Some(new))?, now))
    }

    /// The next version, active or not; `None` when it is so already. Keys of an inactive one don't rotate, and those of one that becomes
    /// active do one interval from then.
    pub fn activated(&self, active: bool, now: Timestamp) -> Option<Self> {
        let new = Self {
            is_active: active,
            ..self.clone()
        };
        self.succeeded_by(new.rotating_anew(self, now), now)
    }

    /// The same, with its next rotation counted from now where it was not active `before`.
    fn rotating_anew(mut self, before: &Self, now: Timestamp) -> Self {
        if self.is_active && !before.is_active {
            let interval = RotationInterval::from_nanoseconds(self.auto_rotation_interval);
            self.next_rotation_at = interval.and_then(|interval| interval.after(now));
        }
        self
    }

    /// The next version with the content of an earlier one, ids included; `None` when that changes nothing.
    ///
    /// When keys rotate is state, not content: a date that has passed is not brought back.
    ///
    /// See [`read_stored`].
    pub fn restored(&self, content: Self, now: Timestamp) -> Option<Self> {
        let mut new = Self {
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            last_rotation_at: self.last_rotation_at,
            ..content
        };
        if new.next_rotation_at.is_some_and(|next| next <= now) {
            let interval = RotationInterval::from_nanoseconds(new.auto_rotation_interval);
            let upcoming = self.next_rotation_at.filter(|next| *next > now);
            new.next_rotation_at =
                upcoming.or_else(|| interval.and_then(|interval| interval.after(now)));
        }
        self.succeeded_by(new.rotating_anew(self, now), now)
    }

    /// What creates a profile with this one's policy under another name.
    pub fn as_input(&self, name: String, description: Option<String>) -> AccessProfileInput {
        AccessProfileInput {
            name: Some(name),
            description: Some(description.unwrap_or_else(|| self.description.clone())),
            is_active: Some(self.is_active),
            tags: Some(self.tags.clone()),
            provider_configs: Some(
                self.provider_configs
                    .iter()
                    .map(ProviderConfig::blank)
                    .collect(),
            ),
            budgets: Some(self.budgets.iter().map(Budget::blank).collect()),
            rate_limit: Some(self.rate_limit.as_ref().map(RateLimit::blank)),
            calendar_aligned: Some(self.calendar_aligned),
            auto_rotation_interval: Some(RotationInterval::from_nanoseconds(
                self.auto_rotation_interval,
            )),
            mcp_tool_groups: Some(self.mcp_tool_groups.clone()),
            mcp_servers: Some(self.mcp_servers.clone()),
            mcp_tool_overrides: Some(self.mcp_tool_overrides.clone()),
            ..AccessProfileInput::default()
        }
    }

    fn succeeded_by(&self, mut new: Self, now: Timestamp) -> Option<Self> {
        if new == *self {
            return None;
        }
        new.version = self.version + 1;
        new.updated_at = now;
        Some(new)
    }
}

/// The profile of a snapshot, if today's rules allow it.
///
/// # Errors
/// [`Error::ConflictingContent`] with every rule of today that the content breaks.
pub fn read_stored(snapshot: &str) -> Result<AccessProfile> {
    let read = json::parse(snapshot.as_bytes())
        .map_err(|error| Error::internal("reading a snapshot", error))?;
    match AccessProfileInput::parse_stored(&read) {
        Err(Error::Invalid(reasons)) => {
            return Err(Error::ConflictingContent {
                message: "the content of this version is not allowed any more".to_owned(),
                reasons,
            });
        }
        other => drop(other?),
    }
    AccessProfile::from_json(snapshot)
}

/// What a clone is to be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloneInput {
    /// Trimmed, 1 to 255 characters.
    pub name: String,
    /// The original's when left out.
    pub description: Option<String>,
}

/// What a clone takes.
pub const CLONE: Body<CloneInput> = Body::new("CloneBody", "What a clone takes.", |form| {
    let name = form.required("name", name(), "Trimmed; unique without regard to case.");
    let description = form.optional(
        "description",
        description(),
        "The original's when left out.",
    );
    Some(CloneInput {
        name: name?,
        description,
    })
});

/// The top-level fields in which two snapshots differ, as they were and as they are; for the audit log.
///
/// Both are written by the same code, so equal values have equal text: nothing below the top level is looked at.
///
/// # Errors
/// [`Error::Internal`] when a snapshot is no JSON.
pub fn changed_fields(before: &str, after: &str) -> Result<(String, String)> {
    type Fields<'a> = BTreeMap<&'a str, &'a RawValue>;
    fn read(text: &str) -> Result<Fields<'_>> {
        serde_json::from_str(text).map_err(|error| Error::internal("reading a snapshot", error))
    }
    let (before, after) = (read(before)?, read(after)?);
    let pick = |from: &Fields<'_>, other: &Fields<'_>| {
        let differs = |name: &str, value: &RawValue| {
            other.get(name).map(|value| value.get()) != Some(value.get())
        };
        let mut changed = from.clone();
        changed.retain(|name, value| !BOOKKEEPING.contains(name) && differs(name, value));
        serde_json::to_string(&changed)
            .map_err(|error| Error::internal("writing changed fields", error))
    };
    Ok((pick(&before, &after)?, pick(&after, &before)?))
}

/// The JSON Patch (RFC 6902) that turns one snapshot into another.
///
/// # Errors
/// [`Error::Internal`] when a snapshot is no JSON.
pub fn patch(from: &str, to: &str) -> Result<String> {
    let read = |text: &str| {
        serde_json::from_str::<Value>(text)
            .map_err(|error| Error::internal("reading a snapshot", error))
    };
    let patch = JsonPatch::between(&read(from)?, &read(to)?);
    serde_json::to_string(&patch).map_err(|error| Error::internal("writing a JSON Patch", error))
}
