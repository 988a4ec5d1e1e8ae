//! How mistakes are named where there are several.

use super::{Flags, PREFIX, load_with, names, refusal, variable_of};

#[test]
fn every_mistake_is_named_at_once_with_its_place() {
    let file = "[server]\nlisten = \"8080\"\nlisen = 1\n[serve]\nlisten = 1\n[decisions]\nqueue = 0\nmax_hold = 0\n";
    let variables = [
        ("TOLLKEEPER_DECISIONS__QUEUE", "long"),
        ("TOLLKEEPER_LOG__LEVL", "info"),
        ("TOLLKEEPER_DECISIONS__RESERVATION_TTL", "2m"),
    ];
    let text = refusal(file, &variables);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "7 settings are wrong:");
    let expected = [
        ("line 2: server.listen: ", "127.0.0.1:8080"),
        ("line 3: ", "no setting \"server.lisen\""),
        ("line 4: ", "no setting \"serve\""),
        ("line 7: decisions.queue: ", "must be from 1 to 1000000"),
        ("line 8: decisions.max_hold: ", "must be above 0"),
        ("TOLLKEEPER_DECISIONS__QUEUE: ", "expected"),
        ("TOLLKEEPER_LOG__LEVL", "TOLLKEEPER_LOG__LEVEL"),
    ];
    assert_eq!(lines.len() - 1, expected.len(), "{text}");
    for (line, (place, wanted)) in lines[1..].iter().zip(expected) {
        assert!(line.contains(place) && line.contains(wanted), "{line}");
    }
}

/// The name with two letters in the middle the wrong way round, or the last one twice where those are the same.
fn typo(name: &str) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    let middle = letters.len() / 2;
    if letters[middle - 1] == letters[middle] {
        letters.push(letters[letters.len() - 1]);
    } else {
        letters.swap(middle - 1, middle);
    }
    letters.into_iter().collect()
}

#[test]
fn a_typo_in_every_setting_in_the_file_and_in_variables_is_named_at_once_with_what_was_meant() {
    let mut names = names();
    names.sort_by_key(|name| name.contains('.'));
    let mut lines: Vec<String> = Vec::new();
    let mut table = "";
    let mut expected = Vec::new();
    let mut variables = Vec::new();
    for name in &names {
        let (of, last) = name.rsplit_once('.').unwrap_or(("", name));
        if of != table {
            lines.push(format!("[{of}]"));
            table = of;
        }
        let wrong = typo(last);
        lines.push(format!("{wrong} = 1"));
        let path = if of.is_empty() {
            wrong
        } else {
            format!("{of}.{wrong}")
        };
        expected.push(format!(
            "there is no setting {path:?}; did you mean {last:?}?"
        ));
        let variable = variable_of(name);
        let wrong = format!("{PREFIX}{}", typo(&variable[PREFIX.len()..]));
        expected.push(format!("{wrong} is no setting; did you mean {variable}?"));
        variables.push(wrong);
    }
    // A table's own name, and the fields of an upstream.
    for section in ["server", "decisions", "refusals", "virtual_keys"] {
        let wrong = typo(section);
        lines.push(format!("[{wrong}]\nlisten = 1"));
        expected.push(format!(
            "there is no setting {wrong:?}; did you mean {section:?}?"
        ));
    }
    lines.push("[[upstreams]]\nname = \"a\"\nbase_ulr = \"https://a.example\"".to_owned());
    lines.push("[[upstreams]]\nname = \"b\"\nbase_url = \"b\"\n".to_owned());
    let file = lines.join("\n");
    expected.push("no setting \"upstreams.base_ulr\"; did you mean \"base_url\"?".to_owned());
    expected.push("upstream \"b\": base_url: expected an address".to_owned());
    let variables: Vec<(&str, &str)> = variables.iter().map(|name| (name.as_str(), "1")).collect();
    let flags = Flags {
        listen: Some("8080".to_owned()),
        log_format: Some("jsn".to_owned()),
        ..Flags::default()
    };
    expected.push("--listen: expected an address and a port".to_owned());
    expected.push("--log-format: unknown variant `jsn`".to_owned());
    let text = load_with(flags, &file, &variables).unwrap_err().to_string();
    for wanted in &expected {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
    assert_eq!(text.lines().count() - 1, expected.len(), "{text}");
}

#[test]
fn a_setting_in_the_wrong_table_is_found() {
    for (file, meant) in [
        ("[log]\nlisten = \"127.0.0.1:1\"\n", "server.listen"),
        ("data_dir = \"x\"\n", "storage.data_dir"),
        ("[server]\ntime_zone = \"UTC\"\n", "time_zone"),
    ] {
        let text = refusal(file, &[]);
        assert!(text.contains(&format!("did you mean {meant:?}?")), "{text}");
    }
}
