//! Accounts, names and the tokens that stand in for a password. Knows hashes only: neither a password nor a token ever
//! reaches the store.

use std::fmt;

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::sql::sql;
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
        let subject = format!("name {name_key}");
        self.once(operation, "register", subject, |mut write| async move {
            let (account,): (i64,) =
                sql("INSERT INTO accounts (password_hash) VALUES ($1) RETURNING account")
                    .bind(password_hash)
                    .one(write.on())
                    .await?;
            let (character,): (i64,) =
                sql("INSERT INTO characters (account, name) VALUES ($1, $2) RETURNING character")
                    .bind(account)
                    .bind(name)
                    .one(write.on())
                    .await?;
            let reserved = sql(
                "INSERT INTO names (key, character) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING",
            )
            .bind(name_key)
            .bind(character)
            .execute(write.on())
            .await?;
            if reserved == 0 {
                return Err(StoreError::NameTaken);
            }
            write.settle(Registered { account, character }).await
        })
        .await
    }

    /// The account that reserved this name.
    pub async fn account_by_name(&self, name_key: &str) -> Result<Option<AccountRow>, StoreError> {
        let mut snapshot = self.pools.read().await?;
        sql(
            "SELECT a.account, c.character, c.name, a.password_hash FROM names n \
             JOIN characters c ON c.character = n.character JOIN accounts a ON a.account = c.account WHERE n.key = $1",
        )
        .bind(name_key)
        .optional(&mut snapshot)
        .await
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
        let subject = format!("account {account}");
        self.once(operation, "token", subject, |mut write| async move {
        sql("DELETE FROM tokens WHERE expires_unix_ms <= $1")
            .bind(now_unix_ms)
            .execute(write.on())
            .await?;
        let known: Option<(i64,)> =
            sql("SELECT account FROM accounts WHERE account = $1")
                .bind(account)
                .optional(write.on())
                .await?;
        if known.is_none() {
            return Err(StoreError::NoSuchAccount);
        }
        let put = sql(
            "INSERT INTO tokens (hash, account, expires_unix_ms) VALUES ($1, $2, $3) ON CONFLICT (hash) \
             DO UPDATE SET expires_unix_ms = excluded.expires_unix_ms WHERE tokens.account = excluded.account",
        )
        .bind(&token_hash[..])
        .bind(account)
        .bind(expires_unix_ms)
        .execute(write.on())
        .await?;
        if put == 0 {
            return Err(StoreError::Other(
                "the token belongs to another account".into(),
            ));
        }
        sql(
            "DELETE FROM tokens WHERE account = $1 AND token NOT IN \
             (SELECT token FROM tokens WHERE account = $1 ORDER BY token DESC LIMIT $2)",
        )
        .bind(account)
        .bind(i64::from(TOKENS_PER_ACCOUNT_MAX))
        .execute(write.on())
        .await?;
        write.settle(()).await
        })
        .await
    }

    /// The account that holds this token, unless it has expired by `now_unix_ms`.
    pub async fn account_by_token(
        &self,
        token_hash: [u8; 32],
        now_unix_ms: i64,
    ) -> Result<Option<AccountRow>, StoreError> {
        let mut snapshot = self.pools.read().await?;
        sql(
            "SELECT a.account, c.character, c.name, a.password_hash FROM tokens t \
             JOIN accounts a ON a.account = t.account JOIN characters c ON c.account = a.account \
             WHERE t.hash = $1 AND t.expires_unix_ms > $2",
        )
        .bind(&token_hash[..])
        .bind(now_unix_ms)
        .optional(&mut snapshot)
        .await
    }
}
