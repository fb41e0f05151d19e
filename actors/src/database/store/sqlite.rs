//! The store's SQLite file: opened, brought up to date, and shared by one writer and a few readers.

use std::path::Path;
use std::time::Duration;

use sqlx::Connection;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::StoreError;
use super::sql::Pools;

/// How long a statement waits for another process that holds the write lock.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// How long a call waits for its turn at a connection of this process.
const TURN_WAIT: Duration = Duration::from_secs(10);

const READERS_MAX: u32 = 4;

/// How often a new file is switched to its write-ahead log while others do the same.
const SWITCH_TRIES_MAX: u32 = 50;

static SCHEMA: Migrator = sqlx::migrate!("migrations/sqlite");

/// Opens the file, creating it and its folder, and brings its schema up to date.
pub(super) async fn open(path: &Path) -> Result<Pools, StoreError> {
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
        .await?;
    if let Err(error) = prepare(&writer).await {
        writer.close().await;
        return Err(error);
    }
    let readers = pool(READERS_MAX).connect_lazy_with(options.read_only(true));
    Ok(Pools::Sqlite { writer, readers })
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
