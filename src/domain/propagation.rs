//! Pushing parts of an access profile to its copies: which parts, to whom, and what that changes in a policy.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::duration::ResetDuration;
use super::holding::read_loose_ids;
use super::input::{Node, nearest};
use super::json::Json;
use super::limit::{CounterKey, LimitKind};
use super::money::Money;
use super::policy::{Policy, PolicyField};
use super::violation::Violations;
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
    /// Whether what was used is forgotten.
    pub reset_usage: bool,
}

impl PropagationInput {
    /// Reads the body of a propagation.
    ///
    /// # Errors
    /// [`crate::error::Error::Invalid`] with every violation.
    pub fn parse(body: &Json<'_>) -> Result<Self> {
        let violations = Violations::default();
        let read = || {
            let mut fields = Node::root(body, &violations).object()?;
            let parts = fields.required("fields").and_then(|node| {
                if node.value.as_array().is_some_and(<[_]>::is_empty) {
                    return node.refuse("empty", format_args!("must name a field: {}", known()));
                }
                read_fields(&node)
            });
            let dry_run = fields.given("dry_run").map(|node| node.boolean());
            let users = fields.given("user_ids").map(|node| read_loose_ids(&node));
            let roles = fields.given("group_ids").map(|node| read_loose_ids(&node));
            let reset = fields.given("reset_usage").map(|node| node.boolean());
            fields.finish();
            Some(Self {
                fields: parts?,
                dry_run: dry_run.unwrap_or(Some(false))?,
                user_ids: users.unwrap_or_else(|| Some(Vec::new()))?,
                role_ids: roles.unwrap_or_else(|| Some(Vec::new()))?,
                reset_usage: reset.unwrap_or(Some(false))?,
            })
        };
        let input = read();
        violations.finish(input)
    }

    /// The names of the parts.
    pub fn field_names(&self) -> Vec<&'static str> {
        self.fields.iter().map(|field| field.name()).collect()
    }
}

fn read_fields(node: &Node<'_>) -> Option<Vec<PolicyField>> {
    let mut seen = HashSet::new();
    node.list(|item| {
        let name = item.string(100)?;
        let Some((field, _)) = PolicyField::ALL.iter().find(|(_, known)| *known == name) else {
            let hint = nearest(name, PolicyField::ALL.iter().map(|(_, known)| *known))
                .map(|meant| format!("; did you mean {meant:?}?"))
                .unwrap_or_default();
            return item.refuse(
                "unknown_propagation_field",
                format_args!("can't be propagated; known are {}{hint}", known()),
            );
        };
        if !seen.insert(*field) {
            return item.refuse("duplicate_field", "is listed twice");
        }
        Some(*field)
    })
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
    pub fn patch(&self) -> Result<Value> {
        let json = |policy: &Policy| serde_json::to_value(policy);
        let patch = || serde_json::to_value(json_patch::diff(&json(&self.old)?, &json(&self.new)?));
        patch().map_err(|error| Error::internal("comparing policies", error))
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
    #[schema(value_type = Vec<Object>)]
    pub patch: Value,
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
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> Result<PropagationInput> {
        PropagationInput::parse(&crate::domain::json::parse(body.to_string().as_bytes())?)
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
            fields: vec![PolicyField::Budgets, PolicyField::McpServers],
            dry_run: true,
            user_ids: vec![7, 8],
            role_ids: vec![3],
            reset_usage: true,
        };
        assert_eq!(read.unwrap(), expected);
        assert_eq!(codes(&json!({})), ["fields required"]);
        assert_eq!(codes(&json!({ "fields": [] })), ["fields empty"]);
        let wrong = json!({ "fields": ["budget", "budgets", "budgets"], "user_ids": [true, "x", "1", 1], "group_ids": ["a"] });
        let expected = [
            "fields[0] unknown_propagation_field",
            "fields[2] duplicate_field",
            "user_ids[0] wrong_type",
            "user_ids[1] invalid_id",
            "user_ids[3] duplicate_id",
            "group_ids[0] invalid_id",
        ];
        assert_eq!(codes(&wrong), expected);
    }
}
