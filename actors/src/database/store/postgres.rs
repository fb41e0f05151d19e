//! The store's PostgreSQL: connected to, its version checked, its schema brought up to date.

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use super::StoreError;
use super::sql::Pools;

/// The oldest release that the store's statements are tested against, as the server tells it.
const VERSION_MIN: u32 = 140_000;

static SCHEMA: Migrator = sqlx::migrate!("migrations/postgres");

/// What an operator may set of the connections to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresLimits {
    /// Connections at most.
    pub connections_max: u32,
    /// How long a call waits for a connection, new or free.
    pub connect_timeout: Duration,
    /// The server ends a statement that takes longer.
    pub statement_timeout: Duration,
    /// The server ends a transaction in which nothing has come for so long.
    pub idle_in_transaction_timeout: Duration,
}

impl Default for PostgresLimits {
    fn default() -> Self {
        Self {
            connections_max: 16,
            connect_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(5),
            idle_in_transaction_timeout: Duration::from_secs(10),
        }
    }
}

/// Connects, and brings the schema up to date. Several nodes may do so at once.
pub(super) async fn open(
    options: PgConnectOptions,
    limits: &PostgresLimits,
) -> Result<Pools, StoreError> {
    let ms = |time: Duration| time.as_millis().to_string();
    let options = options.application_name("realm").options([
        ("statement_timeout", ms(limits.statement_timeout)),
        (
            "idle_in_transaction_session_timeout",
            ms(limits.idle_in_transaction_timeout),
        ),
    ]);
    let pool = PgPoolOptions::new()
        .max_connections(limits.connections_max)
        .acquire_timeout(limits.connect_timeout)
        // Without lifetimes there is no housekeeping task, which would die with the runtime that opened the store. A
        // connection that the server has dropped is noticed before it is used, and replaced.
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await?;
    if let Err(error) = prepare(&pool).await {
        pool.close().await;
        return Err(error);
    }
    Ok(Pools::Postgres(pool))
}

async fn prepare(pool: &PgPool) -> Result<(), StoreError> {
    let mut connection = pool.acquire().await?;
    let (number, name): (String, String) = sqlx::query_as(
        "SELECT current_setting('server_version_num'), current_setting('server_version')",
    )
    .fetch_one(&mut *connection)
    .await?;
    new_enough(&number, &name)?;
    // Under a lock of the server's, so that of two nodes on a new database one migrates and the other finds it done.
    SCHEMA.run_direct(None, &mut *connection, false).await?;
    Ok(())
}

/// Refuses a server that is too old, by its name.
fn new_enough(number: &str, name: &str) -> Result<(), StoreError> {
    match number.parse::<u32>() {
        Ok(number) if number >= VERSION_MIN => Ok(()),
        _ => Err(StoreError::TooOld(format!(
            "PostgreSQL {name}, but the realm needs {} or newer",
            VERSION_MIN / 10_000
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_too_old_is_refused_by_name() {
        let refused = new_enough("130018", "13.18 (Debian)").expect_err("13 is too old");
        let words = refused.to_string();
        assert!(
            words.contains("PostgreSQL 13.18 (Debian)") && words.contains("14 or newer"),
            "the error should name both versions: {words}"
        );
        assert!(
            new_enough("140000", "14.0").is_ok(),
            "14 should be new enough"
        );
        assert!(
            new_enough("180003", "18.3").is_ok(),
            "18 should be new enough"
        );
    }
}
