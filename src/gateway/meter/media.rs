//! What of a prompt is no text: pictures, sound, films and files. Each counts for what it may be, because nobody here looks into it.
//!
//! A picture is [`IMAGE`] tokens, whether it is sent or named; anything else that is sent counts by its bytes, and what is only named as
//! [`NAMED_FILE`], or [`NAMED_RECORDING`] for sound and films.

/// Tokens of a picture.
const IMAGE: u64 = 2_000;
/// Tokens of a file that the provider has or fetches.
const NAMED_FILE: u64 = 20_000;
/// Tokens of sound or a film that the provider has or fetches.
const NAMED_RECORDING: u64 = 100_000;
/// What is not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// A picture.
    Image,
    /// Sound: a token for 100 bytes, which is 40 a second of what is packed well.
    Audio,
    /// A film: a token for 200 bytes.
    Video,
    /// A document: a token for 20 bytes, which is 2,500 a page of 50 KB.
    File,
    /// Text in a file.
    Text,
}

impl Media {
    /// What a media type (`image/png`) or the name of a format (`wav`) stands for.
    pub fn of_type(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        match name.split('/').next().unwrap_or_default() {
            "image" => Self::Image,
            "audio" | "wav" | "mp3" | "flac" | "opus" | "pcm16" => Self::Audio,
            "video" => Self::Video,
            "text" => Self::Text,
            _ => Self::File,
        }
    }

    /// What a block of a message is, by its `type`.
    pub fn of_block(kind: &str) -> Option<Self> {
        Some(match kind {
            "image" | "image_url" | "input_image" => Self::Image,
            "audio" | "input_audio" => Self::Audio,
            "video" | "video_url" | "input_video" => Self::Video,
            "document" | "file" | "input_file" => Self::File,
            _ => return None,
        })
    }

    /// Tokens of so many bytes of it.
    pub fn tokens(self, bytes: u64) -> u64 {
        match self {
            Self::Image => IMAGE,
            Self::Audio => (bytes / 100).max(100),
            Self::Video => (bytes / 200).max(1_000),
            Self::File => (bytes / 20).max(3_000),
            Self::Text => bytes.div_ceil(2),
        }
    }

    /// Tokens of one that is only named.
    pub fn named(self) -> u64 {
        match self {
            Self::Image => IMAGE,
            Self::Audio | Self::Video => NAMED_RECORDING,
            Self::File | Self::Text => NAMED_FILE,
        }
    }
}

/// The media type and the base64 of `data:image/png;base64,…`.
pub fn data_address(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("data:")?;
    let (kind, base64) = rest.split_once(',')?;
    let kind = kind
        .strip_suffix(";base64")
        .filter(|kind| kind.len() < 200)?;
    is_base64(base64).then_some((kind, base64))
}

/// Whether a text is nothing but base64; without blanks it is no text that people write.
pub fn is_base64(text: &str) -> bool {
    text.bytes().all(|byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
    })
}

/// Bytes that a base64 text stands for.
pub fn decoded(base64: &str) -> u64 {
    base64.len() as u64 / 4 * 3
}

/// Whether a text may be the address of something that the provider has, and is not that of something that everybody could fetch: `files/…`, where
/// Gemini keeps what was sent to it before, or a bucket that its key opens.
pub fn is_kept(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    let Some((scheme, rest)) = text.split_once("://") else {
        return true;
    };
    // Everything that Google itself serves, however its host is written; others may be fetched by everybody.
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    !matches!(scheme, "http" | "https") || host.contains("googleapis") || host.contains(['%', '@'])
}

/// Whether a text is the address of something that the provider fetches.
pub fn is_address(text: &str) -> bool {
    ["https://", "http://", "gs://"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
}
