//! Values of settings that only the server itself needs, as they are written: names, networks, a time zone.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use ipnet::IpNet;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use log::LevelFilter;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

use crate::domain::body::input::nearest;
use crate::domain::settings::Deadlines;
use crate::domain::settings::upstream::RESERVED;
use crate::domain::settings::values::whole;

/// Longest path before all others, in bytes.
const MAX_BASE_PATH: usize = 200;
/// What no upstream is called, so that it can stand before all paths.
const OURS: &str = "tollkeeper";

/// A path that stands before all others; a slash behind it is taken off. What a path of ours begins with would be two things.
pub(super) fn base_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    const EXPECTED: &str = "expected a path such as \"/tollkeeper\"";
    let text = String::deserialize(deserializer)?;
    let path = text.trim_end_matches('/');
    let Some(pieces) = path.strip_prefix('/') else {
        let is_none = path.is_empty();
        return is_none.then(String::new).ok_or_else(|| {
            D::Error::custom(format_args!(
                "{EXPECTED}, with a slash before it, found {text:?}"
            ))
        });
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let is_piece = |piece: &str| piece.bytes().all(fits) && !["", ".", ".."].contains(&piece);
    if path.len() > MAX_BASE_PATH || !pieces.split('/').all(is_piece) {
        return Err(D::Error::custom(format_args!(
            "{EXPECTED}: letters, digits and -._~ between slashes, at most {MAX_BASE_PATH}; found {text:?}"
        )));
    }
    let first = pieces.split('/').next().unwrap_or_default();
    if RESERVED.contains(&first) && first != OURS {
        return Err(D::Error::custom(format_args!(
            "paths of our own begin with \"/{first}\"; {EXPECTED}"
        )));
    }
    Ok(path.to_owned())
}

/// An address and a port; a name is looked up.
pub(super) fn optional_address<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let expected = "expected an address and a port such as 127.0.0.1:9464";
    let mut found = text
        .to_socket_addrs()
        .map_err(|error| D::Error::custom(format_args!("{expected}, found {text:?} ({error})")))?;
    found.next().map(Some).ok_or_else(|| {
        D::Error::custom(format_args!(
            "{text:?} is no address of this machine; {expected}"
        ))
    })
}

/// A list of names, or one text with commas between them (all that a variable can say).
pub(super) fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "expected a list of names, or one text with commas between them"
    )]
    enum Names {
        List(Vec<String>),
        Text(String),
    }
    Ok(match Names::deserialize(deserializer)? {
        Names::List(names) => names,
        Names::Text(text) => split(&text),
    })
}

/// What stands between commas.
pub(super) fn split(text: &str) -> Vec<String> {
    let pieces = text.split(',').map(str::trim);
    let given = pieces.filter(|piece| !piece.is_empty());
    given.map(str::to_owned).collect()
}

/// Addresses and networks.
pub(super) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let read = |name: &String| {
        let alone = || name.parse::<IpAddr>().map(IpNet::from);
        name.parse::<IpNet>().or_else(|_| alone()).map_err(|_| {
            let expected = "expected addresses or networks such as 10.0.0.0/8";
            D::Error::custom(format_args!("{expected}, found {name:?}"))
        })
    };
    names(deserializer)?.iter().map(read).collect()
}

/// Networks as they are written.
pub(super) fn as_networks<S: Serializer>(
    networks: &[IpNet],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(networks.iter().map(ToString::to_string))
}

/// A path, however it is spelt.
pub(super) fn as_path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// The seconds for a body.
pub(super) fn as_body_deadline<S: Serializer>(
    deadlines: &Deadlines,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(deadlines.body.as_secs())
}

/// A level by its name.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "it is called with a reference"
)]
pub(super) fn as_level<S: Serializer>(
    level: &LevelFilter,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&level.as_str().to_ascii_lowercase())
}

/// A time zone by its name.
pub(super) fn as_time_zone<S: Serializer>(
    zone: &TimeZone,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(zone.iana_name().unwrap_or("UTC"))
}

/// Seconds for a body; the other deadlines are as they are.
pub(super) fn body_deadline<'de, const MIN: u32, const MAX: u32, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Deadlines, D::Error> {
    let seconds: u64 = whole::<MIN, MAX, _, _>(deserializer)?;
    Ok(Deadlines {
        body: Duration::from_secs(seconds),
        ..Deadlines::default()
    })
}

/// How severe a line must be. `off` is none: what goes wrong is always told.
pub(super) fn level<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LevelFilter, D::Error> {
    const KNOWN: [&str; 5] = ["error", "warn", "info", "debug", "trace"];
    let text = String::deserialize(deserializer)?;
    let known = KNOWN.contains(&text.as_str());
    let level = known.then(|| text.parse().ok()).flatten();
    level.ok_or_else(|| D::Error::unknown_variant(&text, &KNOWN))
}

/// A time zone by its IANA name.
pub(super) fn time_zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeZone, D::Error> {
    let name = String::deserialize(deserializer)?;
    // The machine's own database is newer than ours, if it has one and that is whole.
    let bundled = TimeZoneDatabase::bundled();
    TimeZone::get(&name)
        .or_else(|_| bundled.get(&name))
        .map_err(|_| {
            let hint = zone_hint(&name, &bundled);
            D::Error::custom(format_args!("there is no time zone {name:?}; {hint}"))
        })
}

/// What the name of a time zone was probably meant to be: a city alone, or a name with a slip in it.
fn zone_hint(name: &str, known: &TimeZoneDatabase) -> String {
    let wanted = name.trim().replace(' ', "_");
    let known: Vec<String> = known.available().map(|name| name.to_string()).collect();
    let city = |name: &&String| {
        name.rsplit_once('/')
            .is_some_and(|(_, city)| city.eq_ignore_ascii_case(&wanted))
    };
    known
        .iter()
        .find(city)
        .map(String::as_str)
        .or_else(|| nearest(&wanted, known.iter().map(String::as_str)))
        // Anything is near to next to nothing.
        .filter(|_| wanted.len() > 2)
        .map_or_else(
            || "expected an IANA name such as \"Europe/Berlin\"".to_owned(),
            |name| format!("did you mean {name:?}?"),
        )
}
