-- Everything here comes from the server and can be fetched again.

-- Columns have no declared type, so that each cell is stored exactly as it came.
-- The id is unique through the code that writes, which looks the row up first.
CREATE TABLE lead (
    rowno INTEGER PRIMARY KEY,
    id NOT NULL,
    version NOT NULL,
    gen NOT NULL,
    name,
    kind,
    crm_source,
    crm_id,
    street,
    unit,
    city,
    region,
    postal_code,
    country,
    phone,
    email,
    website,
    status,
    tier,
    score,
    owner,
    territory,
    notes,
    lat_e7,
    lon_e7,
    geocode_status,
    precision,
    uncertainty_m,
    confidence,
    provider,
    licence,
    contact_hours,
    time_zone,
    alert_radius_m,
    next_visit_due,
    last_visit_at,
    source_updated_at,
    extra
);

-- One index for looking up an id and for loading all positions without touching the rows.
CREATE INDEX lead_key ON lead (id, lat_e7, lon_e7, gen, score, alert_radius_m, status, tier);
CREATE INDEX lead_name ON lead (coalesce(name, '') COLLATE NOCASE);

-- Rows of every other entity; columns is the MessagePack form of the cells.
CREATE TABLE record (
    entity INTEGER NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    gen INTEGER NOT NULL,
    parent BLOB,
    columns BLOB NOT NULL,
    PRIMARY KEY (entity, id)
) WITHOUT ROWID;

CREATE INDEX record_parent ON record (entity, parent) WHERE parent IS NOT NULL;

-- Which scopes hold a row. Scopes that were never shown have entries only for rows of their own
-- hidden generation.
CREATE TABLE member (
    entity INTEGER NOT NULL,
    id BLOB NOT NULL,
    scope_no INTEGER NOT NULL,
    PRIMARY KEY (entity, id, scope_no)
) WITHOUT ROWID;

CREATE TABLE scope (
    no INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    cursor INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    shown INTEGER NOT NULL,
    gen INTEGER NOT NULL,
    refetch INTEGER NOT NULL
);

-- Generations of rows that are not to be seen yet.
CREATE TABLE hidden (gen INTEGER PRIMARY KEY);

-- Frames for scopes that are shown already, as they came.
CREATE TABLE staged (
    no INTEGER PRIMARY KEY,
    scope_no INTEGER NOT NULL,
    bytes BLOB NOT NULL
);

-- Rows for scopes that were never shown, which cannot stand in their table yet because another
-- scope's row stands there, or edits wait for them.
CREATE TABLE held (
    entity INTEGER NOT NULL,
    id BLOB NOT NULL,
    scope_no INTEGER NOT NULL,
    version INTEGER NOT NULL,
    columns BLOB NOT NULL,
    PRIMARY KEY (entity, id, scope_no)
) WITHOUT ROWID;

-- What the server last said of rows that have edits on top; no columns if it has no such row.
CREATE TABLE shadow (
    entity INTEGER NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    gen INTEGER NOT NULL,
    columns BLOB,
    PRIMARY KEY (entity, id)
) WITHOUT ROWID;

-- One row: the history, the complete head that is shown, the generation new rows are written
-- under, and the next one to give out. Epochs are 64 bits, stored as signed.
CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER,
    head INTEGER NOT NULL,
    gen INTEGER NOT NULL,
    next_gen INTEGER NOT NULL
);
INSERT INTO state (one, epoch, head, gen, next_gen) VALUES (1, NULL, 0, 1, 2);
