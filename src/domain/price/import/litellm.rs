//! `LiteLLM`'s `model_prices_and_context_window.json`: dollars for one unit, as members of each model.

use serde_json::{Map, Value};

use super::imported::{Imported, PriceDraft, read_count, read_rate};
use crate::domain::price::entry::PriceEntry;
use crate::domain::price::unit_kind::{DollarsFor, UnitKind};

/// The entry that says what others may have.
const SPEC: &str = "sample_spec";

/// What each member is a price of. Those of tokens may end in `_above_200k_tokens`.
const RATES: [(&str, UnitKind); 17] = [
    ("input_cost_per_token", UnitKind::Input),
    ("cache_read_input_token_cost", UnitKind::CachedInput),
    ("cache_creation_input_token_cost", UnitKind::CacheWrite),
    (
        "cache_creation_input_token_cost_above_1hr",
        UnitKind::CacheWrite1h,
    ),
    ("input_cost_per_audio_token", UnitKind::AudioInput),
    (
        "cache_read_input_audio_token_cost",
        UnitKind::CachedAudioInput,
    ),
    ("input_cost_per_image_token", UnitKind::ImageInput),
    (
        "cache_read_input_image_token_cost",
        UnitKind::CachedImageInput,
    ),
    ("input_cost_per_video_token", UnitKind::VideoInput),
    ("output_cost_per_token", UnitKind::Output),
    ("output_cost_per_reasoning_token", UnitKind::Reasoning),
    ("output_cost_per_audio_token", UnitKind::AudioOutput),
    ("output_cost_per_image_token", UnitKind::ImageOutput),
    ("output_cost_per_video_token", UnitKind::VideoOutput),
    ("input_cost_per_character", UnitKind::InputCharacter),
    ("output_cost_per_image", UnitKind::Image),
    ("input_cost_per_request", UnitKind::Request),
];

/// Sound, by the second; of both the dearer.
const SECONDS: [&str; 2] = ["input_cost_per_second", "output_cost_per_second"];
/// Kinds of models whose seconds are those of sound.
const OF_SOUND: [&str; 3] = ["audio_transcription", "audio_speech", "realtime"];
/// Kinds of models of which a call is one query.
const OF_QUERIES: [&str; 2] = ["rerank", "search"];

/// Reads the file. Members that are no prices are ignored, and so are prices of batches, of other service tiers and of what is not counted.
///
/// # Errors
/// A sentence, when it is no JSON object.
pub fn import(text: &str) -> Result<Imported, String> {
    let models: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| format!("is no such file: {error}"))?;
    let mut imported = Imported::default();
    for (name, members) in &models {
        match members {
            _ if name == SPEC => {
                imported.leave_out(name, "says what the others may have");
            }
            Value::Object(members) => imported.add(name, read(name, members)),
            _ => imported.leave_out(name, "is no object"),
        }
    }
    Ok(imported)
}

fn read(name: &str, members: &Map<String, Value>) -> Result<(PriceEntry, PriceDraft), String> {
    if name.split('/').any(is_size) {
        return Err("is a size of pictures, and its model is priced by it".to_owned());
    }
    let Some(Value::String(provider)) = members.get("litellm_provider") else {
        return Err("has no litellm_provider".to_owned());
    };
    let mode = members.get("mode").and_then(Value::as_str).unwrap_or("");
    let mut draft = PriceDraft::default();
    for (member, value) in members {
        read_member(&mut draft, mode, member, value)?;
    }
    let most = read_count(members, "max_output_tokens");
    draft.finish(usual_name(provider), model_of(name, provider), most)
}

fn read_member(
    draft: &mut PriceDraft,
    mode: &str,
    member: &str,
    value: &Value,
) -> Result<(), String> {
    let (base, above) = split_tier(member);
    let known = RATES.iter().find(|(known, _)| *known == base);
    if let Some((_, kind)) = known.filter(|(_, kind)| above.is_none() || kind.tokens().is_some()) {
        let rate = read_rate(member, *kind, DollarsFor::One, value)?;
        draft.set(*kind, above, rate);
    } else if SECONDS.contains(&member) && OF_SOUND.contains(&mode) {
        let seconds = read_rate(member, UnitKind::AudioHour, DollarsFor::One, value)?;
        let hour = of_an_hour(seconds);
        let dearer = draft
            .rate(UnitKind::AudioHour)
            .map_or(hour, |known| known.max(hour));
        draft.set(UnitKind::AudioHour, None, dearer);
    } else if member == "input_cost_per_query" && OF_QUERIES.contains(&mode) {
        let rate = read_rate(member, UnitKind::Request, DollarsFor::One, value)?;
        draft.set(UnitKind::Request, None, rate);
    } else if member == "search_context_cost_per_query" {
        // By how much of the web is read; how much a call asked for is not counted.
        let sizes = value.as_object().into_iter().flat_map(Map::values);
        let rates = sizes.map(|size| read_rate(member, UnitKind::WebSearch, DollarsFor::One, size));
        if let Some(rate) = rates.collect::<Result<Vec<_>, _>>()?.into_iter().max() {
            draft.set(UnitKind::WebSearch, None, rate);
        }
    } else if let ("tiered_pricing", Value::Array(tiers)) = (member, value) {
        for tier in tiers {
            read_tier(draft, tier)?;
        }
    } else if member.contains("cost") || member.contains("pricing") {
        draft.note_not_counted(member, value);
    }
    Ok(())
}

