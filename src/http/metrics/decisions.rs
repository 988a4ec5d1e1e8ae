//! Decisions, what is held and spent, commits, and the hashing of keys.

use super::exposition::Exposition;
use crate::service::Services;

/// Writes what is measured of the ledger, the writer and the keyring.
pub fn write(out: &mut Exposition, services: &Services) {
    let ledger = services.ledger.figures();
    let mut family = out.counter(
        "tollkeeper_decisions_total",
        "Decisions by what was decided on, outcome and reason. A grant has the reason -.",
    );
    for (what, refusal, count) in ledger.decided() {
        let outcome = refusal.map_or("granted", |_| "refused");
        let reason = refusal.map_or("-", |kind| kind.code());
        let labels = [("decision", what), ("outcome", outcome), ("reason", reason)];
        family.sample(&labels, count);
    }
    let mut family = out.histogram(
        "tollkeeper_decision_batch_size",
        "How many questions to the ledger were answered with one commit.",
    );
    family.distribution(&[], &ledger.batches());
    out.gauge(
        "tollkeeper_decision_queue_length",
        "Questions that wait for the ledger.",
    )
    .is(ledger.waiting());
    out.gauge(
        "tollkeeper_decision_queue_limit",
        "Questions that may wait; further ones are refused with 503.",
    )
    .is(services.ledger.queue_limit() as u64);
    out.counter(
        "tollkeeper_decision_batches_lost_total",
        "Batches of decisions that could not be written down; who asked was told, or asked again for.",
    )
    .is(ledger.lost_batches());
    out.gauge("tollkeeper_holds_open", "Reservations that are open.")
        .is(ledger.open_holds());
    out.gauge(
        "tollkeeper_held_dollars",
        "Dollars that open reservations hold.",
    )
    .dollars()
    .is(ledger.held_nanodollars());
    out.counter(
        "tollkeeper_spent_dollars_total",
        "Dollars that were charged, by whatever way. What is taken back is not subtracted.",
    )
    .dollars()
    .is(ledger.spent_nanodollars());
    out.counter(
        "tollkeeper_spent_tokens_total",
        "Tokens that were charged, by whatever way. What is taken back is not subtracted.",
    )
    .is(ledger.spent_tokens());
    write_commits(out, services);
    write_hashes(out, services);
}

fn write_commits(out: &mut Exposition, services: &Services) {
    let writer = services.store.writer_figures();
    let mut family = out
        .histogram(
            "tollkeeper_commit_duration_seconds",
            "How long commits took that succeeded, with all that was written in them.",
        )
        .seconds();
    family.distribution(&[], &writer.durations());
    let mut family = out.histogram(
        "tollkeeper_commit_writes",
        "How many writes shared a commit. A batch of decisions is one.",
    );
    family.distribution(&[], &writer.writes());
    out.counter(
        "tollkeeper_commits_failed_total",
        "Commits that failed, with all that was written in them.",
    )
    .is(writer.failures());
}

fn write_hashes(out: &mut Exposition, services: &Services) {
    let hasher = services.keyring.hasher_figures();
    out.counter(
        "tollkeeper_key_hashes_total",
        "Management keys that were hashed with argon2id because they were not known yet.",
    )
    .is(hasher.runs());
    out.counter(
        "tollkeeper_key_hashes_refused_total",
        "Management keys that were answered 503 because too many waited for argon2id.",
    )
    .is(hasher.refused());
    out.gauge(
        "tollkeeper_key_hashes_waiting",
        "Management keys that wait for argon2id.",
    )
    .is(hasher.waiting());
    let mut family = out
        .histogram(
            "tollkeeper_key_hash_wait_seconds",
            "How long management keys waited for argon2id.",
        )
        .seconds();
    family.distribution(&[], &hasher.waits());
}
