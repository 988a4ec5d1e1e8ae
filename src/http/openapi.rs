//! The OpenAPI document, made from the route table and the types: neither can drift from what is served.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required,
    ResponseBuilder, Schema,
};

use super::answer::{Answer, ok_json, to_json};
use super::call::Call;
use super::guard::{Access, Anyone};
use super::route::{NamedSchema, Route};
use super::routes;
use super::schemas::ErrorBody;

/// `GET /openapi.json`
///
/// # Errors
/// None.
pub async fn show(_: Anyone, _: Call) -> Answer {
    static TEXT: OnceLock<String> = OnceLock::new();
    if TEXT.get().is_none() {
        // Two threads may both make it; they make the same.
        let _ = TEXT.set(to_json(&document())?);
    }
    Ok(ok_json(TEXT.get().cloned().unwrap_or_default()))
}

/// The document.
pub fn document() -> OpenApi {
    let table = routes::table();
    let mut schemas: BTreeMap<String, RefOr<Schema>> =
        NamedSchema::of::<ErrorBody>().all.into_iter().collect();
    let mut paths = PathsBuilder::new();
    for route in &table {
        for named in route
            .description
            .body
            .iter()
            .chain(&route.description.answer)
        {
            schemas.extend(named.all.iter().cloned());
        }
        for (family, path) in route.paths().into_iter().enumerate() {
            paths = paths.path(
                path.clone(),
                PathItem::new(http_method(route), operation(route, &path, family)),
            );
        }
    }
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A management API key (tk_mgmt_…)"))
        .build();
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .security_scheme("management_api_key", SecurityScheme::Http(bearer))
        .build();
    let info = InfoBuilder::new()
        .title("Tollkeeper")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Access profiles for AI gateways. Paths under /api and /api/governance answer the same."))
        .build();
    OpenApiBuilder::new()
        .info(info)
        .paths(paths.build())
        .components(Some(components))
        .build()
}

fn http_method(route: &Route) -> HttpMethod {
    match route.method.as_str() {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

fn operation(route: &Route, path: &str, family: usize) -> Operation {
    let about = &route.description;
    let suffix = if family == 0 { "" } else { "_governance" };
    let mut operation = OperationBuilder::new()
        .operation_id(Some(format!("{}{suffix}", about.operation)))
        .summary(Some(about.summary))
        .description((!about.details.is_empty()).then_some(about.details));
    for name in path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
    {
        operation = operation.parameter(path_parameter(name));
    }
    for parameter in about.query {
        operation = operation.parameter(
            ParameterBuilder::new()
                .name(parameter.name)
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(parameter.description))
                .schema(Some((parameter.schema)()))
                .build(),
        );
    }
    if let Some(body) = &about.body {
        let content = ContentBuilder::new()
            .schema(Some(reference(&body.name)))
            .build();
        let body = RequestBodyBuilder::new()
            .content("application/json", content)
            .required(Some(Required::True))
            .build();
        operation = operation.request_body(Some(body));
    }
    let mut success = ResponseBuilder::new().description("Success");
    if let Some(answer) = &about.answer {
        success = success.content(
            "application/json",
            ContentBuilder::new()
                .schema(Some(reference(&answer.name)))
                .build(),
        );
    }
    operation = operation.response(about.status.to_string(), success.build());
    for status in refusals(route) {
        let mut refusal = ResponseBuilder::new().description(reason(status));
        if status != 304 {
            let content = ContentBuilder::new()
                .schema(Some(reference("ErrorBody")))
                .build();
            refusal = refusal.content("application/json", content);
        }
        operation = operation.response(status.to_string(), refusal.build());
    }
    if route.access != Access::Public {
        let scopes: [String; 0] = [];
        operation = operation.security(SecurityRequirement::new("management_api_key", scopes));
    }
    if let Access::Management(permission) = route.access {
        operation = operation.tag(permission.resource_name());
    }
    operation.build()
}

fn refusals(route: &Route) -> Vec<u16> {
    let shared: &[u16] = match route.access {
        Access::Public => &[],
        Access::AnyKey => &[401, 429, 503],
        Access::Management(_) => &[401, 403, 429, 503],
    };
    let mut all: Vec<u16> = shared
        .iter()
        .chain(route.description.refusals)
        .copied()
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn path_parameter(name: &str) -> utoipa::openapi::path::Parameter {
    let schema = if name.ends_with("id") {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(i64::MAX))
    } else {
        ObjectBuilder::new().schema_type(Type::String)
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(RefOr::<Schema>::T(schema.into())))
        .build()
}

fn reference(name: &str) -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(name))
}

fn reason(status: u16) -> String {
    actix_web::http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Refused")
        .to_owned()
}
