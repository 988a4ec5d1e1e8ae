//! The paths of routes, and the two families in which most of them stand.

/// The two path families that `P` stands for (API.md §1).
pub const FAMILIES: [&str; 2] = ["/api", "/api/governance"];
/// Where the routes are that are served without it too, within a family.
const OPTIONAL: &str = "/rbac/";

/// The one name of all the paths by which a route can be called for the same things.
pub fn canonical(path: &str) -> String {
    let [first, second] = FAMILIES;
    let rest = path
        .strip_prefix(second)
        .or_else(|| path.strip_prefix(first));
    match rest.filter(|rest| rest.starts_with('/')) {
        Some(rest) => match rest.strip_prefix(OPTIONAL) {
            Some(rest) => format!("{first}/{rest}"),
            None => format!("{first}{rest}"),
        },
        None => path.to_owned(),
    }
}

/// The route that serves a request.
pub struct RoutePath {
    /// Its path, as it stands in the table; for the access log.
    pub path: String,
    /// What its family begins with; empty for a route of none.
    pub family: &'static str,
}

impl RoutePath {
    /// The route at a path of the table.
    pub fn new(path: &str) -> Self {
        let within = |family: &&&str| path.starts_with(&format!("{family}/"));
        // The longest that fits: one is the beginning of the other.
        let family = FAMILIES
            .iter()
            .filter(within)
            .max_by_key(|family| family.len());
        Self {
            path: path.to_owned(),
            family: family.copied().unwrap_or_default(),
        }
    }
}
