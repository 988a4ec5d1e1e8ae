-- Which reservations are open is found from the oldest one on: they have ascending numbers and end soon, while an index of them was
-- written with every one that came and every one that went.
ALTER TABLE journal ADD COLUMN open_from INTEGER NOT NULL DEFAULT 0;
-- No reservation with a smaller number is open.
UPDATE journal SET open_from = coalesce((SELECT min(id) FROM reservations WHERE state = 'open'), next_number);

-- As before, but for its index, and for a CHECK of the state that compares: with IN, every statement filled a table of its own to look in.
CREATE TABLE reservations_new (
    -- Its number in the journal; its request counts from there.
    id                     INTEGER PRIMARY KEY,
    -- Random; makes its public id unguessable.
    nonce                  INTEGER NOT NULL,
    state                  TEXT    NOT NULL
                           CHECK (state = 'open' OR state = 'settled' OR state = 'cancelled' OR state = 'expired'),
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
    requests               INTEGER NOT NULL DEFAULT 1 CHECK (requests = 0 OR requests = 1),
    -- The most of a budget that its call asked to be held.
    max_hold               INTEGER,
    CHECK ((state = 'open') = (finished_at IS NULL))
) STRICT;
INSERT INTO reservations_new SELECT * FROM reservations;
DROP TABLE reservations;
ALTER TABLE reservations_new RENAME TO reservations;

PRAGMA user_version = 8;
