//! Where settings come from, and how mistakes in them are named.

use super::*;

fn load(file: &str, variables: &[(&str, &str)]) -> Result<Settings> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, file).unwrap();
    let flags = Flags {
        config: Some(path),
        ..Flags::default()
    };
    Settings::load(
        flags,
        variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    )
}

fn refusal(file: &str, variables: &[(&str, &str)]) -> String {
    load(file, variables).unwrap_err().to_string()
}

#[test]
fn variables_beat_the_file_and_flags_beat_both() {
    let file =
        "[server]\nlisten = \"127.0.0.1:1\"\nbody_timeout_seconds = 3\n[log]\nformat = \"json\"\n";
    let variables = [
        ("TOLLKEEPER_SERVER__LISTEN", "127.0.0.1:2"),
        ("TOLLKEEPER_SERVER__ALLOWED_HOSTS", "a.example, b.example"),
    ];
    let settings = load(file, &variables).unwrap();
    assert_eq!(settings.listen.port(), 2);
    assert_eq!(settings.body_timeout, Duration::from_secs(3));
    assert_eq!(settings.allowed_hosts, ["a.example", "b.example"]);
    assert_eq!(settings.log_format, LogFormat::Json);
    let flags = Flags {
        listen: Some("127.0.0.1:3".into()),
        ..Flags::default()
    };
    let variables = [(
        "TOLLKEEPER_SERVER__LISTEN".to_owned(),
        "127.0.0.1:2".to_owned(),
    )];
    assert_eq!(Settings::load(flags, variables).unwrap().listen.port(), 3);
}

#[test]
fn mistakes_are_named_with_file_line_and_nearest_name() {
    let text = refusal("[server]\n\nlisen = \"127.0.0.1:1\"\n", &[]);
    assert!(
        text.contains("config.toml, line 3") && text.contains("did you mean \"listen\"?"),
        "{text}"
    );
    let text = refusal("[serve]\n", &[]);
    assert!(text.contains("did you mean \"server\"?"), "{text}");
    let text = refusal("[server]\nbody_timeout_seconds = \"soon\"\n", &[]);
    assert!(text.contains("line 2"), "{text}");
    let text = refusal("", &[("TOLLKEEPER_SERVER__LISTENS", "x")]);
    assert!(
        text.contains("did you mean TOLLKEEPER_SERVER__LISTEN?"),
        "{text}"
    );
    let text = refusal("", &[("TOLLKEEPER_SERVER__BODY_TIMEOUT_SECONDS", "soon")]);
    assert!(
        text.contains("TOLLKEEPER_SERVER__BODY_TIMEOUT_SECONDS"),
        "{text}"
    );
    let text = refusal("[server]\nlisten = \"8080\"\n", &[]);
    assert!(text.contains("127.0.0.1:8080"), "{text}");
}

#[test]
fn every_listed_name_is_a_setting() {
    for (name, value) in NAMES.iter().zip([
        "1.2.3.4:5",
        "x",
        "10.0.0.0/8",
        "1",
        "1",
        "x",
        "text",
        "info",
    ]) {
        load("", &[(&variable_of(name), value)]).unwrap();
    }
    let shown = format!("{:?}", Document::default());
    let fields = shown.matches("None").count();
    assert_eq!(fields, NAMES.len(), "{shown}");
}

#[test]
fn the_readme_and_the_settings_file_name_every_setting() {
    let (readme, file) = (
        include_str!("../../README.md"),
        include_str!("../../config.toml"),
    );
    for name in NAMES {
        assert!(
            readme.contains(&format!("| `{name}` | `{}` |", variable_of(name))),
            "{name}"
        );
        let key = name.split_once('.').unwrap().1;
        assert!(file.contains(&format!("# {key} = ")), "{name}");
    }
    for variable in [CONFIG_VARIABLE, BOOTSTRAP_VARIABLE] {
        assert!(readme.contains(variable), "{variable}");
    }
}
