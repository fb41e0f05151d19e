//! Registers players, checks their passwords and hands out tokens. It keeps nothing itself: the database has the accounts,
//! and of passwords and tokens the hashes only.

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::rc::Rc;

use argon2::Params;
use realm::{CallError, CallTable, Classes, Module, ModuleError, ServiceCx};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::guesses::Guesses;
use super::password::{self, Hashing};
use super::{AccountError, Accounts, AccountsProxy, LoggedIn, name};
use crate::database::store::{NewToken, OperationId, StoreError};
use crate::database::{DatabaseError, DatabaseProxy};
use crate::limit::{BURST_MAX, per_minute, some};

/// 16 bytes of its lineage and 16 of its own, all random, in hex.
const TOKEN_LEN: usize = 64;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Settings of the module `accounts`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccountsConfig {
    /// Passwords hashed at the same time.
    hashes_at_once: usize,
    /// Memory that one hash takes; this and the passes are the least that OWASP advises for argon2id.
    hash_memory_kib: u32,
    /// Passes over that memory.
    hash_passes: u32,
    /// Players who wait for a hash; more are told to come back.
    waiting_max: usize,
    /// Days until a token expires.
    token_days: u32,
    /// Wrong passwords for one name from one address in a minute, on and on.
    wrong_passwords_per_minute: NonZeroU32,
    /// Wrong passwords for one name from one address at once.
    wrong_passwords_burst: NonZeroU32,
    /// Wrong passwords for one name from everywhere in a minute, on and on.
    wrong_passwords_per_account_per_minute: NonZeroU32,
    /// Wrong passwords for one name from everywhere at once.
    wrong_passwords_per_account_burst: NonZeroU32,
}

impl Default for AccountsConfig {
    fn default() -> Self {
        Self {
            hashes_at_once: 2,
            hash_memory_kib: 19_456,
            hash_passes: 2,
            waiting_max: 32,
            token_days: 30,
            wrong_passwords_per_minute: some(6),
            wrong_passwords_burst: some(10),
            wrong_passwords_per_account_per_minute: some(30),
            wrong_passwords_per_account_burst: some(100),
        }
    }
}

/// The account service's module. It holds no state but the line in front of the hashing, and how often passwords were
/// wrong.
pub struct AccountsModule {
    cx: ServiceCx,
    database: DatabaseProxy,
    hashing: Hashing,
    guesses: Guesses,
    token_days: u32,
}

impl Module for AccountsModule {
    const NAME: &'static str = "accounts";

    type Config = AccountsConfig;

    fn classes(list: &mut Classes) {
        list.calls(AccountsProxy::METHODS);
    }

    fn new(config: AccountsConfig, cx: &ServiceCx) -> Result<Self, ModuleError> {
        let needs = |what: String| ModuleError::Needs {
            module: Self::NAME,
            what,
        };
        let AccountsConfig {
            hashes_at_once,
            hash_memory_kib,
            hash_passes,
            waiting_max,
            token_days,
            wrong_passwords_per_minute,
            wrong_passwords_burst,
            wrong_passwords_per_account_per_minute,
            wrong_passwords_per_account_burst,
        } = config;
        if hashes_at_once == 0
            || hashes_at_once.saturating_add(waiting_max) > Semaphore::MAX_PERMITS
        {
            return Err(needs(
                "`hashes_at_once` must be at least 1, and `waiting_max` a sensible number"
                    .to_owned(),
            ));
        }
        if token_days == 0 {
            return Err(needs("`token_days` must be at least 1".to_owned()));
        }
        let burst_max = wrong_passwords_burst.max(wrong_passwords_per_account_burst);
        if burst_max.get() > BURST_MAX {
            return Err(needs(format!(
                "the bursts of wrong passwords must be at most {BURST_MAX}"
            )));
        }
        let params = Params::new(hash_memory_kib, hash_passes, 1, None).map_err(|error| {
            needs(format!(
                "`hash_memory_kib` and `hash_passes` do not work: {error}"
            ))
        })?;
        Ok(Self {
            cx: cx.clone(),
            database: DatabaseProxy::new(cx),
            hashing: Hashing::new(
                params,
                hashes_at_once,
                waiting_max,
                cx.node().outside().clone(),
            ),
            guesses: Guesses::new(
                per_minute(wrong_passwords_per_minute, wrong_passwords_burst),
                per_minute(
                    wrong_passwords_per_account_per_minute,
                    wrong_passwords_per_account_burst,
                ),
                cx.clock(),
            ),
            token_days,
        })
    }

    fn serve(self: &Rc<Self>, calls: &mut CallTable) {
        AccountsProxy::serve(calls, self);
    }
}

impl Accounts for AccountsModule {
    async fn register(&self, name: String, password: String) -> Result<LoggedIn, AccountError> {
        let key = name::key_of_new(&name)?;
        password::check(&password)?;
        let place = self.hashing.stand_in_line()?;
        let hash = place.hash(password, self.secret()?).await?;
        let registered = self
            .database
            .register(self.operation()?, name.clone(), key, hash)
            .await
            .map_err(refused)?;
        self.let_in(registered.account, registered.character, name)
            .await
    }

