//! What each permission lets its holder see, in words: the OpenAPI document and the README show them, and a test looks for what they do
//! not name in the answers to a key that holds one permission alone.

use super::permission::{Operation, Permission, Resource};

impl Permission {
    /// What the answers to a key with this permission alone show, beside ids, what it sent, and what is wrong with that.
    pub fn lets_see(self) -> &'static str {
        use Operation::{Create, Delete, Download, Update, View};
        match (self.resource, self.operation) {
            (Resource::AccessProfiles, View) => {
                "profiles, their versions, the names of their roles, copies with the ids of virtual keys, use and limits, all by the ids of \
                 users; the audit log with the names of the API keys that acted, without entries about users, roles, virtual keys and MCP tool groups"
            }
            (Resource::AccessProfiles, Create) => {
                "the profile that is made or cloned, the copy that is assigned, the secret of the virtual key that comes with it; of a propagation whom it \
                 concerns, by id, and what changes"
            }
            (Resource::AccessProfiles, Update) => "the profile or copy's budget after the change",
            (Resource::AccessProfiles, Delete) => {
                "the name of the profile that is deleted and of the virtual keys that go with a copy"
            }
            (Resource::Users, View) => {
                "users with names, e-mail addresses, roles and the names of what they hold; also where `AccessProfiles:View` shows ids alone; \
                 entries about users in the audit log"
            }
            (Resource::Users, Create) => {
                "the user that is made with role and the names of what it gets, the secrets of new virtual keys"
            }
            (Resource::Users, Update) => {
                "the user after the change with name, e-mail address, role and the names of what it holds, the secrets of new virtual \
                 keys, the names of those that went"
            }
            (Resource::Users, Delete) => {
                "the name of the user that is deleted and of the virtual keys that went"
            }
            (Resource::Roles, View) => {
                "roles, what they are permitted, the names of their profiles and how many users they have; entries about roles in the audit log"
            }
            (Resource::Roles, Create) => "the role that is made",
            (Resource::Roles, Update) => {
                "the role after the change, with the names of its profiles"
            }
            (Resource::Roles, Delete) => {
                "the name of the role that is deleted; the ids of users who stand against it"
            }
            (Resource::ApiKeys, View) => {
                "API keys with names, beginnings, scopes and last use, never their secrets"
            }
            (Resource::ApiKeys, Create) => "the API key that is made, with its secret",
            (Resource::ApiKeys, Update) => {
                "the API key after the change, its new secret when it is rotated; of keys that hold no more"
            }
            (Resource::ApiKeys, Delete) => {
                "the name of the API key that is revoked; of keys that hold no more"
            }
            (Resource::VirtualMcps, View) => {
                "MCP tool groups, and how many profiles name each; entries about them in the audit log"
            }
            (Resource::VirtualMcps, Create) => "the MCP tool group that is made",
            (Resource::VirtualMcps, Update) => "the MCP tool group after the change",
            (Resource::VirtualMcps, Delete) => "the name of the MCP tool group that is deleted",
            (Resource::Decisions, View) => {
                "open reservations of every key: the ids of users and profiles, provider, model and what is held; entries about reservations in the audit log"
            }
            (Resource::Decisions, Create) => {
                "decisions about the virtual keys that are sent, with the limits that bind; explanations of them with the names of the key and of profiles; the open reservations that it made itself"
            }
            (Resource::Decisions, Update) => {
                "the reservations of others that it settles, extends or cancels"
            }
            (Resource::Backups, View) => {
                "the names of backups, when each was made and how large it is, and what became of the last one; entries about backups in the audit log"
            }
            (Resource::Backups, Create) => {
                "the backup that is made, and what was found when it, or one that is tried out, was checked"
            }
            (Resource::Backups, Download) => {
                "everything, once the backup that is downloaded is decrypted"
            }
            (Resource::Decisions | Resource::Backups | Resource::Metrics, Delete)
            | (Resource::Settings | Resource::Metrics, Create)
            | (Resource::Backups | Resource::Metrics, Update)
            | (_, Download) => "nothing of its own today",
            (Resource::Settings, View) => {
                "how the server is (`/api/status`); the settings with where each is from, without secrets; prices; upstreams with their addresses, how each answered last, and where its key comes from, never the key; entries about prices in the audit log"
            }
            (Resource::Settings, Update) => "the price that is given",
            (Resource::Settings, Delete) => "the names of the model whose price is deleted",
            (Resource::VirtualKeys, View) => {
                "virtual keys with names and beginnings, never their secrets, by the ids of users; entries about them in the audit log"
            }
            (Resource::VirtualKeys, Create) => {
                "the virtual key that is made for a user who holds a profile, with its secret"
            }
            (Resource::VirtualKeys, Update) => {
                "the virtual key after the change, its new secret when it is rotated"
            }
            (Resource::VirtualKeys, Delete) => "the name of the virtual key that is deleted",
            (Resource::Metrics, View) => {
                "what is measured, of everybody together: the routes, the codes of refusals, the names of upstreams, sums of tokens and dollars"
            }
        }
    }

    /// A row for each permission, in Markdown.
    pub fn table_of_sight() -> String {
        let rows = Self::all()
            .map(|permission| format!("| `{permission}` | {} |\n", permission.lets_see()));
        "| permission | lets one see |\n|---|---|\n".to_owned() + &rows.collect::<String>()
    }
}
