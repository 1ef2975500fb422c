-- One tenant: its rows, the feed over them, and what each phone has pushed.
CREATE TABLE tenant (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    id         BLOB NOT NULL CHECK (length(id) = 16),
    epoch      INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    floor      INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE "row" (
    key            INTEGER PRIMARY KEY,
    entity         INTEGER NOT NULL,
    id             BLOB NOT NULL CHECK (length(id) = 16),
    version        INTEGER NOT NULL,
    changed_at     INTEGER NOT NULL,
    deleted        INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    columns        BLOB NOT NULL,
    -- The rep a row belongs to, where its cells do not say: maker of a lead, owner of a conflict.
    rep            BLOB,
    -- What rows are looked up by, taken from the cells.
    crm_source     TEXT,
    crm_id         TEXT,
    lead           BLOB,
    geocode_status INTEGER,
    UNIQUE (entity, id)
) STRICT;
CREATE UNIQUE INDEX row_by_crm ON "row" (crm_source, crm_id) WHERE crm_id IS NOT NULL AND deleted = 0;
-- Deleted rows keep their CRM key, so that a record restored in the CRM gets its old id back.
CREATE INDEX row_by_gone_crm ON "row" (crm_source, crm_id, version) WHERE crm_id IS NOT NULL AND deleted = 1;
CREATE INDEX row_by_lead ON "row" (lead) WHERE lead IS NOT NULL AND deleted = 0;
CREATE INDEX row_by_geocode ON "row" (geocode_status, id) WHERE geocode_status IS NOT NULL AND deleted = 0;

CREATE TABLE scope (
    key  INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- The feed: where each row stands in each scope that ever held it. One sequence is one change of
-- one row, so (scope, seq) is unique; a present entry's seq is its row's version.
CREATE TABLE member (
    scope   INTEGER NOT NULL REFERENCES scope (key),
    seq     INTEGER NOT NULL,
    "row"   INTEGER NOT NULL REFERENCES "row" (key),
    present INTEGER NOT NULL CHECK (present IN (0, 1)),
    -- Why it is gone: 1 moved elsewhere, 2 deleted.
    reason  INTEGER CHECK ((present = 1) = (reason IS NULL)),
    PRIMARY KEY (scope, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX member_by_row ON member ("row", scope);

CREATE TABLE assignment (
    rep       BLOB NOT NULL,
    territory BLOB NOT NULL,
    PRIMARY KEY (rep, territory)
) STRICT, WITHOUT ROWID;

CREATE TABLE client (
    id     BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    device BLOB NOT NULL,
    last_n INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE result (
    operation BLOB PRIMARY KEY NOT NULL CHECK (length(operation) = 16),
    client    BLOB NOT NULL REFERENCES client (id),
    n         INTEGER NOT NULL,
    device    BLOB NOT NULL,
    outcome   BLOB NOT NULL,
    at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which operation a client's number stands for. An operation offered again under another client
-- keeps its first result and takes a second number.
CREATE TABLE number (
    client    BLOB NOT NULL REFERENCES client (id),
    n         INTEGER NOT NULL,
    operation BLOB NOT NULL REFERENCES result (operation),
    PRIMARY KEY (client, n)
) STRICT, WITHOUT ROWID;
