-- By what right tokens of management API keys are told from guesses before they are hashed: 32 bits each, at most four of a key.
CREATE TABLE api_key_hints (
    id         INTEGER PRIMARY KEY,
    api_key_id INTEGER NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    hint       INTEGER NOT NULL CHECK (hint BETWEEN 0 AND 4294967295),
    UNIQUE (api_key_id, hint)
) STRICT;

PRAGMA user_version = 17;
