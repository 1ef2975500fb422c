-- The registry: which tenants exist, which devices may speak for which rep, and the tokens they hold.
CREATE TABLE tenant (
    id         BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    name       TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE connection (
    tenant     BLOB NOT NULL REFERENCES tenant (id),
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE device (
    id          BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    tenant      BLOB NOT NULL REFERENCES tenant (id),
    rep         BLOB NOT NULL CHECK (length(rep) = 16),
    name        TEXT NOT NULL,
    enrolled_at INTEGER NOT NULL,
    -- The device must enrol again: a refresh token was used twice.
    locked_at   INTEGER,
    -- The device must wipe.
    revoked_at  INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX device_by_tenant ON device (tenant, rep);

-- Codes and tokens are kept as keyed hashes only.
CREATE TABLE enrolment_code (
    hash       BLOB PRIMARY KEY NOT NULL CHECK (length(hash) = 32),
    tenant     BLOB NOT NULL REFERENCES tenant (id),
    rep        BLOB NOT NULL CHECK (length(rep) = 16),
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE refresh_token (
    hash       BLOB PRIMARY KEY NOT NULL CHECK (length(hash) = 32),
    device     BLOB NOT NULL REFERENCES device (id),
    expires_at INTEGER NOT NULL,
    used_at    INTEGER,
    -- The attempt that used it, so that a phone whose answer was lost may ask again.
    attempt    BLOB,
    successor  BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_token_by_device ON refresh_token (device);
