//! Permissions of management API keys: a resource and an operation, `AccessProfiles:Create` (API.md §1).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

/// What a permission is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// Access profiles, their versions, audit logs, assignments and usage.
    AccessProfiles,
    /// Users.
    Users,
    /// Roles.
    Roles,
    /// Management API keys.
    ApiKeys,
    /// MCP tool groups.
    VirtualMcps,
    /// The decision API.
    Decisions,
    /// What the server works by: prices, and the upstreams of the proxy.
    Settings,
    /// Copies of everything.
    Backups,
    /// What is measured.
    Metrics,
    /// Virtual keys.
    VirtualKeys,
}

/// What a permission allows to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Read.
    View,
    /// Make new.
    Create,
    /// Change.
    Update,
    /// Remove.
    Delete,
    /// Take out of the house.
    Download,
}

/// The right to do one operation on one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission {
    /// What it is about.
    pub resource: Resource,
    /// What it allows.
    pub operation: Operation,
}

const RESOURCES: [(Resource, &str); 10] = [
    (Resource::AccessProfiles, "AccessProfiles"),
    (Resource::Users, "Users"),
    (Resource::Roles, "Roles"),
    (Resource::ApiKeys, "APIKeys"),
    (Resource::VirtualMcps, "VirtualMCPs"),
    (Resource::Decisions, "Decisions"),
    (Resource::Settings, "Settings"),
    (Resource::Backups, "Backups"),
    (Resource::Metrics, "Metrics"),
    (Resource::VirtualKeys, "VirtualKeys"),
];
const OPERATIONS: [(Operation, &str); 5] = [
    (Operation::View, "View"),
    (Operation::Create, "Create"),
    (Operation::Update, "Update"),
    (Operation::Delete, "Delete"),
    (Operation::Download, "Download"),
];

/// The ids and names of what permissions are made of, by their table, which is in the order of their declaration.
macro_rules! numbered {
    ($kind:ident, $table:ident) => {
        impl $kind {
            /// Every one there is, in the order of their ids.
            pub fn all() -> impl Iterator<Item = Self> {
                $table.into_iter().map(|(one, _)| one)
            }

            /// The stable integer id, from 1 on.
            pub fn id(self) -> i64 {
                self as i64 + 1
            }

            /// The name on the wire.
            pub fn name(self) -> &'static str {
                $table[self as usize].1
            }
        }
    };
}
numbered!(Resource, RESOURCES);
numbered!(Operation, OPERATIONS);

/// Resources of which every permission of these four is there, with the ids 1 to 28 in this order.
const REGULAR: usize = 7;
const REGULAR_OPERATIONS: usize = 4;
/// Permissions that came later, with the ids from 29 on: one is only ever added at the end.
const LATER: [(Resource, Operation); 8] = [
    (Resource::Backups, Operation::View),
    (Resource::Backups, Operation::Create),
    (Resource::Backups, Operation::Download),
    (Resource::Metrics, Operation::View),
    (Resource::VirtualKeys, Operation::View),
    (Resource::VirtualKeys, Operation::Create),
    (Resource::VirtualKeys, Operation::Update),
    (Resource::VirtualKeys, Operation::Delete),
];

impl Permission {
    /// Every permission there is, in the order of their ids.
    pub fn all() -> impl Iterator<Item = Self> {
        let regular = RESOURCES[..REGULAR].iter().flat_map(|(resource, _)| {
            let operations = OPERATIONS[..REGULAR_OPERATIONS].iter();
            operations.map(|(operation, _)| (*resource, *operation))
        });
        regular.chain(LATER).map(|(resource, operation)| Self {
            resource,
            operation,
        })
    }

    /// The stable integer id, from 1 on; 0 for what is no permission.
    pub fn id(self) -> i64 {
        let (resource, operation) = (self.resource as usize, self.operation as usize);
        let place = if resource < REGULAR && operation < REGULAR_OPERATIONS {
            Some(resource * REGULAR_OPERATIONS + operation)
        } else {
            let mut later = LATER.iter();
            let at = later.position(|later| *later == (self.resource, self.operation));
            at.map(|at| REGULAR * REGULAR_OPERATIONS + at)
        };
        place
            .and_then(|place| i64::try_from(place + 1).ok())
            .unwrap_or(0)
    }

    /// The permission with this id.
    pub fn from_id(id: i64) -> Option<Self> {
        Self::all().find(|permission| permission.id() == id)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.resource.name(), self.operation.name())
    }
}

impl FromStr for Permission {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::all()
            .find(|permission| permission.to_string() == text)
            .ok_or(())
    }
}

impl Serialize for Permission {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The permissions of a key. Holding every one is a state of its own: it covers those that later versions add.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionSet {
    all: bool,
    bits: u64,
}

impl PermissionSet {
    /// Every permission, now and later.
    pub const ALL: Self = Self { all: true, bits: 0 };

