//! What happened, as a value: whatever the management changes is one of these, and what follows from it (audit entries, what is searched,
//! what the ledger loads anew, keys to forget) is worked out from it alone.
//!
//! Most are actions, of which the audit log tells. Those at the end are what became of rows that several actions change: they have no
//! entry of their own, because that of the action names them.

use jiff::Timestamp;

use super::api_key::ApiKey;
use super::audit::NamedVersion;
use super::audit::note::AcceptedState;
use super::backup::restoration::Restoration;
use super::backup::state::Drill;
use super::limits::budget_override::{BudgetOverride, BudgetPlace};
use super::mcp::tool_group::ToolGroup;
use super::people::holding::AttachmentInput;
use super::people::role::Role;
use super::people::user::{HeldProfile, User};
use super::price::stored::StoredPrice;
use super::settings::changed_setting::ChangedSetting;
use super::virtual_key::VirtualKey;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A role was made.
    RoleCreated(Role),
    /// Its name or description is another.
    RoleUpdated(Change<Role>),
    /// It is gone.
    RoleDeleted(Role),
    /// A tool group was made.
    ToolGroupCreated(ToolGroup),
    /// Something of it is otherwise.
    ToolGroupUpdated(Change<ToolGroup>),
    /// It is gone.
    ToolGroupDeleted(ToolGroup),
    /// A model has another price over the API.
    PriceSet {
        /// The prices before, if there were any.
        before: Option<StoredPrice>,
        /// The prices now.
        after: StoredPrice,
    },
    /// It has none any more.
    PriceDeleted(StoredPrice),
    /// A setting is another one than at the last start.
    SettingChanged(ChangedSetting),
    /// Somebody had a backup made.
    BackupMade(ToldBackup),
    /// Somebody was given one.
    BackupDownloaded(ToldBackup),
    /// Somebody tried out whether one can be restored.
    BackupDrilled(Drill),
    /// One took the place of what was there.
    BackupRestored(Restoration),
    /// A management API key was made.
    ApiKeyCreated(ApiKey),
    /// Its settings are others.
    ApiKeyUpdated(Change<ApiKey>),
    /// It has another secret.
    ApiKeyRotated(Change<ApiKey>),
    /// It is refused for good.
    ApiKeyRevoked(ApiKey),
    /// An access profile was made.
    AccessProfileCreated {
        /// The profile.
        id: i64,
        /// How.
        creation: Creation,
        /// Its first version.
        version: NamedVersion,
    },
    /// It has a next version.
    AccessProfileReplaced {
        /// The profile.
        id: i64,
        /// By what.
        edit: Edit,
        /// The version before.
        before: NamedVersion,
        /// The version now.
        after: NamedVersion,
        /// Whether it is found by other words, tags or states than before.
        is_found_otherwise: bool,
    },
    /// It is gone; its versions stay.
    AccessProfileDeleted {
        /// The profile.
        id: i64,
        /// The last version.
        version: NamedVersion,
    },
    /// An access profile was attached to roles.
    RolesAttached {
        /// The profile.
        access_profile_id: i64,
        /// To which roles, and how.
        attachment: AttachmentInput,
        /// How many users got a copy at once.
        users_applied: usize,
    },
    /// It was taken from a role.
    RoleDetached {
        /// The profile.
        access_profile_id: i64,
        /// The role.
        role_id: i64,
    },
    /// Parts of an access profile were pushed to its copies.
    Propagated {
        /// The profile.
        access_profile_id: i64,
        /// The version that was pushed.
        version: i64,
        /// The parts.
        fields: Vec<&'static str>,
        /// How many users hold a copy that changed.
        affected_users: usize,
        /// Whether the copies started counting at zero.
        reset_usage: bool,
    },
    /// The date of an access profile came, and the managed keys under its copies got new secrets.
    KeysRotated {
        /// The profile.
        access_profile_id: i64,
        /// The dates before.
        before: RotationDates,
        /// The dates now.
        after: RotationDates,
        /// The public ids of the keys.
        virtual_keys: Vec<String>,
    },
    /// A budget of a copy may be exceeded.
    OverrideSet {
        /// The budget.
        place: BudgetPlace,
        /// The override before.
        before: Option<BudgetOverride>,
        /// The override now.
        after: BudgetOverride,
    },
    /// It may be exceeded no more.
    OverrideRemoved {
        /// The budget.
        place: BudgetPlace,
        /// The override before.
        before: Option<BudgetOverride>,
    },
    /// A user was given a copy of an access profile.
    CopyAssigned {
        /// The user.
        user_id: i64,
        /// The profile.
        access_profile_id: i64,
        /// The copy.
        copy_id: i64,
        /// The version that it was made from.
        template_version: i64,
        /// From when on it grants nothing.
        expires_at: Option<Timestamp>,
        /// The public id of the key that came with it.
        virtual_key: String,
        /// The names of the keys that went with a copy whose time was over.
        replaced: Vec<String>,
    },
    /// It was taken away.
    CopyUnassigned {
        /// The user.
        user_id: i64,
        /// The profile.
        access_profile_id: i64,
        /// The copy.
        copy_id: i64,
        /// The names of the keys that went with it.
        virtual_keys: Vec<String>,
    },
    /// A user holds a copy by what happened to the user.
    CopyGained {
        /// The user.
        user_id: i64,
        /// The copy.
        held: HeldProfile,
    },
    /// A user holds it no more by what happened to the user.
    CopyLost {
        /// The user.
        user_id: i64,
        /// The copy.
        held: HeldProfile,
    },
    /// A user was made.
    UserCreated {
        /// The user.
        user: User,
        /// The public ids of the keys that came with what the role gives.
        virtual_keys: Vec<String>,
    },
    /// Name or address are others.
    UserUpdated(Change<User>),
    /// A user is in another role.
    UserRoleChanged {
        /// The user.
        user_id: i64,
        /// The role before, with the names of the keys that went with it.
        before: Membership,
        /// The role now, with the public ids of the keys that came with it.
        after: Membership,
    },
    /// A user is gone.
    UserDeleted {
        /// The user.
        user: User,
        /// The names of the keys that went along.
        virtual_keys: Vec<String>,
    },
    /// A virtual key was made that belongs to no copy by nature.
    VirtualKeyCreated(VirtualKey),
    /// Its settings are others.
    VirtualKeyUpdated(Change<VirtualKey>),
    /// It has another secret, because somebody asked for it.
    VirtualKeyRotated(Change<VirtualKey>),
    /// It is gone by itself.
    VirtualKeyDeleted(VirtualKey),

    /// The audit log goes on from an older state.
    OlderLogAccepted(AcceptedState),

    /// Users came, went or are in another role, or copies of theirs came or went.
    HoldersChanged {
        /// The users.
        user_ids: Vec<i64>,
    },
    /// Managed keys came with copies.
    KeysIssued {
        /// Whose they are.
        user_ids: Vec<i64>,
        /// Their numbers.
        key_ids: Vec<i64>,
    },
    /// Keys went with copies or with their user.
    KeysEnded {
        /// Whose they were.
        user_id: i64,
        /// Their numbers.
        key_ids: Vec<i64>,
        /// Their public ids.
        public_ids: Vec<String>,
    },
    /// A virtual key has another secret.
    SecretReplaced {
        /// Whose it is.
        user_id: i64,
        /// Its public id.
        public_id: String,
    },
    /// Copies follow another policy or start counting at zero, and are otherwise as before.
    CopiesChanged(Vec<ChangedCopy>),
    /// Overrides went because their budgets are gone.
    OverridesForgotten {
        /// The users who had them.
        user_ids: Vec<i64>,
    },
}

