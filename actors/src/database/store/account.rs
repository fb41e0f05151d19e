//! Accounts, names and the tokens that stand in for a password. Knows hashes only: neither a password nor a token ever
//! reaches the store.

use std::fmt;

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::operation::Write;
use super::sql::sql;
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

    /// Counts a login to the account and gives it the first token of a lineage. What has expired by `now_unix_ms` goes,
    /// whoever held it.
    pub async fn begin_lineage(
        &self,
        operation: OperationId,
        account: i64,
        token: NewToken,
        now_unix_ms: i64,
    ) -> Result<u64, StoreError> {
        let subject = format!("account {account}");
        self.once(operation, "login", subject, move |mut write| async move {
            forget_expired(&mut write, now_unix_ms).await?;
            let login = count_login(&mut write, account).await?;
            put_token(&mut write, account, login, login, &token).await?;
            sql(
                "DELETE FROM tokens WHERE account = $1 AND lineage NOT IN \
                 (SELECT lineage FROM tokens WHERE account = $1 GROUP BY lineage ORDER BY MAX(login) DESC LIMIT $2)",
            )
            .bind(account)
            .bind(i64::from(LINEAGES_PER_ACCOUNT_MAX))
            .execute(write.on())
            .await?;
            write.settle(unsigned(login)?).await
        })
        .await
    }

    /// Counts a resume by a token and gives its lineage another; `anew` says that the client's numbers begin anew. What the
    /// shown token replaced goes: it has proved to have arrived. It stays itself until `confirm_login`, or until the new one is
    /// shown.
    pub async fn resume_lineage(
        &self,
        operation: OperationId,
        shown_hash: [u8; 32],
        token: NewToken,
        anew: bool,
        now_unix_ms: i64,
    ) -> Result<Resumed, StoreError> {
        let subject = format!("token {}", OperationId::of_hash(shown_hash));
        self.once(operation, "resume", subject, move |mut write| async move {
            forget_expired(&mut write, now_unix_ms).await?;
            let whose: Option<(i64,)> = sql("SELECT account FROM tokens WHERE lineage = $1 LIMIT 1")
                .bind(&token.lineage[..])
                .optional(write.on())
                .await?;
            let (account,) = whose.ok_or(StoreError::NoSuchToken)?;
            // Whoever comes next by the same account waits here, and sees below what this one has left.
            let login = count_login(&mut write, account).await?;
            let shown: Option<(i64, i64, i64, String)> = sql(
                "SELECT t.login, t.numbers, c.character, c.name FROM tokens t \
                 JOIN characters c ON c.account = t.account WHERE t.hash = $1 AND t.lineage = $2",
            )
            .bind(&shown_hash[..])
            .bind(&token.lineage[..])
            .optional(write.on())
            .await?;
            let (shown, numbers, character, name) = shown.ok_or(StoreError::OldToken)?;
            let numbers = if anew { login } else { numbers };
            put_token(&mut write, account, login, numbers, &token).await?;
            sql(
                "DELETE FROM tokens WHERE lineage = $1 AND (login < $2 OR (login > $2 AND login NOT IN \
                 (SELECT login FROM tokens WHERE lineage = $1 ORDER BY login DESC LIMIT $3)))",
            )
            .bind(&token.lineage[..])
            .bind(shown)
            .bind(i64::from(UNCONFIRMED_PER_LINEAGE_MAX))
            .execute(write.on())
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
        })
        .await
    }

    /// The token of this login has arrived: those before it in its lineage go. To confirm twice is to confirm once, so this
    /// needs no operation.
    pub async fn confirm_login(&self, account: i64, login: u64) -> Result<(), StoreError> {
        let mut transaction = self.pools.write().await?;
        sql(
            "DELETE FROM tokens WHERE account = $1 AND login < $2 AND lineage = \
             (SELECT lineage FROM tokens WHERE account = $1 AND login = $2)",
        )
        .bind(account)
        .bind(signed(login)?)
        .execute(&mut transaction)
        .await?;
        transaction.commit().await
    }
}

async fn forget_expired(write: &mut Write, now_unix_ms: i64) -> Result<(), StoreError> {
    sql("DELETE FROM tokens WHERE expires_unix_ms <= $1")
        .bind(now_unix_ms)
        .execute(write.on())
        .await?;
    Ok(())
}

async fn count_login(write: &mut Write, account: i64) -> Result<i64, StoreError> {
    let login: Option<(i64,)> =
        sql("UPDATE accounts SET logins = logins + 1 WHERE account = $1 RETURNING logins")
            .bind(account)
            .optional(write.on())
            .await?;
    Ok(login.ok_or(StoreError::NoSuchAccount)?.0)
}

async fn put_token(
    write: &mut Write,
    account: i64,
    login: i64,
    numbers: i64,
    token: &NewToken,
) -> Result<(), StoreError> {
    sql(
        "INSERT INTO tokens (hash, account, lineage, login, numbers, expires_unix_ms) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&token.hash[..])
    .bind(account)
    .bind(&token.lineage[..])
    .bind(login)
    .bind(numbers)
    .bind(token.expires_unix_ms)
    .execute(write.on())
    .await?;
    Ok(())
}
