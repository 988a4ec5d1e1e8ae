-- Search without an index of word parts: what can be looked for in the rows of a list stands packed, eight rows in one, so that a
-- text of any length is looked for in all of them at once, and after a change only in the packs that changed. The program packs
-- what is there when it opens the database next.

DROP TABLE user_search;
DROP TRIGGER virtual_keys_uncounted;
DROP TABLE virtual_key_search;
DROP TABLE access_profile_search;

CREATE TRIGGER virtual_keys_uncounted AFTER DELETE ON virtual_keys BEGIN
    UPDATE row_counts SET total = total - 1 WHERE name = 'virtual_keys';
END;

-- `pack` is the id divided by eight; `texts` and `labels` are what src/store/search.rs makes of the rows; `change` is larger than that
-- of every pack that was written before.
CREATE TABLE user_search (
    pack   INTEGER PRIMARY KEY,
    texts  BLOB    NOT NULL,
    labels BLOB    NOT NULL,
    change INTEGER NOT NULL
) STRICT;
CREATE INDEX user_search_by_change ON user_search (change);
CREATE TABLE virtual_key_search (
    pack   INTEGER PRIMARY KEY,
    texts  BLOB    NOT NULL,
    labels BLOB    NOT NULL,
    change INTEGER NOT NULL
) STRICT;
CREATE INDEX virtual_key_search_by_change ON virtual_key_search (change);
CREATE TABLE access_profile_search (
    pack   INTEGER PRIMARY KEY,
    texts  BLOB    NOT NULL,
    labels BLOB    NOT NULL,
    change INTEGER NOT NULL
) STRICT;
CREATE INDEX access_profile_search_by_change ON access_profile_search (change);

-- Who is meant is known by then: an order needs nothing but the order.
DROP INDEX users_by_name;
CREATE INDEX users_by_name ON users (name_key, id);
DROP INDEX users_by_role_and_name;
DROP INDEX users_by_role_and_email;
DROP INDEX users_by_role_and_created_at;
DROP INDEX users_by_role_and_updated_at;
DROP INDEX virtual_keys_by_name;
CREATE INDEX virtual_keys_by_name ON virtual_keys (name_key, id);

-- Copies that share a policy are told apart when they are read; moving ten thousand of them is what has to be quick.
DROP INDEX user_access_profiles_by_profile;

PRAGMA user_version = 6;
