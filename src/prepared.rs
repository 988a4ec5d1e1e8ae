//! What the settings name, read and judged before anything is changed: by `tollkeeper config check`, by a start, and at SIGHUP.

use crate::config::Settings;
use crate::domain::body::violation::Violation;
use crate::error::{Error, Result};
use crate::gateway::proxy::upstreams::PreparedUpstreams;
use crate::http::certificates::CertificatePair;
use crate::listening::certificate_files;
use crate::service::price_book::SetPrices;

/// What was read, and can be put in force.
pub struct Prepared {
    /// The upstreams, with their keys.
    pub upstreams: PreparedUpstreams,
    /// The prices of the file, and what becomes of models without a price.
    pub prices: SetPrices,
    /// The certificate, if one is named.
    pub certificate: Option<CertificatePair>,
}

impl Prepared {
    /// Reads everything that the settings name.
    ///
    /// # Errors
    /// [`Error::Settings`] with every mistake: what is wrong with the settings together, and with each file.
    pub fn read(settings: &Settings) -> Result<Self> {
        let mut mistakes = Vec::new();
        if let Err(error) = settings.check_serving() {
            note(&mut mistakes, "", error);
        }
        let upstreams = PreparedUpstreams::new(&settings.upstreams)
            .map_err(|error| note(&mut mistakes, "upstreams", error));
        let prices = SetPrices::read(&settings.prices)
            .map_err(|error| note(&mut mistakes, "prices.file", error));
        let certificate = certificate_files(&settings.tls)
            .map(|files| files.read())
            .transpose()
            .map_err(|error| note(&mut mistakes, "tls", error));
        match (upstreams, prices, certificate) {
            (Ok(upstreams), Ok(prices), Ok(certificate)) if mistakes.is_empty() => Ok(Self {
                upstreams,
                prices,
                certificate,
            }),
            _ => Err(Error::Settings(mistakes)),
        }
    }
}

/// Notes what is wrong with a file, by the setting that names it; mistakes of settings name theirs.
fn note(mistakes: &mut Vec<Violation>, setting: &str, error: Error) {
    match error {
        Error::Settings(more) => mistakes.extend(more),
        other => mistakes.push(Violation {
            param: setting.to_owned(),
            code: "unusable_file",
            message: format!("{setting}: {other}"),
        }),
    }
}
