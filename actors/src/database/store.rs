//! The store: the only code that knows SQL. It owns the realm's durable data in one SQLite file, and refuses a write under an
//! old ownership epoch, a second effect of one operation, and a file whose schema it does not know.
//!
//! Every write is one transaction that takes the write lock at once, so two nodes on one file wait for each other instead of
//! failing half-way. Time is handed in. Statements keep to what SQLite and PostgreSQL both understand.

mod account;
mod character;
mod check;
mod economy;
mod error;
mod operation;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, Sqlite, SqlitePool, Transaction};

pub use account::{AccountRow, LINEAGES_PER_ACCOUNT_MAX, NewToken, Registered, Resumed};
pub use character::{CharacterRow, Save};
pub use economy::{Belongings, COINS_MAX, GRANT_STACKS_MAX};
pub use error::StoreError;
pub use operation::{Epoch, OperationId};

/// The largest birth number; an address has 20 bits for it.
pub const BIRTH_MAX: u32 = (1 << 20) - 1;

/// How long a statement waits for another process that holds the write lock.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// How long a call waits for its turn at a connection of this process.
const TURN_WAIT: Duration = Duration::from_secs(10);

const READERS_MAX: u32 = 4;

/// How often a new file is switched to its write-ahead log while others do the same.
const SWITCH_TRIES_MAX: u32 = 50;

static SCHEMA: Migrator = sqlx::migrate!("migrations/sqlite");

/// The realm's data. Clones share one writer connection and a few readers, each on a thread of its own, so a caller never
/// blocks; it may be called from any tokio runtime with time enabled. `close` ends it for all clones.
#[derive(Clone, Debug)]
pub struct Store {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Store {
    /// Opens the file, creating it and its folder, and brings its schema up to date.
    pub async fn open(path: &Path) -> Result<Store, StoreError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| {
                StoreError::NotWritable(format!("the folder {}: {error}", folder.display()))
            })?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(LOCK_WAIT)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true);
        let writer = pool(1)
            .connect_with(options.clone().create_if_missing(true))
            .await
            .map_err(|error| StoreError::from(error).of_file(path))?;
        if let Err(error) = prepare(&writer).await {
            writer.close().await;
            return Err(error.of_file(path));
        }
        let readers = pool(READERS_MAX).connect_lazy_with(options.read_only(true));
        Ok(Store { writer, readers })
    }

    /// Waits for the writes under way and lets go of the file. Later calls are refused.
    pub async fn close(&self) {
        // The writer goes last: only a connection that may write can fold the log back into the file.
        self.readers.close().await;
        self.writer.close().await;
    }

    /// A birth number that no node has had: 1 to `BIRTH_MAX`, then `NoBirthsLeft`.
    pub async fn next_birth(&self) -> Result<u32, StoreError> {
        let mut transaction = self.write().await?;
        let birth: Option<i64> = sqlx::query_scalar(
            "UPDATE counters SET value = value + 1 WHERE name = 'birth' AND value < $1 RETURNING value",
        )
        .bind(i64::from(BIRTH_MAX))
        .fetch_optional(&mut *transaction)
        .await?;
        let birth = birth.ok_or(StoreError::NoBirthsLeft)?;
        transaction.commit().await?;
        u32::try_from(birth).map_err(|_| StoreError::Corrupt(format!("the last birth is {birth}")))
    }

    /// A transaction that holds the write lock from its start; dropped, it leaves nothing.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

fn pool(connections_max: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(TURN_WAIT)
        // Without lifetimes there is no housekeeping task, which would die with the runtime that opened the store.
        .idle_timeout(None)
        .max_lifetime(None)
        // On a full disk SQLite ends a transaction by itself, and the connection's count of them is then off for good.
        // The pool has pinged it by now, so a rollback that was still queued has run.
        .before_acquire(|connection, _| {
            let usable = !connection.is_in_transaction();
            Box::pin(async move { Ok(usable) })
        })
}

/// Brings a file of any age to what this program needs, while others may be doing the same.
async fn prepare(writer: &SqlitePool) -> Result<(), StoreError> {
    write_ahead(writer).await?;
    // Under the write lock as a whole, so that of two processes on a new file one migrates and the other finds it done.
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    SCHEMA.run_direct(None, &mut *transaction, false).await?;
    transaction.commit().await?;
    Ok(())
}

/// Readers do not wait for a writer that logs ahead. The file stays in this mode.
async fn write_ahead(writer: &SqlitePool) -> Result<(), StoreError> {
    let mut tries = 1;
    loop {
        let switched: Result<String, _> = sqlx::query_scalar("PRAGMA journal_mode = WAL")
            .fetch_one(writer)
            .await;
        match switched.map_err(StoreError::from) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                return Err(StoreError::Other(format!(
                    "the file system allows no write-ahead log, only {mode}"
                )));
            }
            // Two that switch a new file at once are refused without a wait: wait for the other's lock instead.
            Err(StoreError::Busy) if tries < SWITCH_TRIES_MAX => {
                tries += 1;
                writer
                    .begin_with("BEGIN IMMEDIATE")
                    .await?
                    .rollback()
                    .await?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// For a column that holds the value of a `u64`.
fn signed(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::Other(format!("{value} is out of range")))
}

/// For a column that never holds less than zero.
fn unsigned<T: TryFrom<i64>>(value: i64) -> Result<T, StoreError> {
    T::try_from(value).map_err(|_| StoreError::Corrupt(format!("{value} is out of range")))
}
