-- Whose data the users of a role see: kept for the gateway, which minds it.
ALTER TABLE roles ADD COLUMN dac TEXT NOT NULL DEFAULT 'all-data'
    CHECK (dac IN ('own-data', 'team-data', 'business-unit-data', 'customer-data', 'all-data'));

PRAGMA user_version = 18;
