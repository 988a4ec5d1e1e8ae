-- The names of users and access profiles that were deleted, as long as the history of use tells of them.
CREATE TABLE gone_names (
    kind    TEXT    NOT NULL CHECK (kind = 'user' OR kind = 'access_profile'),
    id      INTEGER NOT NULL,
    name    TEXT    NOT NULL,
    gone_at INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- Those that went before are known from the audit log, and from the versions that it tells of.
INSERT OR IGNORE INTO gone_names (kind, id, name, gone_at)
    SELECT 'user', user_id, json_extract(previous_value, '$.name'), created_at FROM audit_logs
    WHERE action = 'user.delete' AND json_valid(previous_value) AND json_extract(previous_value, '$.name') IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM users WHERE users.id = audit_logs.user_id);
INSERT OR IGNORE INTO gone_names (kind, id, name, gone_at)
    SELECT 'access_profile', a.access_profile_id, json_extract(v.snapshot, '$.name'), a.created_at
    FROM audit_logs a
    JOIN access_profile_versions v ON v.access_profile_id = a.access_profile_id AND v.version = a.previous_version
    WHERE a.action = 'access_profile.delete' AND typeof(v.snapshot) = 'text' AND json_valid(v.snapshot)
        AND NOT EXISTS (SELECT 1 FROM access_profiles WHERE access_profiles.id = a.access_profile_id);
-- Before there were versions, the audit log held the profile itself.
INSERT OR IGNORE INTO gone_names (kind, id, name, gone_at)
    SELECT 'access_profile', access_profile_id, json_extract(previous_value, '$.name'), created_at FROM audit_logs
    WHERE action = 'access_profile.delete' AND json_valid(previous_value) AND json_extract(previous_value, '$.name') IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM access_profiles WHERE access_profiles.id = audit_logs.access_profile_id);

-- A stored tag with a comma is found by its parts from now on: profiles are packed anew when the database is opened.
DELETE FROM access_profile_search;

PRAGMA user_version = 14;
