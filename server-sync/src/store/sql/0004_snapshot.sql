-- Frames that first fetches were answered with, kept for the next. The frame stands for the feed
-- of a scope after from_seq and up to to_seq, as it was at head.
CREATE TABLE snapshot (
    scope    INTEGER NOT NULL REFERENCES scope (key),
    from_seq INTEGER NOT NULL,
    to_seq   INTEGER NOT NULL,
    head     INTEGER NOT NULL,
    rows     INTEGER NOT NULL,
    -- The server's schema that made it.
    schema   INTEGER NOT NULL,
    made_at  INTEGER NOT NULL,
    frame    BLOB NOT NULL,
    UNIQUE (scope, from_seq)
) STRICT;
CREATE INDEX snapshot_by_age ON snapshot (made_at);

-- The sequence at which a row last left the scope. Frames made before are not sent any more.
ALTER TABLE scope ADD COLUMN left_seq INTEGER NOT NULL DEFAULT 0;
