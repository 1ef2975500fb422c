-- Answers of geocoding services by the hash of the normalised address.
CREATE TABLE geocode_cache (
    key           BLOB PRIMARY KEY NOT NULL CHECK (length(key) = 32),
    -- Null throughout when no service knows the address.
    lat_e7        INTEGER,
    lon_e7        INTEGER,
    precision     INTEGER,
    uncertainty_m INTEGER,
    confidence    INTEGER,
    provider      TEXT,
    licence       TEXT,
    -- How often nobody knew it, in a row.
    misses        INTEGER NOT NULL,
    stored_at     INTEGER NOT NULL,
    expires_at    INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX geocode_cache_by_expiry ON geocode_cache (expires_at) WHERE expires_at IS NOT NULL;

-- Leads to geocode: new addresses at once, failures and makeshifts again later.
CREATE TABLE geocode_task (
    lead     BLOB PRIMARY KEY NOT NULL CHECK (length(lead) = 16),
    due_at   INTEGER NOT NULL,
    attempts INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX geocode_task_by_due ON geocode_task (due_at);
