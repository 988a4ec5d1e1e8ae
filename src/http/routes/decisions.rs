//! The routes of decisions, reservations, usage and quota.

use actix_web::http::Method;
use serde_json::json;

use super::decision_parameters::{
    BELOW_HEADERS, CALL_HEADERS, INSTRUCTIONS, MCP_SERVER, NEAR_LIMITS, OPEN_LIST, OWN_USAGE, USAGE,
};
use super::parameters::PAGE;
use crate::domain::decision::input::{
    CALL, EXPLANATION, EXTENSION, SETTLEMENT, USAGE as USAGE_BODY,
};
use crate::http::core::list::List;
use crate::http::core::route::Route;
use crate::http::decisions;
use crate::http::decisions::explain;
use crate::http::decisions::explanation_views::ExplainAnswer;
use crate::http::decisions::near_limits;
use crate::http::decisions::near_limits::NearLimitView;
use crate::http::decisions::quota;
use crate::http::decisions::quota::QuotaAnswer;
use crate::http::decisions::quota_of_key;
use crate::http::decisions::quota_of_key::KeyQuota;
use crate::http::decisions::usage;
use crate::http::decisions::usage::UsageList;
use crate::http::decisions::views::{
    CancelledAnswer, McpTools, ReservationAnswer, ReservationView, SettledAnswer, UsageAnswer,
};
use crate::http::forward_auth;

/// The rows of the table.
pub fn routes() -> Vec<Route> {
    [reservations(), around(), by_virtual_key()]
        .into_iter()
        .flatten()
        .collect()
}

const RESERVATIONS: &str = "/v1/reservations";

