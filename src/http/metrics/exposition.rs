//! Metrics as Prometheus reads them: its text format, version 0.0.4.

use std::fmt::Write;

use crate::metrics::{Distribution, SECOND};

/// The media type of the text.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Nanodollars in a dollar.
const DOLLAR: u64 = 1_000_000_000;

/// What a sample is told apart by: names, and values that are none a caller can invent.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

/// What the numbers of a family mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// The text as far as it is written.
#[derive(Default)]
pub struct Exposition(String);

/// Samples of one name.
pub struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
    /// How many of what is measured are one of what is shown.
    per_unit: f64,
}

impl Exposition {
    /// A family of numbers that only grow. Its name ends with `_total`.
    pub fn counter(&mut self, name: &'static str, help: &str) -> Family<'_> {
        debug_assert!(name.ends_with("_total"), "{name}");
        self.family(Kind::Counter, name, help)
    }

    /// A family of numbers that rise and fall.
    pub fn gauge(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(Kind::Gauge, name, help)
    }

    /// A family of distributions of values as they were measured.
    pub fn histogram(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(Kind::Histogram, name, help)
    }

    fn family(&mut self, kind: Kind, name: &'static str, help: &str) -> Family<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // A string takes whatever is written.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Family {
            text: &mut self.0,
            name,
            per_unit: 1.0,
        }
    }

    /// The text.
    pub fn finish(self) -> String {
        self.0
    }
}

impl Family<'_> {
    /// The same of what is measured in a smaller unit than it is shown in.
    pub fn per(self, per_unit: u64) -> Self {
        Self {
            per_unit: float(per_unit),
            ..self
        }
    }

    /// The same of durations, which are measured in nanoseconds.
    pub fn seconds(self) -> Self {
        self.per(SECOND)
    }

    /// The same of money, which is counted in nanodollars.
    pub fn dollars(self) -> Self {
        self.per(DOLLAR)
    }

    /// A sample without labels.
    pub fn is(self, value: u64) {
        let mut family = self;
        family.sample(&[], value);
    }

    /// A sample.
    pub fn sample(&mut self, labels: Labels<'_>, value: u64) {
        if self.per_unit > 1.0 {
            self.line("", labels, None, float(value) / self.per_unit);
        } else {
            self.line("", labels, None, value);
        }
    }

    /// A distribution: how many values there were up to each bound, their sum and their number.
    pub fn distribution(&mut self, labels: Labels<'_>, seen: &Distribution) {
        let mut count = 0;
        for (at, more) in seen.counts.iter().enumerate() {
            count += more;
            let bound = seen.bounds.get(at);
            let bound = bound.map_or("+Inf".to_owned(), |bound| {
                (float(*bound) / self.per_unit).to_string()
            });
            self.line("_bucket", labels, Some(&bound), count);
        }
        self.line("_sum", labels, None, float(seen.sum) / self.per_unit);
        self.line("_count", labels, None, count);
    }

    fn line(
        &mut self,
        suffix: &str,
        labels: Labels<'_>,
        bound: Option<&str>,
        value: impl std::fmt::Display,
    ) {
        self.text.push_str(self.name);
        self.text.push_str(suffix);
        let all = labels
            .iter()
            .copied()
            .chain(bound.map(|bound| ("le", bound)));
        let mut before = '{';
        for (name, value) in all {
            self.text.push(before);
            before = ',';
            self.text.push_str(name);
            self.text.push_str("=\"");
            write_escaped(self.text, value);
            self.text.push('"');
        }
        if before == ',' {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

fn write_escaped(text: &mut String, value: &str) {
    for letter in value.chars() {
        match letter {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
}

/// A number as Prometheus keeps it. It has 53 bits: beyond nine quadrillions the last digits are lost.
#[expect(
    clippy::cast_precision_loss,
    reason = "Prometheus knows no other numbers"
)]
fn float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_written_as_the_format_says() {
        let mut text = Exposition::default();
        text.gauge("a", "How many there are.").is(3);
        let mut family = text.counter("b_total", "How many there were.");
        family.sample(&[("of", "a\\b\"c\nd"), ("and", "")], 1);
        let mut seen = Distribution::new(&[SECOND / 2, SECOND]);
        for value in [SECOND / 4, SECOND, 3 * SECOND] {
            seen.note(value);
        }
        let mut family = text.histogram("c_seconds", "How long it took.").seconds();
        family.distribution(&[("by", "x")], &seen);
        let expected = "# HELP a How many there are.\n# TYPE a gauge\na 3\n\
            # HELP b_total How many there were.\n# TYPE b_total counter\nb_total{of=\"a\\\\b\\\"c\\nd\",and=\"\"} 1\n\
            # HELP c_seconds How long it took.\n# TYPE c_seconds histogram\n\
            c_seconds_bucket{by=\"x\",le=\"0.5\"} 1\nc_seconds_bucket{by=\"x\",le=\"1\"} 2\nc_seconds_bucket{by=\"x\",le=\"+Inf\"} 3\n\
            c_seconds_sum{by=\"x\"} 4.25\nc_seconds_count{by=\"x\"} 3\n";
        assert_eq!(text.finish(), expected);
    }
}
