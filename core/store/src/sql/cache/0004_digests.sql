-- The head that was read when a scope's first frame was.
ALTER TABLE scope ADD COLUMN anchor INTEGER NOT NULL DEFAULT 0;

-- Whether the cursor means nothing until the scope is compared. What was fetched again as a whole
-- is compared from now on.
ALTER TABLE scope ADD COLUMN uncompared INTEGER NOT NULL DEFAULT 0;
DELETE FROM staged WHERE scope_no IN (SELECT no FROM scope WHERE refetch = 1);
UPDATE scope SET uncompared = 1 WHERE refetch = 1;
ALTER TABLE scope DROP COLUMN refetch;

-- Sub-buckets of shown scopes that differ and are not repaired yet.
CREATE TABLE repair (
    scope_no INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    PRIMARY KEY (scope_no, bucket)
) WITHOUT ROWID;

-- What repairs brought, to be shown before what is staged: frames, and rows the scope does not hold.
CREATE TABLE repaired (
    no INTEGER PRIMARY KEY,
    scope_no INTEGER NOT NULL,
    bytes BLOB NOT NULL
);
CREATE TABLE gone (
    scope_no INTEGER NOT NULL,
    entity INTEGER NOT NULL,
    id BLOB NOT NULL,
    PRIMARY KEY (scope_no, entity, id)
) WITHOUT ROWID;

-- How often a scope was not what the server said it was.
ALTER TABLE state ADD COLUMN mismatches INTEGER NOT NULL DEFAULT 0;
