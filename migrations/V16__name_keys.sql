-- The keys of names are made anew, because they are now without regard to how accents are composed, to joiners and to all letters' case. SQL
-- can't make them: the next opening does (store/name_keys.rs), and packs what is searched.

DELETE FROM user_search;
DELETE FROM virtual_key_search;
DELETE FROM access_profile_search;
DELETE FROM settings WHERE name = 'name_keys';

PRAGMA user_version = 16;
