//! What the store refuses and why, as plain data that travels in a reply.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sqlx::migrate::MigrateError;

/// Why the store did not do it. Whatever the reason, nothing of the call is left behind.
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
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

impl StoreError {
    /// Names the file, for the operator who reads this at the start.
    pub(super) fn of_file(self, path: &Path) -> StoreError {
        let path = path.display();
        match self {
            StoreError::NotWritable(why) => StoreError::NotWritable(format!("{path}: {why}")),
            StoreError::Corrupt(why) => StoreError::Corrupt(format!("{path}: {why}")),
            StoreError::Schema(why) => StoreError::Schema(format!("{path}: {why}")),
            StoreError::Other(why) => StoreError::Other(format!("{path}: {why}")),
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
            sqlx::Error::Database(cause) => {
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
