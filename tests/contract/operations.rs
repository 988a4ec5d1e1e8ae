//! The operations of the contract as `operations.json` lists them: where each is, and what it answers.

use std::collections::BTreeSet;

use serde::Deserialize;
use tollkeeper::http::routes;

/// Operations that belong together.
#[derive(Deserialize)]
pub struct Part {
    pub part: String,
    pub operations: Vec<Operation>,
}

/// One operation.
#[derive(Deserialize, Clone)]
pub struct Operation {
    pub method: String,
    /// A leading `P` stands for both families of paths.
    pub path: String,
    /// The status of success.
    pub status: Option<u16>,
    /// The schema of its answer in `answers.json`; none where it is not there.
    pub answer: Option<String>,
    /// What is worth knowing about it.
    pub note: Option<String>,
}

/// The contract.
pub fn contract() -> Vec<Part> {
    serde_json::from_str(include_str!("operations.json")).unwrap()
}

/// Every operation of it.
pub fn operations() -> Vec<Operation> {
    contract()
        .into_iter()
        .flat_map(|part| part.operations)
        .collect()
}

impl Operation {
    /// Method and path of each place where it is, with parameters that have no name.
    pub fn places(&self) -> Vec<String> {
        let paths = match self.path.strip_prefix('P') {
            Some(rest) => vec![format!("/api{rest}"), format!("/api/governance{rest}")],
            None => vec![self.path.clone()],
        };
        let at = |path: &String| format!("{} {}", self.method, nameless(path));
        paths.iter().map(at).collect()
    }

    /// Whether a path as the table has it, with values in the place of parameters, is one of it.
    pub fn fits(&self, method: &str, path: &str) -> bool {
        let (have, want) = (path.split('/'), self.path.split('/'));
        self.method == method
            && have.clone().count() == want.clone().count()
            && have
                .zip(want)
                .all(|(have, want)| want.starts_with('{') || have == want)
    }
}

/// A path without the names of its parameters.
pub fn nameless(path: &str) -> String {
    let parts = path.split('/');
    let parts = parts.map(|part| if part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// Method and path of everything that is served.
pub fn served() -> BTreeSet<String> {
    let table = routes::documented();
    let places = table.iter().flat_map(|route| {
        let paths = route.paths().into_iter();
        paths.map(|path| format!("{} {}", route.method, nameless(&path)))
    });
    places.collect()
}
