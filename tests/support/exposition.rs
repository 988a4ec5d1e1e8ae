//! Prometheus' text format, read as strictly as `promtool check metrics` does and more: what is wrong with it fails the test.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

/// Metrics that were read.
#[derive(Debug, Default)]
pub struct Exposed {
    /// Types of families, by name.
    pub types: BTreeMap<String, String>,
    /// Samples in their order: name, labels by name, value.
    pub samples: Vec<(String, BTreeMap<String, String>, f64)>,
}

impl Exposed {
    /// Reads a text, of which nothing may be wrong.
    #[track_caller]
    pub fn read(text: &str) -> Self {
        let mut read = Self::default();
        let mut helped = BTreeSet::new();
        let mut current = String::new();
        assert!(text.ends_with('\n'), "the last line is not ended");
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                assert!(help.ends_with('.') && help.len() > 10, "{line}");
                assert!(helped.insert(name.to_owned()), "twice: {line}");
                name.clone_into(&mut current);
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert_eq!(name, current, "the type stands apart from its help");
                read.types.insert(name.to_owned(), kind.to_owned());
                check_name(name, kind);
            } else {
                let (name, labels, value) = sample(line);
                assert_eq!(read.family_of(&name), current, "{line} stands elsewhere");
                read.samples.push((name, labels, value));
            }
        }
        assert_eq!(helped, read.types.keys().cloned().collect());
        read.check_samples();
        read
    }

    /// The family that a sample is of: those of histograms have more names.
    fn family_of<'n>(&self, name: &'n str) -> &'n str {
        let parts = ["_bucket", "_sum", "_count"];
        let base = parts.iter().find_map(|part| name.strip_suffix(part));
        let base = base.filter(|base| {
            self.types
                .get(*base)
                .is_some_and(|kind| kind == "histogram")
        });
        base.unwrap_or(name)
    }

    fn check_samples(&self) {
        let mut seen = BTreeSet::new();
        for (name, labels, value) in &self.samples {
            assert!(seen.insert((name, labels)), "twice: {name} {labels:?}");
            assert!(
                value.is_finite() && *value >= 0.0,
                "{name} {labels:?} {value}"
            );
        }
        let histograms = self.types.iter().filter(|(_, kind)| *kind == "histogram");
        for (name, _) in histograms {
            self.check_histogram(name);
        }
    }

    /// Buckets rise with their bounds, the last of them is that of all, and there are a sum and a count.
    fn check_histogram(&self, name: &str) {
        let mut series: BTreeMap<BTreeMap<String, String>, Vec<(f64, f64)>> = BTreeMap::new();
        let buckets = format!("{name}_bucket");
        for (_, labels, value) in self.samples.iter().filter(|(name, ..)| *name == buckets) {
            let mut labels = labels.clone();
            let bound = labels.remove("le").unwrap().replace("+Inf", "inf");
            series
                .entry(labels)
                .or_default()
                .push((bound.parse().unwrap(), *value));
        }
        for (labels, buckets) in series {
            assert!(
                buckets.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1),
                "{name} {labels:?}: {buckets:?}"
            );
            let (last, all) = *buckets.last().unwrap();
            assert!(last.is_infinite(), "{name} {labels:?}");
            let exact = |name: &str| {
                let mut samples = self.samples.iter();
                let found = samples.find(|(known, with, _)| known == name && *with == labels);
                found
                    .unwrap_or_else(|| panic!("{name} {labels:?}"))
                    .2
                    .to_string()
            };
            assert_eq!(
                exact(&format!("{name}_count")),
                all.to_string(),
                "{name} {labels:?}"
            );
            exact(&format!("{name}_sum"));
        }
    }

    /// The sum of all samples of a name that have these labels.
    pub fn sum(&self, name: &str, with: &[(&str, &str)]) -> f64 {
        let has = |labels: &BTreeMap<String, String>| {
            let mut with = with.iter();
            with.all(|(name, value)| labels.get(*name).is_some_and(|known| known == value))
        };
        let of_name = self.samples.iter().filter(|(known, ..)| known == name);
        of_name
            .filter(|(_, labels, _)| has(labels))
            .map(|(.., value)| value)
            .sum()
    }

    /// The names of all samples.
    pub fn names(&self) -> BTreeSet<String> {
        self.samples.iter().map(|(name, ..)| name.clone()).collect()
    }
}

/// Prometheus' conventions: a prefix, base units, `_total` for counters and nothing else.
fn check_name(name: &str, kind: &str) {
    let form = Regex::new("^(tollkeeper|process)(_[a-z]+)+$").unwrap();
    assert!(form.is_match(name), "{name}");
    assert!(["counter", "gauge", "histogram"].contains(&kind), "{kind}");
    assert_eq!(name.ends_with("_total"), kind == "counter", "{name} {kind}");
    let reserved = ["_bucket", "_count", "_sum"];
    assert!(!reserved.iter().any(|part| name.ends_with(part)), "{name}");
    let units = Regex::new(
        "_(milliseconds|ms|us|nanoseconds|minutes|hours|kilobytes|mb|kib|mib|percent|cents|nanodollars)(_|$)",
    );
    assert!(!units.unwrap().is_match(name), "no base unit: {name}");
}

/// A line with a sample.
fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let form =
        Regex::new(r#"^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)+)\})? (\S+)$"#).unwrap();
    let parts = form.captures(line).unwrap_or_else(|| panic!("{line}"));
    let label = Regex::new(r#"([a-z_]+)="((?:[^"\\]|\\.)*)""#).unwrap();
    let mut labels = BTreeMap::new();
    let given = parts.get(2).map_or("", |given| given.as_str());
    for found in label.captures_iter(given) {
        let before = labels.insert(found[1].to_owned(), found[2].to_owned());
        assert_eq!(before, None, "a label twice: {line}");
    }
    (parts[1].to_owned(), labels, parts[3].parse().unwrap())
}
