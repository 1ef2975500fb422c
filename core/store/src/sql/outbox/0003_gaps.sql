-- Numbers of operations that neither the server nor this phone has any more, until the server has
-- them on record.
CREATE TABLE gap (
    client BLOB NOT NULL,
    from_n INTEGER NOT NULL,
    to_n INTEGER NOT NULL,
    PRIMARY KEY (client, from_n, to_n)
) WITHOUT ROWID;
