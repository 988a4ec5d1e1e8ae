//! Handlers of what permissions there are, and which of them the key of a call holds.

pub mod views;

use self::views::{OperationList, OwnPermissions, PermissionList, PermissionView, ResourceList};
use crate::domain::api_key::permission::Permission;
use crate::http::core::answer::{Answer, ok};
use crate::http::core::guard::AnyKey;
use crate::http::core::request::Request;

/// `GET P/rbac/permissions`, `GET P/permissions`
pub async fn list(_: AnyKey, _: Request) -> Answer {
    let permissions: Vec<_> = Permission::all().map(PermissionView::from).collect();
    ok(&PermissionList {
        count: permissions.len(),
        total_count: permissions.len(),
        permissions,
    })
}

/// `GET P/rbac/resources`, `GET P/resources`
pub async fn list_resources(_: AnyKey, _: Request) -> Answer {
    ok(&ResourceList::of_all())
}

/// `GET P/rbac/operations`, `GET P/operations`
pub async fn list_operations(_: AnyKey, _: Request) -> Answer {
    ok(&OperationList::of_all())
}

/// `GET P/users/me/permissions`
pub async fn own(caller: AnyKey, _: Request) -> Answer {
    ok(&OwnPermissions::of(caller.key().permissions))
}
