-- Audit entries name the versions that they tell of, instead of holding a second and third copy of what they say. So versions stay
-- when their profile is deleted: they are shown through the audit log alone from then on.

CREATE TABLE kept_access_profile_versions (
    -- Of an existing profile, or of one that was deleted; its id is never used again.
    access_profile_id INTEGER NOT NULL,
    version           INTEGER NOT NULL CHECK (version > 0),
    snapshot          TEXT    NOT NULL,
    created_at        INTEGER NOT NULL,
    created_by        TEXT    NOT NULL,
    UNIQUE (access_profile_id, version)
) STRICT;
INSERT INTO kept_access_profile_versions (access_profile_id, version, snapshot, created_at, created_by)
    SELECT access_profile_id, version, snapshot, created_at, created_by FROM access_profile_versions ORDER BY rowid;
DROP TABLE access_profile_versions;
ALTER TABLE kept_access_profile_versions RENAME TO access_profile_versions;

-- Versions of the access profile of the entry. Where one is named, the value beside it is NULL.
ALTER TABLE audit_logs ADD COLUMN previous_version INTEGER CHECK (previous_version IS NULL OR previous_value IS NULL);
ALTER TABLE audit_logs ADD COLUMN new_version INTEGER CHECK (new_version IS NULL OR new_value IS NULL);

PRAGMA user_version = 4;
