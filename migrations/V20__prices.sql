-- Prices that operators gave over the API: a row for each provider and model, as names or as patterns, with what they cost from which date on.
CREATE TABLE prices (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    provider     TEXT    NOT NULL,
    provider_key TEXT    NOT NULL,
    model        TEXT    NOT NULL,
    model_key    TEXT    NOT NULL,
    entries      TEXT    NOT NULL CHECK (json_valid(entries)),
    revision     INTEGER NOT NULL DEFAULT 1,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    UNIQUE (provider_key, model_key)
) STRICT;

PRAGMA user_version = 20;
