-- What counters and lines of the history of use are since their rows were last written. Every batch of decisions appends one row here
-- instead of writing a page for each counter; the tables follow in the order of their keys.
CREATE TABLE journal_tail (
    id       INTEGER PRIMARY KEY,
    -- JSON: [user_id, user_access_profile_id, place_id, settled, window_starts_at, window_resets_at, window_rule, counted_from] each;
    -- the last one of a counter holds, and its row in `counters` does not.
    counters TEXT NOT NULL,
    -- JSON: [day, user_id, access_profile_id, provider, model, calls, tokens, cost] each; the last one of a line is what `usage_days`
    -- lacks of it.
    used     TEXT NOT NULL
) STRICT;

PRAGMA user_version = 7;
