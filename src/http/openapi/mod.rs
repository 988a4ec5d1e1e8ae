//! The OpenAPI document, made from the route table and the types: neither can drift from what is served.

pub mod about;
pub mod error_body;

mod headers;

use std::collections::BTreeMap;

use actix_web::http::Method;
use actix_web::web::Bytes;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::Tag;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, RefOr, Required,
    ResponseBuilder, Schema,
};

use self::about::about;
use self::error_body::ErrorBody;
use self::headers::{REQUEST_HEADERS, request_header, with_headers};
use crate::http::core::guard::Access;
use crate::http::core::named_schema::{NamedSchema, reference};
use crate::http::core::path_values::path_parameter;
use crate::http::core::route::{Description, Parameter, Route};
use crate::http::decisions::usage::TOLD_APART_BY;
use crate::http::routes;

/// The document as it is served.
pub fn text() -> Bytes {
    serde_json::to_vec(&document()).unwrap_or_default().into()
}

/// The document.
pub fn document() -> OpenApi {
    let table = routes::table();
    let mut paths = PathsBuilder::new();
    for route in &table {
        for (family, path) in route.paths().into_iter().enumerate() {
            for method in route.methods() {
                let operation = operation(route, &method, &path, family);
                paths = paths.path(path.clone(), PathItem::new(http_method(&method), operation));
            }
        }
    }
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A management API key (tk_mgmt_…)"))
        .build();
    let virtual_key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "A virtual key (tk_vk_…); also in x-api-key, x-goog-api-key, api-key or x-bf-vk. What has another shape may stand \
             beside it; two different virtual keys in one request are 401",
        ))
        .build();
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas(&table))
        .security_scheme("management_api_key", SecurityScheme::Http(bearer))
        .security_scheme("virtual_key", SecurityScheme::Http(virtual_key))
        .build();
    let info = InfoBuilder::new()
        .title("Tollkeeper")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(about()))
        .build();
    OpenApiBuilder::new()
        .info(info)
        .paths(paths.build())
        .tags(Some(tags(&table)))
        .components(Some(components))
        .build()
}

/// The group under which a route is shown.
fn tag(route: &Route) -> &'static str {
    match route.access {
        Access::Management(permission) => permission.resource_name(),
        Access::VirtualKey => "Virtual keys",
        Access::AnyKey | Access::Operator | Access::Public => "Server",
    }
}

/// The groups in the order of the table, with what everybody may call at the end.
fn tags(table: &[Route]) -> Vec<Tag> {
    let mut names: Vec<&str> = Vec::new();
    for name in table.iter().map(tag) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.sort_by_key(|name| *name == "Server");
    names.into_iter().map(Tag::new).collect()
}

/// Every named schema: what is answered always shows every field but those that are there sometimes.
fn schemas(table: &[Route]) -> BTreeMap<String, RefOr<Schema>> {
    let answers = table
        .iter()
        .filter_map(|route| route.description.answer.as_ref());
    let bodies = table
        .iter()
        .filter_map(|route| route.description.body.as_ref());
    let mut all = BTreeMap::new();
    for (name, mut schema) in answers.flat_map(|named| named.all.iter().cloned()) {
        let sometimes = SOMETIMES.iter().find(|it| it.0 == name);
        complete(&mut schema, sometimes.map_or(&[], |it| it.1));
        all.insert(name, schema);
    }
    all.extend(bodies.flat_map(|named| named.all.iter().cloned()));
    for (name, mut schema) in NamedSchema::of::<ErrorBody>().all {
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
        all.insert(name, schema);
    }
    all
}

/// Fields of answers that are not always there, by schema: those that rows of the history are told apart by, when they are; and the
/// value of a step of a patch, unless it removes one; what would have refused a call that was made all the same; who users are, for keys that may see it; what
/// lets nothing through in a profile, when something does; and the part of a model's name that a pattern covers, where it is not all.
const SOMETIMES: &[(&str, &[&str])] = &[
    ("UsageView", TOLD_APART_BY),
    ("UsageAnswer", &["outside_policy"]),
    ("PatchStep", &["value"]),
    ("HolderUser", &["name", "email"]),
    ("NearLimitView", &["user_name"]),
    ("AccessProfileAnswer", &["warnings"]),
    ("AccessProfileDetail", &["warnings"]),
    ("ProviderView", &["matched_name"]),
];

