-- What came from a CRM and has not been looked at yet: one row for each delivery, as it
-- came, zstd-compressed.
CREATE TABLE crm_delivery (
    id          INTEGER PRIMARY KEY,
    connection  TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    body        BLOB NOT NULL
) STRICT;

-- Events that were seen, so that a repeated one is known. Keys ascend with time.
CREATE TABLE crm_event (
    occurred_at INTEGER NOT NULL,
    dedup       BLOB NOT NULL CHECK (length(dedup) = 16),
    PRIMARY KEY (occurred_at, dedup)
) STRICT, WITHOUT ROWID;

-- Records to look at again. However many events a record has, it stands here once; a new event
-- raises the generation, so that work under way does not clear it.
CREATE TABLE crm_dirty (
    connection TEXT NOT NULL,
    kind       TEXT NOT NULL,
    object     INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    -- 0 for what people wait for, 1 for imports.
    lane       INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    PRIMARY KEY (connection, kind, object)
) STRICT, WITHOUT ROWID;
CREATE INDEX crm_dirty_by_due ON crm_dirty (connection, kind, lane, due_at);

-- Records that became one in the CRM: where a record went.
CREATE TABLE crm_merge (
    connection TEXT NOT NULL,
    kind       TEXT NOT NULL,
    old        INTEGER NOT NULL,
    new        INTEGER NOT NULL,
    main       INTEGER NOT NULL CHECK (main IN (0, 1)),
    PRIMARY KEY (connection, kind, new, old)
) STRICT, WITHOUT ROWID;

-- What failed for good: a delivery that does not read, or a record that cannot be taken in.
CREATE TABLE crm_dead (
    id         INTEGER PRIMARY KEY,
    connection TEXT NOT NULL,
    kind       TEXT,
    object     INTEGER,
    body       BLOB,
    reason     TEXT NOT NULL,
    at         INTEGER NOT NULL,
    UNIQUE (connection, kind, object)
) STRICT;

-- How far the first load of a connection has come.
CREATE TABLE crm_import (
    connection  TEXT NOT NULL,
    kind        TEXT NOT NULL,
    after       TEXT,
    records     INTEGER NOT NULL,
    finished_at INTEGER,
    PRIMARY KEY (connection, kind)
) STRICT, WITHOUT ROWID;

-- What the CRM is to be told. State: 0 waiting, 1 being sent, 2 refused for good.
CREATE TABLE crm_job (
    id         INTEGER PRIMARY KEY,
    idem       TEXT NOT NULL UNIQUE,
    connection TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('update', 'create', 'task', 'note')),
    lead       BLOB NOT NULL CHECK (length(lead) = 16),
    payload    TEXT NOT NULL,
    state      INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    -- Whether an earlier sending may have reached the CRM.
    maybe_sent INTEGER NOT NULL CHECK (maybe_sent IN (0, 1)),
    due_at     INTEGER NOT NULL,
    reason     TEXT
) STRICT;
CREATE INDEX crm_job_by_due ON crm_job (connection, state, due_at);
CREATE INDEX crm_job_by_lead ON crm_job (lead, state);

-- Values we wrote to the CRM, to know them when they come back as events.
CREATE TABLE crm_echo (
    connection TEXT NOT NULL,
    kind       TEXT NOT NULL,
    object     INTEGER NOT NULL,
    property   TEXT NOT NULL,
    value      TEXT NOT NULL,
    written_at INTEGER NOT NULL,
    PRIMARY KEY (connection, kind, object, property)
) STRICT, WITHOUT ROWID;
CREATE INDEX crm_echo_by_time ON crm_echo (written_at);
