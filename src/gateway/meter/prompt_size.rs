//! How many tokens a prompt has: rather more than there will be, because room is held for them before the provider has counted.
//!
//! **The rule.** Every name and every text of the body counts, whatever member it stands in, so that no text can hide: an ASCII byte is a
//! third of a token and any other byte a half, each text at least one token; a number is one, because prompts may be lists of tokens.
//! Pictures, sound, films and files don't count as text but as [`Media`].

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::media::{Media, data_address, decoded, is_address, is_base64, is_kept};

/// The key under which `serde_json` hands over a number that is no small integer (feature `arbitrary_precision`).
const NUMBER_TOKEN: &str = "$serde_json::private::Number";
/// What one token weighs: a third of it is 2, a half of it is 3.
const TOKEN: u64 = 6;

/// The size of a prompt while it is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PromptSize {
    weight: u64,
    media_tokens: u64,
    names_kept_file: bool,
}

impl PromptSize {
    /// Whether it names a file that the provider keeps.
    pub fn names_kept_file(self) -> bool {
        self.names_kept_file
    }

    /// Tokens, rounded up.
    pub fn tokens(self) -> i64 {
        let tokens = self
            .weight
            .div_ceil(TOKEN)
            .saturating_add(self.media_tokens);
        i64::try_from(tokens).unwrap_or(i64::MAX)
    }

    /// Counts a text.
    pub fn add_text(&mut self, text: &str) {
        let all = text.len() as u64;
        let ascii = text.bytes().filter(u8::is_ascii).count() as u64;
        let weight = 2 * ascii + 3 * (all - ascii);
        self.weight += if all == 0 { 0 } else { weight.max(TOKEN) };
    }

    /// Counts bytes of something that is not text.
    pub fn add_media(&mut self, media: Media, bytes: u64) {
        self.media_tokens = self.media_tokens.saturating_add(media.tokens(bytes));
    }

    fn add_named(&mut self, media: Media, count: u64) {
        let tokens = media.named().saturating_mul(count);
        self.media_tokens = self.media_tokens.saturating_add(tokens);
    }

    /// Counts a JSON value that stands under a name in the outermost object.
    ///
    /// # Errors
    /// Those of the syntax, and values that are nested too deep.
    pub fn add_value(&mut self, name: &str, value: &str) -> serde_json::Result<()> {
        let name = match (name, NameClass::of(name)) {
            // In the outermost object it is the prompt itself, but for what the caller keeps with a call.
            ("metadata", class) => class,
            (_, NameClass::ToolValue) => NameClass::Other,
            (_, class) => class,
        };
        let seed = Sizer {
            size: self,
            name,
            holder: NameClass::Other,
            hint: None,
        };
        let told = seed.deserialize(&mut serde_json::Deserializer::from_str(value))?;
        self.add_named(Media::File, told.named);
        Ok(())
    }
}

/// What the name of a member says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NameClass {
    /// A number that `serde_json` wraps.
    Number,
    /// Bytes as base64, where the object around it is one of media.
    Data,
    /// Of which type those bytes are.
    MediaType,
    /// What the object around it is.
    BlockType,
    /// An address, where the object around it is one of media.
    Address,
    /// A picture, or its address.
    Picture,
    /// A document, or its address.
    Document,
    /// The id of a file that the provider keeps.
    FileId,
    /// The address of a file, which the provider may keep itself.
    FileAddress,
    /// An object of media.
    Source,
    /// An object of sound.
    Sound,
    /// What tools take or give, which models read as text, whatever is in it.
    ToolValue,
    /// Anything else.
    Other,
}

impl NameClass {
    fn of(name: &str) -> Self {
        match name {
            NUMBER_TOKEN => Self::Number,
            "data" => Self::Data,
            "media_type" | "mimeType" | "mime_type" | "format" => Self::MediaType,
            "type" => Self::BlockType,
            "url" => Self::Address,
            "image_url" | "image" | "images" | "mask" => Self::Picture,
            "file_data" | "file_url" => Self::Document,
            "file_id" => Self::FileId,
            "fileUri" | "file_uri" => Self::FileAddress,
            "source" | "inlineData" | "inline_data" | "fileData" => Self::Source,
            "input_audio" | "audio" => Self::Sound,
            "input" | "args" | "arguments" | "parameters" | "input_schema" | "schema"
            | "response" | "functionResponse" | "metadata" => Self::ToolValue,
            _ => Self::Other,
        }
    }

    fn holds_media(self) -> bool {
        matches!(self, Self::Source | Self::Sound | Self::Picture)
    }