/// Shows every field always, `null` where there is nothing, but for those that are there sometimes.
fn complete(schema: &mut RefOr<Schema>, sometimes: &[&str]) {
    if let RefOr::T(Schema::Object(object)) = schema {
        let names = object.properties.keys();
        object.required = names
            .filter(|name| !sometimes.contains(&name.as_str()))
            .cloned()
            .collect();
    }
}

fn http_method(method: &Method) -> HttpMethod {
    match method.as_str() {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        "HEAD" => HttpMethod::Head,
        "OPTIONS" => HttpMethod::Options,
        "TRACE" => HttpMethod::Trace,
        _ => HttpMethod::Get,
    }
}

fn operation(route: &Route, method: &Method, path: &str, family: usize) -> Operation {
    let about = &route.description;
    let suffix = match family {
        0 if *method == route.method => String::new(),
        0 => format!("_{}", method.as_str().to_lowercase()),
        _ => "_governance".to_owned(),
    };
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
    let query = about.query.iter().map(|it| (ParameterIn::Query, it));
    let headers = about.headers.iter().map(|it| (ParameterIn::Header, it));
    for (place, parameter) in query.chain(headers) {
        operation = operation.parameter(documented(place, parameter, about.required));
    }
    if let Some(body) = &about.body {
        let content = ContentBuilder::new()
            .schema(Some(reference(&body.name)))
            .example(about.example.clone())
            .build();
        let body = RequestBodyBuilder::new()
            .content("application/json", content)
            .required(Some(if about.body_optional {
                Required::False
            } else {
                Required::True
            }))
            .build();
        operation = operation.request_body(Some(body));
    }
    let mut success = ResponseBuilder::new().description("Success");
    if let Some(answer) = &about.answer {
        success = success.content(
            about.media.first().copied().unwrap_or("application/json"),
            ContentBuilder::new()
                .schema(Some(reference(&answer.name)))
                .build(),
        );
    }
    for media in about.media.iter().filter(|_| about.answer.is_none()) {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let text: RefOr<Schema> = RefOr::T(text.into());
        success = success.content(*media, ContentBuilder::new().schema(Some(text)).build());
    }
    let refusals = refusals(route);
    let changes = refusals.contains(&412) && route.method != Method::DELETE;
    let has_validator =
        (about.status == 201 && !about.placeless) || refusals.contains(&304) || changes;
    operation = operation.response(
        about.status.to_string(),
        with_headers(success, success_status(about), has_validator).build(),
    );
    for header in REQUEST_HEADERS {
        if refusals.contains(&header.status) {
            operation = operation.parameter(request_header(&header));
        }
    }
    for status in refusals {
        let mut refusal = ResponseBuilder::new().description(reason(status));
        if status != 304 {
            let content = ContentBuilder::new()
                .schema(Some(reference("ErrorBody")))
                .build();
            refusal = refusal.content("application/json", content);
        }
        operation = operation.response(
            status.to_string(),
            with_headers(refusal, status, matches!(status, 304 | 412)).build(),
        );
    }
    if route.access != Access::Public {
        let scheme = match route.access {
            Access::VirtualKey => "virtual_key",
            _ => "management_api_key",
        };
        operation = operation.security(SecurityRequirement::new(scheme, Vec::<String>::new()));
    }
    operation.tag(tag(route)).build()
}

/// The status of success, as far as its headers go.
fn success_status(about: &Description) -> u16 {
    if about.placeless { 200 } else { about.status }
}

fn documented(
    place: ParameterIn,
    parameter: &Parameter,
    required: &[&str],
) -> utoipa::openapi::path::Parameter {
    ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(place)
        .required(if required.contains(&parameter.name) {
            Required::True
        } else {
            Required::False
        })
        .description(Some(parameter.description))
        .schema(Some((parameter.schema)()))
        .build()
}

fn refusals(route: &Route) -> Vec<u16> {
    // 400, 421 and 431 before any route is looked up: the Host header, and the size of the head.
    let shared: &[u16] = match route.access {
        Access::Public => &[400, 421, 431, 500],
        Access::AnyKey | Access::VirtualKey => &[400, 401, 421, 429, 431, 500, 503],
        Access::Management(_) | Access::Operator => &[400, 401, 403, 421, 429, 431, 500, 503],
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

fn reason(status: u16) -> String {
    actix_web::http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Refused")
        .to_owned()
}
