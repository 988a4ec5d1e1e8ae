-- A call belongs to the windows in which it was let in. Calls from `let_in_from` on belong to the window of a counter; of these, what has a
-- number from `counted_from` on counts, which is a later one where the use was reset by hand. What was let in before this version
-- belongs to the window that is open now, as it did then; requests had windows of their own already.
ALTER TABLE counters ADD COLUMN let_in_from INTEGER NOT NULL DEFAULT 0;
UPDATE counters SET let_in_from = counted_from
WHERE place_id IN (SELECT id FROM limit_places WHERE kind = 'requests');

-- The tail says it behind `counted_from`.
UPDATE journal_tail SET counters = (
    SELECT json_group_array(json_insert(c.value, '$[#]',
        CASE WHEN p.kind = 'requests' THEN json_extract(c.value, '$[7]') ELSE 0 END))
    FROM json_each(journal_tail.counters) c CROSS JOIN limit_places p ON p.id = json_extract(c.value, '$[2]'));

-- Counters of windows that are over, while reservations are open that were let in then.
CREATE TABLE closed_counters (
    user_access_profile_id INTEGER NOT NULL REFERENCES user_access_profiles (id) ON DELETE CASCADE,
    place_id               INTEGER NOT NULL REFERENCES limit_places (id),
    -- Calls from `let_in_from` on and below this belong to its window.
    let_in_until           INTEGER NOT NULL,
    let_in_from            INTEGER NOT NULL,
    counted_from           INTEGER NOT NULL,
    -- Nanodollars, tokens or requests.
    settled                INTEGER NOT NULL,
    window_starts_at       INTEGER NOT NULL,
    window_resets_at       INTEGER NOT NULL,
    window_rule            INTEGER NOT NULL CHECK (window_rule BETWEEN 0 AND 12),
    PRIMARY KEY (user_access_profile_id, place_id, let_in_until),
    CHECK (let_in_from < let_in_until)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 22;
