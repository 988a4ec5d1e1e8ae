-- What was decided: the journal of reservations, the request ids that were answered, and the history of use. Times are milliseconds
-- since 1970 in UTC, money is nanodollars. Everything that counts has a number in the journal: they ascend and are never used again.

CREATE TABLE journal (
    only_row    INTEGER PRIMARY KEY CHECK (only_row = 1),
    -- The number of what happens next.
    next_number INTEGER NOT NULL CHECK (next_number > 0),
    -- Of what has a number up to this one, some was forgotten.
    pruned_to   INTEGER NOT NULL CHECK (pruned_to < next_number),
    -- The latest time that the clock has shown: what has expired stays expired when it goes back.
    seen_at     INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO journal (only_row, next_number, pruned_to) VALUES (1, 1, 0);

-- A call that was let in. What it counts for stays when users, copies and keys go.
CREATE TABLE reservations (
    -- Its number in the journal; its request counts from there.
    id                     INTEGER PRIMARY KEY,
    -- Random; makes its public id unguessable.
    nonce                  INTEGER NOT NULL,
    state                  TEXT    NOT NULL CHECK (state IN ('open', 'settled', 'cancelled', 'expired')),
    virtual_key_id         INTEGER NOT NULL,
    user_id                INTEGER NOT NULL,
    user_access_profile_id INTEGER NOT NULL,
    access_profile_id      INTEGER NOT NULL,
    provider               TEXT    NOT NULL,
    model                  TEXT    NOT NULL,
    mcp_server             TEXT,
    mcp_tool               TEXT,
    estimated_tokens       INTEGER,
    estimated_cost         INTEGER,
    held_tokens            INTEGER NOT NULL CHECK (held_tokens >= 0),
    held_cost              INTEGER NOT NULL CHECK (held_cost >= 0),
    request_id             TEXT,
    created_at             INTEGER NOT NULL,
    expires_at             INTEGER NOT NULL,
    -- What was charged when it expired, and the number of that in the journal.
    expired_number         INTEGER,
    expired_tokens         INTEGER NOT NULL DEFAULT 0,
    expired_cost           INTEGER NOT NULL DEFAULT 0,
    -- What it really used, and the number of its settlement in the journal.
    settled_number         INTEGER,
    tokens                 INTEGER,
    cost                   INTEGER,
    -- When it last changed its state; none while it is open.
    finished_at            INTEGER,
    -- None when its call was counted before.
    requests               INTEGER NOT NULL DEFAULT 1 CHECK (requests IN (0, 1)),
    -- The most of a budget that its call asked to be held.
    max_hold               INTEGER,
    CHECK ((state = 'open') = (finished_at IS NULL))
) STRICT;
CREATE INDEX reservations_open ON reservations (id) WHERE state = 'open';

-- The answers to calls that carried a request id.
CREATE TABLE request_ids (
    id             INTEGER PRIMARY KEY,
    virtual_key_id INTEGER NOT NULL,
    request_id     TEXT    NOT NULL,
    body_hash      BLOB    NOT NULL CHECK (length(body_hash) = 32),
    -- JSON.
    answer         TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    UNIQUE (virtual_key_id, request_id)
) STRICT;

-- What was used on a day of the configured zone. Calls count when they are settled or their hold expires.
CREATE TABLE usage_days (
    -- Days since 1970-01-01.
    day               INTEGER NOT NULL,
    user_id           INTEGER NOT NULL,
    access_profile_id INTEGER NOT NULL,
    provider          TEXT    NOT NULL,
    model             TEXT    NOT NULL,
    calls             INTEGER NOT NULL,
    tokens            INTEGER NOT NULL,
    cost              INTEGER NOT NULL,
    PRIMARY KEY (day, user_id, access_profile_id, provider, model)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_days_by_user ON usage_days (user_id, day);

-- What was refused on a day. Profile 0 and an empty provider or model: the call did not get that far.
CREATE TABLE refusal_days (
    day               INTEGER NOT NULL,
    user_id           INTEGER NOT NULL,
    access_profile_id INTEGER NOT NULL,
    provider          TEXT    NOT NULL,
    model             TEXT    NOT NULL,
    reason            TEXT    NOT NULL,
    calls             INTEGER NOT NULL,
    PRIMARY KEY (day, user_id, access_profile_id, provider, model, reason)
) STRICT, WITHOUT ROWID;
CREATE INDEX refusal_days_by_user ON refusal_days (user_id, day);

PRAGMA user_version = 3;
