//! Tables for people: columns as wide as what stands in them.

/// Prints rows under a heading.
pub(super) fn print_table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) {
    let heading = heading.map(str::to_owned);
    let all = || std::iter::once(&heading).chain(rows);
    let widths: [usize; N] = std::array::from_fn(|at| {
        let widths = all().map(|row| row[at].chars().count());
        widths.max().unwrap_or_default()
    });
    for row in all() {
        let cells = row.iter().zip(widths);
        let padded: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        print_line(padded.join("  ").trim_end());
    }
}

/// Fields with their names before them, a line each.
pub(super) fn fields(fields: &[(&str, String)]) -> String {
    let width = fields.iter().map(|(name, _)| name.len()).max();
    let width = width.unwrap_or_default() + 1;
    let lines = fields.iter().map(|(name, value)| {
        let name = format!("{name}:");
        format!("{name:<width$} {value}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Prints a line; a reader that has gone away (`| head`) is no failure.
pub(super) fn print_line(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{text}");
}
