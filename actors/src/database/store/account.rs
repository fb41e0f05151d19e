//! Accounts, names and the tokens that stand in for a password. Knows hashes only: neither a password nor a token ever
//! reaches the store.

use std::fmt;

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::operation::Begun;
use super::{OperationId, Store, StoreError};

/// How many tokens an account may hold; a further one ends the oldest.
pub const TOKENS_PER_ACCOUNT_MAX: u32 = 8;

/// A new account and its one character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// The account's durable id.
    pub account: i64,
    /// The character's durable id.
    pub character: i64,
}

/// An account as the login needs it.
#[derive(Clone, PartialEq, Eq, FromRow, Serialize, Deserialize)]
pub struct AccountRow {
    /// The account's durable id.
    pub account: i64,
    /// Its one character.
    pub character: i64,
    /// The name as its owner spells it.
    pub name: String,
    /// The password's hash with its parameters.
    pub password_hash: String,
}

// A log is no place for a password's hash.
impl fmt::Debug for AccountRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountRow")
            .field("account", &self.account)
            .field("character", &self.character)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Makes an account and its character, and reserves the name in the whole realm. `name_key` is the spelling that all
    /// look-alikes of the name share.
    pub async fn register(
        &self,
        operation: OperationId,
        name: &str,
        name_key: &str,
        password_hash: &str,
    ) -> Result<Registered, StoreError> {
        let mut write = match self
            .begin(operation, "register", &format!("name {name_key}"))
            .await?
        {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(write) => write,
        };
        let account: i64 = sqlx::query_scalar(
            "INSERT INTO accounts (password_hash) VALUES ($1) RETURNING account",
        )
        .bind(password_hash)
        .fetch_one(write.connection())
        .await?;
        let character: i64 = sqlx::query_scalar(
            "INSERT INTO characters (account, name) VALUES ($1, $2) RETURNING character",
        )
        .bind(account)
        .bind(name)
        .fetch_one(write.connection())
        .await?;
        let reserved = sqlx::query(
            "INSERT INTO names (key, character) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING",
        )
        .bind(name_key)
        .bind(character)
        .execute(write.connection())
        .await?;
        if reserved.rows_affected() == 0 {
            return Err(StoreError::NameTaken);
        }
        write.settle(Registered { account, character }).await
    }

    /// The account that reserved this name.
    pub async fn account_by_name(&self, name_key: &str) -> Result<Option<AccountRow>, StoreError> {
        let row = sqlx::query_as(
            "SELECT a.account, c.character, c.name, a.password_hash FROM names n \
             JOIN characters c ON c.character = n.character JOIN accounts a ON a.account = c.account WHERE n.key = $1",
        )
        .bind(name_key)
        .fetch_optional(&self.readers)
        .await?;
        Ok(row)
    }

    /// Lets a token log in to the account until it expires. What has expired by `now_unix_ms` goes, whoever held it.
    pub async fn put_token(
        &self,
        operation: OperationId,
        account: i64,
        token_hash: [u8; 32],
        now_unix_ms: i64,
        expires_unix_ms: i64,
    ) -> Result<(), StoreError> {
        let mut write = match self
            .begin(operation, "token", &format!("account {account}"))
            .await?
        {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(write) => write,
        };
        sqlx::query("DELETE FROM tokens WHERE expires_unix_ms <= $1")
            .bind(now_unix_ms)
            .execute(write.connection())
            .await?;
        let known: Option<i64> =
            sqlx::query_scalar("SELECT account FROM accounts WHERE account = $1")
                .bind(account)
                .fetch_optional(write.connection())
                .await?;
        if known.is_none() {
            return Err(StoreError::NoSuchAccount);
        }
        let put = sqlx::query(
            "INSERT INTO tokens (hash, account, expires_unix_ms) VALUES ($1, $2, $3) ON CONFLICT (hash) \
             DO UPDATE SET expires_unix_ms = excluded.expires_unix_ms WHERE tokens.account = excluded.account",
        )
        .bind(&token_hash[..])
        .bind(account)
        .bind(expires_unix_ms)
        .execute(write.connection())
        .await?;
        if put.rows_affected() == 0 {
            return Err(StoreError::Other(
                "the token belongs to another account".into(),
            ));
        }
        sqlx::query(
            "DELETE FROM tokens WHERE account = $1 AND token NOT IN \
             (SELECT token FROM tokens WHERE account = $1 ORDER BY token DESC LIMIT $2)",
        )
        .bind(account)
        .bind(i64::from(TOKENS_PER_ACCOUNT_MAX))
        .execute(write.connection())
        .await?;
        write.settle(()).await
    }

    /// The account that holds this token, unless it has expired by `now_unix_ms`.
    pub async fn account_by_token(
        &self,
        token_hash: [u8; 32],
        now_unix_ms: i64,
    ) -> Result<Option<AccountRow>, StoreError> {
        let row = sqlx::query_as(
            "SELECT a.account, c.character, c.name, a.password_hash FROM tokens t \
             JOIN accounts a ON a.account = t.account JOIN characters c ON c.account = a.account \
             WHERE t.hash = $1 AND t.expires_unix_ms > $2",
        )
        .bind(token_hash.to_vec())
        .bind(now_unix_ms)
        .fetch_optional(&self.readers)
        .await?;
        Ok(row)
    }
}
