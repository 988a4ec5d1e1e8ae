//! Handlers of management API keys.

use serde_json::Value;

use super::answer::{Answer, ok};
use super::call::{Call, blocking};
use super::guard::{ApiKeys, Caller, Create, Delete, View};
use super::schemas::{ApiKeyAnswer, ApiKeyCreated, ApiKeyList, ApiKeyView, Message};
use crate::domain::access_profile_input::{MAX_DESCRIPTION, MAX_NAME};
use crate::domain::input::Node;
use crate::domain::list::Query;
use crate::domain::permission::{Permission, PermissionSet};
use crate::domain::violation::Violations;
use crate::error::Result;
use crate::service::api_keys::ApiKeyRequest;
use crate::store::api_keys;
use crate::{service, service::Services};

/// `GET /api/api-keys`
///
/// # Errors
/// 400 when a parameter is not valid.
pub async fn list(_: Caller<View, ApiKeys>, call: Call) -> Answer {
    let page = call.query(Query::page)?;
    let list = call
        .read(move |reading| api_keys::list(reading, page))
        .await?;
    let api_keys: Vec<_> = list.items.iter().map(ApiKeyView::of).collect();
    ok(&ApiKeyList {
        count: api_keys.len(),
        api_keys,
        total_count: list.total_count,
        limit: page.limit,
        offset: page.offset,
    })
}

/// `GET /api/api-keys/{id}`
///
/// # Errors
/// 400, 404.
pub async fn get(_: Caller<View, ApiKeys>, call: Call) -> Answer {
    let id = call.id("id")?;
    let key = call.read(move |reading| api_keys::get(reading, id)).await?;
    ok(&ApiKeyAnswer {
        api_key: ApiKeyView::of(&key),
    })
}

/// `POST /api/api-keys`
///
/// # Errors
/// 400 with every violation, 403 when more is granted than held, 409 when the name is taken.
pub async fn create(caller: Caller<Create, ApiKeys>, call: Call) -> Answer {
    let services = call.services();
    let request = call.json(|body| read_request(body, &services)).await?;
    let (actor, holder) = (caller.actor(&call), caller.permissions());
    let (key, token) =
        blocking(move || service::api_keys::create(&services, actor, holder, request)).await?;
    ok(&ApiKeyCreated {
        api_key: ApiKeyView::of(&key),
        key: token.reveal().to_owned(),
    })
}

/// `DELETE /api/api-keys/{id}`
///
/// # Errors
/// 400, 404, 409 when nobody would be left who may do everything.
pub async fn delete(caller: Caller<Delete, ApiKeys>, call: Call) -> Answer {
    let id = call.id("id")?;
    let services = call.services();
    let actor = caller.actor(&call);
    let key = blocking(move || service::api_keys::revoke(&services, actor, id)).await?;
    ok(&Message {
        message: format!("the API key {:?} is revoked", key.name),
    })
}

fn read_request(body: &Value, services: &Services) -> Result<ApiKeyRequest> {
    let violations = Violations::default();
    let request = read_fields(&Node::root(body, &violations), services);
    violations.finish(request)
}

fn read_fields(body: &Node<'_>, services: &Services) -> Option<ApiKeyRequest> {
    let mut fields = body.object()?;
    let name = fields.required("name").and_then(|node| node.name(MAX_NAME));
    let description = match fields.given("description") {
        Some(node) => node.string(MAX_DESCRIPTION).map(str::to_owned),
        None => Some(String::new()),
    };
    let permissions = fields
        .required("scopes")
        .and_then(|node| read_scopes(&node));
    let expires_at = match fields.given("expires_at") {
        Some(node) if node.value.as_str() == Some("") => Some(None),
        Some(node) => read_expiry(&node, services).map(Some),
        None => Some(None),
    };
    fields.ignore(&["id", "key_prefix", "created_by", "created_at", "updated_at"]);
    fields.finish();
    Some(ApiKeyRequest {
        name: name?,
        description: description?,
        permissions: permissions?,
        expires_at: expires_at?,
    })
}

fn read_expiry(node: &Node<'_>, services: &Services) -> Option<jiff::Timestamp> {
    let at = node.timestamp()?;
    if at <= services.clock.now() {
        return node.refuse(
            "not_in_future",
            format_args!("must lie in the future, is {at}"),
        );
    }
    Some(at)
}

/// Names (`AccessProfiles:View`), ids, or `"*"` alone.
fn read_scopes(node: &Node<'_>) -> Option<PermissionSet> {
    if node
        .value
        .as_array()
        .is_some_and(|scopes| matches!(scopes.as_slice(), [Value::String(all)] if all == "*"))
    {
        return Some(PermissionSet::ALL);
    }
    node.list(|scope| {
        let permission = match scope.value {
            Value::Number(number) => number.as_i64().and_then(Permission::from_id),
            Value::String(name) => name.parse().ok(),
            _ => None,
        };
        permission.or_else(|| {
            scope.refuse("unknown_permission", "expected a permission such as \"AccessProfiles:View\" or its id, or [\"*\"] for all")
        })
    })
    .map(PermissionSet::of)
}