/// A backup as the audit log tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldBackup {
    /// Its name.
    pub name: String,
    /// The public key for which it was encrypted on its way out.
    pub recipient: Option<String>,
    /// What is wrong with it; none when it is sound, or nobody looked.
    pub findings: Vec<String>,
}

/// Something before and after it was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<T> {
    /// As it was.
    pub before: T,
    /// As it is.
    pub after: T,
}

/// How an access profile is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// From a body.
    New,
    /// From another profile.
    Clone,
}

/// What makes the next version of an access profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// A body.
    Update,
    /// It is active from now on.
    Activate,
    /// It is inactive from now on.
    Deactivate,
    /// An earlier version comes back.
    Restore,
}

/// When the keys under the copies of an access profile rotate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationDates {
    /// When they rotate next.
    pub next: Option<Timestamp>,
    /// When they last did.
    pub last: Option<Timestamp>,
}

/// A role that a user is in, and keys that come or go with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The role, if the user is in one.
    pub role_id: Option<i64>,
    /// The keys.
    pub virtual_keys: Vec<String>,
}

/// A copy that follows another policy or starts counting at zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangedCopy {
    /// Who holds it.
    pub user_id: i64,
    /// The copy.
    pub copy_id: i64,
    /// The policy it follows now.
    pub policy_id: i64,
    /// The version of the profile that it was last changed by.
    pub template_version: i64,
    /// Whether its counters were deleted and start at zero.
    pub reset_usage: bool,
}
