-- Whose a reservation is, and who ended it: the id of a management API key (0: the operator over the control socket), or -1: the
-- virtual key of the call, -2: its time was up, -3: its user was deleted. Of what was before nobody knows.
ALTER TABLE reservations ADD COLUMN owner    INTEGER;
ALTER TABLE reservations ADD COLUMN ended_by INTEGER;

PRAGMA user_version = 9;
