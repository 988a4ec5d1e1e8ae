//! What a provider's own usage object says, in any of the four forms that there are.
//!
//! Each form counts in its own way. `OpenAI`'s totals include what was cached; Anthropic's input, what it read from a cache and what it
//! wrote to one stand side by side and are added up; Gemini's thoughts stand beside its answer, and what tools put into the prompt
//! beside the prompt. Out comes one [`Usage`], in which totals include everything.

use serde_json::{Map, Value};

use super::usage::Usage;
use crate::domain::values::number::{MAX_COUNT, Whole, read_whole};

/// What is wrong with a usage object that somebody reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageFault {
    /// The member, such as `prompt_tokens_details.cached_tokens`; empty where it is the object itself.
    pub param: String,
    /// A sentence that names it.
    pub message: String,
}

/// In which form an object counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UsageForm {
    /// `prompt_tokens`, `completion_tokens`.
    Chat,
    /// `input_tokens`, `output_tokens`, which include everything.
    Responses,
    /// `input_tokens` beside what was cached.
    Anthropic,
    /// `promptTokenCount`, `candidatesTokenCount`.
    Gemini,
}

impl UsageForm {
    fn of(object: &Map<String, Value>) -> Option<Self> {
        let has = |names: &[&str]| names.iter().any(|name| object.contains_key(*name));
        if has(&[
            "promptTokenCount",
            "candidatesTokenCount",
            "totalTokenCount",
        ]) {
            Some(Self::Gemini)
        } else if has(&["prompt_tokens", "completion_tokens"]) {
            Some(Self::Chat)
        } else if has(&[
            "cache_creation_input_tokens",
            "cache_read_input_tokens",
            "cache_creation",
            "server_tool_use",
        ]) {
            Some(Self::Anthropic)
        } else if has(&["input_tokens", "output_tokens", "total_tokens", "seconds"]) {
            Some(Self::Responses)
        } else {
            None
        }
    }
}

/// The usage that an object reports, which a gateway passes on as it got it. A count above 2⁵³ − 1 is that.
///
/// # Errors
/// [`UsageFault`] for what is no object, has no member that is known, or has a count that is no whole number of 0 or more.
pub fn read_usage_object(value: &Value) -> Result<Usage, UsageFault> {
    read(value, true)
}

/// The usage that an answer tells of. It is money that was spent, so what can be read counts: a count below zero is none, a fraction is
/// rounded up, one above 2⁵³ − 1 is that, and what is no number is passed over.
pub fn read_told(value: &Value) -> Option<Usage> {
    read(value, false).ok()
}

fn read(value: &Value, is_strict: bool) -> Result<Usage, UsageFault> {
    let fault = |sentence: &str| UsageFault {
        param: String::new(),
        message: format!("the usage {sentence}"),
    };
    let object = value.as_object();
    let object = object.ok_or_else(|| fault("must be an object, as the provider sent it"))?;
    let form = UsageForm::of(object).ok_or_else(|| {
        fault(
            "has no member that is known, such as prompt_tokens, input_tokens or promptTokenCount",
        )
    })?;
    let counts = Counting { object, is_strict };
    let usage = match form {
        UsageForm::Chat => counts.openai("prompt_tokens", "completion_tokens"),
        UsageForm::Responses => counts.openai("input_tokens", "output_tokens"),
        UsageForm::Anthropic => counts.anthropic(),
        UsageForm::Gemini => counts.gemini(),
    }?;
    Ok(bounded(usage))
}

/// No part is more than the whole that it is a part of.
fn bounded(mut usage: Usage) -> Usage {
    let least = |part: &mut i64, whole: i64| *part = (*part).min(whole).max(0);
    least(&mut usage.cached_input_tokens, usage.input_tokens);
    let rest = usage.input_tokens - usage.cached_input_tokens;
    least(&mut usage.cache_write_1h_tokens, rest);
    least(
        &mut usage.cache_write_tokens,
        rest - usage.cache_write_1h_tokens,
    );
    least(&mut usage.audio_input_tokens, usage.input_tokens);
    let cached = usage.cached_input_tokens.min(usage.audio_input_tokens);
    least(&mut usage.cached_audio_input_tokens, cached);
    least(
        &mut usage.image_input_tokens,
        usage.input_tokens - usage.audio_input_tokens,
    );
    least(&mut usage.reasoning_tokens, usage.output_tokens);
    least(&mut usage.audio_output_tokens, usage.output_tokens);
    least(
        &mut usage.image_output_tokens,
        usage.output_tokens - usage.audio_output_tokens,
    );
    usage
}

