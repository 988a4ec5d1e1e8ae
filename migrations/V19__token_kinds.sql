-- Which tokens were used, where it is known: input tokens, those of them that were read from a cache, and output tokens.
ALTER TABLE usage_days ADD COLUMN input_tokens        INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage_days ADD COLUMN cached_input_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage_days ADD COLUMN output_tokens       INTEGER NOT NULL DEFAULT 0;

PRAGMA user_version = 19;
