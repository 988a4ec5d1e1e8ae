//! Upstreams, and where their keys come from.

use std::time::Duration;

use super::{load, refusal};

#[test]
fn upstreams_are_read_with_their_keys_which_nothing_shows() {
    let folder = tempfile::tempdir().unwrap();
    let key_file = folder.path().join("key");
    std::fs::write(&key_file, "sk-from-file\n").unwrap();
    let file = format!(
        "[[upstreams]]\nname = \"openai\"\napi_key_variable = \"OPENAI_API_KEY\"\n\
         [[upstreams]]\nname = \"local\"\nprovider = \"ollama\"\nbase_url = \"http://localhost:11434/v1/\"\nfree = true\n\
         api_key_file = {key_file:?}\nanswer_timeout = \"1m\"\n"
    );
    let settings = load(&file, &[("OPENAI_API_KEY", "sk-from-variable")]).unwrap();
    let [openai, local] = settings.upstreams.as_slice() else {
        panic!("{:?}", settings.upstreams);
    };
    assert_eq!(openai.base_url, "https://api.openai.com/v1");
    assert_eq!(openai.key.as_ref().unwrap().expose(), "sk-from-variable");
    assert_eq!((local.provider.as_str(), local.free), ("ollama", true));
    assert_eq!(local.base_url, "http://localhost:11434/v1");
    assert_eq!(local.key.as_ref().unwrap().expose(), "sk-from-file");
    assert_eq!(local.answer_timeout, Duration::from_mins(1));
    let debug = format!("{settings:?}");
    assert!(!debug.contains("sk-from"), "{debug}");
}

#[test]
fn mistakes_in_upstreams_name_the_upstream_and_never_the_key() {
    for (upstream, expected) in [
        ("name = \"api\"", "beginning of paths of our own"),
        ("name = \"Open AI\"", "stands in paths"),
        ("name = \"mine\"", "base_url is required"),
        (
            "name = \"mine\"\nbase_url = \"api.example.com\"",
            "expected an address",
        ),
        (
            "name = \"mine\"\nbase_url = \"https://a:b@c.example\"",
            "expected an address",
        ),
        (
            "name = \"openai\"\napi_key_variable = \"GONE\"",
            "GONE, which holds its key, is not set",
        ),
        (
            "name = \"openai\"\napi_key_file = \"/nowhere/key\"",
            "can't read the key from /nowhere/key",
        ),
        (
            "name = \"openai\"\napi_key_file = \"a\"\napi_key_variable = \"B\"",
            "has both",
        ),
        (
            "name = \"openai\"\napi_key_variable = \"TWO\"",
            "more than one word",
        ),
        (
            "name = \"openai\"\napi_key = \"sk-secret\"",
            "no setting \"upstreams.api_key\"; known: ",
        ),
        (
            "name = \"openai\"\nunmetered_paths = [\"files\"]",
            "beginning of a path",
        ),
        (
            "name = \"openai\"\nheaders = { authorization = \"x\" }",
            "is set by the program",
        ),
        (
            "name = \"openai\"\n[[upstreams]]\nname = \"openai\"",
            "two upstreams are called",
        ),
    ] {
        let text = refusal(
            &format!("[[upstreams]]\n{upstream}\n"),
            &[("TWO", "sk-one sk-two")],
        );
        assert!(text.contains(expected), "{upstream}: {text}");
        assert!(!text.contains("sk-"), "{text}");
    }
}
