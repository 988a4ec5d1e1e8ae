//! The groups under which the OpenAPI document shows operations, and what stands at the head of each.

use actix_web::http::Method;
use utoipa::openapi::tag::{Tag, TagBuilder};

use crate::domain::api_key::permission::Resource;
use crate::http::core::guard::Access;
use crate::http::core::route::Route;

/// What is the same operation as another under another path, or by another method.
const ALIAS: &str = "Alias";
const HOLDERS: &str = "Holders";
const SERVER: &str = "Server";

/// The group of an operation; `family` is the place of its path among those of its route.
pub fn tag(route: &Route, method: &Method, family: usize) -> &'static str {
    let is_twin = family > 0 || route.description.operation.ends_with("_short");
    if is_twin || *method != route.method {
        ALIAS
    } else {
        own(route)
    }
}

fn own(route: &Route) -> &'static str {
    match route.access {
        Access::Management(permission) => permission.resource.name(),
        Access::VirtualKey | Access::Call => HOLDERS,
        Access::AnyKey | Access::Operator | Access::Public => SERVER,
    }
}

/// The groups in the order of the table, with what everybody may call and what is there twice at the end.
pub fn tags(table: &[Route]) -> Vec<Tag> {
    let mut all: Vec<(&str, &str)> = Vec::new();
    for route in table {
        let name = own(route);
        if all.iter().all(|(known, _)| *known != name) {
            all.push((name, about(route.access)));
        }
    }
    all.sort_by_key(|(name, _)| *name == SERVER);
    all.push((
        ALIAS,
        "The same operations again: under `/api/governance`, under the short paths of roles, permissions, resources and operations, and by the other methods \
         that a proxy may ask with. Each answers as the one whose name its own begins with; clients need only one of them.",
    ));
    let with_text = |(name, about)| {
        TagBuilder::new()
            .name(name)
            .description(Some(about))
            .build()
    };
    all.into_iter().map(with_text).collect()
}

fn about(access: Access) -> &'static str {
    match access {
        Access::Management(permission) => about_resource(permission.resource),
        Access::VirtualKey | Access::Call => {
            "What the holder of a virtual key asks with that key: what binds it, what it used, which tools it may call, and whether a \
             request that a proxy holds may go on."
        }
        Access::AnyKey | Access::Operator | Access::Public => {
            "The server itself: whether it works, its pages, this document, signing in, and what a management API key may do."
        }
    }
}

fn about_resource(resource: Resource) -> &'static str {
    match resource {
        Resource::AccessProfiles => {
            "The policies that are given to people, and all that follows from them: versions, the audit log, roles that give a profile, \
             the copies that users hold with their overrides, propagation, and the history of use."
        }
        Resource::Users => "The people who hold access profiles.",
        Resource::Roles => {
            "Groups of users, by which access profiles are given. A role gives no permission on this API."
        }
        Resource::ApiKeys => {
            "The keys of this API: what programs and the admin page are let in with, and what each may do."
        }
        Resource::VirtualMcps => "Named sets of MCP tools that access profiles grant.",
        Resource::Decisions => {
            "What gateways call: may this call be made, what did it use, and why was it refused."
        }
        Resource::Backups => {
            "Copies of everything, from which it can be restored: making them, trying them out, and taking them out of the house."
        }
        Resource::Settings => {
            "What the server works by: the prices of models, and the upstreams of the proxy."
        }
        Resource::VirtualKeys => {
            "The keys by which the calls of users are known: making them for who holds an access profile, rotating and deleting them."
        }
        Resource::Metrics => "What is measured, for Prometheus and whatever reads its format.",
    }
}
