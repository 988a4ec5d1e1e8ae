//! Dates in names of models. Some gateways write `gpt-5.2-20251211` where the provider writes `gpt-5.2-2025-12-11`.

use jiff::civil::Date;

/// The name with dashes in each date of eight digits that ends a part of it, if there is one.
pub fn with_dashes(model: &str) -> Option<String> {
    let mut written = String::with_capacity(model.len() + 2);
    let mut parts = model.split('-');
    written.push_str(parts.next()?);
    let mut any = false;
    for part in parts {
        // What follows is another part, a variant behind a colon, or nothing.
        let (date, variant) = part.split_at(part.find(':').unwrap_or(part.len()));
        written.push('-');
        if let Some([year, month, day]) = date_of(date) {
            written.extend([year, "-", month, "-", day, variant]);
            any = true;
        } else {
            written.push_str(part);
        }
    }
    any.then_some(written)
}

fn date_of(text: &str) -> Option<[&str; 3]> {
    let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || !text.starts_with("20") {
        return None;
    }
    let parts = [&text[..4], &text[4..6], &text[6..]];
    let month = parts[1].parse().ok()?;
    Date::new(parts[0].parse().ok()?, month, parts[2].parse().ok()?).ok()?;
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_eight_digits_get_dashes() {
        for (name, expected) in [
            ("gpt-5.2-20251211", Some("gpt-5.2-2025-12-11")),
            ("a-20240229:free", Some("a-2024-02-29:free")),
            ("a-20240229-b", Some("a-2024-02-29-b")),
            ("a-20230229", None),
            ("a-19990101", None),
            ("20240101", None),
            ("a-202401011", None),
            ("a-2024010é", None),
            ("", None),
        ] {
            assert_eq!(with_dashes(name).as_deref(), expected, "{name}");
        }
    }
}
