//! What a call cost, and what it may cost before it is made, in whole nanodollars, rounded up once.

use super::model_price::ModelPrice;
use super::rates::Rates;
use super::unit_kind::UnitKind;
use super::usage::Usage;
use crate::domain::values::money::Money;
use crate::domain::values::number::MAX_COUNT;

/// Rates are for a million units, those of sound for as many milliseconds as an hour has: the least that both are parts of.
const PARTS: i128 = 18_000_000;
/// What a unit counts for whose rate is for a million.
const OF_A_MILLION: i128 = PARTS / 1_000_000;
/// What a millisecond counts for.
const OF_AN_HOUR: i128 = PARTS / 3_600_000;

impl ModelPrice {
    /// What a call of this usage cost, rounded up to the nanodollar once. Counts below zero are none. Where the usage contradicts itself,
    /// having more of a kind than there is in all, every count is charged for.
    pub fn cost(&self, usage: &Usage) -> Money {
        let rates = self.rates(usage.input_tokens);
        let units = Units { rates, sum: 0 };
        let sum = units.input(usage).output(usage).others(usage);
        rounded_up(sum.time(usage, self.least_audio_milliseconds).sum)
    }

    /// The most that a call may cost of at most so many tokens of input and output, whatever kinds they are of: no less than the cost of any
    /// usage within these bounds. What is not counted in tokens is not in it, but for the call itself.
    pub fn estimate(&self, input_tokens: i64, output_tokens: i64) -> Money {
        let reached = self.tiers().iter().filter(|tier| input_tokens > tier.above);
        // A lower tier may be dearer, and the input may turn out to be less.
        let reached = reached.map(|tier| &tier.rates);
        let mut dearest = Dearest::default();
        for rates in std::iter::once(&self.base).chain(reached) {
            for (kind, rate) in rates.iter() {
                let of_kind = match kind.tokens() {
                    Some(UnitKind::Input) => &mut dearest.input,
                    Some(_) => &mut dearest.output,
                    None if kind == UnitKind::Request => &mut dearest.request,
                    None => continue,
                };
                *of_kind = rate.max(*of_kind);
            }
        }
        let input = product(input_tokens, dearest.input);
        let output = product(output_tokens, dearest.output);
        rounded_up((input + output + product(1, dearest.request)) * OF_A_MILLION)
    }
}

/// Highest rates.
#[derive(Default)]
struct Dearest {
    input: i64,
    output: i64,
    request: i64,
}

/// A sum of units times their rates, in parts of a nanodollar.
struct Units<'r> {
    rates: &'r Rates,
    sum: i128,
}

impl Units<'_> {
    /// Charges for what is left of so many units of a kind without those that are charged for as another. Nothing for a kind that has no
    /// rate. Answers how many of them, and of those others, are charged for.
    fn charge(&mut self, kind: UnitKind, all: i64, charged: i64) -> i64 {
        let Some(rate) = self.rates.get(kind) else {
            return charged;
        };
        let left = count(all).saturating_sub(charged).max(0);
        self.sum += product(left, rate) * OF_A_MILLION;
        left + charged
    }

    fn input(mut self, usage: &Usage) -> Self {
        use UnitKind as K;
        let cached_audio = self.charge(K::CachedAudioInput, usage.cached_audio_input_tokens, 0);
        let cached_image = self.charge(K::CachedImageInput, usage.cached_image_input_tokens, 0);
        let both = cached_audio + cached_image;
        let cached = self.charge(K::CachedInput, usage.cached_input_tokens, both);
        let hour = self.charge(K::CacheWrite1h, usage.cache_write_1h_tokens, 0);
        let writes = count(usage.cache_write_tokens) + count(usage.cache_write_1h_tokens);
        let written = self.charge(K::CacheWrite, writes, hour);
        let audio = self.charge(K::AudioInput, usage.audio_input_tokens, cached_audio);
        let image = self.charge(K::ImageInput, usage.image_input_tokens, cached_image);
        let video = self.charge(K::VideoInput, usage.video_input_tokens, 0);
        // What is cached of sound and pictures is in two of these.
        let kinds = cached + written + audio + image + video - both;
        self.charge(K::Input, usage.input_tokens, kinds);
        self
    }

    fn output(mut self, usage: &Usage) -> Self {
        use UnitKind as K;
        let kinds = [
            (K::Reasoning, usage.reasoning_tokens),
            (K::AudioOutput, usage.audio_output_tokens),
            (K::ImageOutput, usage.image_output_tokens),
            (K::VideoOutput, usage.video_output_tokens),
        ]
        .map(|(kind, tokens)| self.charge(kind, tokens, 0));
        self.charge(K::Output, usage.output_tokens, kinds.iter().sum());
        self
    }

    fn others(mut self, usage: &Usage) -> Self {
        use UnitKind as K;
        for (kind, units) in [
            (K::InputCharacter, usage.input_characters),
            (K::Image, usage.images),
            (K::WebSearch, usage.web_searches),
            (K::Request, 1),
        ] {
            self.charge(kind, units, 0);
        }
        self
    }

    fn time(mut self, usage: &Usage, least: i64) -> Self {
        if usage.audio_milliseconds > 0
            && let Some(rate) = self.rates.get(UnitKind::AudioHour)
        {
            self.sum += product(usage.audio_milliseconds.max(least), rate) * OF_AN_HOUR;
        }
        self
    }
}

/// How many there are: none where a provider says less than none, and no more than every client can count.
fn count(units: i64) -> i64 {
    units.clamp(0, MAX_COUNT)
}

fn product(units: i64, rate: i64) -> i128 {
    i128::from(count(units)) * i128::from(rate)
}

fn rounded_up(parts: i128) -> Money {
    let nanodollars = parts / PARTS + i128::from(parts % PARTS > 0);
    Money::nearest(i64::try_from(nanodollars).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
