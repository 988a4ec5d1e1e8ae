//! Pushing parts of an access profile to its copies: which parts, to whom, and what that changes in a policy.

use std::collections::HashSet;

use serde::Serialize;
use utoipa::ToSchema;

use super::policy::{Policy, PolicyField};
use crate::domain::body::input::{MAX_NAME, Node, nearest};
use crate::domain::body::json::Json;
use crate::domain::body::patterns::NAME;
use crate::domain::body::{Body, BodySchema, Form, ValueKind};
use crate::domain::limits::limit::{CounterKey, LimitKind};
use crate::domain::people::holding::{loose_ids, parse_user_id};
use crate::domain::values::duration::ResetDuration;
use crate::domain::values::money::Money;
use crate::domain::values::number::MAX_COUNT;
use crate::domain::values::patch::JsonPatch;
use crate::error::{Error, Result};

/// What is pushed, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropagationInput {
    /// The parts of the profile, each once, at least one.
    pub fields: Vec<PolicyField>,
    /// Only say what would change.
    pub dry_run: bool,
    /// To these users and those in the roles; without any of either, to everybody who holds a copy.
    pub user_ids: Vec<i64>,
    /// To the users in these roles.
    pub role_ids: Vec<i64>,
    /// Groups that are no roles, each with its place in the list.
    pub unknown_groups: Vec<(usize, String)>,
    /// Whether what was used is forgotten.
    pub reset_usage: bool,
}

/// What pushing parts of an access profile to its copies takes.
pub const PROPAGATION: Body<PropagationInput> = Body::new(
    "PropagationBody",
    "What pushing parts of an access profile to its copies takes.",
    PropagationInput::read,
);

impl PropagationInput {
    fn read(form: &mut Form<'_>) -> Option<Self> {
        let parts = policy_fields().not_empty(|| format!("must name a field: {}", known()));
        let fields = form.required("fields", parts, "At least one, each once.");
        let dry_run = form.flag("dry_run", false, "Only say what would change.");
        let user_ids = form.optional(
            "user_ids",
            loose_ids(),
            "To these users only; empty or left out, without `group_ids` too: to everybody who holds a copy.",
        );
        let groups = form.optional("group_ids", groups(), "To the users in these roles only.");
        let reset_usage = form.flag("reset_usage", false, "What the copies used is forgotten.");
        let (mut role_ids, mut unknown_groups) = (Vec::new(), Vec::new());
        for (at, group) in groups.unwrap_or_default().into_iter().enumerate() {
            match group {
                Ok(id) => role_ids.push(id),
                Err(text) => unknown_groups.push((at, text)),
            }
        }
        Some(Self {
            fields: fields?,
            dry_run,
            user_ids: user_ids.unwrap_or_default(),
            role_ids,
            unknown_groups,
            reset_usage,
        })
    }

    /// The names of the parts.
    pub fn field_names(&self) -> Vec<&'static str> {
        self.fields.iter().map(|field| field.name()).collect()
    }
}

/// Ids of groups, each once: a role by its id, as a number or in a string, or a text that is the id of none.
fn groups() -> ValueKind<'static, Vec<std::result::Result<i64, String>>> {
    let schema = || {
        let text = BodySchema::text(1..=MAX_NAME, NAME);
        BodySchema::integer(1..=MAX_COUNT).or(text)
    };
    let read = |node: &Node<'_>| {
        if matches!(node.value, Json::Number(_)) {
            return node.integer(1..=MAX_COUNT).map(Ok);
        }
        let text = node.name(MAX_NAME)?;
        Some(parse_user_id(&text).ok_or(text))
    };
    ValueKind::new(schema, read).unique_list(None, "duplicate_id", Clone::clone, |group| {
        let shown = group
            .as_ref()
            .map_or_else(Clone::clone, ToString::to_string);
        format!("{shown} is listed twice")
    })
}

fn policy_fields() -> ValueKind<'static, Vec<PolicyField>> {
    let schema = || BodySchema::values(PolicyField::ALL.map(|(_, name)| name));
    ValueKind::new(schema, read_field).unique_list(
        None,
        "duplicate_field",
        |field| *field,
        |_| "is listed twice".to_owned(),
    )
}

fn read_field(node: &Node<'_>) -> Option<PolicyField> {
    let name = node.string(100)?;
    if let Some((field, _)) = PolicyField::ALL.iter().find(|(_, known)| *known == name) {
        return Some(*field);
    }
    let hint = nearest(name, PolicyField::ALL.iter().map(|(_, known)| *known))
        .map(|meant| format!("; did you mean {meant:?}?"))
        .unwrap_or_default();
    node.refuse(
        "unknown_propagation_field",
        format_args!("can't be propagated; known are {}{hint}", known()),
    )
}

fn known() -> String {
    PolicyField::ALL.map(|(_, name)| name).join(", ")
}

/// What a propagation makes of one policy.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyChange {
    /// The policy before.
    pub old: Policy,
    /// The policy afterwards.
    pub new: Policy,
    /// The pushed parts that differ.
    pub changed: Vec<PolicyField>,
    /// Where limits counted that are gone.
    pub gone: Vec<CounterKey>,
}

