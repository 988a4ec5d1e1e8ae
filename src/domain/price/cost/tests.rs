//! Costs: against what genai-prices computes itself, and what holds for all of them.

use proptest::collection::vec;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Number;

use super::*;
use crate::domain::price::list::PriceList;
use crate::domain::values::number::Decimal;

/// `packaging/prices/vectors.py` writes them.
const VECTORS: &str = include_str!("../../../../tests/fixtures/prices/vectors.json");

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    provider: String,
    model: String,
    at: jiff::Timestamp,
    usage: std::collections::HashMap<String, i64>,
    dollars: String,
}

fn usage_of(counts: &std::collections::HashMap<String, i64>) -> Usage {
    let mut usage = Usage::default();
    for (name, count) in counts {
        *member(&mut usage, name) = *count;
    }
    usage
}

fn member<'u>(usage: &'u mut Usage, name: &str) -> &'u mut i64 {
    match name {
        "input_tokens" => &mut usage.input_tokens,
        "cached_input_tokens" => &mut usage.cached_input_tokens,
        "cache_write_tokens" => &mut usage.cache_write_tokens,
        "cache_write_1h_tokens" => &mut usage.cache_write_1h_tokens,
        "audio_input_tokens" => &mut usage.audio_input_tokens,
        "cached_audio_input_tokens" => &mut usage.cached_audio_input_tokens,
        "image_input_tokens" => &mut usage.image_input_tokens,
        "cached_image_input_tokens" => &mut usage.cached_image_input_tokens,
        "video_input_tokens" => &mut usage.video_input_tokens,
        "output_tokens" => &mut usage.output_tokens,
        "reasoning_tokens" => &mut usage.reasoning_tokens,
        "audio_output_tokens" => &mut usage.audio_output_tokens,
        "image_output_tokens" => &mut usage.image_output_tokens,
        "video_output_tokens" => &mut usage.video_output_tokens,
        "images" => &mut usage.images,
        "web_searches" => &mut usage.web_searches,
        "input_characters" => &mut usage.input_characters,
        "audio_milliseconds" => &mut usage.audio_milliseconds,
        other => panic!("{other}"),
    }
}

/// Dollars as nanodollars, rounded up; the package computes with sixty digits, so that a fraction that never ends is cut there.
fn up(dollars: &str) -> i64 {
    let decimal = Decimal::of(&Number::from_string_unchecked(dollars.to_owned()));
    let digits = &decimal.digits;
    let places = decimal.exponent + 9;
    if digits.is_empty() {
        return 0;
    }
    if places >= 0 {
        return digits.parse::<i64>().unwrap() * 10_i64.pow(places.try_into().unwrap());
    }
    let below = usize::try_from(-places).unwrap();
    let kept = digits.len().saturating_sub(below);
    let whole: i64 = format!("0{}", &digits[..kept]).parse().unwrap();
    whole + 1
}

