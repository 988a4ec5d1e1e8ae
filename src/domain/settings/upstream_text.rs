//! An upstream as it is shown among the settings: where its key comes from and what its headers are called, but neither the key nor what
//! stands in the headers.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::upstream::{KeySource, UpstreamSettings};
use super::values::span_text;

/// In the place of what may be secret.
const HIDDEN: &str = "…";

impl Serialize for UpstreamSettings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut shown = serializer.serialize_map(None)?;
        shown.serialize_entry("name", &self.name)?;
        shown.serialize_entry("provider", &self.provider)?;
        shown.serialize_entry("base_url", &self.base_url)?;
        shown.serialize_entry("dialect", self.dialect.name())?;
        match &self.key_source {
            Some(KeySource::File(path)) => {
                shown.serialize_entry("api_key_file", &path.to_string_lossy())?;
            }
            Some(KeySource::Variable(name)) => shown.serialize_entry("api_key_variable", name)?,
            None => {}
        }
        shown.serialize_entry("free", &self.free)?;
        shown.serialize_entry("unmetered_paths", &self.unmetered_paths)?;
        let headers = self.headers.keys().map(|name| (name, HIDDEN));
        shown.serialize_entry("headers", &headers.collect::<BTreeMap<_, _>>())?;
        if let Some(path) = &self.ca_file {
            shown.serialize_entry("ca_file", &path.to_string_lossy())?;
        }
        for (name, span) in [
            ("connect_timeout", self.connect_timeout),
            ("answer_timeout", self.answer_timeout),
            ("idle_timeout", self.idle_timeout),
        ] {
            shown.serialize_entry(name, &span_text(span))?;
        }
        shown.end()
    }
}
