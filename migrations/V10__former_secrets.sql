-- Secrets of virtual keys that are not the current one of a key that is there: replaced by a rotation, or of a key that was deleted.
-- What was spent with one of them is charged to whom it belonged, so they are recognised for as long as the history of use is kept.
CREATE TABLE former_secrets (
    -- SHA-256 of the secret.
    secret_hash       BLOB    PRIMARY KEY CHECK (length(secret_hash) = 32),
    public_id         TEXT    NOT NULL CHECK (length(public_id) = 12),
    virtual_key_id    INTEGER NOT NULL,
    user_id           INTEGER NOT NULL,
    -- The profile that it was used with last, once the key is deleted; 0 when that is not known.
    access_profile_id INTEGER NOT NULL DEFAULT 0,
    -- Until when it works beside the current secret; none when it does not.
    works_until       INTEGER,
    -- When it was seen to be here: it is kept for so long after that. None until then.
    seen_at           INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX former_secrets_by_key ON former_secrets (user_id, virtual_key_id, works_until);
-- Those that may work, which are read whenever something of their user changes.
CREATE INDEX former_secrets_that_work ON former_secrets (user_id, virtual_key_id, works_until) WHERE works_until IS NOT NULL;
CREATE INDEX former_secrets_by_seen_at ON former_secrets (seen_at);

-- Whatever deletes a key, its secrets work no more and become former ones: with its copy, with its user, by itself.
CREATE TRIGGER virtual_keys_ended BEFORE DELETE ON virtual_keys BEGIN
    INSERT OR REPLACE INTO former_secrets (secret_hash, public_id, virtual_key_id, user_id)
    VALUES (old.secret_hash, old.public_id, old.id, old.user_id);
    UPDATE former_secrets SET works_until = NULL, access_profile_id = coalesce(
        (SELECT access_profile_id FROM user_access_profiles WHERE id = old.user_access_profile_id),
        (SELECT access_profile_id FROM user_access_profiles WHERE user_id = old.user_id ORDER BY id LIMIT 1),
        (SELECT access_profile_id FROM former_secrets WHERE user_id = old.user_id AND access_profile_id > 0 LIMIT 1),
        0)
    WHERE user_id = old.user_id AND virtual_key_id = old.id;
END;

-- Several secrets of a key may work beside the current one, so they stand here; the columns for a single one stay empty.
INSERT INTO former_secrets (secret_hash, public_id, virtual_key_id, user_id, works_until)
SELECT previous_hash, public_id, id, user_id, previous_expires_at FROM virtual_keys WHERE previous_hash IS NOT NULL;
UPDATE virtual_keys SET previous_hash = NULL, previous_expires_at = NULL WHERE previous_hash IS NOT NULL;

PRAGMA user_version = 10;
