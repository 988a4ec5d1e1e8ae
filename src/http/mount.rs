//! Putting the table of routes into the router of actix-web, which tries one entry after another, most of them by a regular
//! expression: so what gateways call all the time comes first, and the rest by places that are compared as text.

use std::collections::BTreeMap;

use actix_web::guard::{Guard, GuardContext, fn_guard};
use actix_web::http::Method;
use actix_web::{Resource, web};

use crate::gateway::client::UpstreamClients;
use crate::http::core::answer::Answer;
use crate::http::core::guard::Access;
use crate::http::core::problem::Problem;
use crate::http::core::request::Request;
use crate::http::core::route::Route;
use crate::http::core::route_path::RoutePath;
use crate::http::core::state::State;
use crate::http::proxy;
use crate::http::routes;

/// Where the calls are that gateways make all the time.
const HOT: &str = "/v1";

/// What the paths of upstreams begin with.
const BELOW_UPSTREAMS: &str = "/{upstream}/";

/// Parameters that take the rest of a path, slashes included.
const REST: [&str; 2] = ["path", "model"];

/// Mounts a table: every path with all its methods, HEAD beside every GET, and 405 for the rest.
fn mount(table: &[Route], config: &mut web::ServiceConfig) {
    let mut by_path = BTreeMap::<String, Vec<&Route>>::new();
    for route in table {
        for path in route.paths() {
            by_path.entry(path).or_default().push(route);
        }
    }
    let mut paths: Vec<_> = by_path
        .iter()
        .map(|(path, routes)| (place(path), path, routes))
        .collect();
    // Fixed paths come first, because those with parameters are regular expressions; and so do fixed segments, because `{` sorts
    // after all letters.
    paths.sort_by_cached_key(|(place, path, _)| {
        (place != HOT, place.clone(), path.contains('{'), *path)
    });
    for together in paths.chunk_by(|(one, ..), (other, ..)| one == other) {
        let place = together[0].0.as_str();
        if place == HOT || together.len() == 1 {
            for (_, path, routes) in together {
                config.service(resource(routes, path, path));
            }
            continue;
        }
        let scope = web::scope(place);
        config.service(together.iter().fold(scope, |scope, (_, path, routes)| {
            scope.service(resource(
                routes,
                path,
                path.strip_prefix(place).unwrap_or(path),
            ))
        }));
    }
}

/// What a path begins with: its family, and one segment.
fn place(path: &str) -> String {
    let family = RoutePath::new(path, false).family;
    let rest = path[family.len()..].trim_start_matches('/');
    format!("{family}/{}", rest.split('/').next().unwrap_or_default())
}

/// All routes of a path, mounted at the rest of it within its place.
fn resource(routes: &[&Route], path: &str, rest: &str) -> Resource {
    let mut allow: Vec<&str> = routes.iter().map(|route| route.method.as_str()).collect();
    if allow.contains(&"GET") {
        allow.push("HEAD");
    }
    let allow = allow.join(", ");
    let any_method = routes.iter().any(|route| route.any_method);
    let some = if any_method { ".*" } else { ".+" };
    let with_rest =
        |path: String, name| path.replace(&format!("{{{name}}}"), &format!("{{{name}:{some}}}"));
    let rest = REST.into_iter().fold(rest.to_owned(), with_rest);
    let is_carried = routes.iter().any(|route| route.access == Access::Call);
    let mut resource = web::resource(rest).app_data(RoutePath::new(path, is_carried));
    if path.starts_with(BELOW_UPSTREAMS) {
        resource = resource.guard(fn_guard(names_upstream));
    }
    for route in routes {
        if any_method {
            resource = resource.route(route.mounted());
            continue;
        }
        resource = resource.route(route.mounted().guard(is(route.method.clone())));
        if route.method == Method::GET {
            resource = resource.route(route.mounted().guard(is(Method::HEAD)));
        }
    }
    resource.default_service(web::to(move |request: Request| {
        let answer: Answer = if is_carried && request.wants_websocket() {
            Ok(proxy::no_websocket(&request))
        } else {
            Err(Problem::wrong_method(request.method(), &allow))
        };
        async move { answer }
    }))
}

/// Whether a path begins with the name of an upstream; what else is there no route has.
fn names_upstream(context: &GuardContext<'_>) -> bool {
    let name = context.head().uri.path().split('/').nth(1);
    let state = context.app_data::<web::Data<State>>();
    let found = name.zip(state);
    found.is_some_and(|(name, state)| state.proxy.upstreams().find(name).is_some())
}

/// Whether a request has this method. The guard of actix-web notes besides what else was tried, for an answer that is ours here.
fn is(method: Method) -> impl Guard {
    fn_guard(move |context| context.head().method == method)
}

/// Mounts every route, and the refusal of every other path.
pub fn configure(state: web::Data<State>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config.app_data(UpstreamClients::default());
        serve(&routes::table(), state, config);
    }
}

/// Mounts nothing but the metrics, for whoever reaches their listener.
pub fn configure_metrics(state: web::Data<State>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| serve(&routes::of_metrics_listener(), state, config)
}

fn serve(table: &[Route], state: web::Data<State>, config: &mut web::ServiceConfig) {
    config.app_data(state.request_figures.join());
    config.app_data(state);
    mount(table, config);
    config.default_service(web::to(|request: Request| async move {
        Answer::Err(Problem::no_route(request.path()))
    }));
}