    /// Exactly these permissions.
    pub fn of(permissions: impl IntoIterator<Item = Permission>) -> Self {
        let bits = permissions
            .into_iter()
            .fold(0, |bits, permission| bits | 1 << permission.id());
        Self { all: false, bits }
    }

    /// Whether every permission is held.
    pub fn is_all(self) -> bool {
        self.all
    }

    /// Whether this permission is held.
    pub fn holds(self, permission: Permission) -> bool {
        self.all || self.bits & (1 << permission.id()) != 0
    }

    /// Whether what needs this permission may be done: it is held, or one that includes it. `Decisions:Create` includes
    /// `Decisions:View`, because a gateway's key sees what it holds open (API.md §4).
    pub fn allows(self, permission: Permission) -> bool {
        let view = Permission {
            resource: Resource::Decisions,
            operation: Operation::View,
        };
        let create = Permission {
            operation: Operation::Create,
            ..view
        };
        self.holds(permission) || (permission == view && self.holds(create))
    }

    /// Whether all of `wanted` is held here, later versions included.
    pub fn includes(self, wanted: Self) -> bool {
        self.all || (!wanted.all && self.first_missing(wanted).is_none())
    }

    /// What is held here and there.
    pub fn and(self, other: Self) -> Self {
        if self.all && other.all {
            Self::ALL
        } else {
            Self::of(self.list().filter(|permission| other.holds(*permission)))
        }
    }

    /// Whether things of this kind may be seen.
    pub fn shows(self, resource: Resource) -> bool {
        self.holds(Permission {
            resource,
            operation: Operation::View,
        })
    }

    /// A permission of `wanted` that is not held here.
    pub fn first_missing(self, wanted: Self) -> Option<Permission> {
        wanted.list().find(|permission| !self.holds(*permission))
    }

    /// The permissions held, in the order of their ids.
    pub fn list(self) -> impl Iterator<Item = Permission> {
        Permission::all().filter(move |permission| self.holds(*permission))
    }

    /// The ids of the permissions held.
    pub fn ids(self) -> Vec<i64> {
        self.list().map(Permission::id).collect()
    }

    /// What is meant by this set, where it is sent for a key that held `before`: one that may do everything shows the id of each permission,
    /// and still may when these are sent back.
    pub fn in_place_of(self, before: Self) -> Self {
        if before.all && self == Self::of(Permission::all()) {
            Self::ALL
        } else {
            self
        }
    }

    /// The names of the permissions held; `*` alone for every one.
    pub fn names(self) -> Vec<String> {
        if self.all {
            vec!["*".to_owned()]
        } else {
            self.list()
                .map(|permission| permission.to_string())
                .collect()
        }
    }

    /// The set as it is stored: `*`, or names with commas between.
    pub fn to_stored(self) -> String {
        if self.all {
            return "*".to_owned();
        }
        self.list()
            .map(|permission| permission.to_string())
            .collect::<Vec<_>>()
            .join(",")
    }

    /// Reads what [`PermissionSet::to_stored`] wrote; names this version does not know grant nothing.
    pub fn from_stored(text: &str) -> Self {
        if text == "*" {
            Self::ALL
        } else {
            Self::of(text.split(',').filter_map(|name| name.parse().ok()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names_are_stable_and_unique() {
        let all: Vec<_> = Permission::all().collect();
        assert_eq!(all.len(), 36);
        for (index, permission) in all.iter().enumerate() {
            assert_eq!(permission.id(), i64::try_from(index).unwrap() + 1);
            assert_eq!(Permission::from_id(permission.id()), Some(*permission));
            assert_eq!(permission.to_string().parse(), Ok(*permission));
        }
        assert_eq!("APIKeys:Delete".parse::<Permission>().unwrap().id(), 16);
        assert_eq!("Settings:Delete".parse::<Permission>().unwrap().id(), 28);
        assert_eq!("Backups:Download".parse::<Permission>().unwrap().id(), 31);
        assert_eq!("VirtualKeys:View".parse::<Permission>().unwrap().id(), 33);
        for none in ["accessprofiles:view", "Backups:Delete", "Users:Download"] {
            assert!(none.parse::<Permission>().is_err(), "{none}");
        }
    }

    #[test]
    fn sets_survive_storage_and_all_is_more_than_each() {
        let some = PermissionSet::of([
            "Users:View".parse().unwrap(),
            "Decisions:Create".parse().unwrap(),
        ]);
        assert_eq!(PermissionSet::from_stored(&some.to_stored()), some);
        assert_eq!(PermissionSet::from_stored("*"), PermissionSet::ALL);
        assert_eq!(PermissionSet::from_stored(""), PermissionSet::default());
        assert!(!PermissionSet::of(Permission::all()).is_all());
        assert_eq!(
            some.first_missing(PermissionSet::ALL),
            "AccessProfiles:View".parse().ok()
        );
        assert_eq!(PermissionSet::ALL.first_missing(PermissionSet::ALL), None);
    }
}
