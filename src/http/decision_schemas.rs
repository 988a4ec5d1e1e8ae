//! Shapes of bodies and answers about decisions; see [`super::schemas`].

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::limits::LimitView;
use super::replay::MADE;
use super::{decision_shapes, shapes};
use crate::domain::decision::OpenReservation;
use crate::domain::money::Money;

/// A call that is about to be made.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct CallBody {
    /// The virtual key of the caller (`tk_vk_…`). Without one the answer is 401.
    #[schema(schema_with = decision_shapes::key_text)]
    virtual_key: Option<String>,
    /// The provider; left out: the first of the profile that allows the model.
    #[schema(schema_with = decision_shapes::name_or_null)]
    provider: Option<String>,
    /// The model, perhaps with `<provider>/` before it; a comma is refused.
    #[schema(schema_with = shapes::model)]
    model: String,
    /// The MCP server that is called.
    #[schema(schema_with = decision_shapes::name_or_null)]
    mcp_server: Option<String>,
    /// The tool of that server.
    #[schema(schema_with = decision_shapes::name_or_null)]
    mcp_tool: Option<String>,
    /// Tokens that the call will probably use.
    #[schema(schema_with = decision_shapes::tokens_or_null)]
    estimated_tokens: Option<i64>,
    /// US dollars that it will probably cost.
    #[schema(schema_with = decision_shapes::dollars_or_null)]
    estimated_cost: Option<f64>,
    /// The most US dollars that are held of each budget, above 0; `[decisions] max_hold` still binds. What was really used is charged
    /// in full.
    #[schema(schema_with = decision_shapes::max_hold)]
    max_hold: Option<f64>,
    /// What the gateway calls the request: within 24 hours the same id and body get the same reservation again while it is open, and
    /// 409 once it is over.
    #[schema(schema_with = decision_shapes::request_id_or_null)]
    request_id: Option<String>,
}

/// A call that is explained.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct ExplainBody {
    /// The virtual key of the caller (`tk_vk_…`). Without one, and without `virtual_key_id`, what is explained is a 401.
    #[schema(schema_with = decision_shapes::key_text)]
    virtual_key: Option<String>,
    /// The id of the virtual key, in its place: whoever explains need not have the secret.
    #[schema(schema_with = decision_shapes::key_id_or_null)]
    virtual_key_id: Option<String>,
    /// The provider; left out: the first of the profile that allows the model.
    #[schema(schema_with = decision_shapes::name_or_null)]
    provider: Option<String>,
    /// The model, perhaps with `<provider>/` before it; a comma is refused.
    #[schema(schema_with = shapes::model)]
    model: String,
    /// The MCP server that is called.
    #[schema(schema_with = decision_shapes::name_or_null)]
    mcp_server: Option<String>,
    /// The tool of that server.
    #[schema(schema_with = decision_shapes::name_or_null)]
    mcp_tool: Option<String>,
    /// Tokens that the call will probably use.
    #[schema(schema_with = decision_shapes::tokens_or_null)]
    estimated_tokens: Option<i64>,
    /// US dollars that it will probably cost.
    #[schema(schema_with = decision_shapes::dollars_or_null)]
    estimated_cost: Option<f64>,
    /// What the gateway calls the request; nothing is counted, so it means nothing here.
    #[schema(schema_with = decision_shapes::request_id_or_null)]
    request_id: Option<String>,
}

/// What a call has really used.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct SettleBody {
    /// Tokens; above 9007199254740991 they count as that many.
    #[schema(schema_with = decision_shapes::used_tokens)]
    tokens: i64,
    /// US dollars; what is finer than a nanodollar is rounded up.
    #[schema(schema_with = decision_shapes::spent)]
    cost: f64,
}

/// How a reservation is prolonged or raised.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct ExtendBody {
    /// Tokens to hold in all; a hold only grows.
    #[schema(schema_with = decision_shapes::tokens_or_null)]
    estimated_tokens: Option<i64>,
    /// US dollars to hold in all; a hold only grows.
    #[schema(schema_with = decision_shapes::dollars_or_null)]
    estimated_cost: Option<f64>,
    /// How long it is held from now on: a span such as `"10m"` (units `s m h d w`) or whole seconds, at most a day. Left out: the
    /// configured time.
    #[schema(schema_with = decision_shapes::ttl)]
    ttl: Option<String>,
}

/// A call that was made without a reservation.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct UsageBody {
    /// The virtual key of the caller (`tk_vk_…`). Without one the answer is 401.
    #[schema(schema_with = decision_shapes::key_text)]
    virtual_key: Option<String>,
    /// The provider, kept as `model` is.
    #[schema(schema_with = decision_shapes::used_name)]
    provider: String,
    /// The model. Of more than 255 characters the first are kept, and U+FFFD for one that can't be seen.
    #[schema(schema_with = decision_shapes::used_name)]
    model: String,
    /// Tokens; above 9007199254740991 they count as that many.
    #[schema(schema_with = decision_shapes::used_tokens)]
    tokens: i64,
    /// US dollars; what is finer than a nanodollar is rounded up.
    #[schema(schema_with = decision_shapes::spent)]
    cost: f64,
    /// How many requests it counts as: 1, or 0 when forward-auth has counted the call already.
    #[schema(schema_with = decision_shapes::requests)]
    requests: Option<i64>,
    /// What the gateway calls the request; it is charged once.
    #[schema(schema_with = decision_shapes::request_id)]
    request_id: String,
}

