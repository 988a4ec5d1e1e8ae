-- Pages of 100,000 users and virtual keys: orders within a role, searches that read an index alone, and the descriptions of keys.

-- What a search looks at stands in the index, so that what does not match is not looked up in the table.
DROP INDEX users_by_name;
CREATE INDEX users_by_name ON users (name_key, id, email_key);
CREATE INDEX users_by_role_and_name ON users (role_id, name_key, id, email_key) WHERE role_id IS NOT NULL;
CREATE INDEX users_by_role_and_email ON users (role_id, email_key, id) WHERE role_id IS NOT NULL;
CREATE INDEX users_by_role_and_created_at ON users (role_id, created_at, id) WHERE role_id IS NOT NULL;
CREATE INDEX users_by_role_and_updated_at ON users (role_id, updated_at, id) WHERE role_id IS NOT NULL;

DROP INDEX virtual_keys_by_name;
CREATE INDEX virtual_keys_by_name ON virtual_keys (name_key, id, description);

DROP TABLE virtual_key_search;
CREATE VIRTUAL TABLE virtual_key_search USING fts5 (
    name, description, content = '', contentless_delete = 1, tokenize = 'trigram'
);
INSERT INTO virtual_key_search (rowid, name, description) SELECT id, name_key, description FROM virtual_keys;

PRAGMA user_version = 5;
