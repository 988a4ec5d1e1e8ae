//! The path below which clients find everything, behind a proxy that gives this server a part of its own paths.
//!
//! It is taken off before anything looks at a path, and put before the paths that answers name. Whoever calls without it, as a proxy that takes
//! it off itself, is served as well.

use actix_web::HttpResponse;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::uri::PathAndQuery;
use actix_web::http::{Method, Uri};

use super::route_path::RoutePath;

/// Nothing, or a path that begins with a slash and ends with none.
pub struct BasePath(String);

impl BasePath {
    /// The path of the settings.
    pub fn new(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// Takes it off a request. The page itself is only found with a slash behind it, because what it loads lies beside it: without one,
    /// this is where to look.
    pub fn enter(&self, request: &mut ServiceRequest) -> Option<HttpResponse> {
        if self.0.is_empty() {
            return None;
        }
        let whole = request.uri().path_and_query()?.as_str();
        let rest = whole.strip_prefix(&self.0)?;
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        if is_read && (rest.is_empty() || rest.starts_with('?')) {
            let place = format!("{}/{rest}", self.0);
            let mut redirect = HttpResponse::PermanentRedirect();
            return Some(redirect.insert_header((header::LOCATION, place)).finish());
        }
        if rest.starts_with('/') {
            let mut parts = request.uri().clone().into_parts();
            parts.path_and_query = rest.parse::<PathAndQuery>().ok();
            if let Ok(uri) = Uri::from_parts(parts) {
                request.match_info_mut().get_mut().update(&uri);
                request.head_mut().uri = uri;
            }
        }
        None
    }

    /// Puts it before the path of what was made.
    pub fn leave<B>(&self, response: &mut ServiceResponse<B>) {
        // What a provider answers is about its own paths.
        let route = response.request().app_data::<RoutePath>();
        if self.0.is_empty() || route.is_none_or(|route| route.family.is_empty()) {
            return;
        }
        let headers = response.headers_mut();
        let place = headers.get(header::LOCATION);
        let place = place.and_then(|place| place.to_str().ok());
        let place = place.map(|place| HeaderValue::from_str(&format!("{}{place}", self.0)));
        if let Some(Ok(place)) = place {
            headers.insert(header::LOCATION, place);
        }
    }
}
