//! Changing and restoring profiles of 100 providers with 20 models each. In memory there is no disk to wait for: what is left there is the
//! server's own work, and the difference is the sync of each commit. Beside it a handler that parses the same bodies, answers as many
//! bytes and keeps nothing.

use std::path::{Path, PathBuf};

use super::ceiling;
use super::client::request;
use super::measure::measure;
use super::profiles::MOST_P99;
use super::script::{InTurn, Line, NUMBER};
use super::seed::Seed;
use super::server::{Server, tollkeeper};
use super::settings::Settings;
use super::table::{Judged, Table};

/// Profiles that are changed in turn.
const PROFILES: usize = 8;
/// A directory in memory.
const MEMORY: &str = "/dev/shm";

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    settings: Settings,
    #[arg(long, value_delimiter = ',', default_value = "1,8")]
    connections: Vec<usize>,
}

/// A database with large profiles of two versions each, and their changes.
pub fn seed(binary: &Path) -> Seed {
    Seed::make(binary, |server| {
        let ids = 1..=PROFILES;
        let read: Vec<_> = ids.clone().map(|id| made(server, id)).collect();
        let path = |id: usize| format!("/api/access-profiles/{id}");
        let operator = &server.operator;
        // What an operator does: everything is sent back as it was read, but for one budget.
        let put = ids.clone().zip(&read).map(|(id, read)| {
            let (before, after) = read
                .split_once("\"max_limit\":51.5")
                .expect("it has this budget");
            let body = format!("{before}\"max_limit\":51.{NUMBER}{after}");
            request("PUT", &path(id), operator, &body)
        });
        let restore = [1, 2]
            .into_iter()
            .flat_map(|version| ids.clone().map(move |id| (id, version)));
        let restore = restore.map(|(id, version)| {
            request(
                "POST",
                &format!("{}/versions/{version}/restore", path(id)),
                operator,
                "",
            )
        });
        // The worst: no line was ever sent before.
        let new = ids.clone().map(|id| {
            let body = large_profile(&format!("large {id}"), 0, NUMBER);
            request("PUT", &path(id), operator, &body)
        });
        vec![
            Line::new("PUT of what was read, a budget changed", InTurn::new(put)),
            Line::new("restore of a version", InTurn::new(restore)),
            Line::new("PUT with every line new", InTurn::new(new)),
        ]
    })
}

/// Makes a profile and changes it once; answers how it is read then.
fn made(server: &Server, id: usize) -> String {
    let name = format!("large {id}");
    let made = server.ask(
        "POST",
        "/api/access-profiles",
        &large_profile(&name, 0, "5"),
    );
    assert_eq!(made.status, 201, "{}", made.body);
    let path = format!("/api/access-profiles/{id}");
    let changed = server.ask("PUT", &path, &large_profile(&name, 1, "5"));
    assert_eq!(changed.status, 200, "{}", changed.body);
    server.ask("GET", &path, "").body
}

/// A body whose lines all have this generation in their models and this fraction in their budgets.
fn large_profile(name: &str, generation: usize, fraction: &str) -> String {
    let line = |provider: usize| {
        let model = |model| format!("\"model-{model}-of-generation-{generation}\"");
        let models: Vec<_> = (0..20).map(model).collect();
        format!(
            r#"{{"provider_name":"provider-{provider}","allowed_models":[{}],"budgets":[{{"max_limit":{}.{fraction},"reset_duration":"1d"}}]}}"#,
            models.join(","),
            provider + generation,
        )
    };
    let lines: Vec<_> = (0..100).map(line).collect();
    format!(
        r#"{{"name":"{name}","provider_configs":[{}]}}"#,
        lines.join(",")
    )
}

/// Whether all aims are met.
pub fn run(arguments: &Arguments) -> bool {
    let settings = &arguments.settings;
    settings.pin();
    let mut table = Table::default();
    let seed = seed(&tollkeeper());
    let mut bytes = 0;
    let mut places = vec![("on the disk", std::env::temp_dir())];
    if Path::new(MEMORY).is_dir() {
        places.insert(0, ("in memory, no sync", PathBuf::from(MEMORY)));
    }
    for (title, place) in places {
        let server = seed.start(&settings.launch(&tollkeeper()), Some(&place));
        bytes = server.ask("GET", "/api/access-profiles/1", "").body.len();
        table.part(title);
        for line in &seed.lines {
            for &connections in &arguments.connections {
                let one = measure(&server.process, line, settings.load(connections));
                table.measured(&line.name, &one, &[Judged::p99(&one, MOST_P99)]);
            }
        }
    }
    table.part("ceiling");
    let process = ceiling::start(settings, "json", bytes);
    for &connections in &arguments.connections {
        let one = measure(&process, &seed.lines[2], settings.load(connections));
        table.measured(&format!("parse a body, answer {bytes} bytes"), &one, &[]);
    }
    let directory = tempfile::tempdir().unwrap();
    let commits = ceiling::commits(directory.path(), "{}");
    println!(
        "a commit of one row alone, one by one: {:.2} ms on this disk",
        1000.0 / commits
    );
    table.all_met()
}