    async fn log_in(
        &self,
        name: String,
        password: String,
        from: IpAddr,
    ) -> Result<LoggedIn, AccountError> {
        // What no account can have needs no look and no hash, and tells nobody which names there are.
        let (Ok(key), Ok(())) = (name::key(&name), password::check(&password)) else {
            return Err(AccountError::WrongCredentials);
        };
        let guess = self.guesses.guess(key.clone(), from)?;
        let answer = self.check(key, password).await;
        if answer != Err(AccountError::WrongCredentials) {
            self.guesses.not_wrong(guess);
        }
        let (account, character, name) = answer?;
        self.let_in(account, character, name).await
    }

    async fn resume(&self, token: String, anew: bool) -> Result<LoggedIn, AccountError> {
        let lineage = lineage_of(&token).ok_or(AccountError::BadToken)?;
        let (fresh, new) = self.new_token(lineage)?;
        let resumed = self.database.resume_lineage(
            self.operation()?,
            hash_of(&token),
            new,
            anew,
            self.now_ms(),
        );
        let resumed = resumed.await.map_err(refused)?;
        Ok(LoggedIn {
            account: resumed.account,
            character: resumed.character,
            name: resumed.name,
            token: fresh,
            login: resumed.login,
            numbers: resumed.numbers,
        })
    }

    async fn confirm(&self, account: i64, login: u64) -> Result<(), AccountError> {
        let confirmed = self.database.confirm_login(account, login);
        confirmed.await.map_err(refused)
    }
}

impl AccountsModule {
    /// The account, character and name that are behind this name and password.
    async fn check(
        &self,
        key: String,
        password: String,
    ) -> Result<(i64, i64, String), AccountError> {
        let place = self.hashing.stand_in_line()?;
        let Some(row) = self.database.account_by_name(key).await.map_err(refused)? else {
            // As slow as a wrong password, so that time does not tell the names either.
            place.hash(password, self.secret()?).await?;
            return Err(AccountError::WrongCredentials);
        };
        match place.verify(password, row.password_hash).await? {
            true => Ok((row.account, row.character, row.name)),
            false => Err(AccountError::WrongCredentials),
        }
    }

    /// Begins a lineage.
    async fn let_in(
        &self,
        account: i64,
        character: i64,
        name: String,
    ) -> Result<LoggedIn, AccountError> {
        let lineage = self.secret()?;
        let (token, new) = self.new_token(lineage)?;
        let login = self
            .database
            .begin_lineage(self.operation()?, account, new, self.now_ms());
        let login = login.await.map_err(refused)?;
        Ok(LoggedIn {
            account,
            character,
            name,
            token,
            login,
            numbers: login,
        })
    }

    /// A token, and what is kept of it.
    fn new_token(&self, lineage: [u8; 16]) -> Result<(String, NewToken), AccountError> {
        let own: [u8; 16] = self.secret()?;
        let token = hex(&lineage) + &hex(&own);
        let lives_ms = i64::from(self.token_days) * DAY_MS;
        let new = NewToken {
            lineage,
            hash: hash_of(&token),
            expires_unix_ms: self.now_ms().saturating_add(lives_ms),
        };
        Ok((token, new))
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.cx.clock().wall_ms()).unwrap_or(i64::MAX)
    }

    fn operation(&self) -> Result<OperationId, AccountError> {
        Ok(OperationId(u128::from_be_bytes(self.secret()?)))
    }

    fn secret<const LEN: usize>(&self) -> Result<[u8; LEN], AccountError> {
        let mut bytes = [0; LEN];
        self.cx.secret(&mut bytes).map_err(|error| {
            tracing::error!(%error, "the operating system gives no secrets");
            AccountError::Unavailable("no secrets".to_owned())
        })?;
        Ok(bytes)
    }
}

/// What a player is told when the database refuses. The details are the operator's.
fn refused(error: DatabaseError) -> AccountError {
    match error {
        DatabaseError::Store(StoreError::NameTaken) => AccountError::NameTaken,
        DatabaseError::Store(StoreError::NoSuchToken) => AccountError::BadToken,
        DatabaseError::Store(StoreError::OldToken) => AccountError::OldToken,
        DatabaseError::Call(CallError::Busy) => AccountError::Busy,
        DatabaseError::Store(error) if error.is_repeatable() => {
            tracing::warn!(%error, "a login or a registration has to be repeated");
            AccountError::Busy
        }
        error => {
            tracing::error!(%error, "the database refuses the account service");
            AccountError::Unavailable("the database does not answer".to_owned())
        }
    }
}

/// What is stored of a token. It is random through and through, so one pass of a fast hash will do.
fn hash_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The lineage that a token says it belongs to; `None` when it is no token.
fn lineage_of(token: &str) -> Option<[u8; 16]> {
    if token.len() != TOKEN_LEN || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let lineage = u128::from_str_radix(token.get(..TOKEN_LEN / 2)?, 16).ok()?;
    Some(lineage.to_be_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