/// A range of input tokens with the prices of calls that have so many.
fn read_tier(draft: &mut PriceDraft, tier: &Value) -> Result<(), String> {
    let members = tier.as_object();
    let start = members.and_then(|members| members.get("range")?.get(0));
    let (Some(members), Some(Value::Number(start))) = (members, start) else {
        return Err("tiered_pricing has no ranges".to_owned());
    };
    let Ok(start) = start.to_string().trim_end_matches(".0").parse::<i64>() else {
        return Err("tiered_pricing has a range that begins nowhere".to_owned());
    };
    for (member, value) in members {
        if let Some((_, kind)) = RATES.iter().find(|(known, _)| known == member) {
            let rate = read_rate(member, *kind, DollarsFor::One, value)?;
            draft.set(*kind, Some(start), rate);
        } else if member.contains("cost") {
            draft.note_not_counted(member, value);
        }
    }
    Ok(())
}

/// A member without the tier that it is of, and the input tokens above which that is.
fn split_tier(member: &str) -> (&str, Option<i64>) {
    let tier = member.strip_suffix("k_tokens");
    let tier = tier.and_then(|rest| rest.rsplit_once("_above_"));
    match tier.map(|(base, thousands)| (base, thousands.parse::<u32>())) {
        Some((base, Ok(thousands))) => (base, Some(i64::from(thousands) * 1_000)),
        _ => (member, None),
    }
}

/// What an hour costs of which a million seconds cost this, rounded up.
fn of_an_hour(million_seconds: i64) -> i64 {
    let hour = (i128::from(million_seconds) * 3_600).div_euclid(1_000_000);
    let rest = (i128::from(million_seconds) * 3_600).rem_euclid(1_000_000);
    i64::try_from(hour + i128::from(rest > 0)).unwrap_or(i64::MAX)
}

/// The name that most give to a provider which `LiteLLM` divides by how it is called.
fn usual_name(provider: &str) -> &str {
    match provider {
        "azure_ai" | "azure_text" => "azure",
        "bedrock_converse" | "bedrock_mantle" => "bedrock",
        "cohere_chat" => "cohere",
        "codestral" | "text-completion-codestral" => "mistral",
        "text-completion-openai" => "openai",
        _ if provider.starts_with("vertex_ai") => "vertex_ai",
        _ if provider.starts_with("fireworks_ai") => "fireworks_ai",
        _ => provider,
    }
}

/// A model's name without the provider's before it.
fn model_of<'n>(name: &'n str, provider: &str) -> &'n str {
    match name.split_once('/') {
        Some((first, rest)) if first == provider || first == usual_name(provider) => rest,
        _ => name,
    }
}

