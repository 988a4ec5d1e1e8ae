//! Which endpoint of a provider's API a path means. Only paths that mean the same to everybody are recognised: nothing is decoded and
//! nothing is cleaned up, so no server behind us can read another path than the one that was decided on.

use super::dialect::{Dialect, Endpoint};

/// Longest path that is looked at, in bytes.
const MAX_PATH: usize = 2_048;

/// What may stand before `chat/completions` and its like, in the `OpenAI` dialect. The last is Gemini's own way to speak it.
const OPENAI_ROOTS: [&str; 3] = ["/v1/", "/openai/v1/", "/v1beta/openai/"];
/// What may stand before `models/{model}:generateContent`.
const GEMINI_ROOTS: [&str; 3] = ["/v1beta/", "/v1alpha/", "/v1/"];
/// What stands before the name of an Azure deployment.
const DEPLOYMENTS: &str = "/openai/deployments/";

/// A path that was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointPath<'p> {
    /// What is asked for.
    pub endpoint: Endpoint,
    /// In whose dialect.
    pub dialect: Dialect,
    /// The model that the path names, or the Azure deployment, as it stands there.
    pub model: Option<&'p str>,
}

impl<'p> EndpointPath<'p> {
    fn of(endpoint: Endpoint, model: Option<&'p str>) -> Self {
        Self {
            endpoint,
            dialect: endpoint.dialect(),
            model,
        }
    }
}

/// The endpoint of a method and a request target: what follows the prefix of an upstream, with its query, which is not looked at.
/// `None` for everything that is not known by exactly this path: percent-encoding, empty segments, `.` and `..`, parameters of
/// segments, other letter case and a slash at the end are never one.
pub fn recognise<'p>(method: &str, target: &'p str) -> Option<EndpointPath<'p>> {
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    if path.len() > MAX_PATH || !is_plain(path) {
        return None;
    }
    match method {
        "GET" => models(path),
        "POST" => openai(path)
            .or_else(|| anthropic(path))
            .or_else(|| gemini(path))
            .or_else(|| azure(path)),
        _ => None,
    }
}

/// Whether each segment is there, is no step up or on the spot, and holds only characters that nobody decodes: whether a path means the
/// same to everybody.
pub fn is_plain(path: &str) -> bool {
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':' | b'@')
    };
    path.strip_prefix('/').is_some_and(|rest| {
        rest.split('/').all(|segment| {
            !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(plain)
        })
    })
}

fn openai(path: &str) -> Option<EndpointPath<'_>> {
    let mut rests = OPENAI_ROOTS
        .iter()
        .filter_map(|root| path.strip_prefix(root));
    let endpoint = rests.find_map(openai_endpoint)?;
    Some(EndpointPath::of(endpoint, None))
}

fn openai_endpoint(rest: &str) -> Option<Endpoint> {
    Some(match rest {
        "chat/completions" => Endpoint::ChatCompletions,
        "completions" => Endpoint::Completions,
        "responses" => Endpoint::Responses,
        "embeddings" => Endpoint::Embeddings,
        "images/generations" => Endpoint::ImageGenerations,
        "images/edits" => Endpoint::ImageEdits,
        "images/variations" => Endpoint::ImageVariations,
        "audio/speech" => Endpoint::Speech,
        "audio/transcriptions" => Endpoint::Transcriptions,
        "audio/translations" => Endpoint::Translations,
        "moderations" => Endpoint::Moderations,
        "rerank" => Endpoint::Rerank,
        _ => return None,
    })
}

fn anthropic(path: &str) -> Option<EndpointPath<'_>> {
    let endpoint = match path {
        "/v1/messages" => Endpoint::Messages,
        "/v1/messages/count_tokens" => Endpoint::CountMessageTokens,
        _ => return None,
    };
    Some(EndpointPath::of(endpoint, None))
}

fn gemini(path: &str) -> Option<EndpointPath<'_>> {
    let mut rests = GEMINI_ROOTS
        .iter()
        .filter_map(|root| path.strip_prefix(root));
    let rest = rests.find_map(|rest| rest.strip_prefix("models/"))?;
    let (model, what) = rest.rsplit_once(':')?;
    let endpoint = match what {
        "generateContent" => Endpoint::GenerateContent,
        "streamGenerateContent" => Endpoint::StreamGenerateContent,
        "countTokens" => Endpoint::CountContentTokens,
        "embedContent" => Endpoint::EmbedContent,
        "batchEmbedContents" => Endpoint::BatchEmbedContents,
        _ => return None,
    };
    (!model.is_empty()).then(|| EndpointPath::of(endpoint, Some(model)))
}

/// Azure's deployments, which have a name of their own in the path; the same endpoints are there but for the newer ones.
fn azure(path: &str) -> Option<EndpointPath<'_>> {
    let (deployment, rest) = path.strip_prefix(DEPLOYMENTS)?.split_once('/')?;
    let endpoint = openai_endpoint(rest)?;
    let is_there = !matches!(
        endpoint,
        Endpoint::Responses | Endpoint::Moderations | Endpoint::Rerank
    );
    is_there.then(|| EndpointPath::of(endpoint, Some(deployment)))
}

