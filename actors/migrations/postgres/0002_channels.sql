-- Who hosts a channel of a map, and under which epoch.
CREATE TABLE channels (
    channel       BIGINT PRIMARY KEY,
    map           TEXT COLLATE "C" NOT NULL,
    epoch         BIGINT NOT NULL,
    owner_address BIGINT NOT NULL
);
