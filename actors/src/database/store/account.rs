//! Accounts, names and the tokens that stand in for a password. Knows hashes only: neither a password nor a token ever
//! reaches the store.

use std::fmt;

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::operation::{Begun, Write};
use super::{OperationId, Store, StoreError, signed, unsigned};

/// How many lineages an account may have: one for each place where its player is logged in. A further one ends the one that
/// was used the longest ago.
pub const LINEAGES_PER_ACCOUNT_MAX: u32 = 8;

/// How many tokens of a lineage may be on their way: a client whose answers are lost shows the same token again and again.
const UNCONFIRMED_PER_LINEAGE_MAX: u32 = 4;

/// A token that is given out.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewToken {
    /// The lineage that it belongs to.
    pub lineage: [u8; 16],
    /// What is kept of it.
    pub hash: [u8; 32],
    /// When it lets nobody in any more, in milliseconds since 1970.
    pub expires_unix_ms: i64,
}

// A lineage is half of a token.
impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewToken")
            .field("expires_unix_ms", &self.expires_unix_ms)
            .finish_non_exhaustive()
    }
}

/// Whom a token has let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// The account's durable id.
    pub account: i64,
    /// Its one character.
    pub character: i64,
    /// The name as its owner spells it.
    pub name: String,
    /// How many logins and resumes the account had with this one.
    pub login: u64,
    /// The login with which the client's numbers of commands began.
    pub numbers: u64,
}

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

    /// Counts a login to the account and gives it the first token of a lineage. What has expired by `now_unix_ms` goes,
    /// whoever held it.
    pub async fn begin_lineage(
        &self,
        operation: OperationId,
        account: i64,
        token: NewToken,
        now_unix_ms: i64,
    ) -> Result<u64, StoreError> {
        let mut write = match self
            .begin(operation, "login", &format!("account {account}"))
            .await?
        {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(write) => write,
        };
        forget_expired(&mut write, now_unix_ms).await?;
        let login = count_login(&mut write, account).await?;
        put_token(&mut write, account, login, login, &token).await?;
        sqlx::query(
            "DELETE FROM tokens WHERE account = $1 AND lineage NOT IN \
             (SELECT lineage FROM tokens WHERE account = $1 GROUP BY lineage ORDER BY MAX(login) DESC LIMIT $2)",
        )
        .bind(account)
        .bind(i64::from(LINEAGES_PER_ACCOUNT_MAX))
        .execute(write.connection())
        .await?;
        write.settle(unsigned(login)?).await
    }

    /// Counts a resume by a token and gives its lineage another; `anew` says that the client's numbers begin anew. What the shown token replaced goes: it has proved to have
    /// arrived. It stays itself until `confirm_login`, or until the new one is shown.
    pub async fn resume_lineage(
        &self,
        operation: OperationId,
        shown_hash: [u8; 32],
        token: NewToken,
        anew: bool,
        now_unix_ms: i64,
    ) -> Result<Resumed, StoreError> {
        let mut write = match self
            .begin(
                operation,
                "resume",
                &format!("token {}", OperationId::of_hash(shown_hash)),
            )
            .await?
        {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(write) => write,
        };
        forget_expired(&mut write, now_unix_ms).await?;
        let shown: Option<(i64, i64, i64, i64, String)> = sqlx::query_as(
            "SELECT t.account, t.login, t.numbers, c.character, c.name FROM tokens t \
             JOIN characters c ON c.account = t.account WHERE t.hash = $1 AND t.lineage = $2",
        )
        .bind(shown_hash.to_vec())
        .bind(token.lineage.to_vec())
        .fetch_optional(write.connection())
        .await?;
        let Some((account, shown, numbers, character, name)) = shown else {
            let goes_on: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM tokens WHERE lineage = $1")
                .bind(token.lineage.to_vec())
                .fetch_one(write.connection())
                .await?;
            return Err(match goes_on {
                0 => StoreError::NoSuchToken,
                _ => StoreError::OldToken,
            });
        };
        let login = count_login(&mut write, account).await?;
        let numbers = if anew { login } else { numbers };
        put_token(&mut write, account, login, numbers, &token).await?;
        sqlx::query(
            "DELETE FROM tokens WHERE lineage = $1 AND (login < $2 OR (login > $2 AND login NOT IN \
             (SELECT login FROM tokens WHERE lineage = $1 ORDER BY login DESC LIMIT $3)))",
        )
        .bind(token.lineage.to_vec())
        .bind(shown)
        .bind(i64::from(UNCONFIRMED_PER_LINEAGE_MAX))
        .execute(write.connection())
        .await?;
        let (login, numbers) = (unsigned(login)?, unsigned(numbers)?);
        write
            .settle(Resumed {
                account,
                character,
                name,
                login,
                numbers,
            })
            .await
    }

    /// The token of this login has arrived: those before it in its lineage go. To confirm twice is to confirm once, so this
    /// needs no operation.
    pub async fn confirm_login(&self, account: i64, login: u64) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        sqlx::query(
            "DELETE FROM tokens WHERE account = $1 AND login < $2 AND lineage = \
             (SELECT lineage FROM tokens WHERE account = $1 AND login = $2)",
        )
        .bind(account)
        .bind(signed(login)?)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }
}

async fn forget_expired(write: &mut Write, now_unix_ms: i64) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM tokens WHERE expires_unix_ms <= $1")
        .bind(now_unix_ms)
        .execute(write.connection())
        .await?;
    Ok(())
}

async fn count_login(write: &mut Write, account: i64) -> Result<i64, StoreError> {
    let login: Option<i64> = sqlx::query_scalar(
        "UPDATE accounts SET logins = logins + 1 WHERE account = $1 RETURNING logins",
    )
    .bind(account)
    .fetch_optional(write.connection())
    .await?;
    login.ok_or(StoreError::NoSuchAccount)
}

async fn put_token(
    write: &mut Write,
    account: i64,
    login: i64,
    numbers: i64,
    token: &NewToken,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO tokens (hash, account, lineage, login, numbers, expires_unix_ms) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(token.hash.to_vec())
    .bind(account)
    .bind(token.lineage.to_vec())
    .bind(login)
    .bind(numbers)
    .bind(token.expires_unix_ms)
    .execute(write.connection())
    .await?;
    Ok(())
}
