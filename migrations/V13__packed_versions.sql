-- A version that is not current any more is packed: by itself, or as what differs from an earlier one that is packed by itself
-- or whole. Then there is no text.
ALTER TABLE access_profile_versions ADD COLUMN packed BLOB CHECK (packed IS NULL OR snapshot = '');
ALTER TABLE access_profile_versions ADD COLUMN base_version INTEGER CHECK (base_version IS NULL OR base_version < version);

PRAGMA user_version = 13;
