//! The file of models.dev (`api.json`): providers with their models, whose prices are dollars for a million tokens.

use serde_json::{Map, Value};

use super::imported::{Imported, PriceDraft, read_count, read_rate};
use crate::domain::price::entry::PriceEntry;
use crate::domain::price::unit_kind::{DollarsFor, UnitKind};

/// What each member is a price of.
const RATES: [(&str, UnitKind); 7] = [
    ("input", UnitKind::Input),
    ("cache_read", UnitKind::CachedInput),
    ("cache_write", UnitKind::CacheWrite),
    ("input_audio", UnitKind::AudioInput),
    ("output", UnitKind::Output),
    ("reasoning", UnitKind::Reasoning),
    ("output_audio", UnitKind::AudioOutput),
];

/// Calls of more input have the prices in this member, where there is no list of tiers.
const LONG: (&str, i64) = ("context_over_200k", 200_000);
const TIERS: &str = "tiers";

/// Reads the file. Members that are no prices are ignored.
///
/// # Errors
/// A sentence, when it is no JSON object.
pub fn import(text: &str) -> Result<Imported, String> {
    let providers: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| format!("is no such file: {error}"))?;
    let mut imported = Imported::default();
    for (provider, members) in &providers {
        let Some(Value::Object(models)) = members.get("models") else {
            imported.leave_out(provider, "has no models");
            continue;
        };
        for (model, members) in models {
            let read = match members {
                Value::Object(members) => read(provider, model, members),
                _ => Err("is no object".to_owned()),
            };
            imported.add(&format!("{provider}/{model}"), read);
        }
    }
    Ok(imported)
}

fn read(
    provider: &str,
    model: &str,
    members: &Map<String, Value>,
) -> Result<(PriceEntry, PriceDraft), String> {
    let Some(Value::Object(cost)) = members.get("cost") else {
        return Err("has no price".to_owned());
    };
    let mut draft = PriceDraft::default();
    read_rates(&mut draft, None, cost)?;
    if let Some(Value::Array(tiers)) = cost.get(TIERS) {
        for tier in tiers {
            let size = tier.get("tier").and_then(Value::as_object);
            let size = size.and_then(|tier| read_count(tier, "size"));
            let (Some(rates), Some(start)) = (tier.as_object(), size) else {
                return Err("has a tier without a size".to_owned());
            };
            read_rates(&mut draft, Some(start), rates)?;
        }
    } else if let Some(Value::Object(rates)) = cost.get(LONG.0) {
        read_rates(&mut draft, Some(LONG.1), rates)?;
    }
    let limit = members.get("limit").and_then(Value::as_object);
    let most = limit.and_then(|limit| read_count(limit, "output"));
    draft.finish(provider, model, most)
}

fn read_rates(
    draft: &mut PriceDraft,
    above: Option<i64>,
    members: &Map<String, Value>,
) -> Result<(), String> {
    for (member, value) in members {
        if let Some((_, kind)) = RATES.iter().find(|(known, _)| known == member) {
            let rate = read_rate(member, *kind, DollarsFor::Million, value)?;
            draft.set(*kind, above, rate);
        } else if ![LONG.0, TIERS, "tier"].contains(&member.as_str()) {
            draft.note_not_counted(member, value);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: &str = r#"{
        "one": {"id": "one", "npm": "x", "models": {
            "long": {"id": "long", "cost": {"input": 1.25, "output": 10, "cache_read": 0.125, "new": 1,
                "context_over_200k": {"input": 2.5},
                "tiers": [{"input": 2.5, "output": 15, "tier": {"type": "context", "size": 272000}}]},
                "limit": {"context": 1000000, "output": 65536}},
            "older": {"cost": {"input": 3e-1, "output": 0.0, "input_audio": 1, "context_over_200k": {"input": 0.6}}},
            "free": {"cost": {"input": 0, "output": 0}},
            "silent": {"limit": {"output": 4096}},
            "half": {"cost": {"cache_read": 1}},
            "none": 1
        }},
        "two": {}
    }"#;

    #[test]
    fn what_models_dev_publishes_is_taken_or_reported() {
        let imported = import(SOME).unwrap();
        let rates = |rates: &crate::domain::price::rates::Rates| {
            let all = rates
                .iter()
                .map(|(kind, rate)| format!("{} {rate}", kind.name()));
            all.collect::<Vec<_>>().join(", ")
        };
        let entries: Vec<_> = imported
            .entries
            .iter()
            .map(|entry| {
                let above = entry.above.iter();
                let above = above.map(|(start, tier)| format!(" | {start}: {}", rates(tier)));
                let above: String = above.collect();
                format!(
                    "{}/{}: {}{above}",
                    entry.provider,
                    entry.model,
                    rates(&entry.rates)
                )
            })
            .collect();
        assert_eq!(
            entries,
            [
                "one/free: input 0, output 0",
                "one/long: input 1250000000, cached_input 125000000, output 10000000000 | 272000: input 2500000000, output 15000000000",
                "one/older: input 300000000, audio_input 1000000000, output 0 | 200000: input 600000000",
            ]
        );
        assert_eq!(imported.entries[1].greatest_output, Some(65_536));
        let left_out: Vec<_> = imported
            .left_out
            .iter()
            .map(|(name, why)| format!("{name}: {why}"))
            .collect();
        assert_eq!(
            left_out,
            [
                "one/half: rates has cached_input without input, which it is some of",
                "one/none: is no object",
                "one/silent: has no price",
                "two: has no models",
            ]
        );
        assert_eq!(imported.not_counted.get("new"), Some(&1));
    }
}
