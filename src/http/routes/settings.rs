//! The routes of what the server works by: prices, the upstreams of the proxy, and the settings.

use actix_web::http::Method;
use serde_json::json;

use super::parameters::PRICE_LIST;
use crate::domain::price::entry_body::PRICE_ENTRY;
use crate::http::core::answer::Message;
use crate::http::core::route::Route;
use crate::http::prices;
use crate::http::prices::views::{GivenPrices, PriceAnswer, PricePage};
use crate::http::settings;
use crate::http::settings::views::SettingList;
use crate::http::status;
use crate::http::status::ServerView;
use crate::http::upstreams;
use crate::http::upstreams::views::UpstreamList;

const PRICE: &str = "/api/prices/{provider}/{model}";

/// The rows of the table.
pub fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/prices", "list_prices", prices::list)
            .says(
                "Look at prices",
                "The operator's own come first: those that were given here, then those of the file that `[prices] file` names; after them the list that \
                 the program brings, as it is at `at`. With `provider` and `model`, `price` is what a call of that model costs, whoever says so; without it nobody \
                 knows, and `unknown` says what is done. Rates are dollars for a million tokens or characters, for one picture, search or call, for an hour of sound.",
            )
            .query(PRICE_LIST)
            .answers::<PricePage>(200)
            .refuses(&[400]),
        Route::new(Method::GET, PRICE, "get_price", prices::get)
            .says(
                "Read what was given for a model",
                "What was given here for this very provider and model, and the `ETag` with which it is changed or deleted. What the file and the list say, \
                 the list of prices tells.",
            )
            .answers::<GivenPrices>(200)
            .refuses(&[304, 400, 404]),
        Route::new(Method::PUT, PRICE, "set_price", prices::set)
            .says(
                "Give a price",
                "For a model, or with `*` for all that a pattern covers, in place of what the list and the file say. Provider and model are written into the path \
                 percent-encoded; the model may have slashes as they are. A price without `valid_from` takes the place of all that were given here for it; one with \
                 `valid_from` stands beside those that hold until then. Calls that are let in after this answers cost it. Those that the proxy carries already cost what they did; what a gateway \
                 settles with `usage` costs what holds by then for the time at which it was let in. \
                 The more exact name counts: a model before a pattern, a provider's own name before another name of it. An answer of the list may be sent back.",
            )
            .takes(&PRICE_ENTRY, json!({
                "rates": { "input": 2.5, "cached_input": 0.25, "output": 15 },
                "greatest_output": 128_000
            }))
            .answers::<PriceAnswer>(200)
            .refuses(&[400, 404, 408, 409, 412, 413, 415]),
        Route::new(Method::DELETE, PRICE, "delete_price", prices::delete)
            .says(
                "Delete a price",
                "All that was given here for this very provider and model; what the file and the list say holds again. Charges stay as they are.",
            )
            .answers::<Message>(200)
            .refuses(&[400, 404, 412]),
        Route::new(Method::GET, "/api/status", "get_status", status::status)
            .says(
                "Look how the server is",
                "Whether decisions can be made, what should be looked after, and the figures by which that is judged. `/ready` tells everybody the \
                 first two.",
            )
            .answers::<ServerView>(200),
        Route::new(Method::GET, "/api/upstreams", "list_upstreams", upstreams::list)
            .says(
                "Look at upstreams",
                "Those that are configured, in the order of the settings, and how each answered last. What is counted begins with the start of the \
                 process. The key of an upstream is never shown, only where it comes from.",
            )
            .answers::<UpstreamList>(200),
        Route::new(Method::GET, "/api/settings", "list_settings", settings::list)
            .says(
                "Look at the settings",
                "All that are in force, as the process read them when it started, and where each is from: a line of the settings file, a variable, a flag of the command line, or its default. No secret is among them: of upstreams neither the key nor the values of headers.",
            )
            .answers::<SettingList>(200),
    ]
}