fn reservations() -> Vec<Route> {
    vec![
        Route::new(Method::POST, RESERVATIONS, "reserve", decisions::reserve)
            .says(
                "Ask whether a call may be made, and hold what it will probably use",
                "The estimate is held on every budget and rate limit that applies, or on none. A call is let in while \
                 something is left of each and its estimate fits: what is used up lets nothing in, a call that claims to cost nothing \
                 included, and an estimate that is left out is not known, not nothing. Without a provider, it is the first line that \
                 allows the model and has room. The patterns of a line are tried on the model as it is named and, where it begins with \
                 the line's provider and a slash, on what is behind that: a block list that covers either refuses, an allow list that \
                 covers either grants. A line that grants the full name goes before those that grant what is behind their prefix. A user with several profiles is served by the first assigned one that grants the call and \
                 has room; if none does, the refusal is of the one that came furthest. While it is open, the same \
                 `request_id` with the same body, under the same virtual key, gets the same reservation again with 200; for 24 hours \
                 after that 409 `reservation_closed`, because nothing is held for it any more; with another body 422. What the body \
                 names is validated before the virtual key is looked at. Not settled in time, a reservation is charged at its \
                 estimate or released as `[decisions] on_expiry` says. A 402 or 429 says in `Retry-After` when its limit starts anew; \
                 a spent budget that never resets has no such time, and nobody is told to wait for it; a call that is larger than a whole limit never fits, so it is not told to wait, but by how much it is too large. \
                 429 `too_many_open_reservations`: so many are open as may be of one virtual key or one management key \
                 (`[decisions] max_open_per_virtual_key`, `max_open_per_management_key`); settle or cancel some. \
                 With `prompt_tokens` or `max_tokens` the estimates that are left out are made here, the cost by the price that is known of the \
                 provider and the model; where none is, 403 `price_unknown`, unless `[prices] unknown` is `tokens` or the cost is sent.",
            )
            .takes(&CALL, json!({
                "virtual_key": "tk_vk_…", "provider": "openai", "model": "gpt-5", "estimated_tokens": 1200,
                "estimated_cost": 0.0125, "request_id": "018f2d5e"
            }))
            .answers::<ReservationAnswer>(201)
            .without_place()
            .refuses(&[200, 402, 408, 409, 413, 415, 422]),
        Route::new(Method::GET, RESERVATIONS, "list_reservations", decisions::list)
            .says(
                "List open reservations",
                "The oldest first, so that a stuck one is seen and can be freed. `request_id` is left out when the gateway named none. \
                 With `Decisions:View` those of everybody; with `Decisions:Create` alone those that the key made itself, however \
                 often it was rotated since.",
            )
            .query(OPEN_LIST)
            .answers::<List<ReservationView>>(200),
        Route::new(Method::POST, "/v1/reservations/{reservation}/settle", "settle_reservation", decisions::settle)
            .says(
                "Report what a call has really used",
                "It is charged in full, also beyond a limit and after the hold has expired, in the windows in which the call was let in and \
                 on that day of the history; the rest of the hold is freed. That is so \
                 whatever became of the virtual key, the profile and the user since, and also where it was cancelled: whoever settles it has \
                 made the call. With `usage`, as the provider sent it, `tokens` and `cost` may be left out: the cost is then that by the price of when the \
                 reservation was made, and `priced_by` says whose price that is; 400 `price_unknown` asks for the cost where nobody knows it. \
                 Settling again with the same numbers changes nothing (200); with others 409; usage without a cost is the same where its \
                 tokens are as many. A day after it was over a \
                 reservation is forgotten: what its call used is charged with `POST /v1/usage`. With \
                 `Decisions:Create` a key settles, extends and cancels what it made itself, and what forward-auth made for its gateway; with `Decisions:Update` what others \
                 made too, which the audit log tells of. Without that, 403 `not_own_reservation`. An id that is not known, or no \
                 more, is 404 for every key.",
            )
            .takes(&SETTLEMENT, json!({ "tokens": 950, "cost": 0.0098 }))
            .answers::<SettledAnswer>(200)
            .refuses(&[404, 408, 409, 413, 415, 422]),
        Route::new(Method::POST, "/v1/reservations/{reservation}/extend", "extend_reservation", decisions::extend)
            .says(
                "Hold a reservation longer, or hold more",
                "For long streams. Estimates are of the whole call, and a hold only grows; all of it is held or nothing changes. \
                 What is added must fit into the windows in which the call was let in, also when they are over; so a refusal never says to wait. \
                 Refused as a new reservation would be when the virtual key, the profile or the provider's line does not allow the \
                 call any more; 409 when it is not open, or the user does not hold its profile any more. Whose reservations a key \
                 may extend: as settling them.",
            )
            .takes(&EXTENSION, json!({ "estimated_tokens": 4000, "ttl": "10m" }))
            .answers::<ReservationAnswer>(200)
            .refuses(&[402, 404, 408, 409, 413, 415, 422]),
        Route::new(Method::DELETE, "/v1/reservations/{reservation}", "cancel_reservation", decisions::cancel)
            .says(
                "Give a reservation back",
                "The call never reached the provider: nothing is charged, and its request is not counted. Whose \
                 reservations a key may cancel: as settling them. Cancelling again changes nothing; 409 when it was settled.",
            )
            .answers::<CancelledAnswer>(200)
            .refuses(&[404, 409]),
    ]
}