fn models(path: &str) -> Option<EndpointPath<'_>> {
    let of = |root: &&str, dialect| {
        let rest = path.strip_prefix(*root)?.strip_prefix("models")?;
        let (endpoint, model) = match rest {
            "" => (Endpoint::ListModels, None),
            _ => (Endpoint::GetModel, Some(rest.strip_prefix('/')?)),
        };
        Some(EndpointPath {
            endpoint,
            dialect,
            model,
        })
    };
    let openai = OPENAI_ROOTS
        .iter()
        .find_map(|root| of(root, Dialect::OpenAi));
    // Under `/v1/`, where both have them, they are taken for those of the more common dialect.
    openai.or_else(|| {
        let mut roots = GEMINI_ROOTS.iter();
        roots.find_map(|root| of(root, Dialect::Gemini))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Case = (&'static str, &'static str, Endpoint, Option<&'static str>);

    const CASES: [Case; 25] = [
        (
            "POST",
            "/v1/chat/completions",
            Endpoint::ChatCompletions,
            None,
        ),
        ("POST", "/v1/completions", Endpoint::Completions, None),
        ("POST", "/v1/responses?a=..", Endpoint::Responses, None),
        ("POST", "/v1/embeddings", Endpoint::Embeddings, None),
        (
            "POST",
            "/v1/images/generations",
            Endpoint::ImageGenerations,
            None,
        ),
        ("POST", "/v1/images/edits", Endpoint::ImageEdits, None),
        (
            "POST",
            "/v1/images/variations",
            Endpoint::ImageVariations,
            None,
        ),
        ("POST", "/v1/audio/speech", Endpoint::Speech, None),
        (
            "POST",
            "/v1/audio/transcriptions",
            Endpoint::Transcriptions,
            None,
        ),
        (
            "POST",
            "/v1/audio/translations",
            Endpoint::Translations,
            None,
        ),
        ("POST", "/v1/moderations", Endpoint::Moderations, None),
        ("POST", "/v1/rerank", Endpoint::Rerank, None),
        ("GET", "/v1/models", Endpoint::ListModels, None),
        (
            "GET",
            "/v1/models/openai/gpt-5",
            Endpoint::GetModel,
            Some("openai/gpt-5"),
        ),
        ("POST", "/v1/messages", Endpoint::Messages, None),
        (
            "POST",
            "/v1/messages/count_tokens",
            Endpoint::CountMessageTokens,
            None,
        ),
        (
            "POST",
            "/v1beta/models/g-2.5:generateContent",
            Endpoint::GenerateContent,
            Some("g-2.5"),
        ),
        (
            "POST",
            "/v1/models/a/g:1:streamGenerateContent?alt=sse",
            Endpoint::StreamGenerateContent,
            Some("a/g:1"),
        ),
        (
            "POST",
            "/v1beta/models/g:countTokens",
            Endpoint::CountContentTokens,
            Some("g"),
        ),
        (
            "POST",
            "/v1beta/models/g:embedContent",
            Endpoint::EmbedContent,
            Some("g"),
        ),
        (
            "POST",
            "/v1alpha/models/g:batchEmbedContents",
            Endpoint::BatchEmbedContents,
            Some("g"),
        ),
        ("POST", "/openai/v1/responses", Endpoint::Responses, None),
        (
            "POST",
            "/v1beta/openai/chat/completions",
            Endpoint::ChatCompletions,
            None,
        ),
        (
            "POST",
            "/openai/deployments/gpt/chat/completions?api-version=1",
            Endpoint::ChatCompletions,
            Some("gpt"),
        ),
        (
            "GET",
            "/v1beta/models/gemini",
            Endpoint::GetModel,
            Some("gemini"),
        ),
    ];

    #[test]
    fn each_endpoint_is_known_by_its_path() {
        for (method, target, endpoint, model) in CASES {
            let found = recognise(method, target).unwrap_or_else(|| panic!("{target}"));
            assert_eq!((found.endpoint, found.model), (endpoint, model), "{target}");
        }
        for endpoint in Endpoint::ALL {
            assert!(CASES.iter().any(|case| case.2 == endpoint), "{endpoint:?}");
        }
        let gemini = recognise("GET", "/v1beta/models").unwrap();
        assert_eq!(gemini.dialect, Dialect::Gemini);
    }

    #[test]
    fn what_somebody_else_could_read_otherwise_is_no_path() {
        for target in [
            "/v1/chat%2fcompletions",
            "/v1/chat/completions%00",
            "/v1/%63hat/completions",
            "//v1/chat/completions",
            "/v1//chat/completions",
            "/v1/./chat/completions",
            "/v1/x/../chat/completions",
            "/v1/..;/v1/chat/completions",
            "/v1/chat/completions/",
            "/v1/chat/completions;a=b",
            "/v1/Chat/completions",
            "/v1/chat\\completions",
            "/v1/chat/completions#x",
            "v1/chat/completions",
            "http://host/v1/chat/completions",
            "",
            "/",
            "?/v1/chat/completions",
            "/v1/realtime",
            "/v1/files",
            "/v1/messages/batches",
            "/v1/responses/resp_1/cancel",
            "/v1beta/models/:generateContent",
            "/v1beta/models/g%2Fh:generateContent",
            "/v1beta/models/../g:generateContent",
            "/v1beta/models/g:generateContent:x",
            "/openai/deployments//chat/completions",
            "/openai/deployments/a/b/chat/completions",
            "/openai/deployments/../chat/completions",
            "/v1/chat/completions\n",
            "/v1/chät/completions",
        ] {
            assert_eq!(recognise("POST", target), None, "{target}");
        }
        for (method, target) in [
            ("GET", "/v1/chat/completions"),
            ("post", "/v1/chat/completions"),
            ("POST", "/v1/models"),
            ("DELETE", "/v1/models/m"),
            ("GET", "/v1/models/"),
            ("GET", "/v1/modelsx"),
        ] {
            assert_eq!(recognise(method, target), None, "{method} {target}");
        }
        let long = format!("/v1beta/models/{}:generateContent", "g".repeat(MAX_PATH));
        assert_eq!(recognise("POST", &long), None);
    }
}
