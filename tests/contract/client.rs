//! A client of the contract: calls its operations, and holds every answer against the table.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::operations::{Operation, operations};
use crate::schema::Schemas;
use crate::support::{Client, Reply};

/// Calls under one family of paths.
pub struct ContractClient<'c> {
    client: &'c Client,
    family: &'static str,
    operations: Vec<Operation>,
    answers: Schemas,
    called: BTreeSet<(String, String)>,
    wrong: Vec<String>,
}

impl<'c> ContractClient<'c> {
    pub fn new(client: &'c Client, family: &'static str) -> Self {
        let mut operations = operations();
        // Where two fit, the one with fewer parameters is meant.
        operations.sort_by_key(|operation| operation.path.matches('{').count());
        Self {
            client,
            family,
            operations,
            answers: Schemas::new(serde_json::from_str(include_str!("answers.json")).unwrap()),
            called: BTreeSet::new(),
            wrong: Vec::new(),
        }
    }

    pub fn get(&mut self, path: &str) -> Value {
        self.call("GET", path, None)
    }

    /// The same with a virtual key, where that is the credential.
    pub fn get_as(&mut self, key: &str, path: &str) -> Value {
        self.call_as(&self.client.with_virtual_key(key), "GET", path, None)
    }

    pub fn post(&mut self, path: &str, body: &Value) -> Value {
        self.call("POST", path, Some(body))
    }

    pub fn put(&mut self, path: &str, body: &Value) -> Value {
        self.call("PUT", path, Some(body))
    }

    pub fn delete(&mut self, path: &str) -> Value {
        self.call("DELETE", path, None)
    }

    /// Calls an operation, whose answer has the status and the schema of the table; a leading `P` is the family.
    fn call(&mut self, method: &str, path: &str, body: Option<&Value>) -> Value {
        self.call_as(self.client, method, path, body)
    }

    fn call_as(
        &mut self,
        client: &Client,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Value {
        let plain = path.split('?').next().unwrap();
        let found = self.operations.iter().find(|one| one.fits(method, plain));
        let operation = found
            .unwrap_or_else(|| panic!("the contract has no {method} {plain}"))
            .clone();
        let reply = self.send(client, method, path, body);
        let name = format!("{method} {}", operation.path);
        self.called.insert((operation.method, operation.path));
        let expected = operation.status.unwrap();
        if reply.status != expected {
            self.wrong.push(format!(
                "{name}: {} in place of {expected}: {}",
                reply.status, reply.text
            ));
            return Value::Null;
        }
        let answer = reply.json();
        self.check(&name, &operation.answer.unwrap(), &answer);
        answer
    }

    /// A refusal with this status, as the contract writes refusals.
    pub fn refused(
        &mut self,
        status: u16,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Value {
        let reply = self.send(self.client, method, path, body);
        let name = format!("{method} {path}");
        if reply.status != status {
            self.wrong.push(format!(
                "{name}: {} in place of {status}: {}",
                reply.status, reply.text
            ));
            return Value::Null;
        }
        let answer = reply.json();
        self.check(&name, "error", &answer);
        answer
    }

    fn send(&self, client: &Client, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let path = match path.strip_prefix('P') {
            Some(rest) => format!("{}{rest}", self.family),
            None => path.to_owned(),
        };
        client.send(method, &path, &[], body)
    }

    fn check(&mut self, name: &str, schema: &str, answer: &Value) {
        let place = format!("#/$defs/{schema}");
        let found = self.answers.wrongs(&place, answer);
        self.wrong
            .extend(found.into_iter().map(|one| format!("{name}: {one}")));
    }

    /// Says when something is not as it should be.
    pub fn expect(&mut self, what: &str, is_so: bool) {
        if !is_so {
            self.wrong.push(format!("not so: {what}"));
        }
    }

    /// Everything that was called.
    pub fn called(&self) -> &BTreeSet<(String, String)> {
        &self.called
    }

    /// Ends the walk: everything was as the contract says.
    #[track_caller]
    pub fn finish(mut self) {
        self.wrong.dedup();
        assert!(
            self.wrong.is_empty(),
            "not as the contract says:\n{}",
            self.wrong.join("\n")
        );
    }
}
