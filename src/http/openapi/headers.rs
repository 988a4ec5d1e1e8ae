//! The headers of the document: which a client may send, and which answers carry.

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Header, RefOr, Required, ResponseBuilder, Schema};

use crate::http::core::context;

/// A header that a client may send.
pub struct RequestHeader {
    /// The status that only it leads to: what knows the header refuses with it.
    pub status: u16,
    name: &'static str,
    about: &'static str,
    pattern: &'static str,
}

pub const REQUEST_HEADERS: [RequestHeader; 3] = [
    RequestHeader {
        status: 304,
        name: "If-None-Match",
        about: "The ETag of an answer that is known; 304 if it still holds. Compared weakly, also with what a compressing proxy puts behind it",
        pattern: "",
    },
    RequestHeader {
        status: 412,
        name: "If-Match",
        about: "The ETag that the thing must still have; 412 if it has another. Compared weakly, also with what a compressing proxy puts behind it",
        pattern: r#"^(\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)$"#,
    },
    RequestHeader {
        status: 422,
        name: "Idempotency-Key",
        about: "The same key and body get the first answer again, for 24 hours. 10,000 answers or 64 MiB of them are kept for a caller; past that \
                429 until the oldest ends. A dry run changes nothing and is answered anew each time",
        pattern: "^[!-~]{1,255}$",
    },
];

/// The headers that an answer with this status has.
pub fn with_headers(answer: ResponseBuilder, status: u16, has_validator: bool) -> ResponseBuilder {
    let mut headers = vec![(context::REQUEST_ID.as_str(), "The id of this request")];
    if has_validator {
        headers.push(("etag", "The validator of what is shown"));
    }
    match status {
        201 => headers.push(("location", "Where the new thing is")),
        401 => headers.push(("www-authenticate", "Bearer")),
        402 | 429 => headers.push((
            "retry-after",
            "Seconds to wait; missing where a call is larger than a whole limit, because waiting is in vain",
        )),
        503 => headers.push(("retry-after", "Seconds to wait")),
        _ => {}
    }
    headers.into_iter().fold(answer, |answer, (name, about)| {
        let mut header = Header::new(header_text());
        header.description = Some(about.to_owned());
        answer.header(name, header)
    })
}

pub fn request_header(header: &RequestHeader) -> Parameter {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern((!header.pattern.is_empty()).then_some(header.pattern));
    ParameterBuilder::new()
        .name(header.name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(header.about))
        .schema(Some(RefOr::<Schema>::T(text.into())))
        .build()
}

fn header_text() -> RefOr<Schema> {
    RefOr::T(ObjectBuilder::new().schema_type(Type::String).into())
}
