//! `tollkeeper prices …`: asks the server where there is a database, and makes none.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::process::run;

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn prices(directory: &Path, arguments: &[&str]) -> Output {
    run(directory, &[&["prices"], arguments].concat())
}

#[test]
fn what_a_model_costs_is_listed_and_shown() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("none");
    let list = printed(&prices(&data, &["list", "--provider", "OpenAI"]));
    assert!(
        list.contains("gpt-4o") && list.contains("+genai-prices-"),
        "{list}"
    );
    let json = printed(&prices(&data, &["list", "--json"]));
    let json: Value = serde_json::from_str(&json).unwrap();
    assert!(json["prices"].as_array().unwrap().len() > 2_000);
    let shown = printed(&prices(&data, &["show", "openai", "gpt-4o"]));
    assert!(
        shown.contains("$2.5 ") && shown.contains("16384 output tokens"),
        "{shown}"
    );
    let json = printed(&prices(&data, &["show", "openai", "gpt-4o", "--json"]));
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["rates"]["input"], &json["rates"]["output"]),
        (&2.5.into(), &10.into())
    );
    let unknown = prices(&data, &["show", "openai", "our-own"]);
    assert_eq!(unknown.status.code(), Some(3));
    let nobody = prices(&data, &["list", "--provider", "nobody"]);
    assert_eq!(nobody.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("anthropic"));
    assert!(!data.exists());
}

#[test]
fn a_file_of_prices_is_checked_and_another_programs_is_imported_into_one() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = file(
        "prices.toml",
        "[[price]]\nprovider = \"own\"\nmodel = \"*\"\nrates = { input = 0.1, output = \"0.25\" }\n",
    );
    assert!(printed(&prices(directory.path(), &["check", &good])).contains("1 price,"));
    let bad = file(
        "bad.toml",
        "[[price]]\nprovider = \"own\"\nmodel = \"*\"\nrates = { inputs = 0.1 }\n",
    );
    let refused = prices(directory.path(), &["check", &bad]);
    assert_eq!(refused.status.code(), Some(1));
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(
        error.contains("bad.toml") && error.contains("inputs"),
        "{error}"
    );
    let litellm = r#"{ "sample_spec": {}, "own/m": { "litellm_provider": "own", "mode": "chat", "input_cost_per_token": 3e-07,
        "output_cost_per_token": 1.5e-06, "max_output_tokens": 4096, "unheard_of": 1 }, "free-form": { "mode": "chat" } }"#;
    let litellm = file("litellm.json", litellm);
    let imported = prices(directory.path(), &["import", "litellm", &litellm]);
    assert!(String::from_utf8_lossy(&imported.stderr).contains("1 price; 2 left out"));
    let written = file("imported.json", &printed(&imported));
    assert!(printed(&prices(directory.path(), &["check", &written])).contains("1 price,"));
    let config = file("config.toml", &format!("[prices]\nfile = {written:?}\n"));
    let shown = printed(&prices(
        directory.path(),
        &["show", "own", "m", "--config", &config],
    ));
    assert!(
        shown.contains("overlay:own/") && shown.contains("$0.3 ") && shown.contains("$1.5 "),
        "{shown}"
    );
}