impl PolicyChange {
    /// What pushing `fields` of `template` makes of `old`.
    pub fn work_out(old: Policy, template: &Policy, fields: &[PolicyField]) -> Self {
        let new = old.with(template, fields);
        let differs = |field: &&PolicyField| old.with(template, &[**field]) != old;
        let keys = |policy: &Policy| policy.limits().into_iter().map(|limit| limit.key);
        let kept: HashSet<CounterKey> = keys(&new).collect();
        Self {
            changed: fields.iter().filter(differs).copied().collect(),
            gone: keys(&old).filter(|key| !kept.contains(key)).collect(),
            new,
            old,
        }
    }

    /// The JSON Patch (RFC 6902) from the policy before to the one afterwards.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] when a policy is no JSON.
    pub fn patch(&self) -> Result<JsonPatch> {
        let json = |policy: &Policy| {
            serde_json::to_value(policy)
                .map_err(|error| Error::internal("comparing policies", error))
        };
        Ok(JsonPatch::between(&json(&self.old)?, &json(&self.new)?))
    }
}

/// What a propagation did, or would do.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Propagated {
    /// Users whose copies changed.
    pub affected_users: usize,
    /// Always 0: all change or none.
    pub failed_users: usize,
    /// Users whose copies were chosen and are like the profile already.
    pub skipped_users: usize,
    /// The users whose copies changed, in the order of assignment.
    pub user_ids: Vec<String>,
    /// The fields that were pushed.
    pub fields: Vec<&'static str>,
    /// False for a dry run.
    pub applied: bool,
    /// Always empty: keys need nothing to be told.
    #[schema(value_type = Vec<String>)]
    pub vk_sync_errors: Vec<String>,
    /// What would change for whom, in a dry run; the first 500 users.
    pub changes: Vec<UserChange>,
    /// What would change in the policies of those users, in a dry run: most hold the same; the first 100.
    pub policy_changes: Vec<SharedChange>,
    /// For how many users something would change, listed or not.
    pub changes_total: usize,
    /// Who would be over a limit at once, in a dry run; the first 500 users.
    pub would_exceed: Vec<UserExcess>,
    /// How many users would be over a limit at once, listed or not.
    pub would_exceed_total: usize,
}

/// What a propagation would make of a policy that copies share.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SharedChange {
    /// How many users hold it.
    pub users: usize,
    /// The JSON Patch (RFC 6902) from what their copies allow to what they would allow.
    pub patch: JsonPatch,
}

/// What a propagation would change for a user.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct UserChange {
    /// The user.
    pub user_id: String,
    /// The fields that differ.
    pub fields: Vec<&'static str>,
    /// Which of `policy_changes` it is, counted from 0; null when that is not listed.
    pub policy_change: Option<usize>,
    /// The ids of budgets that would be gone, and with them the override that the user has of each.
    pub lost_overrides: Vec<String>,
}

/// The limits of a user that a propagation would put below what is used and held.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct UserExcess {
    /// The user.
    pub user_id: String,
    /// Those limits.
    pub limits: Vec<Excess>,
}

/// A limit below what is used and held.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Excess {
    /// The id of the budget or rate limit in the copy.
    pub id: String,
    /// `total` or `provider:<name>`.
    pub scope: String,
    /// `budget`, `tokens` or `requests`.
    pub kind: &'static str,
    /// How often it starts anew.
    #[schema(value_type = String)]
    pub reset_duration: ResetDuration,
    /// Used in the window: US dollars, tokens or requests.
    #[schema(value_type = f64)]
    pub used: Amount,
    /// Held by calls that are under way.
    #[schema(value_type = f64)]
    pub held: Amount,
    /// How far the limit would go, with what an override adds.
    #[schema(value_type = f64)]
    pub effective_max_limit: Amount,
}

/// US dollars, or a number of tokens or requests.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Amount {
    /// US dollars.
    Dollars(Money),
    /// Tokens or requests.
    Count(i64),
}

impl Amount {
    /// What a limit of this kind counts.
    pub fn of(kind: LimitKind, units: i64) -> Self {
        match kind {
            LimitKind::Budget => Self::Dollars(Money::nearest(units)),
            _ => Self::Count(units),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(body: &Value) -> Result<PropagationInput> {
        PROPAGATION.parse(&crate::domain::body::json::parse(
            body.to_string().as_bytes(),
        )?)
    }

    fn codes(body: &Value) -> Vec<String> {
        match read(body) {
            Err(Error::Invalid(all)) => all
                .iter()
                .map(|one| format!("{} {}", one.param, one.code))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_body_is_read_whole_or_refused_with_everything_that_is_wrong() {
        let read = read(&json!({
            "fields": ["budgets", "mcp_servers"], "dry_run": true, "user_ids": ["7", 8], "group_ids": ["3"], "reset_usage": true
        }));
        let expected = PropagationInput {
            unknown_groups: Vec::new(),
            fields: vec![PolicyField::Budgets, PolicyField::McpServers],
            dry_run: true,
            user_ids: vec![7, 8],
            role_ids: vec![3],
            reset_usage: true,
        };
        assert_eq!(read.unwrap(), expected);
        assert_eq!(codes(&json!({})), ["fields required"]);
        assert_eq!(codes(&json!({ "fields": [] })), ["fields empty"]);
        let wrong = json!({ "fields": ["budget", "budgets", "budgets"], "user_ids": [true, "x", "1", 1], "group_ids": ["a", ["a"]] });
        let expected = [
            "fields[0] unknown_propagation_field",
            "fields[2] duplicate_field",
            "user_ids[0] wrong_type",
            "user_ids[1] invalid_id",
            "user_ids[3] duplicate_id",
            "group_ids[1] wrong_type",
        ];
        assert_eq!(codes(&wrong), expected);
    }
}
