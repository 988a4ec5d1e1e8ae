//! The admin page: the files of `static/`, embedded in the binary.

pub mod docs;

use std::borrow::Cow;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use rust_embed::{Embed, EmbeddedFile};

use crate::domain::validator::is_known;
use crate::http::core::answer::Answer;
use crate::http::core::guard::Anyone;
use crate::http::core::pieces;
use crate::http::core::problem::Problem;
use crate::http::core::request::Request;

#[derive(Embed)]
#[folder = "static/"]
struct Files;

/// Nothing from anywhere else, nothing inline, and no string that becomes markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

/// `GET /`: the page itself.
pub async fn index(_: Anyone, request: Request) -> Answer {
    serve(&request, "index.html", POLICY)
}

/// `GET /static/{path}`: what the page loads. The path is looked up among the embedded files, never on a disk.
pub async fn file(_: Anyone, request: Request) -> Answer {
    let name = request.segment("path");
    serve(&request, &name, POLICY)
}

/// A file of `static/` under a content security policy.
pub fn serve(request: &Request, name: &str, policy: &'static str) -> Answer {
    let Some(file) = Files::get(name) else {
        return Err(no_file(name));
    };
    let mut builder = builder(request, &etag(&file), media_type(name), policy);
    Ok(builder.body(embedded(file.data)))
}

/// What is in the binary, as a body that costs no memory.
pub fn embedded(file: Cow<'static, [u8]>) -> BoxBody {
    pieces::shared(match file {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    })
}

/// There is no such file.
pub fn no_file(name: &str) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "not_found",
        format!("the page has no file {name:?}"),
    )
}

/// The head of an answer with a file, or of the 304 that says that the client has it.
pub fn builder(
    request: &Request,
    etag: &str,
    media_type: &'static str,
    policy: &'static str,
) -> HttpResponseBuilder {
    let known = request
        .header_list(&header::IF_NONE_MATCH)
        .is_some_and(|tags| is_known(&tags, etag));
    let mut builder = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    builder
        .insert_header((header::ETAG, etag))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-cache")))
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(policy),
        ))
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static(media_type)));
    builder
}

fn etag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    format!(
        "\"{:08x}\"",
        u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
    )
}

/// The media type of a page.
pub const HTML: &str = "text/html; charset=utf-8";
/// The media type of a script.
pub const SCRIPT: &str = "text/javascript; charset=utf-8";
/// The media type of a style sheet.
pub const STYLE: &str = "text/css; charset=utf-8";
/// The media type of an image.
pub const IMAGE: &str = "image/svg+xml";

/// The media type of a file by its name.
pub fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => HTML,
        Some("js") => SCRIPT,
        Some("css") => STYLE,
        Some("svg") => IMAGE,
        _ => "application/octet-stream",
    }
}
