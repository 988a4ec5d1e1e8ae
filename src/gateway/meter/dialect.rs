//! The dialects of providers, and the endpoints of their APIs that calls are metered on.

/// How a request, an answer, a refusal and a usage report look on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `OpenAI`, and the many that speak as it does.
    OpenAi,
    /// Anthropic.
    Anthropic,
    /// Google's Gemini.
    Gemini,
}

/// What a provider's API is asked to do. Nothing else is carried, because nothing else can be metered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `POST chat/completions`
    ChatCompletions,
    /// `POST completions`
    Completions,
    /// `POST responses`
    Responses,
    /// `POST embeddings`
    Embeddings,
    /// `POST images/generations`
    ImageGenerations,
    /// `POST images/edits`
    ImageEdits,
    /// `POST images/variations`
    ImageVariations,
    /// `POST audio/speech`
    Speech,
    /// `POST audio/transcriptions`
    Transcriptions,
    /// `POST audio/translations`
    Translations,
    /// `POST moderations`
    Moderations,
    /// `POST rerank`
    Rerank,
    /// `GET models`
    ListModels,
    /// `GET models/{model}`
    GetModel,
    /// `POST messages`
    Messages,
    /// `POST messages/count_tokens`
    CountMessageTokens,
    /// `POST models/{model}:generateContent`
    GenerateContent,
    /// `POST models/{model}:streamGenerateContent`
    StreamGenerateContent,
    /// `POST models/{model}:countTokens`
    CountContentTokens,
    /// `POST models/{model}:embedContent`
    EmbedContent,
    /// `POST models/{model}:batchEmbedContents`
    BatchEmbedContents,
}

/// How the body of a request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyForm {
    /// There is none.
    Absent,
    /// A JSON object.
    Json,
    /// `multipart/form-data` with files; a JSON object where the content type says so.
    Multipart,
}

impl Endpoint {
    /// Every endpoint.
    pub const ALL: [Self; 21] = [
        Self::ChatCompletions,
        Self::Completions,
        Self::Responses,
        Self::Embeddings,
        Self::ImageGenerations,
        Self::ImageEdits,
        Self::ImageVariations,
        Self::Speech,
        Self::Transcriptions,
        Self::Translations,
        Self::Moderations,
        Self::Rerank,
        Self::ListModels,
        Self::GetModel,
        Self::Messages,
        Self::CountMessageTokens,
        Self::GenerateContent,
        Self::StreamGenerateContent,
        Self::CountContentTokens,
        Self::EmbedContent,
        Self::BatchEmbedContents,
    ];

    /// The dialect that it belongs to. Lists of models are there in each: the path or a header tells whose is meant.
    pub fn dialect(self) -> Dialect {
        match self {
            Self::Messages | Self::CountMessageTokens => Dialect::Anthropic,
            Self::GenerateContent
            | Self::StreamGenerateContent
            | Self::CountContentTokens
            | Self::EmbedContent
            | Self::BatchEmbedContents => Dialect::Gemini,
            _ => Dialect::OpenAi,
        }
    }

    /// Whether providers take nothing for it, so that no budget may stand in its way.
    pub fn is_free(self) -> bool {
        matches!(
            self,
            Self::ListModels
                | Self::GetModel
                | Self::CountMessageTokens
                | Self::CountContentTokens
                | Self::Moderations
        )
    }

    /// How its body is written.
    pub fn body_form(self) -> BodyForm {
        match self {
            Self::ListModels | Self::GetModel => BodyForm::Absent,
            Self::ImageEdits
            | Self::ImageVariations
            | Self::Transcriptions
            | Self::Translations => BodyForm::Multipart,
            _ => BodyForm::Json,
        }
    }

    /// Whether it answers with text that is made token by token, so that the most of it can be bounded.
    pub fn makes_text(self) -> bool {
        matches!(
            self,
            Self::ChatCompletions
                | Self::Completions
                | Self::Responses
                | Self::Messages
                | Self::GenerateContent
                | Self::StreamGenerateContent
        )
    }

    /// Whether it makes pictures.
    pub fn makes_images(self) -> bool {
        matches!(
            self,
            Self::ImageGenerations | Self::ImageEdits | Self::ImageVariations
        )
    }

    /// Whether a stream of it tells its usage only when `stream_options.include_usage` asks for it.
    pub fn tells_usage_when_asked(self) -> bool {
        matches!(self, Self::ChatCompletions | Self::Completions)
    }
}
