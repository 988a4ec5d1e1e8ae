-- How many answers are kept for each caller, so that nobody counts them: both have a bound. A caller without any has no row.
CREATE TABLE idempotency_callers (
    owner   TEXT    NOT NULL PRIMARY KEY,
    answers INTEGER NOT NULL CHECK (answers > 0),
    bytes   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO idempotency_callers
    SELECT owner, count(*), sum(octet_length(body)) FROM idempotency_keys GROUP BY owner;
-- When a caller's oldest one ends.
CREATE INDEX idempotency_keys_by_owner ON idempotency_keys (owner, created_at);

PRAGMA user_version = 11;
