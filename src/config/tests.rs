//! Where settings come from, and how mistakes in them are named.

mod listening;
mod mistakes;
mod precedence;
mod upstreams;

use std::time::Duration;

use super::names::{names, variable_of};
use super::*;
use crate::domain::settings::{Durability, OnExpiry};
use crate::domain::values::money::Money;

fn load(file: &str, variables: &[(&str, &str)]) -> Result<Settings> {
    load_with(Flags::default(), file, variables)
}

fn load_with(flags: Flags, file: &str, variables: &[(&str, &str)]) -> Result<Settings> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, file).unwrap();
    let flags = Flags {
        config: Some(path),
        ..flags
    };
    Settings::load(
        flags,
        variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    )
}

fn refusal(file: &str, variables: &[(&str, &str)]) -> String {
    let load = load(file, variables);
    let refused = load.and_then(|settings| settings.check_serving());
    refused.unwrap_err().to_string()
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

/// What stands in config.toml as a comment: its lines as settings.
fn shown_in_the_file() -> String {
    let file = include_str!("../../config.toml");
    let lines = file.lines().filter_map(|line| {
        let shown = line.strip_prefix("# ").filter(|line| {
            let name = line.split_once(" = ").map_or("", |(name, _)| name);
            !name.is_empty() && !name.contains(' ')
        });
        shown.or(Some(line).filter(|line| line.starts_with('[')))
    });
    lines.fold(String::new(), |text, line| text + line + "\n")
}

#[test]
fn the_settings_file_and_the_readme_show_every_setting() {
    let readme = include_str!("../../README.md");
    let shown: toml::Table = shown_in_the_file().parse().unwrap();
    assert_eq!(names().len(), 40);
    for name in names() {
        let variable = variable_of(&name);
        let row = format!("| `{name}` | `{variable}` |");
        assert!(readme.contains(&row), "{name}");
        let in_table = |(table, key): (&str, &str)| shown.get(table)?.get(key).cloned();
        let value = match name.split_once('.') {
            Some(path) => in_table(path),
            None => shown.get(&name).cloned(),
        };
        let value = value.unwrap_or_else(|| panic!("{name} is not in config.toml"));
        load("", &[(&variable, &value.to_string())]).unwrap();
    }
    for variable in [CONFIG_VARIABLE, BOOTSTRAP_VARIABLE] {
        assert!(readme.contains(variable), "{variable}");
    }
}

#[test]
fn what_the_settings_file_shows_are_the_defaults() {
    let mut shown = load(&shown_in_the_file(), &[]).unwrap();
    let default = Settings::default();
    assert!(shown.metrics.listen.is_some());
    shown.metrics = default.metrics.clone();
    // Those that have none show an example.
    assert_eq!(shown.server.allowed_hosts.len(), 1);
    assert_eq!(shown.server.trusted_proxies.len(), 1);
    assert!(shown.decisions.max_hold.is_some());
    shown.server.allowed_hosts = default.server.allowed_hosts.clone();
    shown.server.trusted_proxies = default.server.trusted_proxies.clone();
    shown.decisions.max_hold = None;
    assert_eq!(shown.upstreams.len(), 1);
    assert!(shown.refusals.contact.is_some() && shown.refusals.link.is_some());
    assert!(shown.prices.file.is_some());
    assert!(shown.tls.certificate_file.is_some() && shown.tls.key_file.is_some());
    shown.upstreams.clear();
    shown.prices.file = None;
    shown.tls = default.tls.clone();
    assert!(shown.backup.directory.is_some() && shown.backup.recipient.is_some());
    assert!(shown.backup.passphrase_file.is_some() && shown.backup.passphrase_variable.is_some());
    shown.backup = BackupSettings {
        every: shown.backup.every,
        keep: shown.backup.keep,
        ..default.backup.clone()
    };
    shown.refusals = default.refusals.clone();
    shown.origins.clear();
    shown.file = None;
    assert_eq!(shown, default);
}

#[test]
fn lines_that_are_no_toml_are_all_named() {
    let file = "[server]\nlisten = \nmax_connections = \n";
    let text = refusal(file, &[("TOLLKEEPER_LOG__LEVEL", "loud")]);
    for wanted in [
        "config.toml, line 2: ",
        "config.toml, line 3: ",
        "TOLLKEEPER_LOG__LEVEL: ",
    ] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
}

#[test]
fn an_empty_variable_is_as_if_unset() {
    let variables = [
        ("TOLLKEEPER_SERVER__LISTEN", ""),
        ("TOLLKEEPER_DECISIONS__QUEUE", ""),
        ("TOLLKEEPER_TIME_ZONE", ""),
        ("TOLLKEEPER_CONFIG", ""),
        ("TOLLKEEPER_BOOTSTRAP_KEY_FILE", ""),
        ("TOLLKEEPER_NO_SETTING", ""),
    ];
    let settings = load("[decisions]\nqueue = 7\n", &variables).unwrap();
    assert_eq!(settings.decisions.queue, 7);
    assert_eq!(settings.server, ServerSettings::default());
    assert_eq!(settings.bootstrap_key_file, None);
}

#[test]
fn a_value_that_a_variable_replaces_is_still_judged() {
    let text = refusal(
        "[decisions]\nqueue = 0\n",
        &[("TOLLKEEPER_DECISIONS__QUEUE", "5")],
    );
    assert!(text.contains("line 2: decisions.queue"), "{text}");
}

#[test]
fn decisions_have_defaults_and_can_be_set_by_file_and_variable() {
    let settings = load("", &[]).unwrap();
    assert_eq!(settings.time_zone, TimeZone::UTC);
    assert_eq!(settings.decisions, DecisionSettings::default());
    assert_eq!(settings.virtual_keys, VirtualKeySettings::default());
    let file = "time_zone = \"europe/berlin\"\n[decisions]\ndurability = \"process\"\nreservation_ttl = \"90s\"\n\
                on_expiry = \"release\"\nmax_hold = 2.5\nusage_retention_days = 3650\nqueue = 10\n\
                max_open_per_virtual_key = 30\nmax_open_per_management_key = 40\n\
                [virtual_keys]\nrotation_grace = \"30d\"\n";
    let variables = [
        ("TOLLKEEPER_DECISIONS__RATE_LIMIT_HEADERS", "true"),
        ("TOLLKEEPER_DECISIONS__RESERVATION_TTL", "2m"),
        ("TOLLKEEPER_DECISIONS__QUEUE", "20"),
    ];
    let settings = load(file, &variables).unwrap();
    assert_eq!(settings.time_zone.iana_name(), Some("Europe/Berlin"));
    let expected = DecisionSettings {
        durability: Durability::Process,
        reservation_ttl: Duration::from_mins(2),
        on_expiry: OnExpiry::Release,
        max_hold: Money::from_nanodollars(2_500_000_000),
        usage_retention_days: 3_650,
        rate_limit_headers: true,
        queue: 20,
        max_open_per_virtual_key: 30,
        max_open_per_management_key: 40,
    };
    assert_eq!(settings.decisions, expected);
    assert_eq!(
        settings.virtual_keys.rotation_grace,
        Duration::from_hours(30 * 24)
    );
    let variables = [
        ("TOLLKEEPER_TIME_ZONE", "America/New_York"),
        ("TOLLKEEPER_DECISIONS__MAX_HOLD", "0.30"),
        ("TOLLKEEPER_VIRTUAL_KEYS__ROTATION_GRACE", "0"),
    ];
    let settings = load(file, &variables).unwrap();
    assert_eq!(settings.time_zone.iana_name(), Some("America/New_York"));
    assert_eq!(
        settings.decisions.max_hold,
        Money::from_nanodollars(300_000_000)
    );
    assert_eq!(settings.virtual_keys.rotation_grace, Duration::ZERO);
}

#[test]
fn values_out_of_bounds_are_refused_with_their_line_or_variable() {
    let bounds = [
        (
            "decisions.reservation_ttl",
            "\"0s\"",
            "must be from 1s to 1d",
        ),
        (
            "decisions.reservation_ttl",
            "\"25h\"",
            "must be from 1s to 1d",
        ),
        (
            "decisions.reservation_ttl",
            "\"10\"",
            "a span of time such as",
        ),
        (
            "decisions.reservation_ttl",
            "\"1M\"",
            "a span of time such as",
        ),
        ("decisions.reservation_ttl", "600", "a span of time such as"),
        (
            "virtual_keys.rotation_grace",
            "\"31d\"",
            "must be from 0 to 30d",
        ),
        ("decisions.max_hold", "0", "must be above 0"),
        ("decisions.max_hold", "-1.5", "must be above 0"),
        ("decisions.max_hold", "nan", "an amount of US dollars"),
        ("decisions.max_hold", "\"much\"", "an amount of US dollars"),
        (
            "decisions.usage_retention_days",
            "0",
            "must be from 1 to 3650",
        ),
        (
            "decisions.usage_retention_days",
            "3651",
            "must be from 1 to 3650",
        ),
        ("decisions.queue", "-1", "must be from 1 to 1000000"),
        ("decisions.queue", "\"long\"", "expected"),
        (
            "decisions.max_open_per_virtual_key",
            "0",
            "must be from 1 to 1000000",
        ),
        (
            "decisions.max_open_per_management_key",
            "1000001",
            "must be from 1 to 1000000",
        ),
        ("decisions.durability", "\"disk\"", "`power` or `process`"),
        ("decisions.on_expiry", "\"keep\"", "`charge` or `release`"),
        ("decisions.rate_limit_headers", "\"yes\"", "a boolean"),
        (
            "server.body_timeout_seconds",
            "3601",
            "must be from 1 to 3600",
        ),
        ("server.max_connections", "0", "must be from 1 to 100000"),
        (
            "time_zone",
            "\"Europe/Belin\"",
            "did you mean \"Europe/Berlin\"?",
        ),
        (
            "time_zone",
            "\"new york\"",
            "did you mean \"America/New_York\"?",
        ),
        ("time_zone", "\"\"", "expected an IANA name"),
        ("time_zone", "5", "expected a string"),
    ];
    for (name, value, expected) in bounds {
        let text = refusal(&format!("\n{name} = {value}\n"), &[]);
        assert!(
            text.contains("config.toml, line 2: ") && text.contains(expected),
            "{name}: {text}"
        );
        let variable = variable_of(name);
        // A number may be meant as text, and an empty variable is unset.
        if ![("time_zone", "5"), ("time_zone", "\"\"")].contains(&(name, value)) {
            let text = refusal("", &[(&variable, value.trim_matches('"'))]);
            assert!(
                text.contains(&format!("variable {variable}: ")) && text.contains(expected),
                "{text}"
            );
        }
    }
    let text = refusal("[decisions]\nqeue = 1\n", &[]);
    assert!(
        text.contains("line 2") && text.contains("did you mean \"queue\"?"),
        "{text}"
    );
    let text = refusal("", &[("TOLLKEEPER_TIMEZONE", "UTC")]);
    assert!(
        text.contains("did you mean TOLLKEEPER_TIME_ZONE?"),
        "{text}"
    );
}
