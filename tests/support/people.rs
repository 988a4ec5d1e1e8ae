//! Making people and what they hold, and looking for their secrets.

use rusqlite::types::ValueRef;
use serde_json::{Value, json};

use tollkeeper::domain::audit::Actor;
use tollkeeper::domain::people::holding::Source;
use tollkeeper::domain::virtual_key::NewVirtualKey;
use tollkeeper::error;
use tollkeeper::service::people::holdings;
use tollkeeper::store::people::users;
use tollkeeper::store::{Occasion, WorkInTurn, access_profiles, virtual_keys};

use super::{Client, Server};

/// The virtual key that [`Server::furnish`] makes.
pub const FURNISHED_KEY: &str = "VirtualKey01";

impl Client {
    /// Makes a user; answers the id.
    pub fn create_user(&self, name: &str, email: &str, role_id: Option<i64>) -> i64 {
        let body = json!({ "name": name, "email": email, "role_id": role_id });
        let made = self.post("/api/users", &body).expect(200).json();
        made["user"]["id"].as_str().unwrap().parse().unwrap()
    }

    /// Makes a role; answers the id.
    pub fn create_role(&self, name: &str) -> i64 {
        let body = json!({ "name": name });
        let made = self.post("/api/rbac/roles", &body).expect(200).json();
        made["role"]["id"].as_i64().unwrap()
    }

    /// Makes an MCP tool group without tools; answers the id.
    pub fn create_tool_group(&self, name: &str) -> i64 {
        let body = json!({ "name": name, "tools": [] });
        let made = self.post("/api/mcp/tool-groups", &body).expect(201).json();
        made["mcp_tool_group"]["id"].as_i64().unwrap()
    }

    /// The newest entries of the audit log with this action, with the JSON in their texts in place of these.
    pub fn audited(&self, action: &str) -> Vec<Value> {
        let path = format!("/api/access-profiles/audit-logs?action={action}&limit=500");
        let log = self.get(&path).expect(200).json();
        let mut entries = log["audit_logs"].as_array().unwrap().clone();
        for entry in &mut entries {
            for name in ["previous_values", "new_values", "metadata"] {
                if let Some(text) = entry[name].as_str() {
                    entry[name] = serde_json::from_str(text).unwrap();
                }
            }
        }
        entries
    }
}

impl Server {
    /// Changes what decisions depend on, as no use case does.
    pub fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut WorkInTurn<'_>) -> error::Result<T> + Send + 'static,
    ) -> error::Result<T> {
        let occasion = Occasion::new(Actor::server("test"), self.time.now());
        let changed = self.services.ledger.change(occasion, work);
        changed.map(|(made, _)| made)
    }

    /// Gives a user a copy of a profile; answers the managed virtual key as its holder carries it.
    pub fn assign(&self, user_id: i64, profile_id: i64) -> String {
        let given = self.change(move |work| {
            let user = users::get(work, user_id)?;
            let profile = access_profiles::get_current(work, profile_id)?.profile()?;
            holdings::give(work, &user, &profile, Source::Direct, None)
        });
        let (_, issued) = given.unwrap();
        issued.token.reveal().to_owned()
    }

    /// Makes one of everything that a path can name, each with the id 1: what is not there yet.
    pub fn furnish(&self) {
        let profiles = self.client.get("/api/access-profiles").expect(200).json();
        if profiles["total_count"] == 0 {
            self.client.create_profile(&json!({ "name": "first" }));
        }
        let role = self.client.create_role("first");
        let user = self
            .client
            .create_user("First", "first@example.com", Some(role));
        self.assign(user, 1);
        self.client.attach(1, &[role], false, false).expect(200);
        self.client.create_tool_group("first");
        let key = NewVirtualKey {
            user_id: user,
            copy_id: None,
            name: "first".to_owned(),
            description: String::new(),
            is_managed: false,
            expires_at: None,
        };
        let made =
            self.change(move |work| virtual_keys::insert(work, &key, FURNISHED_KEY, [7; 32]));
        made.unwrap();
    }

    /// The tables and columns of the database that hold a text.
    pub fn columns_with(&self, text: &str) -> Vec<String> {
        let database = rusqlite::Connection::open(self.data_dir().join("tollkeeper.db")).unwrap();
        let names = |sql: &str| -> Vec<String> {
            let mut statement = database.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            rows.map(Result::unwrap).collect()
        };
        let mut found = Vec::new();
        for table in names(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        ) {
            let mut statement = database
                .prepare(&format!("SELECT * FROM \"{table}\""))
                .unwrap();
            let mut rows = statement.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                for (at, column) in row.as_ref().column_names().iter().enumerate() {
                    let (ValueRef::Text(bytes) | ValueRef::Blob(bytes)) = row.get_ref(at).unwrap()
                    else {
                        continue;
                    };
                    if bytes
                        .windows(text.len())
                        .any(|window| window == text.as_bytes())
                    {
                        found.push(format!("{table}.{column}"));
                    }
                }
            }
        }
        found
    }
}