    /// What media under this name is where nothing says it.
    fn media(self) -> Media {
        match self {
            Self::Sound => Media::Audio,
            Self::Picture => Media::Image,
            _ => Media::File,
        }
    }
}

/// Reads a name for what it says of its value.
struct NameSeed<'s>(&'s mut PromptSize);

impl<'de> DeserializeSeed<'de> for NameSeed<'_> {
    type Value = NameClass;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<NameClass, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for NameSeed<'_> {
    type Value = NameClass;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<NameClass, E> {
        let class = NameClass::of(name);
        if class != NameClass::Number {
            self.0.add_text(name);
        }
        Ok(class)
    }
}

/// Reads a value for its size.
struct Sizer<'s> {
    size: &'s mut PromptSize,
    /// What its own name says; elements of a list have that of the list.
    name: NameClass,
    /// What the name of the object around it says.
    holder: NameClass,
    /// What the object around that one says it is.
    hint: Option<Media>,
}

/// What a member tells the object around it.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    /// Bytes of media, which count once it is known of which kind they are.
    bytes: Option<u64>,
    /// Of which kind.
    media: Option<Media>,
    /// How many things are named that count once it is known of which kind they are.
    named: u64,
}

impl Sizer<'_> {
    fn text(&mut self, text: &str) -> Told {
        let own = self.name.media();
        let mut told = Told::default();
        match self.name {
            NameClass::Data if self.holder.holds_media() && is_base64(text) => {
                told.bytes = Some(decoded(text));
            }
            NameClass::MediaType => {
                told.media = Some(Media::of_type(text));
                self.size.add_text(text);
            }
            NameClass::BlockType => {
                told.media = Media::of_block(text);
                self.size.add_text(text);
            }
            NameClass::Picture | NameClass::Document => self.media(own, text),
            NameClass::Address if self.holder == NameClass::Source && is_address(text) => {
                told.named = 1;
            }
            NameClass::Address if self.holder.holds_media() => {
                self.media(self.holder.media(), text);
            }
            NameClass::FileId | NameClass::FileAddress => {
                told.named = 1;
                self.size.names_kept_file |= self.name == NameClass::FileId || is_kept(text);
            }
            _ => self.size.add_text(text),
        }
        told
    }

    /// Counts what is a picture or file by its name: bytes or an address; anything else is text.
    fn media(&mut self, media: Media, text: &str) {
        if let Some((kind, base64)) = data_address(text) {
            self.size.add_media(Media::of_type(kind), decoded(base64));
        } else if is_address(text) {
            self.size.add_named(media, 1);
        } else if is_base64(text) {
            self.size.add_media(media, decoded(text));
        } else {
            self.size.add_text(text);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Sizer<'_> {
    type Value = Told;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Told, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Sizer<'_> {
    type Value = Told;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Told, E> {
        Ok(Told::default())
    }

    fn visit_unit<E>(self) -> Result<Told, E> {
        Ok(Told::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Told, E> {
        self.size.weight += TOKEN;
        Ok(Told::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Told, E> {
        self.size.weight += TOKEN;
        Ok(Told::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Told, E> {
        self.size.weight += TOKEN;
        Ok(Told::default())
    }

    fn visit_str<E>(mut self, text: &str) -> Result<Told, E> {
        Ok(self.text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Told, A::Error> {
        let Sizer {
            size,
            name,
            holder,
            hint,
        } = self;
        let mut told = Told::default();
        loop {
            let size = &mut *size;
            let element = Sizer {
                size,
                name,
                holder,
                hint,
            };
            match list.next_element_seed(element)? {
                Some(element) => told.named += element.named,
                None => return Ok(told),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Told, A::Error> {
        let size = self.size;
        let mut told = Told::default();
        while let Some(name) = map.next_key_seed(NameSeed(&mut *size))? {
            let name = match self.name {
                NameClass::ToolValue => NameClass::ToolValue,
                _ => name,
            };
            let value = map.next_value_seed(Sizer {
                size: &mut *size,
                name,
                holder: self.name,
                hint: told.media.or(self.hint),
            })?;
            told.bytes = told.bytes.max(value.bytes);
            told.media = value.media.or(told.media);
            told.named += value.named;
        }
        let media = told.media.or(self.hint);
        if let Some(bytes) = told.bytes {
            size.add_media(media.unwrap_or(self.name.media()), bytes);
        }
        // Members come in any order, so what they are may be said further out and later.
        let named = match media {
            Some(media) => {
                size.add_named(media, told.named);
                0
            }
            None => told.named,
        };
        Ok(Told {
            named,
            ..Told::default()
        })
    }
}
