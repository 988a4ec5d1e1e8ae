//! The models that a key may use, in the dialect of whoever asks.

use std::collections::HashSet;
use std::sync::Arc;

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::asked::Asked;
use super::not_carried::{NotCarried, decided};
use crate::domain::values::letter_case::fold;
use crate::gateway::meter::dialect::Dialect;
use crate::gateway::refusal::CallFault;
use crate::gateway::upstream::Upstream;
use crate::http::core::answer::ok_json;
use crate::http::core::request::Request;
use crate::http::decisions::holder::KeyHolder;

/// Most models of a list.
const MOST: usize = 10_000;

/// A list of models, or the one that is asked for; of the upstream that the path names, or of all.
pub async fn answer(
    holder: &KeyHolder,
    request: &Request,
    asked: &Asked,
    (named, wanted): (Option<&Arc<Upstream>>, Option<&str>),
) -> Result<HttpResponse, NotCarried> {
    let state = request.state();
    let rules = state.services.ledger.rules(holder.key).await?;
    let rules = rules.map_err(|refusal| decided(holder, refusal))?;
    let prices = state.services.prices.now();
    let (mut found, mut known) = (Vec::<(String, String)>::new(), HashSet::new());
    let all = state.proxy.upstreams();
    let upstreams = match named {
        Some(named) => vec![named],
        None => all.iter().collect(),
    };
    for upstream in upstreams {
        let provider = &upstream.settings.provider;
        let lines = rules
            .iter()
            .filter_map(|rules| Some(&rules.lines[rules.line(&upstream.provider_key)?]));
        for line in lines {
            let literal = line.named_models().map(ToString::to_string);
            let listed = prices.list().models_of(provider).map(str::to_owned);
            for model in literal.chain(listed) {
                let is_allowed = line.says(&model, &fold(&model)).allowed;
                if is_allowed && found.len() < MOST && known.insert(model.clone()) {
                    found.push((model, provider.clone()));
                }
            }
        }
    }
    let body = match wanted {
        None => list(asked.dialect, &found),
        Some(wanted) => {
            let wanted = wanted.strip_prefix("models/").unwrap_or(wanted);
            let one = found.iter().find(|(model, _)| model == wanted);
            let (model, provider) = one.ok_or(NotCarried::Fault(CallFault::UnknownModel))?;
            shown(asked.dialect, model, provider)
        }
    };
    Ok(ok_json(body.to_string()))
}

fn list(dialect: Dialect, found: &[(String, String)]) -> Value {
    let models: Vec<Value> = found
        .iter()
        .map(|(model, provider)| shown(dialect, model, provider))
        .collect();
    match dialect {
        Dialect::OpenAi => json!({ "object": "list", "data": models }),
        Dialect::Anthropic => json!({
            "first_id": found.first().map(|(model, _)| model),
            "last_id": found.last().map(|(model, _)| model),
            "has_more": false,
            "data": models,
        }),
        Dialect::Gemini => json!({ "models": models }),
    }
}

fn shown(dialect: Dialect, model: &str, provider: &str) -> Value {
    match dialect {
        Dialect::OpenAi => {
            json!({ "id": model, "object": "model", "created": 0, "owned_by": provider })
        }
        Dialect::Anthropic => json!({
            "type": "model", "id": model, "display_name": model, "created_at": "1970-01-01T00:00:00Z",
        }),
        Dialect::Gemini => json!({
            "name": format!("models/{model}"),
            "displayName": model,
            "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
        }),
    }
}
