//! What a call used, as its provider reports it, in the units that prices are told in.

/// What one call used. Tokens of `input` and `output` are all there were; the members beside them say how many of these were of a kind
/// that has a price of its own, and never more than there are in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input tokens, those read from and written to a cache among them.
    pub input_tokens: i64,
    /// Of these, read from a cache.
    pub cached_input_tokens: i64,
    /// Of these, written to a cache that lasts five minutes, or as long as the provider likes.
    pub cache_write_tokens: i64,
    /// Of these, written to a cache that lasts an hour.
    pub cache_write_1h_tokens: i64,
    /// Of the input tokens, those of sound, cached ones among them.
    pub audio_input_tokens: i64,
    /// Of these, read from a cache.
    pub cached_audio_input_tokens: i64,
    /// Output tokens, those of reasoning and of sound among them.
    pub output_tokens: i64,
    /// Of these, reasoning.
    pub reasoning_tokens: i64,
    /// Of the output tokens, those of sound.
    pub audio_output_tokens: i64,
    /// Of the input tokens, those of pictures, where the provider tells them apart.
    pub image_input_tokens: i64,
    /// Of these, read from a cache.
    pub cached_image_input_tokens: i64,
    /// Of the input tokens, those of films, where the provider tells them apart.
    pub video_input_tokens: i64,
    /// Of the output tokens, those of pictures.
    pub image_output_tokens: i64,
    /// Of the output tokens, those of films.
    pub video_output_tokens: i64,
    /// Pictures made, where they are counted instead of tokens.
    pub images: i64,
    /// Searches of the web that the provider made for it.
    pub web_searches: i64,
    /// Characters read aloud, where they are counted instead of tokens.
    pub input_characters: i64,
    /// Milliseconds of sound read or made, where time is counted instead of tokens.
    pub audio_milliseconds: i64,
}

impl Usage {
    /// Every count that is not 0, by its name.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, i64)> + use<> {
        let Self {
            input_tokens,
            cached_input_tokens,
            cache_write_tokens,
            cache_write_1h_tokens,
            audio_input_tokens,
            cached_audio_input_tokens,
            output_tokens,
            reasoning_tokens,
            audio_output_tokens,
            image_input_tokens,
            cached_image_input_tokens,
            video_input_tokens,
            image_output_tokens,
            video_output_tokens,
            images,
            web_searches,
            input_characters,
            audio_milliseconds,
        } = *self;
        let all = [
            ("input_tokens", input_tokens),
            ("cached_input_tokens", cached_input_tokens),
            ("cache_write_tokens", cache_write_tokens),
            ("cache_write_1h_tokens", cache_write_1h_tokens),
            ("audio_input_tokens", audio_input_tokens),
            ("cached_audio_input_tokens", cached_audio_input_tokens),
            ("output_tokens", output_tokens),
            ("reasoning_tokens", reasoning_tokens),
            ("audio_output_tokens", audio_output_tokens),
            ("image_input_tokens", image_input_tokens),
            ("cached_image_input_tokens", cached_image_input_tokens),
            ("video_input_tokens", video_input_tokens),
            ("image_output_tokens", image_output_tokens),
            ("video_output_tokens", video_output_tokens),
            ("images", images),
            ("web_searches", web_searches),
            ("input_characters", input_characters),
            ("audio_milliseconds", audio_milliseconds),
        ];
        all.into_iter().filter(|(_, count)| *count != 0)
    }

    /// Input and output tokens together.
    pub fn total_tokens(&self) -> i64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}
