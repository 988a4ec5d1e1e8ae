//! The OpenAPI document, made from the route table and the types: neither can drift from what is served.

pub mod about;
mod answers;
pub mod error_body;
pub mod refusals;
pub mod served;

mod examples;
mod headers;
mod tags;

use std::collections::BTreeMap;

use actix_web::http::Method;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::server::ServerBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContactBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi,
    OpenApiBuilder, Ref, RefOr, Required, Response, ResponseBuilder, Schema,
};

use self::about::about;
use self::answers::complete;
use self::error_body::ErrorBody;
use self::examples::Examples;
use self::headers::{REQUEST_HEADERS, request_header, with_headers};
use self::refusals::{RefusedCaller, refusals, when, when_of};
use self::served::ServedDocument;
use self::tags::{tag, tags};
use crate::http::core::guard::Access;
use crate::http::core::named_schema::{NamedSchema, reference};
use crate::http::core::path_values::path_parameter;
use crate::http::core::route::{Description, Parameter, Route};
use crate::http::routes;

/// The document as it is served by a server below a path; empty where it has none.
pub fn served(base_path: &str) -> ServedDocument {
    let path = if base_path.is_empty() { "/" } else { base_path };
    let mut document = document();
    let servers = document.servers.iter_mut().flatten();
    servers.for_each(|server| path.clone_into(&mut server.url));
    ServedDocument::new(serde_json::to_vec(&document).unwrap_or_default())
}

