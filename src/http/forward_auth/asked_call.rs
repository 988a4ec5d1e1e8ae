//! What a gateway's question is about: a call of a model, or the key alone.
//!
//! The body goes before the path, and both before headers: what headers name is compared with them, and counts where nothing else is shown.

use jiff::Timestamp;

use super::faults::fault;
use super::instructions::{Instructions, Required};
use super::named_call::{NamedCall, is_same};
use super::original_request::OriginalRequest;
use super::shown_body::ShownBody;
use crate::domain::price::prices::Prices;
use crate::error::{Error, Result};
use crate::gateway::meter::dialect::{BodyForm, Endpoint};
use crate::gateway::meter::endpoint_path::EndpointPath;
use crate::gateway::proxy::call_measure::CallMeasure;

/// A call of a model.
pub struct AskedCall {
    /// The model.
    pub model: String,
    /// How large it is.
    pub measure: CallMeasure,
    /// Whether providers take nothing for it.
    pub is_free: bool,
}

/// What is known beside the body and the headers that name the call.
pub struct Surroundings<'q> {
    /// The request that the gateway holds.
    pub original: Option<&'q OriginalRequest<'q>>,
    /// What the gateway asks for beside the decision.
    pub instructions: Instructions,
    /// What models cost.
    pub prices: &'q Prices,
    /// The time.
    pub now: Timestamp,
}

impl Surroundings<'_> {
    /// The call that is asked about; none where it is the key alone, because nothing else is asked that could cost something.
    ///
    /// # Errors
    /// 400 for what names two models, or none although it may cost something.
    pub fn call(&self, named: &NamedCall, body: Option<ShownBody>) -> Result<Option<AskedCall>> {
        let told = self.original.and_then(OriginalRequest::endpoint);
        let is_certain = self.original.is_some_and(|original| original.is_certain);
        let known = told.filter(|_| is_certain);
        if is_certain && known.is_none() && self.instructions.requires == Some(Required::KnownPath)
        {
            return Err(fault("path", "unknown_path", NOT_KNOWN));
        }
        if let Some(body) = body {
            return self.of_body(named, body, told, known);
        }
        match (known, &named.model) {
            (Some(known), _) => self.of_path(named, known),
            (None, _) if self.original.is_some_and(OriginalRequest::is_misleading) => {
                Err(fault("path", "ambiguous_path", AMBIGUOUS))
            }
            (None, Some(model)) => {
                if let Some(in_path) = told.and_then(|told| told.model) {
                    named.refuse_others(("the path", in_path), self.prices, self.now)?;
                }
                Ok(Some(AskedCall {
                    model: model.clone(),
                    measure: CallMeasure::unseen(Endpoint::ChatCompletions),
                    is_free: false,
                }))
            }
            (None, None) => self.of_nothing(told),
        }
    }

    fn of_body(
        &self,
        named: &NamedCall,
        body: ShownBody,
        told: Option<EndpointPath<'_>>,
        known: Option<EndpointPath<'_>>,
    ) -> Result<Option<AskedCall>> {
        let ShownBody { model, measure } = body;
        if model.is_empty() {
            return Ok(None);
        }
        named.refuse_others(("the body", &model), self.prices, self.now)?;
        // One that is certain was read together with the body.
        let in_path = told.and_then(|told| told.model);
        if let Some(in_path) =
            in_path.filter(|in_path| known.is_none() && !is_same(in_path, &model, None))
        {
            let sentence = format_args!("names {in_path:?}, but the body names {model:?}");
            return Err(fault("path", "model_differs", sentence));
        }
        Ok(Some(AskedCall {
            model,
            measure,
            is_free: known.is_some_and(|known| known.endpoint.is_free()),
        }))
    }

    /// What a path asks for that is known, of which no body is shown.
    fn of_path(&self, named: &NamedCall, known: EndpointPath<'_>) -> Result<Option<AskedCall>> {
        let EndpointPath {
            endpoint, model, ..
        } = known;
        if endpoint.body_form() == BodyForm::Absent {
            return Ok(None);
        }
        if let Some(model) = model {
            named.refuse_others(("the path", model), self.prices, self.now)?;
        }
        match model.or(named.model.as_deref()) {
            Some(model) => Ok(Some(AskedCall {
                model: model.to_owned(),
                measure: CallMeasure::unseen(endpoint),
                is_free: endpoint.is_free(),
            })),
            None if endpoint.is_free() => Ok(None),
            None => Err(no_model(
                "is required: the path is one of calls, and no body is shown that names a model; let the gateway send bodies along, or name \
                 the model here",
            )),
        }
    }

    /// What names nothing, and is shown to be nothing.
    fn of_nothing(&self, told: Option<EndpointPath<'_>>) -> Result<Option<AskedCall>> {
        if self.instructions.requires.is_some() {
            return Err(no_model("is required: the header names the model"));
        }
        if self.original.is_some_and(OriginalRequest::is_ambiguous) {
            return Err(fault("path", "ambiguous_path", AMBIGUOUS));
        }
        let is_call = |told: EndpointPath<'_>| told.endpoint.body_form() != BodyForm::Absent;
        if told.is_some_and(is_call) {
            return Err(no_model(
                "is required: x-forwarded-uri and x-forwarded-method tell of a call that may cost something; let the gateway send \
                 bodies along, or name the model here",
            ));
        }
        Ok(None)
    }
}

/// What is said of a path that a server may read as one of calls.
const AMBIGUOUS: &str = "has empty, dotted or encoded parts, so that servers may read another one in it; write it plainly, or let the gateway \
                         send bodies along";
/// What is said where the gateway lets only paths in whose cost is known.
const NOT_KNOWN: &str = "is none whose cost is known here, and the gateway lets no other in";

fn no_model(sentence: &str) -> Error {
    fault("x-model", "required", sentence)
}