/// Whether part of a name is how large a picture is: `1024-x-1024`.
fn is_size(part: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    part.split_once("-x-")
        .is_some_and(|(width, height)| number(width) && number(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `packaging/prices/litellm_fixture.py` chooses them.
    const SOME: &str = include_str!("../../../../tests/fixtures/prices/litellm.json");

    fn rates(imported: &Imported, provider: &str, model: &str) -> Vec<(&'static str, i64)> {
        let mut entries = imported.entries.iter();
        let entry = entries.find(|entry| entry.provider == provider && entry.model == model);
        let Some(entry) = entry else {
            panic!("no {provider} {model}")
        };
        let rates = entry.rates.iter();
        let base = rates.map(|(kind, rate)| (kind.name(), rate));
        let tiers = entry.above.iter().flat_map(|(start, rates)| {
            let rates = rates.iter().map(|(kind, rate)| (kind.name(), rate));
            std::iter::once(("above", *start)).chain(rates)
        });
        base.chain(tiers).collect()
    }

    #[test]
    fn what_litellm_publishes_is_taken_or_reported() {
        let imported = import(SOME).unwrap();
        let all: Map<String, Value> = serde_json::from_str(SOME).unwrap();
        assert_eq!(imported.entries.len() + imported.left_out.len(), all.len());
        assert!(imported.entries.len() >= 30, "{:?}", imported.left_out);
        let left_out = |name: &str| {
            let mut found = imported.left_out.iter().filter(|(known, _)| known == name);
            found.next().map(|(_, why)| why.as_str())
        };
        assert_eq!(left_out(SPEC), Some("says what the others may have"));
        assert!(
            imported
                .not_counted
                .contains_key("input_cost_per_token_batches")
        );
        let whisper = rates(&imported, "openai", "whisper-1");
        assert_eq!(whisper, [("audio_hour", 360_000_000)]);
        let speech = rates(&imported, "openai", "tts-1");
        assert_eq!(speech, [("input_character", 15_000_000_000)]);
    }

    fn one(name: &str, members: &str) -> Imported {
        import(&format!("{{{name:?}:{{{members}}}}}")).unwrap()
    }

    #[test]
    fn prices_of_one_token_become_those_of_a_million_digit_by_digit() {
        let members = r#""litellm_provider":"vertex_ai-language-models","mode":"chat","max_output_tokens":65535,
            "input_cost_per_token":3e-07,"cache_read_input_token_cost":7.500000000000001e-08,
            "cache_creation_input_token_cost":0.00000125,"cache_creation_input_token_cost_above_1hr":2E-6,
            "output_cost_per_token":2.5e-06,"input_cost_per_token_above_200k_tokens":6e-07,
            "cache_creation_input_token_cost_above_1hr_above_200k_tokens":4e-06,
            "input_cost_per_token_batches":1e-07,"supports_vision":true,"new_member":{"a":[1]},
            "search_context_cost_per_query":{"low":0.005,"high":0.014}"#;
        let imported = one("vertex_ai/gemini-9", members);
        assert_eq!(
            rates(&imported, "vertex_ai", "gemini-9"),
            [
                ("input", 300_000_000),
                ("cached_input", 75_000_001),
                ("cache_write", 1_250_000_000),
                ("cache_write_1h", 2_000_000_000),
                ("output", 2_500_000_000),
                ("web_search", 14_000_000_000_000),
                ("above", 200_000),
                ("input", 600_000_000),
                ("cache_write_1h", 4_000_000_000),
            ]
        );
        assert_eq!(imported.entries[0].greatest_output, Some(65_535));
        let not_counted: Vec<_> = imported.not_counted.into_iter().collect();
        assert_eq!(
            not_counted,
            [("input_cost_per_token_batches".to_owned(), 1)]
        );
    }

    #[test]
    fn ranges_of_input_become_tiers() {
        let members = r#""litellm_provider":"dashscope","tiered_pricing":[
            {"range":[0,32000.0],"input_cost_per_token":1e-06,"output_cost_per_token":2e-06},
            {"range":[32000.0,1e6],"input_cost_per_token":3e-06}]"#;
        let imported = one("dashscope/qwen", members);
        let expected = [
            ("input", 1_000_000_000),
            ("output", 2_000_000_000),
            ("above", 32_000),
            ("input", 3_000_000_000),
        ];
        assert_eq!(rates(&imported, "dashscope", "qwen"), expected);
    }

    #[test]
    fn what_has_a_rate_for_pictures_alone_costs_that_for_all_tokens() {
        let members = r#""litellm_provider":"azure","output_cost_per_image_token":4e-05"#;
        let expected = [("output", 40_000_000_000), ("image_output", 40_000_000_000)];
        let imported = one("azure/gpt-image-1", members);
        assert_eq!(rates(&imported, "azure", "gpt-image-1"), expected);
    }

    #[test]
    fn what_has_no_price_that_counts_is_left_out_with_a_reason() {
        for (name, members, why) in [
            ("a", r#""mode":"chat""#, "has no litellm_provider"),
            ("a", r#""litellm_provider":"x""#, "has no price"),
            (
                "a",
                r#""litellm_provider":"x","output_cost_per_token":0.0,"input_cost_per_pixel":4e-08"#,
                "costs only what is not counted: input_cost_per_pixel",
            ),
            (
                "a",
                r#""litellm_provider":"x","input_cost_per_token":"1e-6""#,
                "input_cost_per_token is no number",
            ),
            (
                "a",
                r#""litellm_provider":"x","input_cost_per_token":-1"#,
                "input_cost_per_token must be 0 or more",
            ),
            (
                "hd/1024-x-1792/a",
                r#""litellm_provider":"x","output_cost_per_image":1"#,
                "is a size of pictures, and its model is priced by it",
            ),
        ] {
            let imported = one(name, members);
            let expected = [(name.to_owned(), why.to_owned())];
            assert_eq!(imported.left_out, expected);
            assert!(imported.entries.is_empty());
        }
        let twice = r#"{"azure/a":{"litellm_provider":"azure","input_cost_per_token":1e-6},
            "azure_ai/a":{"litellm_provider":"azure_ai","input_cost_per_token":2e-6}}"#;
        let imported = import(twice).unwrap();
        let why = "is azure/a once more".to_owned();
        assert_eq!(imported.left_out, [("azure_ai/a".to_owned(), why)]);
        assert!(import("[]").is_err());
    }
}