/// An open reservation.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what a handler writes")]
pub struct HeldView {
    /// Its id.
    id: String,
    /// When it expires if it is neither settled nor extended.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// A call that may be made.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what a handler writes")]
pub struct ReservationAnswer {
    reservation: HeldView,
    /// The profile that grants it.
    access_profile_id: i64,
    /// Whose call it is.
    user_id: String,
    /// The provider, as the profile names it.
    provider: String,
    /// Every limit that it is held on.
    limits: Vec<LimitView>,
}

/// What was charged.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what a handler writes")]
pub struct ChargedView {
    /// Its id.
    id: String,
    /// `settled`.
    status: String,
    /// Tokens.
    tokens: i64,
    /// US dollars.
    cost: f64,
}

/// A call that was charged.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what a handler writes")]
pub struct SettledAnswer {
    reservation: ChargedView,
    /// The profile that it was charged to, or that its user held last; 0 when that is not known any more.
    access_profile_id: i64,
    /// Whose call it was.
    user_id: String,
    /// The provider, as the profile names it, or as it was sent where none does.
    provider: String,
    /// Every limit that it was charged to; none when the user's copy is gone.
    limits: Vec<LimitView>,
}

/// A call that was made without a reservation and charged.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what a handler writes")]
pub struct UsageAnswer {
    reservation: ChargedView,
    /// The profile that it was charged to, or that its user held last; 0 when that is not known any more.
    access_profile_id: i64,
    /// Whose call it was.
    user_id: String,
    /// The provider, as the profile names it, or as it was sent where none does.
    provider: String,
    /// Every limit that it was charged to; none when the user holds nothing any more.
    limits: Vec<LimitView>,
    /// What would have refused the call, had it been asked about before; left out when nothing would have.
    #[schema(required = false)]
    outside_policy: Option<OutsideView>,
}

/// What would have refused a call: the `error` of that refusal.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what a handler writes")]
pub struct OutsideView {
    /// The code of the refusal.
    r#type: String,
    /// The same.
    code: String,
    /// Why, in a sentence.
    message: String,
}

/// A reservation that was given back.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what a handler writes")]
pub struct CancelledView {
    /// Its id.
    id: String,
    /// `cancelled`.
    status: String,
}

/// A reservation that was given back.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what a handler writes")]
pub struct CancelledAnswer {
    reservation: CancelledView,
}

/// An open hold.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReservationView {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// The profile that granted it.
    pub access_profile_id: i64,
    /// The public id of the virtual key it was made with; `null` once that was deleted.
    pub virtual_key_id: Option<String>,
    /// The provider, as the profile names it.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The MCP server.
    pub mcp_server: Option<String>,
    /// The tool of that server.
    pub mcp_tool: Option<String>,
    /// What the gateway expected.
    pub estimated_tokens: Option<i64>,
    /// What the gateway expected, in US dollars.
    #[schema(value_type = Option<f64>)]
    pub estimated_cost: Option<Money>,
    /// What is held on limits of tokens.
    pub held_tokens: i64,
    /// What is held on budgets, in US dollars: less than was expected where `max_hold` says so.
    #[schema(value_type = f64)]
    pub held_cost: Money,
    /// The management key that made it; `null` when it was made over the control socket, or before this was kept.
    pub api_key_id: Option<i64>,
    /// The gateway's own id of the call.
    pub request_id: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it expires.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

impl ReservationView {
    /// A hold as it is listed.
    pub fn of(open: OpenReservation) -> Self {
        let (mcp_server, mcp_tool) = open
            .mcp
            .map_or((None, None), |mcp| (Some(mcp.server), mcp.tool));
        Self {
            id: open.id.to_string(),
            user_id: open.user_id.to_string(),
            access_profile_id: open.access_profile_id,
            virtual_key_id: open
                .virtual_key
                .map(|id| String::from_utf8_lossy(&id).into_owned()),
            provider: open.provider.to_string(),
            model: open.model,
            mcp_server,
            mcp_tool,
            estimated_tokens: open.estimated_tokens,
            estimated_cost: open.estimated_cost,
            held_tokens: open.held_tokens,
            held_cost: open.held_cost,
            api_key_id: open.owner.api_key_id(),
            request_id: open.request_id.filter(|id| !id.starts_with(MADE)),
            created_at: time(open.created_at_ms),
            expires_at: time(open.expires_at_ms),
        }
    }
}

/// A page of open holds, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReservationList {
    /// The holds.
    pub reservations: Vec<ReservationView>,
    /// Items on this page.
    pub count: usize,
    /// Items on all pages.
    pub total_count: usize,
    /// As asked.
    pub limit: i64,
    /// As asked.
    pub offset: i64,
}

/// The tools of an MCP server that a key may call.
#[derive(Debug, Serialize, ToSchema)]
pub struct McpTools {
    /// The server, as asked.
    pub mcp_server: String,
    /// Every tool may be called but those excluded.
    pub all_tools: bool,
    /// The tools that are granted by name.
    pub tools: Vec<String>,
    /// The tools that may not be called although all are granted.
    pub excluded_tools: Vec<String>,
}

/// An instant in milliseconds since 1970.
pub fn time(at_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::MAX)
}
