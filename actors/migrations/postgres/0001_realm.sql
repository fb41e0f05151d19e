-- The realm's data. Identifiers are never used twice, so every table that hands them out has an identity
-- column. Text is compared by its bytes, as SQLite does it, whatever the database's locale is.
-- A holder is a character, or 0: the world.

CREATE TABLE counters (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value BIGINT NOT NULL
);

INSERT INTO counters (name, value) VALUES ('birth', 0);

-- What was done, once each. `applied` is the order of the commits of one subject.
CREATE TABLE operations (
    applied BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id      BYTEA NOT NULL UNIQUE CHECK (length(id) = 16),
    kind    TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    epoch   BIGINT,
    source  TEXT COLLATE "C" NOT NULL DEFAULT '',
    answer  BYTEA NOT NULL
);

-- Only saves and questions of one subject are looked up this way.
CREATE INDEX operations_by_subject ON operations (subject, kind, applied);

CREATE TABLE accounts (
    account       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    password_hash TEXT COLLATE "C" NOT NULL
);

CREATE TABLE characters (
    character     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account       BIGINT NOT NULL REFERENCES accounts (account),
    name          TEXT COLLATE "C" NOT NULL,
    epoch         BIGINT NOT NULL DEFAULT 0,
    owner_address BIGINT,
    map           TEXT COLLATE "C",
    x             DOUBLE PRECISION NOT NULL DEFAULT 0,
    y             DOUBLE PRECISION NOT NULL DEFAULT 0,
    hp            BIGINT,
    xp            BIGINT NOT NULL DEFAULT 0 CHECK (xp >= 0)
);

-- An account has one character.
CREATE UNIQUE INDEX characters_by_account ON characters (account);

-- A name is reserved once in the realm, in the spelling that look-alikes share.
CREATE TABLE names (
    key       TEXT COLLATE "C" PRIMARY KEY,
    character BIGINT NOT NULL REFERENCES characters (character)
);

CREATE TABLE tokens (
    token           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash            BYTEA NOT NULL UNIQUE CHECK (length(hash) = 32),
    account         BIGINT NOT NULL REFERENCES accounts (account),
    expires_unix_ms BIGINT NOT NULL
);

CREATE INDEX tokens_by_account ON tokens (account, token);
CREATE INDEX tokens_by_expiry ON tokens (expires_unix_ms);

-- Double entry: the amounts of one operation sum to zero.
CREATE TABLE ledger (
    entry     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operation BYTEA NOT NULL REFERENCES operations (id),
    holder    BIGINT NOT NULL,
    amount    BIGINT NOT NULL CHECK (amount <> 0),
    UNIQUE (operation, holder)
);

CREATE INDEX ledger_by_holder ON ledger (holder);

-- The sum of a character's entries. The world has no purse: its row would be the one that every grant waits for.
CREATE TABLE balances (
    holder BIGINT PRIMARY KEY REFERENCES characters (character),
    amount BIGINT NOT NULL CHECK (amount >= 0)
);

-- One row per stack.
CREATE TABLE items (
    item      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind      TEXT COLLATE "C" NOT NULL,
    quantity  BIGINT NOT NULL CHECK (quantity > 0),
    owner     BIGINT NOT NULL REFERENCES characters (character),
    operation BYTEA NOT NULL REFERENCES operations (id)
);

CREATE INDEX items_by_owner ON items (owner, kind, quantity);

CREATE TABLE item_history (
    entry       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item        BIGINT NOT NULL REFERENCES items (item),
    operation   BYTEA NOT NULL REFERENCES operations (id),
    from_holder BIGINT NOT NULL,
    to_holder   BIGINT NOT NULL,
    quantity    BIGINT NOT NULL CHECK (quantity > 0)
);

CREATE INDEX item_history_by_item ON item_history (item, entry);
