//! A setting that is another one than at the last start.

use std::collections::{BTreeMap, BTreeSet};

/// A setting that is another one than at the last start, as it was written. It is none where nothing is set and the default holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedSetting {
    /// Its name in the file.
    pub name: String,
    /// As it was.
    pub before: Option<String>,
    /// As it is.
    pub after: Option<String>,
}

/// What differs between what was said of settings at two starts, by name.
pub fn changed(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<ChangedSetting> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differing = names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name));
    differing
        .map(|name| ChangedSetting {
            name: name.clone(),
            before: before.get(name).cloned(),
            after: after.get(name).cloned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_anew_otherwise_or_no_more_has_changed() {
        let said = |all: &[(&str, &str)]| -> BTreeMap<String, String> {
            let all = all.iter();
            all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let before = said(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let after = said(&[("b", "1"), ("c", "2"), ("d", "3")]);
        let one = |name: &str, before: Option<&str>, after: Option<&str>| ChangedSetting {
            name: name.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        let expected = [
            one("a", Some("1"), None),
            one("c", Some("1"), Some("2")),
            one("d", None, Some("3")),
        ];
        assert_eq!(changed(&before, &after), expected);
        assert_eq!(changed(&after, &after), []);
    }
}
