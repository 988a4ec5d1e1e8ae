//! Where to listen, and what must be true of it together before a server may start.

use super::{load, refusal};
use crate::config::Settings;

fn listens(settings: &Settings) -> Vec<String> {
    let all = settings.server.listen.iter();
    all.map(ToString::to_string).collect()
}

#[test]
fn addresses_are_written_in_every_usual_form_alone_and_several() {
    for (written, read) in [
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        (":8080", "[::]:8080"),
        ("[::1]:8080", "[::1]:8080"),
        ("localhost:8080", "127.0.0.1:8080"),
        ("http://127.0.0.1:8080/", "127.0.0.1:8080"),
        ("https://:8443", "https://[::]:8443"),
        ("https://192.0.2.7:443", "https://192.0.2.7:443"),
        (
            "unix:/run/tollkeeper/tollkeeper.sock",
            "unix:/run/tollkeeper/tollkeeper.sock",
        ),
        ("unix:tollkeeper.sock", "unix:tollkeeper.sock"),
    ] {
        let file = format!("[server]\nlisten = {written:?}\n");
        // A name may have an address of IPv6 first.
        let found = listens(&load(&file, &[]).unwrap()).join(", ");
        assert_eq!(found.replace("[::1]:8080", read), read, "{written}");
    }
    let several = ["127.0.0.1:1", "https://127.0.0.1:2", "unix:/run/a"];
    let file = format!("[server]\nlisten = {several:?}\nsocket_mode = \"600\"\n");
    let settings = load(&file, &[]).unwrap();
    assert_eq!(listens(&settings), several);
    assert_eq!(settings.server.socket_mode, 0o600);
    let variable = [("TOLLKEEPER_SERVER__LISTEN", several.join(", "))];
    let variable = variable.map(|(name, value)| (name, value.leak() as &str));
    assert_eq!(listens(&load("", &variable).unwrap()), several);
}

#[test]
fn what_is_no_address_is_refused_with_what_was_probably_meant() {
    for (setting, expected) in [
        ("listen = \"8080\"", "did you mean \":8080\"?"),
        (
            "listen = \"/run/a.sock\"",
            "did you mean \"unix:/run/a.sock\"?",
        ),
        ("listen = \"unix:\"", "names no path"),
        (
            "listen = \"127.0.0.1\"",
            "expected an address and a port such as",
        ),
        (
            "listen = \":99999\"",
            "expected an address and a port such as",
        ),
        ("listen = []", "expected an address and a port such as"),
        ("listen = 8080", "did you mean \":8080\"?"),
        ("listen = true", "expected an address and a port such as"),
        (
            "listen = [\":8080\", \"http://:8080\"]",
            "[::]:8080 is there twice",
        ),
        ("socket_mode = 660", "in quotes, such as \"0660\""),
        ("socket_mode = \"0999\"", "found \"0999\""),
        ("socket_mode = \"7777\"", "found \"7777\""),
        ("socket_mode = \"0460\"", "the owner always; found"),
        ("plaintext = \"yes\"", "a boolean"),
    ] {
        let text = refusal(&format!("[server]\n{setting}\n"), &[]);
        assert!(
            text.contains("config.toml, line 2: server.") && text.contains(expected),
            "{setting}: {text}"
        );
    }
}

fn serving(file: &str) -> Result<(), String> {
    let settings = load(file, &[]).unwrap();
    settings.check_serving().map_err(|error| error.to_string())
}

#[test]
fn plain_http_that_others_reach_is_refused_unless_it_is_said_to_be_meant() {
    for open in [
        "0.0.0.0:1",
        ":1",
        "[::]:1",
        "192.0.2.7:1",
        "[2001:db8::1]:1",
    ] {
        let listen = format!("[server]\nlisten = {open:?}\n");
        let text = serving(&listen).unwrap_err();
        for way in [
            "plain http that other machines can reach",
            "certificate_file and key_file",
            "127.0.0.1",
            "trusted_proxies",
            "plaintext = true",
        ] {
            assert!(text.contains(way), "{open}: {text}");
        }
        for allowed in ["plaintext = true", "trusted_proxies = \"10.0.0.0/8\""] {
            assert_eq!(serving(&format!("{listen}{allowed}\n")), Ok(()), "{open}");
        }
    }
    for closed in [
        "127.0.0.1:1",
        "127.9.9.9:1",
        "[::1]:1",
        "[::ffff:127.0.0.1]:1",
        "unix:/run/a",
    ] {
        assert_eq!(serving(&format!("[server]\nlisten = {closed:?}\n")), Ok(()));
    }
}

