//! What the account service answers.

use std::net::IpAddr;

use realm::{CallError, calls};
use serde::{Deserialize, Serialize};

/// Who a player is, and the token that proves it on another connection.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedIn {
    /// The account.
    pub account: i64,
    /// Its character.
    pub character: i64,
    /// The character's name as registered.
    pub name: String,
    /// 64 hex digits; only its hash is stored.
    pub token: String,
    /// How many logins and resumes the account had with this one: of two, the higher one plays.
    pub login: u64,
    /// The login with which the client's numbers of commands began; a resume goes on with them.
    pub numbers: u64,
}

impl std::fmt::Debug for LoggedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoggedIn")
            .field("character", &self.character)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Why a player is not let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum AccountError {
    /// The name breaks the rule, said in the text.
    #[error("{0}")]
    BadName(String),
    /// Somebody has this name.
    #[error("the name is taken")]
    NameTaken,
    /// The password breaks the rule, said in the text.
    #[error("{0}")]
    BadPassword(String),
    /// No such name, or not its password; which of the two is not told.
    #[error("name or password is wrong")]
    WrongCredentials,
    /// The token is unknown or expired.
    #[error("the token is not valid")]
    BadToken,
    /// The token was good once; one that replaced it has arrived.
    #[error("the token was replaced by a newer one")]
    OldToken,
    /// Too many wrong passwords for this name.
    #[error("too many have tried to log in by that name; wait a minute")]
    TooManyLogins,
    /// Too many log in at once.
    #[error("too many log in at once; try again")]
    Busy,
    /// The account service or its database did not answer.
    #[error("accounts are not available: {0}")]
    Unavailable(String),
}

impl From<CallError> for AccountError {
    fn from(error: CallError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Registers and logs in.
#[calls(group = "accounts", proxy = AccountsProxy)]
pub trait Accounts {
    /// Makes an account with its character.
    async fn register(&self, name: String, password: String) -> Result<LoggedIn, AccountError>;

    /// Checks a password. `from` is the network that the player comes from, as its gateway counts it.
    async fn log_in(
        &self,
        name: String,
        password: String,
        from: IpAddr,
    ) -> Result<LoggedIn, AccountError>;

    /// Checks a token; it is replaced by the one returned, and good until that is confirmed or shown. `anew` says that the
    /// client numbers its commands from 1 again.
    async fn resume(&self, token: String, anew: bool) -> Result<LoggedIn, AccountError>;

    /// The client has the token of this login.
    async fn confirm(&self, account: i64, login: u64) -> Result<(), AccountError>;
}
