-- A lineage is a login and the resumes that follow it, each by the token of the one before. Its id is the first half of all
-- its tokens, so a token that was replaced is known as such although nothing of it is kept. Tokens from before have no
-- lineage: who holds one logs in again.

-- Logins and resumes of an account, counted in the order of their transactions: of two at once the higher one plays.
ALTER TABLE accounts ADD COLUMN logins INTEGER NOT NULL DEFAULT 0;

DROP TABLE tokens;

CREATE TABLE tokens (
    token           INTEGER PRIMARY KEY AUTOINCREMENT,
    hash            BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    account         INTEGER NOT NULL REFERENCES accounts (account),
    lineage         BLOB NOT NULL CHECK (length(lineage) = 16),
    login           INTEGER NOT NULL,
    -- The login with which the client's numbers of commands began.
    numbers         INTEGER NOT NULL,
    expires_unix_ms INTEGER NOT NULL,
    UNIQUE (account, login)
) STRICT;

CREATE INDEX tokens_by_lineage ON tokens (lineage, login);
CREATE INDEX tokens_by_expiry ON tokens (expires_unix_ms);
