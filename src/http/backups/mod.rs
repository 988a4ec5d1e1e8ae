//! Handlers of backups: making, looking at, trying out and downloading them (API.md §7).

mod sent_file;
pub mod views;

use std::io;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Bytes;
use futures_util::stream::empty;

use self::sent_file::sent;
use self::views::{BackupCreated, BackupList, DrillAnswer};
use crate::domain::list::Query;
use crate::error::Error;
use crate::http::core::answer::{Answer, ok, to_json};
use crate::http::core::guard::{Backups, Caller, Create, Download, View};
use crate::http::core::request::{Request, blocking};
use crate::service::backups::{download, drills, making};
use crate::store::backups::encryption::{Lock, NO_RECIPIENT};

/// What a download is served as.
pub const OCTETS: &str = "application/octet-stream";
/// Longest recipient, in characters.
pub const MAX_RECIPIENT: usize = 200;
/// When another download may begin, in seconds.
const RETRY_AFTER: u64 = 5;

/// `GET /api/backups`
pub async fn list(_: Caller<View, Backups>, request: Request) -> Answer {
    let services = request.services();
    let list = blocking(move || {
        let filed = services.backups.folder().list()?;
        Ok(BackupList::of(&services, &filed))
    });
    ok(&list.await?)
}

/// `POST /api/backups`
///
/// # Errors
/// 409 while another is made, 503 with what is in the way.
pub async fn create(caller: Caller<Create, Backups>, request: Request) -> Answer {
    request.no_fields().await?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let create = move || {
        let made = making::make(&services, actor)?;
        Ok(BackupCreated::of(&services, made))
    };
    let made = blocking(create).await?;
    Ok(HttpResponse::Created()
        .content_type("application/json")
        .body(to_json(&made)?))
}

/// `POST /api/backups/{name}/drill`
///
/// # Errors
/// 404; 409 while another is made or tried out, and when only somebody else can read it.
pub async fn drill(caller: Caller<Create, Backups>, request: Request) -> Answer {
    request.no_fields().await?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let name = request.segment("name");
    let drill = blocking(move || drills::drill(&services, actor, &name)).await?;
    ok(&DrillAnswer {
        drill: drill.into(),
    })
}

/// `GET /api/backups/{name}`: always encrypted.
///
/// # Errors
/// 404; 409 when nobody says for whom it is to be encrypted; 429 while another is sent.
pub async fn get(caller: Caller<Download, Backups>, request: Request) -> Answer {
    let recipient = request.query(recipient)?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let name = request.segment("name");
    let mut response = HttpResponse::Ok();
    response.content_type(OCTETS);
    if request.method() == "HEAD" {
        blocking(move || services.backups.folder().get(&name)).await?;
        return Ok(response.streaming(empty::<io::Result<Bytes>>()));
    }
    let place = request.state().download.clone().try_acquire_owned();
    let place = place.map_err(|_| Error::TooMany {
        code: "download_under_way",
        message: "another backup is being downloaded; wait for it".to_owned(),
        retry_after_seconds: RETRY_AFTER,
    })?;
    let download = blocking(move || download(&services, actor, &name, recipient)).await?;
    let disposition = format!("attachment; filename=\"{}\"", download.name);
    response.insert_header((header::CONTENT_DISPOSITION, disposition));
    Ok(response.streaming(sent(download, place)?))
}

/// `recipient`: a public key of age.
fn recipient(query: &Query) -> Option<Lock> {
    let text = query.text("recipient", MAX_RECIPIENT)?;
    let recipient = Lock::recipient(&text);
    if recipient.is_none() {
        query.refuse("recipient", "invalid_recipient", NO_RECIPIENT);
    }
    recipient
}
