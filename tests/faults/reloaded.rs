//! What SIGHUP leaves as it was: what is counted of upstreams goes on, and a settings file that is gone changes nothing.

use serde_json::{Value, json};

use crate::reload::{NOTHING_CHANGED, ask, carrying, start, write};
use crate::support::Client;
use crate::support::exposition::Exposed;
use crate::support::process::{Process, tollkeeper};
use crate::support::tls::{self, Issued};
use crate::support::upstream::Upstream;

/// Calls of an upstream that were answered, their latencies, and bytes, as Prometheus reads them.
fn counted(client: &Client, upstream: &str) -> [u64; 3] {
    let seen = Exposed::read(&client.get("/metrics").expect(200).text);
    [
        "calls_total",
        "first_byte_seconds_count",
        "sent_bytes_total",
    ]
    .map(|name| {
        let name = format!("tollkeeper_upstream_{name}");
        let sum = seen.sum(&name, &[("upstream", upstream)]);
        // The sum of nothing is -0.
        (0.0 + sum).to_string().parse().unwrap()
    })
}

#[test]
fn what_is_counted_of_an_upstream_goes_on_when_it_is_changed_and_when_it_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let upstreams = [Upstream::chats(), Upstream::chats()];
    std::fs::write(folder.path().join("key"), "sk-first").unwrap();
    let with = |upstream: &Upstream| carrying(folder.path(), upstream, 1);
    let mut server = start(folder.path(), &with(&upstreams[0]));
    let policy =
        json!({ "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }] });
    let holder = server.client.make_holder("ada", &policy);
    let caller = server.client.with_virtual_key(&holder.key);
    ask(&caller).expect(200);
    let [calls, latencies, bytes] = counted(&server.client, "openai");
    assert_eq!([calls, latencies], [1, 1]);
    write(folder.path(), &with(&upstreams[1]));
    server.hang_up();
    server.wait_for_line("upstreams: openai changed", 1);
    assert_eq!(
        counted(&server.client, "openai"),
        [calls, latencies, bytes],
        "of another address"
    );
    ask(&caller).expect(200);
    let twice = [2, 2, 2 * bytes];
    assert_eq!(counted(&server.client, "openai"), twice);
    let seen = server.client.get("/api/upstreams").expect(200).json();
    assert_eq!(seen["upstreams"][0]["answers"], json!(2), "{seen}");
    // Gone under its name, and back again.
    let other = with(&upstreams[1]).replace("name = \"openai\"", "name = \"other\"");
    write(folder.path(), &other);
    server.hang_up();
    server.wait_for_line("openai removed", 1);
    let gone = [0, 0, 0];
    assert_eq!(counted(&server.client, "openai"), gone);
    assert_eq!(counted(&server.client, "other"), gone);
    write(folder.path(), &with(&upstreams[0]));
    server.hang_up();
    server.wait_for_line("openai added", 1);
    assert_eq!(counted(&server.client, "openai"), twice);
}

#[test]
fn a_settings_file_that_is_gone_is_a_mistake_and_one_that_never_was_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let begin = |named: bool| {
        let mut command = tollkeeper();
        // The first of the files that are looked for lies in the working directory.
        command
            .current_dir(folder.path())
            .args(["serve", "--listen", "127.0.0.1:0"]);
        command.arg("--data-dir").arg(&data_dir);
        if named {
            command.args(["--config", "config.toml"]);
        }
        Process::start_command(command, &data_dir)
    };
    let level = |server: &Process| {
        let shown = server.client.get("/api/settings").expect(200).json();
        setting(&shown, "log.level").clone()
    };
    let mut server = begin(false);
    server.hang_up();
    server.wait_for_line("settings: everything is as it was", 1);
    // One that came meanwhile is read, and missed from then on.
    write(folder.path(), "[log]\nlevel = \"debug\"\n");
    server.hang_up();
    server.wait_for_line("settings: log.level: debug, after info", 1);
    let before = level(&server);
    std::fs::remove_file(folder.path().join("config.toml")).unwrap();
    server.hang_up();
    server.wait_for_line(NOTHING_CHANGED, 1);
    assert!(
        server
            .log()
            .contains("the settings file config.toml was read before and is gone; put it back"),
        "{}",
        server.log()
    );
    assert_eq!(level(&server), before);
    assert!(server.terminate().success());
    write(folder.path(), "[log]\nlevel = \"debug\"\n");
    for named in [false, true] {
        let mut server = begin(named);
        let before = level(&server);
        let [file, aside] = ["config.toml", "aside"].map(|name| folder.path().join(name));
        std::fs::rename(&file, &aside).unwrap();
        server.hang_up();
        server.wait_for_line(NOTHING_CHANGED, 1);
        assert!(
            server.log().contains("the settings file config.toml"),
            "{}",
            server.log()
        );
        assert_eq!(level(&server), before);
        std::fs::rename(&aside, &file).unwrap();
        server.hang_up();
        server.wait_for_line("settings: everything is as it was", 1);
        assert!(server.terminate().success());
    }
}

fn setting<'a>(shown: &'a Value, name: &str) -> &'a Value {
    let mut all = shown["settings"].as_array().unwrap().iter();
    all.find(|one| one["name"] == name).unwrap()
}

