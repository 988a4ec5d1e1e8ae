//! Bodies that two readers could read in two ways, or that nobody can read.

/// Bodies of chats that name two models, with the one that a reader finds who takes the last.
pub const TWO_MODELS: [(&str, &str); 6] = [
    (r#"{"model":"gpt-5","model":"gpt-4o"}"#, "gpt-4o"),
    (r#"{"model":"gpt-5","mod\u0065l":"gpt-4o"}"#, "gpt-4o"),
    (r#"{"mod\u0065l":"gpt-4o","model":"gpt-5"}"#, "gpt-5"),
    (r#"{"model":null,"model":"gpt-4o"}"#, "gpt-4o"),
    (
        r#"{"model":["a"],"model":"gpt-4o","model":"gpt-5"}"#,
        "gpt-5",
    ),
    (r#"{"model":"gpt-4o","x":1,"model":"gpt-5"}"#, "gpt-5"),
];

/// Bodies of chats that name one model, `gpt-4o`, however it is written.
pub const ONE_MODEL: [&str; 4] = [
    r#"{"metadata":{"model":"gpt-5"},"model":"gpt-4o"}"#,
    r#"{"model":"gpt-4o","metadata":{"model":"gpt-5"}}"#,
    " {\"model\": \"gpt-4o\"}\r\n",
    r#"{"mod\u0065l":"gpt\u002d4o"}"#,
];

/// What stands in the place of a model and names no single one.
pub const NO_MODELS: [&str; 17] = [
    "null",
    "[\"gpt-5\"]",
    "5",
    "true",
    "{}",
    "{\"name\":\"gpt-5\"}",
    "\"\"",
    "\"  \"",
    "\"gpt-5,gpt-4o\"",
    "\"gpt-5, gpt-4o\"",
    "\"gpt\\u00005\"",
    "\"gpt\\n5\"",
    "\"gpt\\u200b5\"",
    "\"gpt\\u202e5\"",
    "\"\\ud800\"",
    "\"\\udc00x\"",
    "\"\\ufeffgpt-5\"",
];

/// Bodies that are not one JSON object, and what is said of each.
pub const NO_OBJECTS: [(&[u8], &str); 24] = [
    (b"", "not valid JSON"),
    (b"{", "not valid JSON"),
    (b"[]", "must be a JSON object"),
    (b"\"model\"", "must be a JSON object"),
    (b"null", "must be a JSON object"),
    (b"model=gpt-5", "must be a JSON object"),
    (b"--x\r\n", "must be a JSON object"),
    (b"\x1f\x8b\x08\x00", "not UTF-8"),
    (b"\xef\xbb\xbf{\"model\":\"m\"}", "byte order mark"),
    (b"\xff\xfe{\x00", "not UTF-8"),
    (b"{\"model\":\"\xff\"}", "not UTF-8"),
    (b"{\"model\":\"m\"}x", "goes on behind"),
    (b"{\"model\":\"m\"}{\"model\":\"n\"}", "goes on behind"),
    (b"{\"model\":\"m\"}\0", "goes on behind"),
    (b"{\"model\":\"m\",}", "not valid JSON"),
    (b"{model:\"m\"}", "not valid JSON"),
    (b"{'model':'m'}", "not valid JSON"),
    (b"{\"model\":\"m\"/**/}", "not valid JSON"),
    (b"{\"model\":\"m\",\"temperature\":NaN}", "not valid JSON"),
    (
        b"{\"model\":\"m\",\"temperature\":Infinity}",
        "not valid JSON",
    ),
    (b"{\"model\":\"m\",\"n\":01}", "not valid JSON"),
    (b"{\"model\":\"m\",\"x\":\"\n\"}", "not valid JSON"),
    (b"{\"model\":\"m\",\"\\ud800\":1}", "surrogates"),
    (b"{\"model\":\"m\",1:2}", "not valid JSON"),
];

/// Names of members that some servers take for others.
pub const OTHER_SPELLINGS: [&str; 12] = [
    "Model",
    "MODEL",
    "mOdel",
    "Mod\\u0065l",
    "\\u017ftream",
    "Stream",
    "Max_Tokens",
    "max_to\\u212aens",
    "N",
    "GenerationConfig",
    "Models",
    "Fallbacks",
];

/// Members that would let another model answer than the one in `model`.
pub const REROUTING: [&str; 8] = [
    "\"models\":[\"a\",\"b\"]",
    "\"models\":[]",
    "\"fallbacks\":[{\"model\":\"b\"}]",
    "\"route\":\"fallback\"",
    "\"context_window_fallback_dict\":{}",
    "\"engine\":\"b\"",
    "\"deployment_id\":\"b\"",
    "\"models\":null,\"mod\\u0065ls\":[\"b\"]",
];