fn around() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/v1/usage", "charge", decisions::charge)
            .says(
                "Charge a call that was made without a reservation",
                "The money is gone, so it is charged in full, whatever a policy says: to the first profile that grants the call and has \
                 room, else to the one in which it came furthest, where it counts on the limits of the provider's line, or without one \
                 on those over all providers; the history keeps provider and model as they were sent. A virtual key that expired, was \
                 rotated or is deleted is charged to whom it belonged last; who holds nothing any more has it in the history alone. \
                 `outside_policy` says what would have refused the call (`budget_exceeded` or `token_limited` also where it takes a limit \
                 beyond it), as the `error` of that refusal, for example `{\"type\": \"model_blocked\", \"code\": \"model_blocked\", \
                 \"message\": \"the access profile does not allow the model …\"}`; without it nothing would have. 401 only for a \
                 virtual key that never was, or that was deleted or replaced longer ago than the history of use is kept. The same \
                 `request_id` is charged once: 200 with the first answer, 422 with another body. With `usage`, `tokens` and `cost` may be left out, as \
                 in a settlement, priced by what holds now. Send `requests: 0` for a call that \
                 forward-auth has let in: it is counted there.",
            )
            .takes(&USAGE_BODY, json!({
                "virtual_key": "tk_vk_…", "provider": "openai", "model": "gpt-5", "tokens": 950, "cost": 0.0098,
                "request_id": "018f2d60"
            }))
            .answers::<UsageAnswer>(201)
            .without_place()
            .refuses(&[200, 408, 413, 415, 422]),
        Route::new(Method::POST, "/v1/explain", "explain", explain::explain)
            .says(
                "Say what would be decided, and every step that leads to it",
                "Takes the body of a reservation, or `virtual_key_id` in the place of the key, and counts nothing. A refusal is what is explained, so it is 200 with `allowed` \
                 false, also for a virtual key that is not known. `status_code` is what a reservation would be answered with. It changes nothing, \
                 so an `Idempotency-Key` is of no matter.",
            )
            .takes(&EXPLANATION, json!({ "virtual_key_id": "8fK2mQ0xZb71", "provider": "openai", "model": "gpt-5", "estimated_cost": 0.0125 }))
            .answers::<ExplainAnswer>(200)
            .refuses(&[408, 413, 415]),
        Route::new(Method::GET, "/api/usage", "list_usage", usage::list)
            .says(
                "Read the history of use",
                "By default the last 30 days, by day. Days are those of the configured time zone. A call counts on the day on which it was let in, \
                 once it is settled or charged, so a day or month that is over can still move while calls of it are open or are settled late; a \
                 refusal counts when it is made; profile, provider and model are left out where a call was refused before they were found. \
                 Who was deleted is shown by the last name. Rows are sorted by what they are told apart by; `totals` is over all pages. \
                 `user_name` is there for keys that hold `Users:View`.",
            )
            .query(USAGE)
            .answers::<UsageList>(200),
        Route::new(Method::GET, "/api/usage/near-limits", "list_near_limits", near_limits::list)
            .says(
                "List what is near its limit",
                "Every budget and limit of every copy that has not expired of which four fifths are used or held, the fullest first. \
                 `share` is what is used and held as a part of `effective_max_limit`, 1 for a limit of 0. Amounts are dollars, tokens \
                 or requests. With both filters, what one user holds of one profile. `user_name` is there for keys that hold `Users:View`.",
            )
            .query(NEAR_LIMITS)
            .answers::<List<NearLimitView>>(200),
    ]
}

const FORWARD_AUTH: &str = "For nginx `auth_request`, Caddy and Traefik forward auth and Envoy `ext_authz`. The virtual key comes in \
    Authorization: Bearer, x-api-key, x-goog-api-key, api-key or x-bf-vk; any `Host` will do.\n\n\
    **What is asked.** Where the gateway shows the body of the request, the model is the one that the body names: JSON, or a form on the paths that take \
    one, within `[proxy] max_body`. The body goes on as it is, so one that two readers could read in two ways is 400: members that stand in it twice, blanks around the model, what the \
    proxy refuses, a key of ours; 415 for a compressed one or another type; 413 with `x-envoy-auth-partial-body: true`. `x-model` and `x-provider` beside it must name the same, without regard \
    to case and to a provider before the model: 400 `model_differs`, `provider_differs`. Without a body the model is that of the path, or of `x-model` (400 for a list \
    with commas), perhaps with `<provider>/` before it.\n\n\
    **Without any model** it says whether the key works: 200 with x-tollkeeper-user, nothing counted and no budget asked; so lists of models are free, and so is counting tokens, of which the model \
    must be allowed. It is 400 where the path or the method tells of a call, and everywhere with `require=model`, which a gateway says that shows no bodies; `refuse_with=403` says the same. A browser's \
    preflight (`OPTIONS` with access-control-request-method and no body) is let through without a key; the method is that of the request to us.\n\n\
    **The path.** With `trust=x-forwarded-uri` the gateway says that it sets `x-forwarded-uri` and `x-forwarded-method` for every request, whatever its client sent; the body is then read for that path as where the path is \
    appended, and lists of models pass in spite of `require=model`. Without it these headers may be the client's: they can have a call refused, but name no model and make nothing free. Other \
    query parameters are those of the request that the gateway holds and are not looked at.\n\n\
    **What is counted.** One request; what it costs is reported to `/v1/usage` with `requests: 0`. With `hold=1` the most that the call may cost is held instead, by our own price and the body, or, where none is shown, by the most that the \
    model takes and answers, and x-tollkeeper-reservation names it: any management key with `Decisions:Create` settles, extends or cancels it; what nobody settles is charged as it was held, whatever \
    `[decisions] on_expiry` says, because a client may have asked for the hold. 403 `price_unknown` where nobody knows the price, or how large a call is at most whose body is not shown. \
    200 carries x-tollkeeper-user, x-tollkeeper-access-profile, x-tollkeeper-provider and the least that is left in x-tollkeeper-budget-remaining (dollars), \
    -tokens-remaining and -requests-remaining, each where there is such a limit. A refusal carries x-tollkeeper-refusal (the code), \
    x-tollkeeper-message and x-tollkeeper-status.";

