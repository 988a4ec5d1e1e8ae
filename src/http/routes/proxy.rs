//! The routes of the proxy: paths of the providers' own APIs.

use actix_web::http::Method;

use crate::http::core::route::Route;
use crate::http::proxy;

const ANY: &[&str] = &["application/json", "text/event-stream", "*/*"];
const CARRIED: &str = "A path of the provider's own API, for its own clients: the virtual key stands where the provider's key would (`Authorization: Bearer`, \
     `x-api-key`, `x-goog-api-key`, `api-key` or `x-bf-vk`), and what comes back is what the provider answers. The model says which upstream \
     carries the call: by the access profile's lines in their order, the first that grants it and has room, or by `<provider>/` before it. What it may take at most is held on every \
     budget and limit before it is sent, and what it took is charged by the price list when its answer ends. Refusals look as the \
     provider's own.";

/// The rows of the table.
pub fn routes() -> Vec<Route> {
    let posts = [
        ("/v1/chat/completions", "call_chat_completions"),
        ("/v1/completions", "call_completions"),
        ("/v1/responses", "call_responses"),
        ("/v1/embeddings", "call_embeddings"),
        ("/v1/images/generations", "call_image_generations"),
        ("/v1/images/edits", "call_image_edits"),
        ("/v1/images/variations", "call_image_variations"),
        ("/v1/audio/speech", "call_speech"),
        ("/v1/audio/transcriptions", "call_transcriptions"),
        ("/v1/audio/translations", "call_translations"),
        ("/v1/moderations", "call_moderations"),
        ("/v1/rerank", "call_rerank"),
        ("/v1/messages", "call_messages"),
        ("/v1/messages/count_tokens", "call_count_tokens"),
        ("/v1beta/models/{path}", "call_gemini_model"),
        // Google's SDK for Python asks for this version by itself.
        ("/v1/models/{path}", "call_gemini_model_v1"),
    ];
    let gets = [
        ("/v1/models", "list_models"),
        ("/v1/models/{path}", "get_model"),
        ("/v1beta/models", "list_gemini_models"),
        ("/v1beta/models/{path}", "get_gemini_model"),
    ];
    let mut routes: Vec<Route> = posts
        .into_iter()
        .map(|(path, operation)| {
            Route::new(Method::POST, path, operation, proxy::call)
                .passes_query()
                .says("Carry a call to its provider", CARRIED)
                .serves(ANY)
                .refuses(&[400, 402, 403, 404, 429, 502, 503, 504])
        })
        .collect();
    routes.extend(gets.into_iter().map(|(path, operation)| {
        Route::new(Method::GET, path, operation, proxy::call)
            .passes_query()
            .says(
                "The models that a virtual key may use",
                "Of the upstreams that are set up: models that its profiles name, and those of the price list that they allow. In the dialect of whoever asks; \
                 it costs nothing and passes with a dry budget.",
            )
            .serves(&["application/json"])
            .refuses(&[404, 503])
    }));
    routes.push(
        Route::new(
            Method::GET,
            "/{upstream}/{path}",
            "call_upstream",
            proxy::call_upstream,
        )
        .any_method()
        .says(
            "Carry a call to the upstream that the path names",
            "The rest of the path is the provider's own. Only paths that can be metered pass, and those that `unmetered_paths` of the upstream lists.",
        )
        .serves(ANY)
        .refuses(&[400, 402, 403, 404, 429, 502, 503, 504]),
    );
    routes
}
