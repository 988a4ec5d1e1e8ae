//! The OpenAPI document as it is served: written once, packed once, with the validator of each form.

use std::io::Write;

use actix_web::web::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// One form of the document.
pub struct DocumentForm {
    /// Its bytes.
    pub body: Bytes,
    /// Its strong validator: another form has other bytes, so another validator.
    pub etag: String,
}

/// The document in both forms.
pub struct ServedDocument {
    /// As it is.
    pub plain: DocumentForm,
    /// Packed with gzip.
    pub packed: DocumentForm,
}

impl ServedDocument {
    /// Both forms of a document.
    pub fn new(text: Vec<u8>) -> Self {
        let hash = format!("{:08x}", crc32fast::hash(&text));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        // Writing into memory does not fail; were it to, what can't be unpacked would not be served as if it could.
        let packed = encoder
            .write_all(&text)
            .and_then(|()| encoder.finish())
            .unwrap_or_default();
        Self {
            plain: DocumentForm {
                body: text.into(),
                etag: format!("\"{hash}\""),
            },
            packed: DocumentForm {
                body: packed.into(),
                etag: format!("\"{hash}-gzip\""),
            },
        }
    }
}
