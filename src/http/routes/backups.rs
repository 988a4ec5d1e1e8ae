//! The routes of backups.

use actix_web::http::Method;

use super::parameters::RECIPIENT;
use crate::http::backups;
use crate::http::backups::views::{BackupCreated, BackupList, DrillAnswer};
use crate::http::core::route::Route;

const BACKUP: &str = "/api/backups/{name}";

/// The rows of the table.
pub fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/backups", "list_backups", backups::list)
            .says(
                "Look at backups",
                "Those that lie in the folder of backups, the newest first, when the next one is due, and what became of the last ones.",
            )
            .answers::<BackupList>(200),
        Route::new(Method::POST, "/api/backups", "create_backup", backups::create)
            .says(
                "Make a backup",
                "It holds everything that was acknowledged before. Every page, every counter against the journal, and the audit log to its head are \
                 checked; what is wrong stands in `findings` and in the name of the file. Large ones take minutes. It takes the place of the oldest \
                 that somebody asked for once there are as many as are kept. 409 while another is made or tried out, 503 `backup_failed` with what is in the way. \
                 `Idempotency-Key` has no effect.",
            )
            .answers::<BackupCreated>(201)
            .without_place()
            .refuses(&[408, 409, 413, 415]),
        Route::new(Method::GET, BACKUP, "download_backup", backups::get)
            .says(
                "Download a backup",
                "Encrypted, always: as it lies there, or for the `recipient`, or as the settings say; 409 `recipient_required` when nobody says for whom. \
                 The program `age` decrypts it, and `tollkeeper restore` takes it as it is. Whoever decrypts it has everything but the keys of providers. \
                 There is one download at a time. The audit log has it before the first byte is sent.",
            )
            .query(RECIPIENT)
            .serves(&[backups::OCTETS])
            .refuses(&[400, 404, 409]),
        Route::new(Method::POST, "/api/backups/{name}/drill", "drill_backup", backups::drill)
            .says(
                "Try out whether a backup can be restored",
                "It is restored into a scratch folder and checked as when it was made; nothing else is touched. Of one that is encrypted for a \
                 recipient only the checksum can be compared, which `why` says. `Idempotency-Key` has no effect.",
            )
            .answers::<DrillAnswer>(200)
            .refuses(&[404, 408, 409, 413, 415]),
    ]
}
