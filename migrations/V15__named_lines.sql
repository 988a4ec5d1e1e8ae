-- Which lines of the history are of a provider and model that stand in the policy, or are what further names are counted under
-- together: the others are names that a caller could make up, and only so many of them keep a line.
ALTER TABLE usage_days ADD COLUMN named INTEGER NOT NULL DEFAULT 0 CHECK (named = 0 OR named = 1);
ALTER TABLE refusal_days ADD COLUMN named INTEGER NOT NULL DEFAULT 0 CHECK (named = 0 OR named = 1);

PRAGMA user_version = 15;
