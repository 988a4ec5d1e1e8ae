-- The keys of names are made anew, because they are now without regard to how accents are composed, to joiners and to all letters' case. SQL
-- can't make them: the next opening does (store/name_keys.rs), and packs what is searched.

-- The names that earlier versions gave to virtual keys showed who the user is; they become as they are given now (domain/virtual_key.rs).
UPDATE virtual_keys SET name = given.name, name_key = given.name, revision = revision + 1
FROM (
    SELECT k.id AS key_id, substr(p.name, 1, 255 - length(' · user ' || k.user_id)) || ' · user ' || k.user_id AS name
    FROM virtual_keys k
    JOIN users u ON u.id = k.user_id
    JOIN user_access_profiles c ON c.id = k.user_access_profile_id
    JOIN access_profiles p ON p.id = c.access_profile_id
    -- User and profile may have been renamed since.
    WHERE substr(k.name, 1, length(u.name) + 3) = substr(u.name || ' · ', 1, 255) OR substr(k.name, -length(p.name) - 3) = ' · ' || p.name
    UNION ALL
    SELECT k.id, 'user ' || k.user_id
    FROM virtual_keys k
    JOIN users u ON u.id = k.user_id AND u.name = k.name
    WHERE k.user_access_profile_id IS NULL
) given
WHERE virtual_keys.id = given.key_id;

DELETE FROM user_search;
DELETE FROM virtual_key_search;
DELETE FROM access_profile_search;
DELETE FROM settings WHERE name = 'name_keys';

PRAGMA user_version = 16;
