//! Files that need each other: a reader can begin with none of them.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use crate::{Source, assert_none, sources};

/// Folders in which no file needs itself by way of others.
const WITHOUT_CIRCLES: [&str; 8] = [
    "src/ledger/",
    "src/cli/",
    "src/config/",
    "src/service/",
    "src/store/",
    "src/http/",
    "src/domain/",
    "src/gateway/",
];

type Graph = BTreeMap<String, BTreeSet<String>>;

/// The module that a file is, as its path from the crate: `src/ledger/engine/mod.rs` is `ledger::engine`.
fn module_of(path: &str) -> Vec<String> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let path = path.trim_end_matches("/mod");
    path.split('/').map(str::to_owned).collect()
}

/// Code without its tests and without the scopes of `pub(in …)`, which say who may see a thing and need nothing, and with every
/// `a::{b, c::d}` written out as `a::b, a::c::d`.
fn written_out(code: &str) -> String {
    let group = Regex::new(r"((?:\w+::)+)\{([^{}]*)\}").unwrap();
    let scope = Regex::new(r"pub\(in [^)]*\)").unwrap();
    let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let mut code = scope.replace_all(code, "pub").into_owned();
    while group.is_match(&code) {
        let items = |found: &regex::Captures<'_>| {
            let items = found[2].split(',').map(str::trim);
            let items = items.filter(|item| !item.is_empty());
            let items: Vec<_> = items.map(|item| format!("{}{item}", &found[1])).collect();
            items.join(", ")
        };
        code = group.replace_all(&code, items).into_owned();
    }
    code
}

/// Which of these files names something of which other one.
fn graph(files: &[Source]) -> Graph {
    let path = Regex::new(r"\b\w+(?:::\w+)+").unwrap();
    let modules: BTreeMap<_, _> = files
        .iter()
        .map(|file| (module_of(&file.path), &file.path))
        .collect();
    let mut graph = Graph::new();
    for file in files {
        let own = module_of(&file.path);
        let needs = graph.entry(file.path.clone()).or_default();
        for found in path.find_iter(&written_out(&file.code)) {
            let mut at = own.clone();
            for (place, part) in found.as_str().split("::").enumerate() {
                match part {
                    "crate" => at.clear(),
                    "super" => drop(at.pop()),
                    "self" => {}
                    name => at.push(name.to_owned()),
                }
                // What begins with none of these words begins with a module inside this one, or is nothing of ours.
                if place == 0 && at.len() > own.len() && !modules.contains_key(&at) {
                    break;
                }
            }
            while !at.is_empty() && !modules.contains_key(&at) {
                at.pop();
            }
            if let Some(other) = modules.get(&at)
                && **other != file.path
            {
                needs.insert((*other).clone());
            }
        }
    }
    graph
}

/// Everything that a file needs, by way of others too.
fn all_needs<'g>(graph: &'g Graph, file: &str) -> BTreeSet<&'g String> {
    let mut all = BTreeSet::new();
    let mut left: Vec<&String> = graph[file].iter().collect();
    while let Some(next) = left.pop() {
        if all.insert(next) {
            left.extend(&graph[next]);
        }
    }
    all
}

/// The files of a folder that need themselves by way of others of it.
pub fn in_circles(all: &[Source], folder: &str) -> Vec<String> {
    let files = all.iter().filter(|file| file.path.starts_with(folder));
    let graph = graph(&files.cloned().collect::<Vec<_>>());
    let files = graph.keys();
    let circled = files.filter(|file| all_needs(&graph, file).contains(file));
    circled.cloned().collect()
}

#[test]
fn no_files_of_a_folder_stand_in_a_circle() {
    let all = sources("src");
    let circled = WITHOUT_CIRCLES.iter();
    let circled = circled.flat_map(|folder| in_circles(&all, folder));
    let breaches: Vec<_> = circled
        .map(|file| format!("{file}: needs itself by way of others"))
        .collect();
    assert_none(&breaches);
}

#[test]
fn a_circle_is_found_in_every_form() {
    let file = |path: &str, code: &str| Source {
        path: path.to_owned(),
        text: String::new(),
        code: code.to_owned(),
    };
    let files = [
        file(
            "src/a/mod.rs",
            "mod one; pub use self::one::Thing; use five::go;",
        ),
        file("src/a/one.rs", "use super::{three::{Other, More}, two};"),
        file("src/a/two.rs", "fn two() { super::four::go(); }"),
        file("src/a/three.rs", ""),
        file("src/a/four.rs", "use crate::a::Thing;"),
        file("src/a/five.rs", "use super::Thing; use three::left;"),
    ];
    let graph = graph(&files);
    let needs = |path: &str| graph[path].iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(needs("src/a/one.rs"), ["src/a/three.rs", "src/a/two.rs"]);
    assert_eq!(needs("src/a/four.rs"), ["src/a/mod.rs"]);
    assert_eq!(needs("src/a/five.rs"), ["src/a/mod.rs"]);
    for path in ["mod", "one", "two", "four", "five"].map(|name| format!("src/a/{name}.rs")) {
        assert!(all_needs(&graph, &path).contains(&path), "{path}");
    }
    assert!(all_needs(&graph, "src/a/three.rs").is_empty());
}