#[test]
fn what_genai_prices_computes_is_what_we_compute_to_the_nanodollar() {
    let list = PriceList::embedded().unwrap();
    let Vectors { vectors } = serde_json::from_str(VECTORS).unwrap();
    assert!(vectors.len() >= 500, "{}", vectors.len());
    let mut wrong = Vec::new();
    for vector in &vectors {
        let Vector {
            provider,
            model,
            at,
            usage,
            dollars,
        } = vector;
        let found = list.find(provider, model).map(|found| {
            let cost = found.price(*at).cost(&usage_of(usage));
            cost.nanodollars()
        });
        if found != Some(up(dollars)) {
            wrong.push(format!(
                "{provider} {model} {at} {usage:?}: {found:?}, not {dollars}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

/// Rates that any price may have: those of a kind only beside its parent's.
fn rates() -> impl Strategy<Value = Rates> {
    let rate = prop_oneof![
        2 => Just(None),
        3 => (0..20_000_000_000_i64).prop_map(Some),
        1 => (0..2_000_i64).prop_map(Some),
    ];
    vec(rate, UnitKind::ALL.len()).prop_map(|all| {
        let mut rates = Rates::default();
        for (kind, rate) in UnitKind::ALL.into_iter().zip(all) {
            let has_parent = kind
                .parent()
                .is_none_or(|parent| rates.get(parent).is_some());
            if let Some(rate) = rate.filter(|_| has_parent) {
                rates.set(kind, rate);
            }
        }
        rates
    })
}

fn price() -> impl Strategy<Value = ModelPrice> {
    (rates(), vec((0..5_000_i64, rates()), 0..3))
        .prop_map(|(base, above)| ModelPrice::new(base, above))
}

/// How many units there are of each, none of them of another: text, text from a cache, …
const LEAVES: usize = 17;

fn usage_from(leaf: &[i64]) -> Usage {
    let [
        text,
        cached,
        write,
        hour,
        audio,
        cached_audio,
        image,
        cached_image,
        video,
        ref rest @ ..,
    ] = leaf[..LEAVES]
    else {
        panic!("too few");
    };
    let cached = cached + cached_audio + cached_image;
    let plain = text + write + hour + audio + image + video;
    Usage {
        input_tokens: plain + cached,
        cached_input_tokens: cached,
        cache_write_tokens: write,
        cache_write_1h_tokens: hour,
        audio_input_tokens: audio + cached_audio,
        cached_audio_input_tokens: cached_audio,
        image_input_tokens: image + cached_image,
        cached_image_input_tokens: cached_image,
        video_input_tokens: video,
        output_tokens: rest[0] + rest[1] + rest[2] + rest[3] + rest[4],
        reasoning_tokens: rest[1],
        audio_output_tokens: rest[2],
        image_output_tokens: rest[3],
        video_output_tokens: rest[4],
        input_characters: rest[5],
        audio_milliseconds: rest[6],
        images: rest[7],
        web_searches: 0,
    }
}

/// The kinds that leaves are charged as, the nearest with a rate first; sound is charged by its time beside them.
fn kinds_of(leaf: usize) -> &'static [UnitKind] {
    use UnitKind as K;
    const KINDS: [&[UnitKind]; LEAVES] = [
        &[K::Input],
        &[K::CachedInput, K::Input],
        &[K::CacheWrite, K::Input],
        &[K::CacheWrite1h, K::CacheWrite, K::Input],
        &[K::AudioInput, K::Input],
        &[K::CachedAudioInput, K::AudioInput, K::CachedInput, K::Input],
        &[K::ImageInput, K::Input],
        &[K::CachedImageInput, K::ImageInput, K::CachedInput, K::Input],
        &[K::VideoInput, K::Input],
        &[K::Output],
        &[K::Reasoning, K::Output],
        &[K::AudioOutput, K::Output],
        &[K::ImageOutput, K::Output],
        &[K::VideoOutput, K::Output],
        &[K::InputCharacter],
        &[K::AudioHour],
        &[K::Image],
    ];
    KINDS[leaf]
}

/// The exact cost in parts of a nanodollar, leaf by leaf.
fn exact(price: &ModelPrice, leaf: &[i64]) -> i128 {
    let rates = price.rates(usage_from(leaf).input_tokens);
    let each = leaf.iter().enumerate().map(|(at, units)| {
        let mut kinds = kinds_of(at).iter();
        let rate = kinds.find_map(|kind| rates.get(*kind)).unwrap_or(0);
        let parts = if at == 15 { OF_AN_HOUR } else { OF_A_MILLION };
        i128::from(*units) * i128::from(rate) * parts
    });
    let request = rates.get(UnitKind::Request).unwrap_or(0);
    each.sum::<i128>() + i128::from(request) * OF_A_MILLION
}

fn leaves() -> impl Strategy<Value = Vec<i64>> {
    vec(prop_oneof![Just(0), 0..3_i64, 0..2_000_i64], LEAVES)
}

proptest! {
    #[test]
    fn a_cost_is_the_exact_one_rounded_up(price in price(), leaf in leaves()) {
        let cost = i128::from(price.cost(&usage_from(&leaf)).nanodollars()) * PARTS;
        let exact = exact(&price, &leaf);
        prop_assert!(cost >= exact && cost < exact + PARTS, "{cost} {exact}");
    }

    #[test]
    fn one_unit_more_never_costs_less(base in rates(), leaf in leaves(), at in 0..LEAVES) {
        let price = ModelPrice::new(base, []);
        let mut more = leaf.clone();
        more[at] += 1;
        prop_assert!(price.cost(&usage_from(&more)) >= price.cost(&usage_from(&leaf)));
    }

    #[test]
    fn what_is_held_back_is_never_less_than_what_a_call_within_it_costs(
        price in price(), leaf in leaves(), input in 0..2_000_i64, output in 0..2_000_i64,
    ) {
        let usage = Usage {
            input_characters: 0, audio_milliseconds: 0, images: 0, ..usage_from(&leaf)
        };
        let estimate = price.estimate(usage.input_tokens + input, usage.output_tokens + output);
        prop_assert!(price.cost(&usage) <= estimate);
    }

    #[test]
    fn a_usage_that_contradicts_itself_has_a_cost(price in price(), counts in vec(any::<i64>(), 18)) {
        let mut usage = Usage::default();
        let names = VECTOR_NAMES.iter().zip(&counts);
        names.for_each(|(name, count)| *member(&mut usage, name) = *count);
        prop_assert!(price.cost(&usage) <= Money::MAX);
        prop_assert!(price.estimate(counts[0], counts[1]) <= Money::MAX);
    }
}

const VECTOR_NAMES: [&str; 18] = [
    "input_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "audio_input_tokens",
    "cached_audio_input_tokens",
    "image_input_tokens",
    "cached_image_input_tokens",
    "video_input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "audio_output_tokens",
    "image_output_tokens",
    "video_output_tokens",
    "images",
    "web_searches",
    "input_characters",
    "audio_milliseconds",
];
