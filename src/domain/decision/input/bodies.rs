//! The bodies of decisions: as they are described and read in full, with every violation and its place, and quickly.

use super::calls::{
    CallInput, ExplainInput, ExtendInput, NoKey, SettleInput, UsageInput, mcp_call,
};
use super::kinds::{
    key, key_id, max_hold, model, name, request_id, spent_dollars, ttl, usage, used_name,
    used_tokens,
};
use super::quick;
use crate::domain::body::{Body, Form, integer};
use crate::domain::decision::Presented;
use crate::domain::decision::call_size::CallSize;
use crate::domain::decision::particulars::Particulars;
use crate::domain::decision::report::Report;
use crate::domain::values::money::{Money, dollars};
use crate::domain::values::number::MAX_COUNT;

/// A call that is about to be made.
pub const CALL: Body<CallInput> =
    Body::new("CallBody", "A call that is about to be made.", |form| {
        let key = read_key(
            form,
            "The virtual key of the caller (`tk_vk_…`). Without one the answer is 401.",
        );
        read_call(form, key)
    })
    .quickly(quick::call);

/// A call that is explained.
pub const EXPLANATION: Body<ExplainInput> = Body::new(
    "ExplainBody",
    "A call that is explained: nothing is counted, so `request_id` means nothing here.",
    read_explanation,
)
.quickly(|bytes| {
    let call = quick::call(bytes)?;
    Some(ExplainInput { call, by_id: false })
});

/// What a call has really used.
pub const SETTLEMENT: Body<SettleInput> =
    Body::new("SettleBody", "What a call has really used.", |form| {
        Some(read_settlement(form))
    })
    .quickly(quick::settlement);

/// How a reservation is prolonged or raised.
pub const EXTENSION: Body<ExtendInput> = Body::new(
    "ExtendBody",
    "How a reservation is prolonged or raised.",
    |form| Some(read_extension(form)),
);

/// A call that was made without a reservation.
pub const USAGE: Body<UsageInput> = Body::new(
    "UsageBody",
    "A call that was made without a reservation.",
    read_usage,
)
.quickly(quick::usage);

type Key = std::result::Result<Presented, NoKey>;

/// A key that is no text is a violation; one that is missing or none of ours is refused as a decision.
fn read_key(form: &mut Form<'_>, about: &'static str) -> Key {
    form.optional("virtual_key", key(), about)
        .unwrap_or(Err(NoKey::Missing))
}

fn read_call(form: &mut Form<'_>, key: Key) -> Option<CallInput> {
    let provider = form.optional(
        "provider",
        name(),
        "The provider; left out: the first of the profile that allows the model.",
    );
    let model = form.required(
        "model",
        model(),
        "The model, perhaps with `<provider>/` before it; a comma is refused.",
    );
    let server = form.optional("mcp_server", name(), "The MCP server that is called.");
    let tool = form.optional("mcp_tool", name(), "The tool of that server.");
    let tool_alone = tool.is_some() && !form.gives("mcp_server");
    let (estimated_tokens, estimated_cost) = read_estimates(
        form,
        "Tokens that the call will probably use. Left out, those of `prompt_tokens` and `max_tokens`.",
        "US dollars that it will probably cost. Left out beside `prompt_tokens` or `max_tokens`, the most that so many tokens may cost \
         by the price that is known here for the provider and the model; without `provider` only a model with `<provider>/` before it \
         has one.",
    );
    let size = read_size(form);
    let particulars = Particulars {
        aside: mcp_call(server, tool),
        estimated_tokens,
        estimated_cost,
        max_hold: form.optional(
            "max_hold",
            max_hold(),
            "The most US dollars that are held of each budget, above 0; `[decisions] max_hold` still binds. What was really used is \
             charged in full.",
        ),
    };
    let request_id = form.optional(
        "request_id",
        request_id(),
        "What the gateway calls the request: within 24 hours the same id and body get the same reservation again while it is open, and \
         409 once it is over.",
    );
    if tool_alone {
        form.refuse(
            "mcp_server",
            "mcp_server_missing",
            "is required with mcp_tool: the server that offers the tool",
        );
    }
    Some(CallInput {
        key,
        provider,
        model: model?.into(),
        particulars,
        size,
        request_id,
    })
}

fn read_size(form: &mut Form<'_>) -> CallSize {
    CallSize {
        prompt_tokens: form.optional(
            "prompt_tokens",
            integer(0..=MAX_COUNT),
            "Input tokens that the call has at most, for estimates that are left out.",
        ),
        max_tokens: form.optional(
            "max_tokens",
            integer(0..=MAX_COUNT),
            "Output tokens that it has at most. Left out beside `prompt_tokens`, the greatest output of the model, or where that is not \
             known `[proxy] assumed_output`.",
        ),
    }
}

