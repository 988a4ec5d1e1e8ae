-- Secrets of management API keys that work beside the current one, each until its own end. What has ended is kept while there is room for
-- it, so that whoever still sends it is told why it is refused; three of a key at most.
CREATE TABLE earlier_api_key_secrets (
    api_key_id  INTEGER NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    works_until INTEGER NOT NULL,
    -- argon2id of the secret with the salt of the key.
    secret_hash BLOB    NOT NULL CHECK (length(secret_hash) = 32),
    PRIMARY KEY (api_key_id, works_until, secret_hash)
) STRICT, WITHOUT ROWID;
INSERT INTO earlier_api_key_secrets (api_key_id, works_until, secret_hash)
SELECT id, previous_expires_at, previous_hash FROM api_keys WHERE previous_hash IS NOT NULL AND previous_expires_at IS NOT NULL;
ALTER TABLE api_keys DROP COLUMN previous_hash;
ALTER TABLE api_keys DROP COLUMN previous_expires_at;

PRAGMA user_version = 12;
