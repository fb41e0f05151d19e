//! What the store refuses and why, as plain data that travels in a reply.

use std::io::ErrorKind;

use serde::{Deserialize, Serialize};
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgDatabaseError;

use crate::database::place::Place;

/// Why the store did not do it. Nothing of the call is left behind, except where it says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum StoreError {
    /// Somebody has this name, or one that looks like it.
    #[error("the name is taken")]
    NameTaken,
    /// The caller owned the character once; since then it has changed hands.
    #[error("the ownership epoch is stale: it is now {current}")]
    Stale {
        /// The epoch of the present owner.
        current: u64,
    },
    /// The operation has been applied, to somebody else.
    #[error("the operation was applied to somebody else")]
    Taken,
    /// No character has this id.
    #[error("there is no such character")]
    NoSuchCharacter,
    /// No account has this id.
    #[error("there is no such account")]
    NoSuchAccount,
    /// No token has this hash.
    #[error("there is no such token")]
    NoSuchToken,
    /// The token was replaced by a later one of its lineage, which has arrived.
    #[error("the token was replaced")]
    OldToken,
    /// The operation id was used for another kind of operation.
    #[error("the operation id belongs to another kind of operation")]
    OperationMismatch,
    /// Every birth number has been handed out.
    #[error("every birth number has been handed out")]
    NoBirthsLeft,
    /// Others held the database for too long: try again.
    #[error("the database is busy")]
    Busy,
    /// Others' writes kept this one from its commit, again and again: try again.
    #[error("others write the same at the same time")]
    Conflict,
    /// The server is away, or was lost before it answered. The call may have had its effect: repeat it with the same
    /// operation, until the server is back.
    #[error("the database server is away")]
    Away,
    /// No room is left where the database lies: try again once there is.
    #[error("the disk is full")]
    Full,
    /// The file or its folder cannot be created or written.
    #[error("cannot write: {0}")]
    NotWritable(String),
    /// The file is no database, or a damaged one.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// The schema is not one that this program can use.
    #[error("the schema does not fit: {0}")]
    Schema(String),
    /// The server is of a release that this program cannot use.
    #[error("the server is {0}")]
    TooOld(String),
    /// The server lets nobody of that name or password in.
    #[error("the server refuses the login: {0}")]
    Login(String),
    /// The connection to the server cannot be secured as the url asks for it.
    #[error("the connection cannot be secured: {0}")]
    Tls(String),
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

impl StoreError {
    /// True when the same operation may succeed if it is asked again. It has one effect, also if it had had it before.
    pub fn is_repeatable(&self) -> bool {
        matches!(
            self,
            StoreError::Busy | StoreError::Conflict | StoreError::Away
        )
    }

    /// Names the place, for the operator who reads this at the start.
    pub(super) fn of_place(self, place: &Place) -> StoreError {
        match self {
            StoreError::NotWritable(why) => StoreError::NotWritable(format!("{place}: {why}")),
            StoreError::Corrupt(why) => StoreError::Corrupt(format!("{place}: {why}")),
            StoreError::Schema(why) => StoreError::Schema(format!("{place}: {why}")),
            StoreError::Other(why) => StoreError::Other(format!("{place}: {why}")),
            // Nobody else is in the way of a start: the server does not answer.
            StoreError::Busy if matches!(place, Place::Postgres(_)) => StoreError::Away,
            other => other,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> StoreError {
        match &error {
            sqlx::Error::PoolTimedOut => StoreError::Busy,
            sqlx::Error::PoolClosed => StoreError::Other("the store is closed".into()),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                StoreError::Corrupt(error.to_string())
            }
            sqlx::Error::Tls(cause) => StoreError::Tls(cause.to_string()),
            // What rustls refuses comes as this.
            sqlx::Error::Io(cause) if cause.kind() == ErrorKind::InvalidData => {
                StoreError::Tls(cause.to_string())
            }
            sqlx::Error::Io(_) => StoreError::Away,
            sqlx::Error::Database(cause) => {
                if let Some(cause) = cause.try_downcast_ref::<PgDatabaseError>() {
                    return of_postgres(cause.code(), cause.message());
                }
                let code = cause.code().and_then(|code| code.parse::<i32>().ok());
                of_sqlite(code.unwrap_or(0), cause.message())
            }
            _ => StoreError::Other(error.to_string()),
        }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> StoreError {
        match error {
            MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) => cause.into(),
            MigrateError::VersionMissing(version) => StoreError::Schema(format!(
                "a newer program made it (version {version} is unknown here)"
            )),
            MigrateError::VersionMismatch(version) => StoreError::Schema(format!(
                "version {version} is not the one that this program made"
            )),
            other => StoreError::Schema(other.to_string()),
        }
    }
}

/// Result codes: <https://www.sqlite.org/rescode.html>. The low byte is the primary one.
fn of_sqlite(code: i32, message: &str) -> StoreError {
    const IOERR_SHMSIZE: i32 = 4874;
    // The shared index of the log is the first to find no room.
    if code == IOERR_SHMSIZE {
        return StoreError::Full;
    }
    match code & 0xff {
        5 | 6 => StoreError::Busy,
        13 => StoreError::Full,
        3 | 8 | 14 => StoreError::NotWritable(message.to_owned()),
        11 | 26 => StoreError::Corrupt(message.to_owned()),
        _ => StoreError::Other(message.to_owned()),
    }
}

/// SQLSTATE: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn of_postgres(code: &str, message: &str) -> StoreError {
    match (code.get(..2).unwrap_or_default(), code) {
        // A transaction that cannot be serialized, a deadlock.
        (_, "40001" | "40P01") => StoreError::Conflict,
        // The connection is lost, or the server goes down, comes up, or has ended a transaction that stood still.
        ("08", _) | (_, "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "40003") => {
            StoreError::Away
        }
        // A statement took too long, a lock could not be had, there are too many connections.
        (_, "57014" | "55P03" | "53300") => StoreError::Busy,
        (_, "53100") => StoreError::Full,
        // A stand-by, or a login that may not.
        (_, "25006" | "42501") => StoreError::NotWritable(message.to_owned()),
        ("28", _) => StoreError::Login(message.to_owned()),
        (_, "XX001" | "XX002") => StoreError::Corrupt(message.to_owned()),
        _ => StoreError::Other(message.to_owned()),
    }
}
