-- Nothing here can be fetched again.

CREATE TABLE client (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id BLOB NOT NULL,
    next_n INTEGER NOT NULL
);

-- state: 0 waiting, 1 acknowledged, 2 refused, 3 discarded.
-- overlay: whether the operation still has to be applied on top of what the server said.
CREATE TABLE operation (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    client BLOB,
    n INTEGER,
    group_id BLOB NOT NULL,
    group_size INTEGER NOT NULL,
    entity INTEGER NOT NULL,
    row BLOB NOT NULL,
    base_version INTEGER NOT NULL,
    depends_on BLOB,
    at INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    change BLOB NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    overlay INTEGER NOT NULL DEFAULT 1,
    version INTEGER,
    outcome BLOB,
    acked_at INTEGER
);

CREATE INDEX operation_state ON operation (state, priority, seq);
CREATE INDEX operation_group ON operation (group_id);
CREATE INDEX operation_overlay ON operation (entity, row, seq) WHERE overlay = 1;
CREATE UNIQUE INDEX operation_n ON operation (client, n) WHERE n IS NOT NULL;

-- The consent ledger: columns is the MessagePack form of the event's cells.
CREATE TABLE consent (
    sequence INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    purpose INTEGER NOT NULL,
    action INTEGER NOT NULL,
    valid_until INTEGER,
    hash BLOB NOT NULL,
    columns BLOB NOT NULL
);
CREATE INDEX consent_purpose ON consent (purpose, sequence);

CREATE TRIGGER consent_is_never_changed BEFORE UPDATE ON consent
BEGIN SELECT RAISE(ABORT, 'the consent ledger is append-only'); END;
CREATE TRIGGER consent_is_never_deleted BEFORE DELETE ON consent
BEGIN SELECT RAISE(ABORT, 'the consent ledger is append-only'); END;

-- Fixes that may leave the phone and have not yet.
CREATE TABLE ping (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    purpose INTEGER NOT NULL,
    consent BLOB NOT NULL,
    at INTEGER NOT NULL,
    lat_e7 INTEGER NOT NULL,
    lon_e7 INTEGER NOT NULL,
    accuracy_m REAL NOT NULL,
    speed_mps REAL
);
CREATE INDEX ping_purpose ON ping (purpose);

CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