fn by_virtual_key() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/v1/mcp/tools", "list_mcp_tools", decisions::mcp_tools)
            .says(
                "List the tools of an MCP server that a virtual key may call",
                "By all profiles of the key's user together. A tool that is excluded by a profile may still be granted by another.",
            )
            .query(MCP_SERVER)
            .requires(&["mcp_server"])
            .answers::<McpTools>(200)
            .refuses(&[403]),
        Route::new(Method::GET, "/v1/quota", "get_quota", quota::show)
            .says(
                "Read what binds a virtual key",
                "The copies that the key's user holds, page by page, expired ones too: each budget and limit with what it allows, what is used \
                 and held, and when it resets.",
            )
            .query(PAGE)
            .answers::<QuotaAnswer>(200)
            .refuses(&[304, 400, 403]),
        Route::new(Method::GET, "/api/governance/virtual-keys/quota", "get_key_quota", quota_of_key::show)
            .says(
                "Read what binds a virtual key, as the contract shows it",
                "For clients of the contract: the one path of management where the virtual key is the credential. Budgets and limits of every copy \
                 in force; a key whose time is over is shown with `is_active: false`.",
            )
            .answers::<KeyQuota>(200)
            .refuses(&[304]),
        Route::new(Method::GET, "/v1/quota/usage", "list_own_usage", usage::list_own)
            .says("Read the history of use of the key's own user", "As `/api/usage`, of this user alone.")
            .query(OWN_USAGE)
            .answers::<UsageList>(200)
            .refuses(&[403]),
        Route::new(Method::GET, "/v1/forward-auth", "forward_auth", forward_auth::decide)
            .any_method()
            .says("Decide on a request that a proxy holds", FORWARD_AUTH)
            .query(INSTRUCTIONS)
            .headers(CALL_HEADERS)
            .refuses(&[400, 402, 403, 408, 413, 415, 429]),
        Route::new(Method::GET, "/v1/forward-auth/{path}", "forward_auth_below", forward_auth::decide_below)
            .any_method()
            .says(
                "Decide on a request whose path and query a proxy appends",
                "As `/v1/forward-auth`, for the path that is appended, with the method of the request to us. Its query is the client's and says nothing to us; a gateway \
                 says `hold=1` by the header `x-tollkeeper-hold: 1`, which it sets itself and does not take from its client, and `require=path` by `x-tollkeeper-require: path`. A path that is not known here is decided on as any other: \
                 by its body, or by `x-model` where none is shown, and without a model for its key; with `require=path` it is 400 `unknown_path`. What is refused looks as the refusal of the provider whose path it is (OpenAI, Anthropic, Gemini), as on the \
                 paths of the proxy, with the headers of `/v1/forward-auth` beside it.",
            )
            .headers(BELOW_HEADERS)
            .refuses_in_dialect()
            .refuses(&[400, 402, 403, 408, 413, 415, 429]),
    ]
}
