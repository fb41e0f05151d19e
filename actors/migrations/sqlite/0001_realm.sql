-- The realm's data. Identifiers are never used twice, so every table that hands them out is AUTOINCREMENT.
-- A holder is a character, or 0: the world.

CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

INSERT INTO counters (name, value) VALUES ('birth', 0);

-- What was done, once each. `applied` is the order of the commits.
CREATE TABLE operations (
    applied INTEGER PRIMARY KEY AUTOINCREMENT,
    id      BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    kind    TEXT NOT NULL,
    subject TEXT NOT NULL,
    epoch   INTEGER,
    source  TEXT NOT NULL DEFAULT '',
    answer  BLOB NOT NULL
) STRICT;

-- Only saves and questions of one subject are looked up this way.
CREATE INDEX operations_by_subject ON operations (subject, kind, applied);

CREATE TABLE accounts (
    account       INTEGER PRIMARY KEY AUTOINCREMENT,
    password_hash TEXT NOT NULL
) STRICT;

CREATE TABLE characters (
    character     INTEGER PRIMARY KEY AUTOINCREMENT,
    account       INTEGER NOT NULL REFERENCES accounts (account),
    name          TEXT NOT NULL,
    epoch         INTEGER NOT NULL DEFAULT 0,
    owner_address INTEGER,
    map           TEXT,
    x             REAL NOT NULL DEFAULT 0,
    y             REAL NOT NULL DEFAULT 0,
    hp            INTEGER,
    xp            INTEGER NOT NULL DEFAULT 0 CHECK (xp >= 0)
) STRICT;

-- An account has one character.
CREATE UNIQUE INDEX characters_by_account ON characters (account);

-- A name is reserved once in the realm, in the spelling that look-alikes share.
CREATE TABLE names (
    key       TEXT PRIMARY KEY,
    character INTEGER NOT NULL REFERENCES characters (character)
) STRICT;

CREATE TABLE tokens (
    token           INTEGER PRIMARY KEY AUTOINCREMENT,
    hash            BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    account         INTEGER NOT NULL REFERENCES accounts (account),
    expires_unix_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX tokens_by_account ON tokens (account, token);
CREATE INDEX tokens_by_expiry ON tokens (expires_unix_ms);

-- Double entry: the amounts of one operation sum to zero.
CREATE TABLE ledger (
    entry     INTEGER PRIMARY KEY AUTOINCREMENT,
    operation BLOB NOT NULL REFERENCES operations (id),
    holder    INTEGER NOT NULL,
    amount    INTEGER NOT NULL CHECK (amount <> 0),
    UNIQUE (operation, holder)
) STRICT;

CREATE INDEX ledger_by_holder ON ledger (holder);

-- The sum of a character's entries. The world has no purse: its row would be the one that every grant waits for.
CREATE TABLE balances (
    holder INTEGER PRIMARY KEY REFERENCES characters (character),
    amount INTEGER NOT NULL CHECK (amount >= 0)
) STRICT;

-- One row per stack.
CREATE TABLE items (
    item      INTEGER PRIMARY KEY AUTOINCREMENT,
    kind      TEXT NOT NULL,
    quantity  INTEGER NOT NULL CHECK (quantity > 0),
    owner     INTEGER NOT NULL REFERENCES characters (character),
    operation BLOB NOT NULL REFERENCES operations (id)
) STRICT;

CREATE INDEX items_by_owner ON items (owner, kind, quantity);

CREATE TABLE item_history (
    entry       INTEGER PRIMARY KEY AUTOINCREMENT,
    item        INTEGER NOT NULL REFERENCES items (item),
    operation   BLOB NOT NULL REFERENCES operations (id),
    from_holder INTEGER NOT NULL,
    to_holder   INTEGER NOT NULL,
    quantity    INTEGER NOT NULL CHECK (quantity > 0)
) STRICT;

CREATE INDEX item_history_by_item ON item_history (item, entry);