#[test]
fn what_a_reload_put_in_force_is_shown_and_told_and_what_waits_for_a_restart_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let listen = "[server]\nlisten = \"127.0.0.1:0\"\n";
    let mut server = start(folder.path(), &format!("{listen}[log]\nlevel = \"info\"\n"));
    let shown = |server: &Process| server.client.get("/api/settings").expect(200).json();
    assert_eq!(shown(&server)["needs_restart"], json!([]));
    let changed = "[log]\nlevel = \"debug\"\n[decisions]\nqueue = 9\n[[upstreams]]\nname = \"ollama\"\nfree = true\n";
    write(folder.path(), &format!("{listen}{changed}"));
    server.hang_up();
    server.wait_for_line("settings: decisions.queue was changed", 1);
    let now = shown(&server);
    assert_eq!(setting(&now, "log.level")["value"], json!("debug"));
    let place = setting(&now, "upstreams")["place"].as_str().unwrap();
    assert!(place.ends_with("config.toml:7"), "{place}");
    assert_eq!(
        setting(&now, "decisions.queue"),
        &json!({ "name": "decisions.queue", "value": 4096, "origin": "default" })
    );
    assert_eq!(now["needs_restart"], json!(["decisions.queue"]));
    let trail = |server: &Process| {
        let path = "/api/access-profiles/audit-logs?action=setting.change";
        let trail = server.client.get(path).expect(200).json();
        let all = trail["audit_logs"].as_array().unwrap().iter();
        all.map(|entry| entry["metadata"].to_string() + &entry["new_values"].to_string())
            .collect::<Vec<_>>()
    };
    let told = trail(&server);
    assert_eq!(told.len(), 2, "{told:?}");
    for name in ["log.level", "upstreams"] {
        assert!(told.iter().any(|entry| entry.contains(name)), "{told:?}");
        let line = format!("setting={name} ");
        assert!(server.log().contains(&line), "{}", server.log());
    }
    // Back to what the server started with: nothing waits any more.
    write(
        folder.path(),
        &format!("{listen}{}", changed.replace("queue = 9", "")),
    );
    server.hang_up();
    server.wait_for_line("settings: everything is as it was", 1);
    assert_eq!(shown(&server)["needs_restart"], json!([]));
    assert_eq!(trail(&server).len(), 2);
    // The next start compares with what was in force last.
    assert!(server.terminate().success());
    let mut server = start(folder.path(), &format!("{listen}{changed}"));
    let told = trail(&server);
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(
        server
            .log()
            .contains("setting=decisions.queue before=default after=9")
    );
}

#[test]
fn a_certificate_that_ends_soon_is_told_in_the_log_until_it_is_renewed() {
    const LINE: &str = "the certificate that addresses with https:// are served with expire";
    let folder = tempfile::tempdir().unwrap();
    let place = Issued::until(folder.path(), "ended", 1_700_000_000);
    let listen = "[server]\nlisten = [\"127.0.0.1:0\", \"https://127.0.0.1:0\"]\n";
    let mut server = start(folder.path(), &format!("{listen}{}", tls::settings(&place)));
    server.wait_for_line(LINE, 1);
    assert!(server.log().contains(place.certificate.to_str().unwrap()));
    // Elsewhere, because what watches the files might take it up in their place before SIGHUP does.
    let take = |issued: &Issued| {
        write(folder.path(), &format!("{listen}{}", tls::settings(issued)));
    };
    take(&Issued::new(folder.path(), "renewed"));
    server.hang_up();
    server.wait_for_line("settings: tls: the certificate in", 1);
    let ready = server.client.get("/ready").expect(200);
    assert!(!ready.text.contains("certificate_"), "{}", ready.text);
    // Another one that has ended is told anew.
    take(&Issued::until(folder.path(), "again", 1_700_000_001));
    server.hang_up();
    server.wait_for_line(LINE, 2);
}

/// What is wrong is named by its words, whoever finds it.
#[test]
fn the_check_a_start_and_a_reload_find_the_same_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other"].map(|name| Issued::new(folder.path(), name));
    let listen = "[server]\nlisten = [\"127.0.0.1:0\", \"https://127.0.0.1:0\"]\n";
    let mut server = start(folder.path(), &format!("{listen}{}", tls::settings(&one)));
    let wrong = format!(
        "[server]\nlisten = [\":0\", \"https://127.0.0.1:0\"]\n{}[prices]\nfile = \"/gone/prices.toml\"\n\
         [[upstreams]]\nname = \"openai\"\nca_file = \"/gone/ca\"\n",
        tls::files(&one.certificate, &other.key)
    );
    write(folder.path(), &wrong);
    server.hang_up();
    server.wait_for_line(NOTHING_CHANGED, 1);
    let run = |arguments: &[&str]| {
        let mut command = tollkeeper();
        command.args(arguments).arg("--config");
        let output = command.arg(folder.path().join("config.toml")).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let data_dir = folder.path().join("other-data");
    let start = ["serve", "--data-dir", data_dir.to_str().unwrap()];
    for said in [server.log(), run(&["config", "check"]), run(&start)] {
        for part in [
            "4 settings are wrong",
            "server.listen: [::]:0 is plain http",
            "/gone/prices.toml",
            "/gone/ca",
            "is not the key of the certificate in",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
    }
    assert!(!data_dir.exists());
}
