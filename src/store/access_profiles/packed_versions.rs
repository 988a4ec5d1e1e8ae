//! Versions of access profiles that are not current any more, packed: each by itself, or as what differs from an earlier one that is
//! not a difference itself. So each takes two steps to unpack at most, and what a small change adds is small.

use rusqlite::{Row, params};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::get_frame_content_size;

use crate::error::{Error, Result};
use crate::store::sql::Reading;
use crate::store::unit_of_work::Work;

/// Shorter ones stay as they are: they take little, and anybody can read them.
const MIN: usize = 4 * 1024;
/// The longest text that is unpacked; longer ones are never made.
const MAX: u64 = 256 * 1024 * 1024;
/// How hard it is tried: more takes longer and hardly less.
const LEVEL: i32 = 3;

/// A version as it is kept once there is a next one. To pack it takes longer than to store it: it is done before the writer is asked, for
/// whom all wait.
pub struct PackedVersion {
    version: i64,
    /// Nothing when it is not worth it.
    packed: Option<Packed>,
}

struct Packed {
    bytes: Vec<u8>,
    /// What it is a difference from.
    base_version: Option<i64>,
}

/// Packs the current version of a profile.
///
/// # Errors
/// [`Error::NotFound`].
pub fn pack_current(reading: &Reading<'_>, id: i64) -> Result<PackedVersion> {
    let current: Option<(i64, String)> = reading.find(
        PACKING,
        "SELECT v.version, v.snapshot FROM access_profiles p
         JOIN access_profile_versions v ON v.access_profile_id = p.id AND v.version = p.version
         WHERE p.id = ?1",
        [id],
        |row| Ok((row.get("version")?, row.get("snapshot")?)),
    )?;
    let (version, text) = current.ok_or_else(|| Error::not_found("access profile", id))?;
    pack(reading, id, version, &text)
}

/// Puts a version whose text is `text` into its place packed, unless that is not worth it. It is packed here if what was packed `ahead` is
/// another one.
pub(in crate::store) fn put(
    work: &Work<'_>,
    (id, version): (i64, i64),
    text: &str,
    ahead: Option<PackedVersion>,
) -> Result<()> {
    let packed = match ahead.filter(|ahead| ahead.version == version) {
        Some(packed) => packed,
        None => pack(work, id, version, text)?,
    };
    let Some(packed) = packed.packed else {
        return Ok(());
    };
    work.run(
        PACKING,
        "UPDATE access_profile_versions SET snapshot = '', packed = ?3, base_version = ?4
         WHERE access_profile_id = ?1 AND version = ?2",
        params![id, version, packed.bytes, packed.base_version],
    )
}

const PACKING: &str = "packing a version";

fn pack(reading: &Reading<'_>, id: i64, version: i64, text: &str) -> Result<PackedVersion> {
    let packed = if text.len() < MIN {
        None
    } else {
        let difference = find_difference(reading, id, version, text)?;
        let packed = match difference {
            Some(difference) => difference,
            None => Packed {
                bytes: compress(text, &[])?,
                base_version: None,
            },
        };
        Some(packed).filter(|packed| packed.bytes.len() < text.len())
    };
    Ok(PackedVersion { version, packed })
}

/// What differs from the version that the one before is a difference from, or from that one itself. When it is more than half of what
/// that one takes, in proportion to the texts, there is none: the next ones had better be differences from this one.
fn find_difference(
    reading: &Reading<'_>,
    id: i64,
    version: i64,
    text: &str,
) -> Result<Option<Packed>> {
    let base = reading.find(
        PACKING,
        "SELECT b.version, octet_length(b.packed) AS bytes, b.snapshot AS text, b.packed, NULL, NULL FROM access_profile_versions v
         JOIN access_profile_versions b
         ON b.access_profile_id = v.access_profile_id AND b.version = coalesce(v.base_version, v.version)
         WHERE v.access_profile_id = ?1 AND v.version = ?2 - 1 AND b.packed IS NOT NULL",
        [id, version],
        |row| {
            let version: i64 = row.get("version")?;
            let bytes = row.read("bytes", |bytes: i64| usize::try_from(bytes))?;
            let text = row.from("text", read)?;
            Ok((version, bytes, text.unwrap_or_default()))
        },
    )?;
    let Some((base_version, base_bytes, base)) = base else {
        return Ok(None);
    };
    let bytes = compress(text, base.as_bytes())?;
    let is_small = 2 * bytes.len() * base.len() < base_bytes * text.len();
    Ok(is_small.then_some(Packed {
        bytes,
        base_version: Some(base_version),
    }))
}

/// The text of a version in four columns: text and packed bytes of its own, and of what it is a difference from. Nothing when there is no
/// such version.
pub(in crate::store) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<String>> {
    let Some(text) = row.get::<_, Option<String>>(first)? else {
        return Ok(None);
    };
    let Some(packed) = row.get_ref(first + 1)?.as_bytes_or_null()? else {
        return Ok(Some(text));
    };
    let base = match row.get_ref(first + 3)?.as_bytes_or_null()? {
        Some(packed) => Some(unpack(first, packed, &[])?),
        None => row.get::<_, Option<String>>(first + 2)?,
    };
    unpack(first, packed, base.unwrap_or_default().as_bytes()).map(Some)
}

fn compress(text: &str, base: &[u8]) -> Result<Vec<u8>> {
    Compressor::with_dictionary(LEVEL, base)
        .and_then(|mut compressor| compressor.compress(text.as_bytes()))
        .map_err(|error| Error::internal(PACKING, error))
}

fn unpack(column: usize, packed: &[u8], base: &[u8]) -> rusqlite::Result<String> {
    let length = get_frame_content_size(packed).ok().flatten();
    let length = length.filter(|length| *length <= MAX);
    let length = length.and_then(|length| usize::try_from(length).ok());
    let unpacked = Decompressor::with_dictionary(base)
        .and_then(|mut decompressor| decompressor.decompress(packed, length.unwrap_or_default()));
    let damaged = |error: Box<dyn std::error::Error + Send + Sync>| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Blob, error)
    };
    String::from_utf8(unpacked.map_err(|error| damaged(error.into()))?)
        .map_err(|error| damaged(error.into()))
}
