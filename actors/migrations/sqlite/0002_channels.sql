-- Who hosts a channel of a map, and under which epoch.
CREATE TABLE channels (
    channel       INTEGER PRIMARY KEY,
    map           TEXT NOT NULL,
    epoch         INTEGER NOT NULL,
    owner_address INTEGER NOT NULL
) STRICT;
