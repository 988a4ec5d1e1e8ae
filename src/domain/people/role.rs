//! Roles: groups of users that are given access profiles together. A role gives no management permission: what it is permitted and whose
//! data it sees are kept for the gateway.

use jiff::Timestamp;

use crate::domain::api_key::permission::{Permission, PermissionSet};
use crate::domain::body::{Body, BodySchema, Form, ValueKind, description, id, name};
use crate::domain::validator::{IfMatch, entity_tag_beside};
use crate::error::{Error, Result};

/// A role as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Set by the server; never used again after a delete.
    pub id: i64,
    /// 1 to 255 characters, unique without regard to case.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Whose data its users see in the gateway, which minds it.
    pub dac: DataAccess,
    /// What its users may do in the gateway, which minds it.
    pub permissions: PermissionSet,
    /// Users who are in it.
    pub user_count: i64,
    /// Changes with every change of the role.
    pub revision: i64,
    /// Set by the server.
    pub created_at: Timestamp,
    /// Set by the server.
    pub updated_at: Timestamp,
}

/// Whose data the users of a role see. It is kept for the gateway: nothing here depends on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DataAccess {
    /// Their own.
    Own,
    /// That of their team.
    Team,
    /// That of their business unit.
    BusinessUnit,
    /// That of their customer.
    Customer,
    /// Everybody's.
    #[default]
    All,
}

impl DataAccess {
    /// Each with its name.
    const NAMED: [(Self, &'static str); 5] = [
        (Self::Own, "own-data"),
        (Self::Team, "team-data"),
        (Self::BusinessUnit, "business-unit-data"),
        (Self::Customer, "customer-data"),
        (Self::All, "all-data"),
    ];

    /// How it is stored and shown.
    pub fn name(self) -> &'static str {
        let mut all = Self::NAMED.iter();
        all.find(|(one, _)| *one == self)
            .map_or("", |(_, name)| name)
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::NAMED.iter();
        all.find(|(_, known)| *known == name).map(|(one, _)| *one)
    }
}

/// An access profile that a role is attached to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedProfile {
    /// The profile.
    pub access_profile_id: i64,
    /// Its name.
    pub name: String,
    /// Whether users who join the role get it.
    pub is_default: bool,
}

/// A role with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleDetail {
    /// The role.
    pub role: Role,
    /// The profiles it is attached to, in the order in which they were.
    pub access_profiles: Vec<AttachedProfile>,
}

impl RoleDetail {
    /// The validator of what is shown of the role.
    pub fn entity_tag(&self) -> String {
        let role = &self.role;
        let content = format!("{} {:?} {}", role.id, role.name, role.updated_at);
        let beside = format!("{} {:?}", role.user_count, self.access_profiles);
        entity_tag_beside(role.revision, &content, &beside)
    }

    /// Goes on if the role is as the caller read it, by the tags of `If-Match` and by the revision in the body, where there is one.
    ///
    /// # Errors
    /// [`Error::Stale`].
    pub fn check_unchanged(&self, if_match: &IfMatch, revision: Option<i64>) -> Result<()> {
        let current = self.entity_tag();
        if_match.check(&current)?;
        let now = self.role.revision;
        match revision {
            Some(read) if read != now => Err(Error::Stale {
                current,
                revision: Some(now),
            }),
            _ => Ok(()),
        }
    }
}

/// The fields of a role as somebody sent them; `None` where they were left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleInput {
    /// Trimmed, 1 to 255 characters.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// See [`Role::dac`].
    pub dac: Option<DataAccess>,
    /// See [`Role::permissions`].
    pub permissions: Option<PermissionSet>,
    /// The revision that the change is of.
    pub revision: Option<i64>,
}

/// What making a role takes.
pub const NEW_ROLE: Body<RoleInput> = Body::new("RoleBody", "What making a role takes.", |form| {
    Some(RoleInput::read(form))
});

/// What a change of a role takes.
pub const ROLE_CHANGE: Body<RoleInput> = Body::change(
    "RoleChangeBody",
    "What a change of a role takes: the same fields, none of them required.",
    |form| Some(RoleInput::read(form)),
)
.or_under("role");

/// What a change of a role's permissions takes.
pub const ROLE_PERMISSIONS: Body<RoleInput> = Body::new(
    "RolePermissionsBody",
    "All permissions that a role is to have, in place of those that it has.",
    |form| {
        let about = "The ids of the permissions; empty: none.";
        Some(RoleInput {
            permissions: form.required("permission_ids", permission_ids(), about),
            revision: form.optional("revision", id(), REVISION),
            ..RoleInput::default()
        })
    },
);

const REVISION: &str = "The revision that was read: another one than today's is 412. Left out: the change is made whatever the role is now.";

impl RoleInput {
    fn read(form: &mut Form<'_>) -> Self {
        let name = form.required("name", name(), "Unique without regard to case.");
        let description = form.optional("description", description(), "");
        let dac = form.optional(
            "dac",
            data_access(),
            "Whose data its users see in the gateway, which minds it; it narrows nothing here.",
        );
        form.note_default(DataAccess::default().name());
        let revision = if form.is_change() {
            form.optional("revision", id(), REVISION)
        } else {
            form.ignore(&["revision"]);
            None
        };
        form.ignore(&[
            "id",
            "created_by_user_id",
            "is_system_role",
            "user_count",
            "access_profiles",
            "created_at",
            "updated_at",
        ]);
        Self {
            name,
            description,
            dac,
            permissions: None,
            revision,
        }
    }
}

fn permission_ids() -> ValueKind<'static, PermissionSet> {
    let schema = || BodySchema::integer(1..=i64::MAX).list();
    ValueKind::new(schema, |node| {
        let permissions = node.list(|one| {
            let id = one.integer(1..=i64::MAX)?;
            Permission::from_id(id).or_else(|| {
                let sentence = "is the id of no permission; GET /api/rbac/permissions lists them";
                one.refuse("unknown_permission", sentence)
            })
        });
        permissions.map(PermissionSet::of)
    })
}

fn data_access() -> ValueKind<'static, DataAccess> {
    let names = || DataAccess::NAMED.map(|(_, name)| name);
    ValueKind::new(
        move || BodySchema::values(names()),
        move |node| {
            let text = node.string(100)?;
            DataAccess::named(text).or_else(|| {
                let known = names().join(", ");
                let sentence = format_args!("expected one of {known}, found {text:?}");
                node.refuse("invalid_value", sentence)
            })
        },
    )
}

impl Role {
    /// The role with the sent fields in place of today's; `None` when that changes nothing.
    pub fn change(&self, input: RoleInput, now: Timestamp) -> Option<Self> {
        let changed = Self {
            name: input.name.unwrap_or_else(|| self.name.clone()),
            description: input
                .description
                .unwrap_or_else(|| self.description.clone()),
            dac: input.dac.unwrap_or(self.dac),
            permissions: input.permissions.unwrap_or(self.permissions),
            ..self.clone()
        };
        (changed != *self).then_some(Self {
            updated_at: now,
            ..changed
        })
    }
}
