-- People and what they hold: roles, users, copies of access profiles, virtual keys, overrides, MCP tool groups; and the counters of
-- what was used. Times are milliseconds since 1970 in UTC, money is nanodollars. Ids are never used again.

CREATE TABLE roles (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    name_key    TEXT    NOT NULL UNIQUE,
    description TEXT    NOT NULL,
    revision    INTEGER NOT NULL DEFAULT 1 CHECK (revision > 0),
    user_count  INTEGER NOT NULL DEFAULT 0 CHECK (user_count >= 0),
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    name_key   TEXT    NOT NULL,
    email      TEXT    NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    email_key  TEXT    NOT NULL UNIQUE,
    role_id    INTEGER REFERENCES roles (id) ON DELETE RESTRICT,
    revision   INTEGER NOT NULL DEFAULT 1 CHECK (revision > 0),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX users_by_role ON users (role_id, id) WHERE role_id IS NOT NULL;
CREATE INDEX users_by_name ON users (name_key, id);
CREATE INDEX users_by_created_at ON users (created_at, id);
CREATE INDEX users_by_updated_at ON users (updated_at, id);

-- How many rows there are of what is listed by the page, so that a page need not count them.
CREATE TABLE row_counts (
    name  TEXT PRIMARY KEY,
    total INTEGER NOT NULL CHECK (total >= 0)
) STRICT, WITHOUT ROWID;
INSERT INTO row_counts (name, total) VALUES ('users', 0), ('virtual_keys', 0);

CREATE TRIGGER users_counted AFTER INSERT ON users BEGIN
    UPDATE row_counts SET total = total + 1 WHERE name = 'users';
    UPDATE roles SET user_count = user_count + 1 WHERE id = new.role_id;
END;
CREATE TRIGGER users_uncounted AFTER DELETE ON users BEGIN
    UPDATE row_counts SET total = total - 1 WHERE name = 'users';
    UPDATE roles SET user_count = user_count - 1 WHERE id = old.role_id;
END;
CREATE TRIGGER users_moved AFTER UPDATE OF role_id ON users WHEN new.role_id IS NOT old.role_id BEGIN
    UPDATE roles SET user_count = user_count - 1 WHERE id = old.role_id;
    UPDATE roles SET user_count = user_count + 1 WHERE id = new.role_id;
END;

CREATE VIRTUAL TABLE user_search USING fts5 (
    name, email, content = '', contentless_delete = 1, tokenize = 'trigram'
);

-- The roles that a profile is attached to.
CREATE TABLE access_profile_roles (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    access_profile_id INTEGER NOT NULL REFERENCES access_profiles (id) ON DELETE CASCADE,
    role_id           INTEGER NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    is_default        INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    created_at        INTEGER NOT NULL,
    UNIQUE (access_profile_id, role_id)
) STRICT;
CREATE INDEX access_profile_roles_by_role ON access_profile_roles (role_id, id);

-- What copies allow. Copies with the same policy share a row; a row never changes.
CREATE TABLE policies (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    hash    BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    content TEXT    NOT NULL
) STRICT;

-- A place where use is counted: the budget of one reset duration, the tokens or the requests of a scope. All copies share them.
CREATE TABLE limit_places (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    kind           TEXT NOT NULL CHECK (kind IN ('budget', 'rate_limit', 'tokens', 'requests')),
    -- The provider without regard to case; empty over all providers.
    provider_key   TEXT NOT NULL,
    -- Empty for a rate limit as a whole.
    reset_duration TEXT NOT NULL,
    UNIQUE (kind, provider_key, reset_duration)
) STRICT;

-- The copy of an access profile that a user holds.
CREATE TABLE user_access_profiles (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id           INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    access_profile_id INTEGER NOT NULL REFERENCES access_profiles (id) ON DELETE RESTRICT,
    policy_id         INTEGER NOT NULL REFERENCES policies (id) ON DELETE RESTRICT,
    source            TEXT    NOT NULL CHECK (source IN ('role', 'direct')),
    source_role_id    INTEGER,
    -- The version of the profile that the copy was made from or last changed by.
    template_version  INTEGER NOT NULL CHECK (template_version > 0),
    expires_at        INTEGER,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    UNIQUE (user_id, access_profile_id),
    CHECK ((source = 'role') = (source_role_id IS NOT NULL))
) STRICT;
CREATE INDEX user_access_profiles_by_profile ON user_access_profiles (access_profile_id, policy_id, id);
CREATE INDEX user_access_profiles_by_holder ON user_access_profiles (access_profile_id, id);
CREATE INDEX user_access_profiles_by_policy ON user_access_profiles (policy_id);

-- How many users hold a copy of a profile. A profile that nobody ever held has no row.
CREATE TABLE access_profile_holders (
    access_profile_id INTEGER PRIMARY KEY REFERENCES access_profiles (id) ON DELETE CASCADE,
    holders           INTEGER NOT NULL CHECK (holders >= 0)
) STRICT;
CREATE TRIGGER holders_counted AFTER INSERT ON user_access_profiles BEGIN
    INSERT INTO access_profile_holders (access_profile_id, holders) VALUES (new.access_profile_id, 1)
    ON CONFLICT (access_profile_id) DO UPDATE SET holders = holders + 1;
END;
CREATE TRIGGER holders_uncounted AFTER DELETE ON user_access_profiles BEGIN
    UPDATE access_profile_holders SET holders = holders - 1 WHERE access_profile_id = old.access_profile_id;
END;

-- Virtual keys: SHA-256 of 256 random bits. A key belongs to a user and works with every copy the user holds.
CREATE TABLE virtual_keys (
    id                     INTEGER PRIMARY KEY AUTOINCREMENT,
    public_id              TEXT    NOT NULL UNIQUE CHECK (length(public_id) = 12),
    user_id                INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- The copy it was issued under and goes with; none for a key of the user at large.
    user_access_profile_id INTEGER REFERENCES user_access_profiles (id) ON DELETE CASCADE,
    name                   TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    name_key               TEXT    NOT NULL,
    description            TEXT    NOT NULL,
    is_managed             INTEGER NOT NULL CHECK (is_managed IN (0, 1)),
    secret_hash            BLOB    NOT NULL CHECK (length(secret_hash) = 32),
    -- The secret before the last rotation, while its grace period lasts.
    previous_hash          BLOB CHECK (length(previous_hash) = 32),
    previous_expires_at    INTEGER,
    expires_at             INTEGER,
    rotated_at             INTEGER,
    revision               INTEGER NOT NULL DEFAULT 1 CHECK (revision > 0),
    created_at             INTEGER NOT NULL,
    updated_at             INTEGER NOT NULL,
    CHECK ((previous_hash IS NULL) = (previous_expires_at IS NULL)),
    CHECK (is_managed = 0 OR user_access_profile_id IS NOT NULL)
) STRICT;
CREATE INDEX virtual_keys_by_user ON virtual_keys (user_id, id);
CREATE INDEX virtual_keys_by_copy ON virtual_keys (user_access_profile_id, id) WHERE user_access_profile_id IS NOT NULL;
CREATE INDEX virtual_keys_by_name ON virtual_keys (name_key, id);
CREATE INDEX virtual_keys_by_created_at ON virtual_keys (created_at, id);

CREATE VIRTUAL TABLE virtual_key_search USING fts5 (
    name, content = '', contentless_delete = 1, tokenize = 'trigram'
);
CREATE TRIGGER virtual_keys_counted AFTER INSERT ON virtual_keys BEGIN
    UPDATE row_counts SET total = total + 1 WHERE name = 'virtual_keys';
END;
CREATE TRIGGER virtual_keys_uncounted AFTER DELETE ON virtual_keys BEGIN
    UPDATE row_counts SET total = total - 1 WHERE name = 'virtual_keys';
    DELETE FROM virtual_key_search WHERE rowid = old.id;
END;

-- What a user may spend above a budget, for some windows or for good.
CREATE TABLE budget_overrides (
    user_access_profile_id INTEGER NOT NULL REFERENCES user_access_profiles (id) ON DELETE CASCADE,
    place_id               INTEGER NOT NULL REFERENCES limit_places (id),
    amount                 INTEGER NOT NULL CHECK (amount > 0),
    -- Windows it lasts, the one of the anchor included; none for good.
    cycles                 INTEGER CHECK (cycles > 0),
    -- When the window began in which it was given.
    anchor_at              INTEGER NOT NULL,
    created_at             INTEGER NOT NULL,
    PRIMARY KEY (user_access_profile_id, place_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE mcp_tool_groups (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    name_key    TEXT    NOT NULL UNIQUE,
    description TEXT    NOT NULL,
    enabled     INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    -- JSON: [{"mcp_client_id": …, "tool_names": […]}]
    tools       TEXT    NOT NULL,
    revision    INTEGER NOT NULL DEFAULT 1 CHECK (revision > 0),
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;
-- The MCP clients that a tool group names: the ones that are known here.
CREATE TABLE mcp_tool_group_clients (
    mcp_client_id     TEXT    NOT NULL,
    mcp_tool_group_id INTEGER NOT NULL REFERENCES mcp_tool_groups (id) ON DELETE CASCADE,
    PRIMARY KEY (mcp_client_id, mcp_tool_group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX mcp_tool_group_clients_by_group ON mcp_tool_group_clients (mcp_tool_group_id);
CREATE INDEX access_profile_references_by_reference ON access_profile_references (kind, reference);

-- What was used in the window that a limit of a copy is in. A limit that was never used has no row.
CREATE TABLE counters (
    user_access_profile_id INTEGER NOT NULL REFERENCES user_access_profiles (id) ON DELETE CASCADE,
    place_id               INTEGER NOT NULL REFERENCES limit_places (id),
    -- Nanodollars, tokens or requests.
    settled                INTEGER NOT NULL,
    window_starts_at       INTEGER NOT NULL,
    window_resets_at       INTEGER NOT NULL,
    -- The rule the window follows: 0 rolling, 1 to 12 aligned with a fiscal year from that month.
    window_rule            INTEGER NOT NULL CHECK (window_rule BETWEEN 0 AND 12),
    -- Only what the journal holds from this number on counts: the use before it was reset.
    counted_from           INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_access_profile_id, place_id)
) STRICT, WITHOUT ROWID;

-- When the keys of the holders rotate next; kept beside the snapshot so that what is due is found.
ALTER TABLE access_profiles ADD COLUMN next_rotation_at INTEGER;
CREATE INDEX access_profiles_by_rotation ON access_profiles (next_rotation_at) WHERE next_rotation_at IS NOT NULL;
UPDATE access_profiles SET next_rotation_at = (
    SELECT CAST(round((julianday(json_extract(v.snapshot, '$.next_rotation_at')) - 2440587.5) * 86400000.0) AS INTEGER)
    FROM access_profile_versions v WHERE v.access_profile_id = access_profiles.id AND v.version = access_profiles.version);

-- When they rotated last by schedule, and whether that was after the current version was written: versions never change, so then
-- these two dates are shown in place of those of its snapshot.
ALTER TABLE access_profiles ADD COLUMN last_rotation_at INTEGER;
ALTER TABLE access_profiles ADD COLUMN rotated INTEGER NOT NULL DEFAULT 0 CHECK (rotated IN (0, 1));

-- The audit log as whoever may read access profiles sees it: everything but management API keys.
CREATE INDEX audit_logs_shown ON audit_logs (id) WHERE subject_kind <> 'api_key';
DROP INDEX audit_logs_by_action;
CREATE INDEX audit_logs_by_action ON audit_logs (action, id) WHERE subject_kind <> 'api_key';

PRAGMA user_version = 2;
