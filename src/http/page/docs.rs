//! The API reference: Swagger UI over our own `/openapi.json`, whole in the binary, so that it works without any network.

use std::sync::Arc;

use actix_web::http::header::{self, HeaderValue};
use utoipa_swagger_ui::{Config, SwaggerFile};

use crate::http::core::answer::{Answer, ok_unless_known};
use crate::http::core::guard::Anyone;
use crate::http::core::pieces;
use crate::http::core::request::Request;
use crate::http::page;

/// As strict as the admin page's policy, except that Swagger UI writes markup from strings.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The files of Swagger UI that the page loads; the rest of them is not served.
const FILES: [&str; 2] = ["swagger-ui-bundle.js", "swagger-ui.css"];

/// `GET /openapi.json`
pub async fn openapi(_: Anyone, request: Request) -> Answer {
    let document = &request.state().openapi;
    let is_packed = request.accepts_gzip();
    let form = if is_packed {
        &document.packed
    } else {
        &document.plain
    };
    let mut answer = ok_unless_known(&request, &form.etag, pieces::shared(form.body.clone()));
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if is_packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(answer)
}

/// `GET /docs`
pub async fn index(_: Anyone, request: Request) -> Answer {
    page::serve(&request, "docs.html", POLICY)
}

/// `GET /docs/{file}`: what the page loads of Swagger UI.
pub async fn file(_: Anyone, request: Request) -> Answer {
    let name = request.segment("file");
    let Some(file) = find(&name) else {
        return Err(page::no_file(&name));
    };
    // The files change with the version of the library alone.
    let etag = format!("\"{:08x}\"", crc32fast::hash(&file.bytes));
    let mut builder = page::builder(&request, &etag, page::media_type(&name), POLICY);
    if file.gzpipped {
        builder.insert_header((header::CONTENT_ENCODING, HeaderValue::from_static("gzip")));
    }
    Ok(builder.body(page::embedded(file.bytes)))
}

fn find(name: &str) -> Option<SwaggerFile<'static>> {
    if !FILES.contains(&name) {
        return None;
    }
    utoipa_swagger_ui::serve(name, Arc::new(Config::from("/openapi.json")))
        .ok()
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_is_embedded() {
        for name in FILES {
            assert!(find(name).unwrap().bytes.len() > 10_000, "{name}");
        }
        assert!(find("index.html").is_none());
    }
}
