//! Versions of access profiles that are not current any more, packed: each by itself, or as what differs from an earlier one that is
//! not a difference itself. So each takes two steps to unpack at most, and what a small change adds is small.

use rusqlite::{Row, params};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::get_frame_content_size;

use super::sql::Reading;
use super::unit_of_work::Work;
use crate::error::{Error, Result};

/// Shorter ones stay as they are: they take little, and anybody can read them.
const MIN: usize = 4 * 1024;
/// The longest text that is unpacked; longer ones are never made.
const MAX: u64 = 256 * 1024 * 1024;
/// How hard it is tried: more takes longer and hardly less.
const LEVEL: i32 = 3;

/// Puts a version whose text is `text` into its place packed, unless that is not worth it.
pub(super) fn pack(work: &Work<'_>, id: i64, version: i64, text: &str) -> Result<()> {
    if text.len() < MIN {
        return Ok(());
    }
    let (mut packed, mut base_version) = (compress(text, &[])?, None);
    if let Some((base, base_text)) = find_base(work, id, version)? {
        let difference = compress(text, base_text.as_bytes())?;
        // When little is left of it, the next ones had better be differences from this one.
        if difference.len() < packed.len() / 2 {
            (packed, base_version) = (difference, Some(base));
        }
    }
    if packed.len() >= text.len() {
        return Ok(());
    }
    work.run(
        "packing a version",
        "UPDATE access_profile_versions SET snapshot = '', packed = ?3, base_version = ?4
         WHERE access_profile_id = ?1 AND version = ?2",
        params![id, version, packed, base_version],
    )
}

/// The version that the one before is a difference from, or that one itself, and its text.
fn find_base(reading: &Reading<'_>, id: i64, version: i64) -> Result<Option<(i64, String)>> {
    reading.find(
        "packing a version",
        "SELECT b.version, b.snapshot AS text, b.packed, NULL, NULL FROM access_profile_versions v
         JOIN access_profile_versions b
         ON b.access_profile_id = v.access_profile_id AND b.version = coalesce(v.base_version, v.version)
         WHERE v.access_profile_id = ?1 AND v.version = ?2 - 1",
        [id, version],
        |row| {
            let text = row.from("text", read)?;
            Ok((row.get("version")?, text.unwrap_or_default()))
        },
    )
}

/// The text of a version in four columns: text and packed bytes of its own, and of what it is a difference from. Nothing when there is no
/// such version.
pub(super) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<String>> {
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
        .map_err(|error| Error::internal("packing a version", error))
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