/// The document.
pub fn document() -> OpenApi {
    let table = routes::documented();
    let examples = Examples::recorded();
    let mut shared = BTreeMap::new();
    let mut paths = PathsBuilder::new();
    for route in &table {
        for (family, path) in route.paths().into_iter().enumerate() {
            for method in route.methods() {
                let operation = operation(route, &method, &path, family, &examples, &mut shared);
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
    let info = InfoBuilder::new()
        .title("Tollkeeper")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(about()))
        .contact(Some(
            ContactBuilder::new()
                .name(Some("Whoever operates this server"))
                .build(),
        ))
        .license(Some(
            LicenseBuilder::new()
                .name(env!("CARGO_PKG_LICENSE"))
                .identifier(Some(env!("CARGO_PKG_LICENSE")))
                .build(),
        ))
        .build();
    let server = ServerBuilder::new()
        .url("/")
        .description(Some("The server that answers this document"))
        .build();
    let schemas = with_examples(schemas(&table), &table, &examples);
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .responses_from_iter(shared)
        .security_scheme("management_api_key", SecurityScheme::Http(bearer))
        .security_scheme("virtual_key", SecurityScheme::Http(virtual_key));
    let components = examples.named().fold(components, |all, (name, example)| {
        all.example(name, example)
    });
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([server]))
        .paths(paths.build())
        .tags(Some(tags(&table)))
        .components(Some(components.build()))
        .build()
}

/// Every named schema: answers show what they always have.
fn schemas(table: &[Route]) -> BTreeMap<String, RefOr<Schema>> {
    let answers = table
        .iter()
        .filter_map(|route| route.description.answer.as_ref());
    let bodies = table
        .iter()
        .filter_map(|route| route.description.body.as_ref());
    let mut all = BTreeMap::new();
    for (name, mut schema) in answers.flat_map(|named| named.all.iter().cloned()) {
        complete(&name, &mut schema);
        all.insert(name, schema);
    }
    all.extend(bodies.flat_map(|named| named.all.iter().cloned()));
    for (name, mut schema) in NamedSchema::of::<ErrorBody>().all {
        complete(&name, &mut schema);
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
        all.insert(name, schema);
    }
    all
}

/// The schemas with examples: of what the examples of answers and of bodies are instances.
fn with_examples(
    mut schemas: BTreeMap<String, RefOr<Schema>>,
    table: &[Route],
    examples: &Examples,
) -> BTreeMap<String, RefOr<Schema>> {
    for about in table.iter().map(|route| &route.description) {
        if let Some((answer, example)) =
            (about.answer.as_ref()).zip(examples.answer(about.operation))
        {
            examples::show(&mut schemas, &answer.name, example);
        }
        if let Some((body, example)) = about.body.as_ref().zip(about.example.as_ref()) {
            examples::show(&mut schemas, &body.name, example);
        }
    }
    if let Some(refusal) = examples.some_refusal() {
        examples::show(&mut schemas, "ErrorBody", refusal);
    }
    schemas
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

/// One operation; a refusal that is the same for many is kept in `shared` and referred to.
fn operation(
    route: &Route,
    method: &Method,
    path: &str,
    family: usize,
    examples: &Examples,
    shared: &mut BTreeMap<String, Response>,
) -> Operation {
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
    let refusals = refusals(route);
    let success = success(route, &refusals, examples);
    operation = operation.response(about.status.to_string(), success);
    for header in REQUEST_HEADERS {
        if refusals.contains(&header.status) {
            operation = operation.parameter(request_header(&header));
        }
    }
    for status in refusals {
        let refused = RefusedCaller::by(route);
        let response = match when_of(about.operation, status) {
            _ if about.refuses_in_dialect => refusal_in_dialect(status, refused).into(),
            Some(when) if status < 300 => again(route, status, when, examples).into(),
            Some(when) => refusal(status, when, refused, examples).into(),
            None => shared_refusal(status, refused, examples, shared).into(),
        };
        let response: RefOr<Response> = response;
        operation = operation.response(status.to_string(), response);
    }
    let scheme = match route.access {
        Access::Public => None,
        Access::VirtualKey | Access::Call => Some("virtual_key"),
        _ => Some("management_api_key"),
    };
    let security = scheme.map(|scheme| SecurityRequirement::new(scheme, Vec::<String>::new()));
    operation
        .securities(Some(security))
        .tag(tag(route, method, family))
        .build()
}

/// The answer of success.
fn success(route: &Route, refusals: &[u16], examples: &Examples) -> Response {
    let about = &route.description;
    let says = match (about.status, &route.method) {
        (201, _) if about.placeless => "What was made",
        (201, _) => "What was made; `Location` says where it is",
        (_, &Method::GET) => "What was asked for",
        _ => "It is done, and this is so now",
    };
    let success = content(ResponseBuilder::new().description(says), about, examples);
    let changes = refusals.contains(&412) && route.method != Method::DELETE;
    let has_validator =
        (about.status == 201 && !about.placeless) || refusals.contains(&304) || changes;
    with_headers(success, success_status(about), has_validator).build()
}

/// An answer of success that was given before.
fn again(route: &Route, status: u16, when: &str, examples: &Examples) -> Response {
    let answer = ResponseBuilder::new().description(when);
    let answer = content(answer, &route.description, examples);
    with_headers(answer, status, false).build()
}

fn content(
    mut answer: ResponseBuilder,
    about: &Description,
    examples: &Examples,
) -> ResponseBuilder {
    if let Some(schema) = &about.answer {
        let media = about.media.first().copied().unwrap_or("application/json");
        answer = answer.content(media, examples.content(about.operation, &schema.name));
    }
    for media in about.media.iter().filter(|_| about.answer.is_none()) {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let text: RefOr<Schema> = RefOr::T(text.into());
        answer = answer.content(*media, ContentBuilder::new().schema(Some(text)).build());
    }
    answer
}

fn refusal(status: u16, when: &str, refused: RefusedCaller, examples: &Examples) -> Response {
    let mut refusal = ResponseBuilder::new().description(when);
    if status != 304 {
        refusal = refusal.content("application/json", examples.refusal(status, refused));
    }
    with_headers(refusal, status, matches!(status, 304 | 412)).build()
}

/// A refusal that looks as the provider's own, or as ours before the path is looked at.
fn refusal_in_dialect(status: u16, refused: RefusedCaller) -> Response {
    let any = ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::FreeForm(true)));
    let any: RefOr<Schema> = RefOr::T(any.into());
    let content = ContentBuilder::new().schema(Some(any)).build();
    let refusal = ResponseBuilder::new().description(when(status, refused));
    with_headers(refusal.content("application/json", content), status, false).build()
}

/// What refers to a refusal that is the same for many operations.
fn shared_refusal(
    status: u16,
    refused: RefusedCaller,
    examples: &Examples,
    shared: &mut BTreeMap<String, Response>,
) -> Ref {
    let says = when(status, refused);
    let (name, refused) = if says == when(status, RefusedCaller::Management) {
        (format!("refused_{status}"), RefusedCaller::Management)
    } else {
        let by = format!("{refused:?}").to_lowercase();
        (format!("refused_{status}_{by}"), refused)
    };
    let reference = Ref::from_response_name(&name);
    shared
        .entry(name)
        .or_insert_with(|| refusal(status, says, refused, examples));
    reference
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
