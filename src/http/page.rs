//! The admin page: the files of `static/`, embedded in the binary.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use rust_embed::{Embed, EmbeddedFile};

use super::answer::Answer;
use super::call::Call;
use super::guard::Anyone;
use super::problem::Problem;

#[derive(Embed)]
#[folder = "static/"]
struct Files;

/// Nothing from anywhere else, nothing inline, and no string that becomes markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

/// `GET /`: the page itself.
///
/// # Errors
/// None.
pub async fn index(_: Anyone, call: Call) -> Answer {
    serve(&call, "index.html")
}

/// `GET /static/{file}`: what the page loads.
///
/// # Errors
/// 404.
pub async fn file(_: Anyone, call: Call) -> Answer {
    let name = call.segment("file");
    serve(&call, &name)
}

fn serve(call: &Call, name: &str) -> Answer {
    let Some(file) = Files::get(name) else {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "not_found",
            format!("the page has no file {name:?}"),
        ));
    };
    let etag = etag(&file);
    let mut builder = if call.header(&header::IF_NONE_MATCH) == Some(etag.as_str()) {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    builder
        .insert_header((header::ETAG, etag))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-cache")))
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ))
        .insert_header((
            header::CONTENT_TYPE,
            HeaderValue::from_static(media_type(name)),
        ));
    Ok(builder.body(file.data.into_owned()))
}

fn etag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    format!(
        "\"{:08x}\"",
        u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
    )
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
