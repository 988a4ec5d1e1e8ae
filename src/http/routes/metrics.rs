//! The route of what is measured.

use actix_web::http::Method;

use crate::http::core::route::Route;
use crate::http::metrics;

const METRICS: &str = "/metrics";

/// The rows of the table.
pub fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, METRICS, "metrics", metrics::show)
            .says(
                "What is measured, as Prometheus reads it",
                "Its text format, version 0.0.4. Values of labels are routes, codes and names of upstreams, never anything that a caller can \
                 invent. What `[metrics] listen` names shows the same without a key. What is counted begins with the start of the process.",
            )
            .serves(&[metrics::MEDIA_TYPE]),
    ]
}

/// The one route of the listener that shows metrics and nothing else.
pub fn of_metrics_listener() -> Vec<Route> {
    vec![Route::new(
        Method::GET,
        METRICS,
        "metrics",
        metrics::show_to_anyone,
    )]
}
