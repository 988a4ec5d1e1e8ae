-- What the users of a role may do: names of permissions with commas between, kept for the gateway, which minds it.
ALTER TABLE roles ADD COLUMN permissions TEXT NOT NULL DEFAULT '';

PRAGMA user_version = 23;