struct Counting<'v> {
    object: &'v Map<String, Value>,
    is_strict: bool,
}

impl Counting<'_> {
    /// A count at the first of these places where one is, or 0. The parts of a place have a full stop between them.
    fn count(&self, places: &[&str]) -> Result<i64, UsageFault> {
        for place in places {
            if let Some(count) = self.find(place)? {
                return Ok(count);
            }
        }
        Ok(0)
    }

    fn find(&self, place: &str) -> Result<Option<i64>, UsageFault> {
        let mut parts = place.split('.');
        let first = parts.next().and_then(|name| self.object.get(name));
        let found = parts.fold(first, |value, name| value?.get(name));
        match found {
            None | Some(Value::Null) => Ok(None),
            Some(value) => self.read(place, value),
        }
    }

    fn read(&self, place: &str, value: &Value) -> Result<Option<i64>, UsageFault> {
        let fault = || UsageFault {
            param: place.to_owned(),
            message: format!("{place}: must be a whole number of 0 or more"),
        };
        let number = match value {
            Value::Number(number) => number,
            _ if self.is_strict => return Err(fault()),
            _ => return Ok(None),
        };
        let is_below = number.as_str().starts_with('-');
        match read_whole(number) {
            Whole::Of(count) if count >= 0 => Ok(Some(count.min(MAX_COUNT))),
            Whole::TooLarge if !is_below => Ok(Some(MAX_COUNT)),
            _ if self.is_strict => Err(fault()),
            Whole::Fraction if !is_below => Ok(Some(rounded_up(number.as_str(), 0))),
            _ => Ok(Some(0)),
        }
    }

    fn openai(&self, input: &str, output: &str) -> Result<Usage, UsageFault> {
        let within = |all: [&str; 2], name: &str| all.map(|part| format!("{part}.{name}"));
        let details = |all: [&str; 2], name: &str| -> Result<i64, UsageFault> {
            let places = within(all, name);
            self.count(&[&places[0], &places[1]])
        };
        let ins = match input {
            "prompt_tokens" => ["prompt_tokens_details", "input_tokens_details"],
            _ => ["input_tokens_details", "input_token_details"],
        };
        let outs = match output {
            "completion_tokens" => ["completion_tokens_details", "output_tokens_details"],
            _ => ["output_tokens_details", "output_token_details"],
        };
        let total = self.count(&["total_tokens"])?;
        let reasoning_tokens = details(outs, "reasoning_tokens")?;
        let mut usage = Usage {
            input_tokens: self.count(&[input])?,
            output_tokens: self.count(&[output])?,
            reasoning_tokens,
            audio_input_tokens: details(ins, "audio_tokens")?,
            image_input_tokens: details(ins, "image_tokens")?,
            audio_output_tokens: details(outs, "audio_tokens")?,
            image_output_tokens: details(outs, "image_tokens")?,
            cached_audio_input_tokens: details(ins, "cached_tokens_details.audio_tokens")?,
            ..Usage::default()
        };
        let cached = within(ins, "cached_tokens");
        // The others are names that some providers give it beside the first.
        usage.cached_input_tokens = self.count(&[
            &cached[0],
            &cached[1],
            "prompt_cache_hit_tokens",
            "cache_read_input_tokens",
            "cached_tokens",
        ])?;
        let written = within(ins, "cache_write_tokens");
        usage.cache_write_tokens =
            self.count(&[&written[0], &written[1], "cache_creation_input_tokens"])?;
        usage.audio_milliseconds = self.milliseconds()?;
        let both = usage.input_tokens.saturating_add(usage.output_tokens);
        // What has a total alone has no output: embeddings, and lists put in order.
        if both == 0 {
            usage.input_tokens = total;
        } else if reasoning_tokens > 0 && total == both.saturating_add(reasoning_tokens) {
            // Some providers count reasoning beside the output, and their total shows it.
            usage.output_tokens = usage.output_tokens.saturating_add(reasoning_tokens);
        }
        Ok(usage)
    }

    fn anthropic(&self) -> Result<Usage, UsageFault> {
        let cached = self.count(&["cache_read_input_tokens"])?;
        let for_an_hour = self.count(&["cache_creation.ephemeral_1h_input_tokens"])?;
        let short = self.count(&["cache_creation.ephemeral_5m_input_tokens"])?;
        // The sum of both; where only one of the two is told, it is what it is.
        let written = self.count(&["cache_creation_input_tokens"])?;
        let written = written.max(for_an_hour.saturating_add(short));
        let input = self.count(&["input_tokens"])?;
        Ok(Usage {
            input_tokens: input.saturating_add(cached).saturating_add(written),
            cached_input_tokens: cached,
            cache_write_tokens: written - for_an_hour,
            cache_write_1h_tokens: for_an_hour,
            output_tokens: self.count(&["output_tokens"])?,
            web_searches: self.count(&["server_tool_use.web_search_requests"])?,
            ..Usage::default()
        })
    }

    fn gemini(&self) -> Result<Usage, UsageFault> {
        let prompt = self.count(&["promptTokenCount"])?;
        let by_tools = self.count(&["toolUsePromptTokenCount"])?;
        let answer = self.count(&["candidatesTokenCount", "responseTokenCount"])?;
        let thoughts = self.count(&["thoughtsTokenCount"])?;
        let of = |list: &str, modality: &str| self.modality(list, modality);
        let ins = ["promptTokensDetails", "toolUsePromptTokensDetails"];
        let both = |modality: &str| -> Result<i64, UsageFault> {
            Ok(of(ins[0], modality)?.saturating_add(of(ins[1], modality)?))
        };
        Ok(Usage {
            input_tokens: prompt.saturating_add(by_tools),
            cached_input_tokens: self.count(&["cachedContentTokenCount"])?,
            audio_input_tokens: both("AUDIO")?,
            image_input_tokens: both("IMAGE")?,
            cached_audio_input_tokens: of("cacheTokensDetails", "AUDIO")?,
            output_tokens: answer.saturating_add(thoughts),
            reasoning_tokens: thoughts,
            audio_output_tokens: of("candidatesTokensDetails", "AUDIO")?,
            image_output_tokens: of("candidatesTokensDetails", "IMAGE")?,
            ..Usage::default()
        })
    }

    /// Tokens of one modality in a list of `{modality, tokenCount}`.
    fn modality(&self, list: &str, modality: &str) -> Result<i64, UsageFault> {
        let mut sum = 0_i64;
        let elements = self.object.get(list).and_then(Value::as_array);
        for (at, element) in elements.into_iter().flatten().enumerate() {
            if element.get("modality").and_then(Value::as_str) == Some(modality)
                && let Some(count) = element.get("tokenCount")
            {
                let place = format!("{list}[{at}].tokenCount");
                let count = self.read(&place, count)?.unwrap_or(0);
                sum = sum.saturating_add(count);
            }
        }
        Ok(sum)
    }

    /// The length of sound, where it is counted in seconds.
    fn milliseconds(&self) -> Result<i64, UsageFault> {
        match self.object.get("seconds") {
            Some(Value::Number(number)) if !self.is_strict || !number.as_str().starts_with('-') => {
                Ok(rounded_up(number.as_str(), 3))
            }
            Some(Value::Null) | None => Ok(0),
            Some(_) if self.is_strict => Err(UsageFault {
                param: "seconds".to_owned(),
                message: "seconds: must be a number of 0 or more".to_owned(),
            }),
            Some(_) => Ok(0),
        }
    }
}

/// A decimal number times 10 to the power of `places`, rounded up; 0 where it is below, and as much as a count can be where it is more.
pub fn rounded_up(number: &str, places: i32) -> i64 {
    let factor = 10_f64.powi(places);
    // Precise enough: a count of milliseconds, or of tokens that nobody counts in fractions.
    let value = (number.parse::<f64>().unwrap_or(0.0) * factor).ceil();
    if value > 0.0 && value < 9e15 {
        // Whole, and within the range that is exact.
        format!("{value:.0}").parse().unwrap_or(MAX_COUNT)
    } else if value > 0.0 {
        MAX_COUNT
    } else {
        0
    }
}
