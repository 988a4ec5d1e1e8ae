//! What an operator sees of the server itself: how it is, its backups and its settings.

use serde_json::json;

use crate::page::Page;
use crate::upstreams::holder;

#[test]
fn the_start_page_tells_how_the_day_and_the_server_are() {
    let page = Page::start();
    let ada = holder(page.api(), &["openai"]);
    let spent = json!({ "virtual_key": ada.key, "provider": "openai", "model": "gpt-5", "tokens": 7, "cost": 12.5, "request_id": "a" });
    page.api().post("/v1/usage", &spent).expect(201);
    page.sign_in(&page.api().key.clone());
    // It is where a session begins.
    page.see("Overview");
    page.see("✓ ready");
    for text in ["$12.50", "Near a limit", "Last good backup", "✓ intact"] {
        page.see(text);
    }
    page.press("Refresh");
    page.see("✓ ready");
    page.nothing_went_wrong();
}

#[test]
fn what_should_be_looked_after_stands_on_the_start_page_with_what_to_do() {
    let page = Page::start();
    std::fs::remove_file(page.data_dir().join("audit-anchor")).unwrap();
    let verified = page.api().get("/api/access-profiles/audit-logs/verify");
    assert_eq!(verified.expect(200).json()["intact"], false);
    page.sign_in(&page.api().key.clone());
    page.see("To look after");
    page.see("audit renew");
    page.nothing_went_wrong();
}

#[test]
fn a_backup_is_made_tried_out_and_taken_away() {
    let page = Page::signed_in();
    page.open("/backups");
    page.see("No backup yet");
    page.press("Make a backup");
    page.see("✓ sound");
    page.press("Drill");
    page.see("can be restored.");
    page.press("Download");
    page.see("For whom?");
    page.fill("Public key", "age1nobody");
    page.press("Download");
    page.see("recipient: ");
    page.nothing_went_wrong();
}

#[test]
fn settings_are_seen_with_where_they_are_from() {
    let page = Page::signed_in();
    page.open("/settings");
    page.see("server.listen");
    page.see("decisions.reservation_ttl");
    page.nothing_went_wrong();
}
