//! What grows when nobody looks: counted of this tree, or of commits, so that they can be compared.
//!
//! ```sh
//! COUNT="HEAD~20 HEAD" cargo test --test house counts_are_shown -- --nocapture
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use regex::Regex;

use crate::circles::in_circles;
use crate::{Source, files_of, sources};

/// What is counted of the Rust files under `src`.
struct Counts {
    lines: usize,
    /// Files that need themselves by way of others of their folder, by the folders right below `src` that have such files.
    in_circles: BTreeMap<String, usize>,
    /// Places where the compiler is told to expect code that nobody uses.
    unused: usize,
    /// Public types whose names another file gives to a public type, too.
    two_meanings: BTreeSet<String>,
}

impl Counts {
    fn of(files: &[Source]) -> Self {
        let unused = Regex::new(r"#\[expect\(\s*dead_code").unwrap();
        let folders: BTreeSet<_> = files.iter().filter_map(|file| folder(&file.path)).collect();
        let circled = folders.iter().map(|folder| {
            let folder = (*folder).to_owned();
            let files = in_circles(files, &folder).len();
            (folder, files)
        });
        Self {
            lines: files.iter().map(|file| file.text.lines().count()).sum(),
            in_circles: circled.filter(|(_, files)| *files > 0).collect(),
            unused: files
                .iter()
                .map(|file| unused.find_iter(&file.code).count())
                .sum(),
            two_meanings: two_meanings(files),
        }
    }
}

/// The folder right below `src` that a file is in, with its slash.
fn folder(path: &str) -> Option<&str> {
    let end = path.strip_prefix("src/")?.find('/')?;
    Some(&path[..="src/".len() + end])
}

fn two_meanings(files: &[Source]) -> BTreeSet<String> {
    let public = r"(?m)^\s*pub(?:\([^)]*\))? (?:struct|enum|trait|type|union) (\w+)";
    let public = Regex::new(public).unwrap();
    let mut seen = BTreeSet::new();
    let mut two = BTreeSet::new();
    for file in files {
        let code = file.code.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for found in public.captures_iter(code) {
            if !seen.insert(found[1].to_owned()) {
                two.insert(found[1].to_owned());
            }
        }
    }
    two
}

/// The files of a commit.
fn sources_of(commit: &str) -> Vec<Source> {
    let tree = tempfile::tempdir().unwrap();
    let unpack = format!(
        "git archive {commit} src | tar -x -C {}",
        tree.path().display()
    );
    let mut bash = Command::new("bash");
    let bash = bash.args(["-o", "pipefail", "-c", &unpack]);
    let unpacked = bash.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    assert!(unpacked.unwrap().success(), "{commit} is no commit");
    files_of(tree.path(), "src", "rs")
}

#[test]
fn counts_are_shown() {
    println!(
        "{:<12} {:>6} {:>8} {:>7} {:>12}  where",
        "", "lines", "circled", "unused", "two meanings"
    );
    let show = |name: &str, files: &[Source]| {
        let counts = Counts::of(files);
        println!(
            "{name:<12} {:>6} {:>8} {:>7} {:>12}  {:?} {:?}",
            counts.lines,
            counts.in_circles.values().sum::<usize>(),
            counts.unused,
            counts.two_meanings.len(),
            counts.in_circles,
            counts.two_meanings,
        );
    };
    for commit in std::env::var("COUNT")
        .unwrap_or_default()
        .split_whitespace()
    {
        show(commit, &sources_of(commit));
    }
    show("this tree", &sources("src"));
}

#[test]
fn a_name_of_a_public_type_has_one_meaning() {
    let two = two_meanings(&sources("src"));
    assert!(two.is_empty(), "several files give these names: {two:?}");
}

#[test]
fn counts_find_what_they_count() {
    let file = |path: &str, code: &str| Source {
        path: path.to_owned(),
        text: code.to_owned(),
        code: code.to_owned(),
    };
    let counts = Counts::of(&[
        file("src/main.rs", "mod a;\nmod b;\n"),
        file(
            "src/a/one.rs",
            "use super::two::Thing;\npub(crate) struct Other;\n",
        ),
        file(
            "src/a/two.rs",
            "use super::one::Other;\n#[expect(dead_code, reason = \"\")]\npub struct Thing;\n",
        ),
        file(
            "src/b/one.rs",
            "pub enum Thing {}\nstruct Other;\n#[cfg(test)]\nmod tests {\n    pub struct Other;\n}\n",
        ),
    ]);
    assert_eq!(counts.lines, 13);
    assert_eq!(
        counts.in_circles,
        BTreeMap::from([("src/a/".to_owned(), 2)])
    );
    assert_eq!(counts.unused, 1);
    assert_eq!(counts.two_meanings, BTreeSet::from(["Thing".to_owned()]));
}