fn read_estimates(
    form: &mut Form<'_>,
    about_tokens: &'static str,
    about_cost: &'static str,
) -> (Option<i64>, Option<Money>) {
    (
        form.optional("estimated_tokens", integer(0..=MAX_COUNT), about_tokens),
        form.optional("estimated_cost", dollars(), about_cost),
    )
}

fn read_explanation(form: &mut Form<'_>) -> Option<ExplainInput> {
    let id = form.optional(
        "virtual_key_id",
        key_id(),
        "The id of the virtual key, in its place: whoever explains need not have the secret.",
    );
    if id.is_some() && form.gives("virtual_key") {
        form.refuse(
            "virtual_key_id",
            "two_virtual_keys",
            "can't stand beside virtual_key: name the key or present it",
        );
    }
    let presented = read_key(
        form,
        "The virtual key of the caller (`tk_vk_…`). Without one, and without `virtual_key_id`, what is explained is a 401.",
    );
    let key = match id {
        Some(public_id) => Ok(Presented {
            public_id,
            secret_hash: [0; 32],
        }),
        None => presented,
    };
    let call = read_call(form, key)?;
    let by_id = id.is_some();
    Some(ExplainInput { call, by_id })
}

fn read_usage(form: &mut Form<'_>) -> Option<UsageInput> {
    let key = read_key(
        form,
        "The virtual key of the caller (`tk_vk_…`). Without one the answer is 401.",
    );
    let provider = form.required("provider", used_name(), "The provider, kept as `model` is.");
    let model = form.required(
        "model",
        used_name(),
        "The model. Of more than 255 characters the first are kept, and U+FFFD for one that can't be seen.",
    );
    let report = read_report(form);
    let requests = form.optional(
        "requests",
        integer(0..=1),
        "How many requests it counts as: 1, or 0 when forward-auth has counted the call already.",
    );
    let request_id = form.required(
        "request_id",
        request_id(),
        "What the gateway calls the request; it is charged once.",
    );
    let call = CallInput {
        key,
        provider: Some(provider?),
        model: model?.into(),
        particulars: Particulars::default(),
        size: CallSize::default(),
        request_id: Some(request_id?),
    };
    Some(UsageInput {
        call,
        report,
        requests: requests.unwrap_or(1),
    })
}

fn read_settlement(form: &mut Form<'_>) -> SettleInput {
    SettleInput {
        report: read_report(form),
        provider: form.optional(
            "provider",
            used_name(),
            "The provider that answered, where it was another, to price `usage` by. The history keeps that of the reservation.",
        ),
        model: form.optional(
            "model",
            used_name(),
            "The model that answered, where it was another, to price `usage` by. The history keeps that of the reservation.",
        ),
    }
}

/// The gateway's own numbers, of which each may be left out where the provider's are there.
fn read_report(form: &mut Form<'_>) -> Report {
    let report = Report {
        tokens: form.optional(
            "tokens",
            used_tokens(),
            "Tokens; above 9007199254740991 they count as that many. Required without `usage`; beside it, left out, those that it tells.",
        ),
        cost: form.optional(
            "cost",
            spent_dollars(),
            "US dollars; what is finer than a nanodollar is rounded up. Required without `usage`; beside it, left out, what that costs by \
             the price that is known here, and 400 `price_unknown` where none is.",
        ),
        usage: form.optional(
            "usage",
            usage(),
            "What the provider told that the call used, as it sent it: the usage object of OpenAI (chat completions or responses), \
             Anthropic or Gemini.",
        ),
    };
    if !form.gives("usage") {
        for name in ["tokens", "cost"] {
            if !form.gives(name) {
                form.refuse(name, "required", "is required where usage is not sent");
            }
        }
    }
    report
}

fn read_extension(form: &mut Form<'_>) -> ExtendInput {
    let (estimated_tokens, estimated_cost) = read_estimates(
        form,
        "Tokens to hold in all; a hold only grows.",
        "US dollars to hold in all; a hold only grows.",
    );
    let ttl_seconds = form.optional(
        "ttl",
        ttl(),
        "How long it is held from now on: a span such as `\"10m\"` (units `s m h d`) or whole seconds, at most a day. Left out: the \
         configured time.",
    );
    ExtendInput {
        estimated_tokens,
        estimated_cost,
        ttl_seconds,
    }
}
