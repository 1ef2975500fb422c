-- The server's copy of the consent ledgers, for asking what was allowed at a moment.
CREATE TABLE consent_ledger (
    device      BLOB PRIMARY KEY NOT NULL,
    rep         BLOB NOT NULL,
    sequence    INTEGER NOT NULL,
    hash        BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT, WITHOUT ROWID;
CREATE INDEX consent_ledger_by_rep ON consent_ledger (rep, sequence);

CREATE TABLE consent_event (
    id          BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    device      BLOB NOT NULL,
    rep         BLOB NOT NULL,
    sequence    INTEGER NOT NULL,
    purpose     INTEGER NOT NULL,
    action      INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    valid_until INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX consent_event_by_rep ON consent_event (rep, purpose, at);

CREATE TABLE ping (
    id          BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    device      BLOB NOT NULL,
    rep         BLOB NOT NULL,
    at          INTEGER NOT NULL,
    lat_e7      INTEGER NOT NULL,
    lon_e7      INTEGER NOT NULL,
    accuracy_m  INTEGER,
    received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ping_by_time ON ping (at);
CREATE INDEX ping_by_rep ON ping (rep, at);
