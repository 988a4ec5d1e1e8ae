//! Answers about permissions.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::api_key::permission::{Operation, Permission, PermissionSet, Resource};

/// A permission that a key can hold.
#[derive(Debug, Serialize, ToSchema)]
pub struct PermissionView {
    /// Its id, which never changes.
    pub id: i64,
    /// `Resource:Operation`.
    pub name: String,
    /// What it is about.
    pub resource: &'static str,
    /// What it allows.
    pub operation: &'static str,
}

impl From<Permission> for PermissionView {
    fn from(permission: Permission) -> Self {
        Self {
            id: permission.id(),
            name: permission.to_string(),
            resource: permission.resource.name(),
            operation: permission.operation.name(),
        }
    }
}

/// Every permission there is.
#[derive(Debug, Serialize, ToSchema)]
pub struct PermissionList {
    /// The permissions, by id.
    pub permissions: Vec<PermissionView>,
    /// How many there are.
    pub count: usize,
    /// The same.
    pub total_count: usize,
}

/// A word of which permissions are made, with its id.
#[derive(Debug, Serialize, ToSchema)]
pub struct PermissionWord {
    /// Its id, which never changes.
    pub id: i64,
    /// How it stands in the name of a permission.
    pub name: &'static str,
}

/// What permissions are about.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResourceList {
    /// The resources, by id.
    pub resources: Vec<PermissionWord>,
    /// How many there are.
    pub count: usize,
    /// The same.
    pub total_count: usize,
}

impl ResourceList {
    /// Every resource there is.
    pub fn of_all() -> Self {
        let word = |resource: Resource| PermissionWord {
            id: resource.id(),
            name: resource.name(),
        };
        let resources: Vec<_> = Resource::all().map(word).collect();
        Self {
            count: resources.len(),
            total_count: resources.len(),
            resources,
        }
    }
}

/// What permissions allow to do.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperationList {
    /// The operations, by id.
    pub operations: Vec<PermissionWord>,
    /// How many there are.
    pub count: usize,
    /// The same.
    pub total_count: usize,
}

impl OperationList {
    /// Every operation there is.
    pub fn of_all() -> Self {
        let word = |operation: Operation| PermissionWord {
            id: operation.id(),
            name: operation.name(),
        };
        let operations: Vec<_> = Operation::all().map(word).collect();
        Self {
            count: operations.len(),
            total_count: operations.len(),
            operations,
        }
    }
}

/// What the key of a call holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnPermissions {
    /// Of each resource the operations that there are a permission of, and whether the key holds it.
    pub permissions: BTreeMap<&'static str, BTreeMap<&'static str, bool>>,
}

impl OwnPermissions {
    /// Each permission there is, and whether it is among these.
    pub fn of(held: PermissionSet) -> Self {
        let mut permissions: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for one in Permission::all() {
            let of_resource = permissions.entry(one.resource.name()).or_default();
            of_resource.insert(one.operation.name(), held.holds(one));
        }
        Self { permissions }
    }
}
