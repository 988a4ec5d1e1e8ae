//! A table that judges: figures, and beside those that have an aim whether it is met.

use super::measure::Measured;

/// What a figure should be.
#[derive(Clone, Copy)]
pub enum Aim {
    AtMost(f64),
    AtLeast(f64),
}

impl Aim {
    pub fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }

    pub fn words(self) -> String {
        match self {
            Self::AtMost(most) => format!("<= {most}"),
            Self::AtLeast(least) => format!(">= {least}"),
        }
    }
}

/// A value that is judged, or only shown.
pub struct Judged {
    pub what: String,
    pub value: f64,
    pub aim: Option<Aim>,
}

impl Judged {
    pub fn shown(what: impl Into<String>, value: f64) -> Self {
        Self {
            what: what.into(),
            value,
            aim: None,
        }
    }

    /// The 99th percentile, in milliseconds.
    pub fn p99(one: &Measured, most: f64) -> Self {
        Self {
            what: "ms p99".to_owned(),
            value: one.latencies.at(0.99),
            aim: Some(Aim::AtMost(most)),
        }
    }

    fn words(&self) -> String {
        let aim = self
            .aim
            .map_or_else(String::new, |aim| format!(" (aim {})", aim.words()));
        format!("{:.2} {}{aim}", self.value, self.what)
    }
}

/// What was printed so far: whether an aim was missed.
#[derive(Default)]
pub struct Table {
    missed: bool,
}

impl Table {
    /// Begins a part of lines that [`Table::measured`] prints.
    #[expect(clippy::unused_self, reason = "what is printed is the table")]
    pub fn part(&self, title: &str) {
        println!(
            "\n{title:<42} {:>5} {:>10} {:>9} {:>9} {:>9} {:>8}",
            "conns", "answers/s", "p50 ms", "p99 ms", "cpu us", "peak MiB"
        );
    }

    /// A figure of a process under load, with what is judged of it; that everything is answered is an aim of each.
    pub fn measured(&mut self, name: &str, one: &Measured, judged: &[Judged]) {
        let met = one.errors == 0
            && judged
                .iter()
                .all(|judged| judged.aim.is_none_or(|aim| aim.is_met(judged.value)));
        line(name, one, self.verdict(met), judged);
    }

    /// A figure of something that is no work of ours, and is not judged.
    #[expect(clippy::unused_self, reason = "what is printed is the table")]
    pub fn shown(&self, name: &str, one: &Measured, judged: &[Judged]) {
        let without_aims = judged.iter();
        let without_aims = without_aims.map(|one| Judged::shown(&one.what, one.value));
        line(name, one, "", &without_aims.collect::<Vec<_>>());
    }

    /// How a line ends; the table remembers what was missed.
    pub fn verdict(&mut self, met: bool) -> &'static str {
        self.missed |= !met;
        if met { "ok" } else { "MISSED" }
    }

    /// Whether nothing was missed.
    pub fn all_met(&self) -> bool {
        !self.missed
    }
}

fn line(name: &str, one: &Measured, verdict: &str, judged: &[Judged]) {
    let words = judged.iter().map(Judged::words).chain(one.remarks());
    let words: Vec<_> = words.collect();
    println!(
        "{name:<42} {:>5} {:>10.0} {:>9.2} {:>9.2} {:>9.0} {:>8}  {verdict:<6}  {}",
        one.connections,
        one.rate,
        one.latencies.at(0.5),
        one.latencies.at(0.99),
        one.processor,
        one.peak,
        words.join("; "),
    );
}
