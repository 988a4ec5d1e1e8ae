-- Whose price it was that a call was charged by, or is held at: the version of the list, or an operator's own; none where the gateway said what it costs.
ALTER TABLE reservations ADD COLUMN priced_by TEXT;

PRAGMA user_version = 21;