#[test]
fn a_certificate_goes_with_an_address_that_is_served_with_it() {
    let encrypted = "[server]\nlisten = [\":1\", \"https://:2\"]\nplaintext = true\n";
    let plain = "[server]\nlisten = \"127.0.0.1:1\"\n";
    let (both, one, other) = (
        "[tls]\ncertificate_file = \"a\"\nkey_file = \"b\"\n",
        "[tls]\ncertificate_file = \"a\"\n",
        "[tls]\nkey_file = \"b\"\n",
    );
    assert_eq!(serving(&format!("{encrypted}{both}")), Ok(()));
    for (listen, tls, expected) in [
        (encrypted, "", "https://[::]:2 needs a certificate"),
        (encrypted, one, "tls.key_file is not"),
        (plain, other, "tls.certificate_file is not"),
        (plain, both, "write \"https://\" before"),
    ] {
        let text = serving(&format!("{listen}{tls}")).unwrap_err();
        assert!(text.contains(expected), "{text}");
    }
    let text = serving("[server]\nlisten = [\":1\", \"https://:2\"]\n").unwrap_err();
    assert!(text.starts_with("2 settings are wrong:"), "{text}");
}

#[test]
fn metrics_are_as_open_as_the_rest() {
    let metrics = "[metrics]\nlisten = \"0.0.0.0:9464\"\n";
    let text = serving(metrics).unwrap_err();
    for part in ["metrics.listen: 0.0.0.0:9464", "without a key", "plaintext"] {
        assert!(text.contains(part), "{text}");
    }
    let both = serving(&format!("[server]\nlisten = \":1\"\n{metrics}")).unwrap_err();
    assert!(both.starts_with("2 settings are wrong:"), "{both}");
    for right in [
        "[server]\nplaintext = true\n",
        "[server]\ntrusted_proxies = \"10.0.0.0/8\"\n",
    ] {
        serving(&format!("{right}{metrics}")).unwrap();
    }
    for near in ["127.0.0.1:9464", "[::1]:9464"] {
        serving(&format!("[metrics]\nlisten = \"{near}\"\n")).unwrap();
    }
}

#[test]
fn two_readings_differ_in_what_holds_and_not_in_how_it_is_written() {
    let before = load(
        "[decisions]\nreservation_ttl = \"10m\"\n[log]\nlevel = \"info\"\n",
        &[],
    );
    let after = load(
        "time_zone = \"UTC\"\n[decisions]\nqueue = 7\n",
        &[
            ("TOLLKEEPER_DECISIONS__RESERVATION_TTL", "600s"),
            ("TOLLKEEPER_UPSTREAMS", "[{ name = \"ollama\" }]"),
            ("TOLLKEEPER_LOG__LEVEL", "debug"),
        ],
    );
    let (before, after) = (before.unwrap(), after.unwrap());
    let differing = ["decisions.queue", "log.level", "upstreams"];
    for (one, other) in [(&before, &after), (&after, &before)] {
        let mut found = one.followed_by(other, &[]).needs_restart;
        found.sort();
        assert_eq!(found, differing);
    }
    let same = before.followed_by(&before, &[]);
    assert_eq!(
        (same.settings, same.needs_restart),
        (before.shown(), vec![])
    );
    let followed = before.followed_by(&after, &["log.level", "upstreams"]);
    assert_eq!(followed.needs_restart, ["decisions.queue"]);
    for shown in followed.settings {
        let follows = shown.name != "decisions.queue";
        let expected = if follows {
            after.shown()
        } else {
            before.shown()
        };
        assert!(expected.contains(&shown), "{shown:?}");
    }
}

#[test]
fn a_path_before_all_others_is_plain_and_begins_no_path_of_ours() {
    let read = |written: &str| load(&format!("[server]\nbase_path = {written:?}\n"), &[]);
    for (written, expected) in [
        ("", ""),
        ("/", ""),
        ("/tollkeeper", "/tollkeeper"),
        ("/tollkeeper/", "/tollkeeper"),
        ("/a/b-c_d.e~f", "/a/b-c_d.e~f"),
    ] {
        assert_eq!(read(written).unwrap().server.base_path, expected);
    }
    for (written, expected) in [
        ("tollkeeper", "with a slash before it"),
        ("/a//b", "between slashes"),
        ("/a/../b", "between slashes"),
        ("/a b", "between slashes"),
        ("/a%20b", "between slashes"),
        ("/a?b", "between slashes"),
        ("/v1", "paths of our own begin with \"/v1\""),
        ("/api/tollkeeper", "paths of our own begin with \"/api\""),
    ] {
        let text = read(written).unwrap_err().to_string();
        assert!(
            text.contains("line 2: server.base_path: ") && text.contains(expected),
            "{written}: {text}"
        );
    }
    let text = serving("[server]\nbase_path = \"/ollama/x\"\n[[upstreams]]\nname = \"ollama\"\n");
    assert!(text.unwrap_err().contains("rename the upstream"));
}
