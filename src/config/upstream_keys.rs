//! The keys of upstreams: read once, at the start, from files and variables, and kept nowhere else.

use crate::domain::body::violation::Violation;
use crate::domain::settings::upstream::{KeySource, UpstreamKey, UpstreamSettings};

/// Reads the key of each upstream that names a source, and answers everything that is wrong.
pub(super) fn read(
    upstreams: &mut [UpstreamSettings],
    variables: &[(String, String)],
) -> Vec<Violation> {
    let mut mistakes = Vec::new();
    for upstream in upstreams {
        let Some(source) = &upstream.key_source else {
            continue;
        };
        match read_one(source, variables) {
            Ok(key) => upstream.key = Some(key),
            Err(mistake) => mistakes.push(Violation {
                param: "upstreams".to_owned(),
                code: "unusable_key",
                message: format!("upstream {:?}: {mistake}", upstream.name),
            }),
        }
    }
    mistakes
}

fn read_one(
    source: &KeySource,
    variables: &[(String, String)],
) -> std::result::Result<UpstreamKey, String> {
    match source {
        KeySource::File(path) => {
            let text = std::fs::read_to_string(path);
            let text = text
                .map_err(|error| format!("can't read the key from {}: {error}", path.display()))?;
            let text = zeroize::Zeroizing::new(text);
            UpstreamKey::read(&text).map_err(|what| format!("the key in {} {what}", path.display()))
        }
        KeySource::Variable(name) => {
            let found = variables.iter().find(|(known, _)| known == name);
            let (_, text) = found.ok_or_else(|| {
                format!("the environment variable {name}, which holds its key, is not set")
            })?;
            UpstreamKey::read(text).map_err(|what| {
                format!("the environment variable {name}, which holds its key, {what}")
            })
        }
    }
}
