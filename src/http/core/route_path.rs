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

/// Routes that are measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteGroup {
    /// What gateways ask before and after calls.
    Decisions,
    /// What gateways ask about requests that they hold.
    ForwardAuth,
    /// Calls that are carried.
    Proxy,
    /// What operators do.
    Management,
    /// The page, its reference, what says how the server is, and what is no route.
    Other,
}

impl RouteGroup {
    /// Every group with its name, each at its place.
    pub const ALL: [(Self, &str); 5] = [
        (Self::Decisions, "decisions"),
        (Self::ForwardAuth, "forward_auth"),
        (Self::Proxy, "proxy"),
        (Self::Management, "management"),
        (Self::Other, "other"),
    ];

    /// The group of a path of the table.
    fn of(path: &str, is_carried: bool) -> Self {
        let below = |place: &str| {
            let rest = path.strip_prefix(place);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if is_carried {
            Self::Proxy
        } else if below("/v1/forward-auth") {
            Self::ForwardAuth
        } else if below("/v1") {
            Self::Decisions
        } else if below("/api") {
            Self::Management
        } else {
            Self::Other
        }
    }
}

/// The route that serves a request.
pub struct RoutePath {
    /// Its path, as it stands in the table; for the access log.
    pub path: String,
    /// What its family begins with; empty for a route of none.
    pub family: &'static str,
    /// What it is measured with.
    pub group: RouteGroup,
}

impl RoutePath {
    /// The route at a path of the table. `is_carried` says whether the proxy serves it.
    pub fn new(path: &str, is_carried: bool) -> Self {
        let within = |family: &&&str| path.starts_with(&format!("{family}/"));
        // The longest that fits: one is the beginning of the other.
        let family = FAMILIES
            .iter()
            .filter(within)
            .max_by_key(|family| family.len());
        Self {
            path: path.to_owned(),
            family: family.copied().unwrap_or_default(),
            group: RouteGroup::of(path, is_carried),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_stand_at_their_places() {
        for (at, (group, _)) in RouteGroup::ALL.into_iter().enumerate() {
            assert_eq!(group as usize, at);
        }
    }
}
