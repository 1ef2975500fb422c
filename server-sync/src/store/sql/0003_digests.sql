-- What each scope holds: how many rows, and the sum of their hashes (16 bytes, big endian), for
-- each sub-bucket; bucket 256 is the whole scope.
CREATE TABLE digest (
    scope  INTEGER NOT NULL REFERENCES scope (key),
    bucket INTEGER NOT NULL,
    rows   INTEGER NOT NULL,
    sum    BLOB NOT NULL CHECK (length(sum) = 16),
    PRIMARY KEY (scope, bucket)
) STRICT, WITHOUT ROWID;

-- The history whose key the digests were made with; they are made anew when it is another one.
ALTER TABLE tenant ADD COLUMN digested INTEGER;

-- A sub-bucket is the last byte of the id.
CREATE INDEX row_by_bucket ON "row" (substr(id, 16, 1)) WHERE deleted = 0;

-- Where the sequence stood when; tells which tombstones are old enough to go.
CREATE TABLE mark (
    at  INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL
) STRICT;

-- Numbers of operations that neither the server nor the phone has any more.
CREATE TABLE gap (
    client  BLOB NOT NULL CHECK (length(client) = 16),
    from_n  INTEGER NOT NULL,
    to_n    INTEGER NOT NULL,
    device  BLOB NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (client, from_n, to_n)
) STRICT, WITHOUT ROWID;
