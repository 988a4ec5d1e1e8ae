-- The first schema: management API keys, access profiles with their versions, and the audit log.
-- Times are milliseconds since 1970 in UTC. Ids of profiles and audit entries are never used again.

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Numbers handed out inside a transaction, such as the ids of provider lines, budgets and rate limits.
CREATE TABLE sequences (
    name       TEXT PRIMARY KEY,
    next_value INTEGER NOT NULL CHECK (next_value > 0)
) STRICT, WITHOUT ROWID;
INSERT INTO sequences (name, next_value) VALUES ('policy_part', 1);

CREATE TABLE api_keys (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    public_id    TEXT    NOT NULL UNIQUE CHECK (length(public_id) = 12),
    name         TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    name_key     TEXT    NOT NULL,
    description  TEXT    NOT NULL DEFAULT '',
    permissions  TEXT    NOT NULL,
    salt         BLOB    NOT NULL CHECK (length(salt) = 16),
    secret_hash  BLOB    NOT NULL CHECK (length(secret_hash) = 32),
    revision     INTEGER NOT NULL DEFAULT 1 CHECK (revision > 0),
    created_by   TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    last_used_at INTEGER,
    -- The secret before the last rotation, while its grace period lasts.
    previous_hash       BLOB CHECK (length(previous_hash) = 32),
    previous_expires_at INTEGER
) STRICT;
CREATE UNIQUE INDEX api_keys_by_name ON api_keys (name_key) WHERE revoked_at IS NULL;

CREATE TABLE access_profiles (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    name_key    TEXT    NOT NULL UNIQUE,
    description TEXT    NOT NULL,
    is_active   INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    version     INTEGER NOT NULL CHECK (version > 0),
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX access_profiles_by_created_at ON access_profiles (created_at, id);
CREATE INDEX access_profiles_by_updated_at ON access_profiles (updated_at, id);
CREATE INDEX access_profiles_by_version ON access_profiles (version, id);
CREATE INDEX access_profiles_inactive ON access_profiles (id) WHERE is_active = 0;

-- Every version of a profile, whole, as the contract shows it. The current policy is the snapshot of the current version.
CREATE TABLE access_profile_versions (
    access_profile_id INTEGER NOT NULL REFERENCES access_profiles (id) ON DELETE CASCADE,
    version           INTEGER NOT NULL CHECK (version > 0),
    snapshot          TEXT    NOT NULL,
    created_at        INTEGER NOT NULL,
    created_by        TEXT    NOT NULL,
    UNIQUE (access_profile_id, version)
) STRICT;

CREATE TABLE access_profile_tags (
    tag               TEXT    NOT NULL,
    access_profile_id INTEGER NOT NULL REFERENCES access_profiles (id) ON DELETE CASCADE,
    PRIMARY KEY (tag, access_profile_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX access_profile_tags_by_profile ON access_profile_tags (access_profile_id);

-- The MCP tool groups, servers and clients that a profile's current version names.
CREATE TABLE access_profile_references (
    access_profile_id INTEGER NOT NULL REFERENCES access_profiles (id) ON DELETE CASCADE,
    kind              TEXT    NOT NULL CHECK (kind IN ('mcp_tool_group', 'mcp_server', 'mcp_client')),
    reference         TEXT    NOT NULL,
    PRIMARY KEY (access_profile_id, kind, reference)
) STRICT, WITHOUT ROWID;

-- How many profiles there are, so that a page need not count them.
CREATE TABLE access_profile_counts (
    is_active INTEGER PRIMARY KEY CHECK (is_active IN (0, 1)),
    profiles  INTEGER NOT NULL CHECK (profiles >= 0)
) STRICT;
INSERT INTO access_profile_counts (is_active, profiles) VALUES (0, 0), (1, 0);

CREATE TRIGGER access_profiles_counted AFTER INSERT ON access_profiles BEGIN
    UPDATE access_profile_counts SET profiles = profiles + 1 WHERE is_active = new.is_active;
END;
CREATE TRIGGER access_profiles_uncounted AFTER DELETE ON access_profiles BEGIN
    UPDATE access_profile_counts SET profiles = profiles - 1 WHERE is_active = old.is_active;
END;
CREATE TRIGGER access_profiles_recounted AFTER UPDATE OF is_active ON access_profiles
WHEN new.is_active <> old.is_active BEGIN
    UPDATE access_profile_counts SET profiles = profiles - 1 WHERE is_active = old.is_active;
    UPDATE access_profile_counts SET profiles = profiles + 1 WHERE is_active = new.is_active;
END;

-- Substrings of name and description, without regard to case: three characters and more by trigram.
CREATE VIRTUAL TABLE access_profile_search USING fts5 (
    name, description, content = '', contentless_delete = 1, tokenize = 'trigram'
);

CREATE TABLE audit_logs (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at        INTEGER NOT NULL,
    actor_id          TEXT    NOT NULL,
    actor_name        TEXT    NOT NULL,
    action            TEXT    NOT NULL,
    subject_kind      TEXT    NOT NULL,
    subject_id        TEXT    NOT NULL,
    access_profile_id INTEGER,
    user_id           INTEGER,
    previous_value    TEXT,
    new_value         TEXT,
    request_id        TEXT    NOT NULL,
    mac               BLOB    NOT NULL CHECK (length(mac) = 32)
) STRICT;
CREATE INDEX audit_logs_by_access_profile ON audit_logs (access_profile_id, id) WHERE access_profile_id IS NOT NULL;
CREATE INDEX audit_logs_by_profile_and_action ON audit_logs (access_profile_id, action, id)
    WHERE access_profile_id IS NOT NULL;
CREATE INDEX audit_logs_by_user ON audit_logs (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX audit_logs_by_action ON audit_logs (action, id) WHERE access_profile_id IS NOT NULL;

-- Answers of requests with an Idempotency-Key, kept for a day.
CREATE TABLE idempotency_keys (
    owner           TEXT    NOT NULL,
    route           TEXT    NOT NULL,
    idempotency_key TEXT    NOT NULL,
    request_hash    BLOB    NOT NULL CHECK (length(request_hash) = 32),
    status          INTEGER NOT NULL,
    location        TEXT,
    etag            TEXT,
    body            TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    UNIQUE (owner, route, idempotency_key)
) STRICT;
CREATE INDEX idempotency_keys_by_created_at ON idempotency_keys (created_at);

PRAGMA application_id = 1414483019; -- 'TOLK'
PRAGMA user_version = 1;
