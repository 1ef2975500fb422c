-- Engine and profile of travel times, such as "osrm/driving".
CREATE TABLE travel_source (
    id       INTEGER PRIMARY KEY NOT NULL,
    provider TEXT NOT NULL UNIQUE
) STRICT;

-- Travel times between places, which are coordinates to 10^-6 degrees in one number.
CREATE TABLE travel_cell (
    source      INTEGER NOT NULL REFERENCES travel_source (id),
    from_place  INTEGER NOT NULL,
    to_place    INTEGER NOT NULL,
    -- Both null where the engine knows no way.
    seconds     INTEGER,
    metres      INTEGER,
    computed_at INTEGER NOT NULL,
    PRIMARY KEY (source, from_place, to_place)
) STRICT, WITHOUT ROWID;
CREATE INDEX travel_cell_by_age ON travel_cell (computed_at);

-- What can be reached from a place in some minutes, as JSON rings of longitude and latitude.
CREATE TABLE isochrone (
    provider    TEXT NOT NULL,
    place       INTEGER NOT NULL,
    minutes     INTEGER NOT NULL,
    area        TEXT NOT NULL,
    computed_at INTEGER NOT NULL,
    PRIMARY KEY (provider, place, minutes)
) STRICT, WITHOUT ROWID;
