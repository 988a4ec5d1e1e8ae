//! Units that calls are charged by.

use serde::Deserialize;

/// What calls are charged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitKind {
    /// Tokens of the input that nothing below has a rate for.
    Input,
    /// Of them, those read from a cache.
    CachedInput,
    /// Of them, those written to a cache.
    CacheWrite,
    /// Of these, those written to one that lasts an hour.
    #[serde(rename = "cache_write_1h")]
    CacheWrite1h,
    /// Of the input, tokens of sound.
    AudioInput,
    /// Of these, those read from a cache.
    CachedAudioInput,
    /// Of the input, tokens of pictures.
    ImageInput,
    /// Of these, those read from a cache.
    CachedImageInput,
    /// Of the input, tokens of films.
    VideoInput,
    /// Tokens of the output that nothing below has a rate for.
    Output,
    /// Of them, those of reasoning.
    Reasoning,
    /// Of them, those of sound.
    AudioOutput,
    /// Of them, those of pictures.
    ImageOutput,
    /// Of them, those of films.
    VideoOutput,
    /// Characters read aloud.
    InputCharacter,
    /// Sound read or made, by the time it lasts.
    AudioHour,
    /// Pictures made.
    Image,
    /// Searches of the web.
    WebSearch,
    /// The call itself.
    Request,
}

/// How many units the dollars are for that an operator writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DollarsFor {
    /// A million: tokens and characters.
    Million,
    /// One: pictures, searches, calls.
    One,
    /// An hour of sound.
    Hour,
}

impl UnitKind {
    /// Each once, parents before what is of them.
    pub const ALL: [Self; 19] = [
        Self::Input,
        Self::CachedInput,
        Self::CacheWrite,
        Self::CacheWrite1h,
        Self::AudioInput,
        Self::CachedAudioInput,
        Self::ImageInput,
        Self::CachedImageInput,
        Self::VideoInput,
        Self::Output,
        Self::Reasoning,
        Self::AudioOutput,
        Self::ImageOutput,
        Self::VideoOutput,
        Self::InputCharacter,
        Self::AudioHour,
        Self::Image,
        Self::WebSearch,
        Self::Request,
    ];

    /// Its name in the list, in files and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::CachedInput => "cached_input",
            Self::CacheWrite => "cache_write",
            Self::CacheWrite1h => "cache_write_1h",
            Self::AudioInput => "audio_input",
            Self::CachedAudioInput => "cached_audio_input",
            Self::ImageInput => "image_input",
            Self::CachedImageInput => "cached_image_input",
            Self::VideoInput => "video_input",
            Self::Output => "output",
            Self::Reasoning => "reasoning",
            Self::AudioOutput => "audio_output",
            Self::ImageOutput => "image_output",
            Self::VideoOutput => "video_output",
            Self::InputCharacter => "input_character",
            Self::AudioHour => "audio_hour",
            Self::Image => "image",
            Self::WebSearch => "web_search",
            Self::Request => "request",
        }
    }

    /// What is said of its rate to who writes one.
    pub fn about(self) -> &'static str {
        match self {
            Self::Input => "Dollars for a million input tokens.",
            Self::CachedInput => "The same of those read from a cache; left out: as input.",
            Self::CacheWrite => "The same of those written to a cache; left out: as input.",
            Self::CacheWrite1h => {
                "The same of those written to one that lasts an hour; left out: as cache_write."
            }
            Self::AudioInput => "The same of those of sound; left out: as input.",
            Self::CachedAudioInput => {
                "The same of those of sound read from a cache; left out: as the dearer of audio_input and cached_input."
            }
            Self::ImageInput => "The same of those of pictures; left out: as input.",
            Self::CachedImageInput => {
                "The same of those of pictures read from a cache; left out: as the dearer of image_input and cached_input."
            }
            Self::VideoInput => "The same of those of films; left out: as input.",
            Self::Output => "Dollars for a million output tokens.",
            Self::Reasoning => "The same of those of reasoning; left out: as output.",
            Self::AudioOutput => "The same of those of sound; left out: as output.",
            Self::ImageOutput => "The same of those of pictures; left out: as output.",
            Self::VideoOutput => "The same of those of films; left out: as output.",
            Self::InputCharacter => "Dollars for a million characters read aloud.",
            Self::AudioHour => "Dollars for an hour of sound.",
            Self::Image => "Dollars for a picture made.",
            Self::WebSearch => "Dollars for a search of the web.",
            Self::Request => "Dollars for the call itself.",
        }
    }

    /// What units of this kind are some of.
    pub fn parent(self) -> Option<Self> {
        match self {
            Self::CachedInput
            | Self::CacheWrite
            | Self::AudioInput
            | Self::ImageInput
            | Self::VideoInput => Some(Self::Input),
            Self::CacheWrite1h => Some(Self::CacheWrite),
            Self::CachedAudioInput => Some(Self::AudioInput),
            Self::CachedImageInput => Some(Self::ImageInput),
            Self::Reasoning | Self::AudioOutput | Self::ImageOutput | Self::VideoOutput => {
                Some(Self::Output)
            }
            _ => None,
        }
    }

    /// Input or output tokens, if units of this kind are some.
    pub fn tokens(self) -> Option<Self> {
        match self {
            Self::Input | Self::Output => Some(self),
            _ => self.parent()?.tokens(),
        }
    }

    /// How many units the dollars are for that an operator writes.
    pub fn dollars_for(self) -> DollarsFor {
        match self {
            Self::AudioHour => DollarsFor::Hour,
            Self::Image | Self::WebSearch | Self::Request => DollarsFor::One,
            _ => DollarsFor::Million,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_known_by_its_name_and_has_its_parent_before_it() {
        for (at, kind) in UnitKind::ALL.into_iter().enumerate() {
            let named: UnitKind = serde_json::from_value(kind.name().into()).unwrap();
            assert_eq!(named, kind);
            let place = kind.parent().map(|parent| {
                let mut all = UnitKind::ALL.into_iter();
                all.position(|known| known == parent).unwrap()
            });
            assert!(place.is_none_or(|place| place < at));
        }
    }
}
