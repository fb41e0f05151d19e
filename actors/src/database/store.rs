//! The store: the only code that knows SQL. It owns the realm's durable data in one SQLite file or one PostgreSQL database,
//! and refuses a write under an old ownership epoch, a second effect of one operation, and a schema that it does not know.
//!
//! Every write is one transaction. What two of them could quarrel about, they come to one after the other: on SQLite because
//! there is one writer, on PostgreSQL because each first takes the lock of its subject (`operation.rs`), and what subjects share
//! is guarded by unique keys. Time is handed in. Statements keep to what both databases understand (`sql.rs`).

mod account;
mod channel;
mod character;
mod check;
mod economy;
mod error;
mod operation;
mod postgres;
mod sql;
mod sqlite;

#[cfg(test)]
mod tests;

use std::fmt;

pub use account::{AccountRow, LINEAGES_PER_ACCOUNT_MAX, NewToken, Registered, Resumed};
pub use character::{CharacterRow, Save};
pub use economy::{Belongings, COINS_MAX, GRANT_STACKS_MAX};
pub use error::StoreError;
pub use operation::{Epoch, OperationId};
pub use postgres::PostgresLimits;

use super::place::Place;
use sql::{Pools, sql};

/// The largest birth number; an address has 20 bits for it.
pub const BIRTH_MAX: u32 = (1 << 20) - 1;

/// The realm's data. Clones share their connections, and a caller never blocks. On SQLite each connection has a thread of its
/// own, so any tokio runtime with time enabled will do; on PostgreSQL the runtime that opened the store must live on. `close`
/// ends it for all clones.
#[derive(Clone)]
pub struct Store {
    pools: Pools,
}

// What connections are made from holds the password.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database at this place and brings its schema up to date; a file is created with its folder, a database on a
    /// server must be there.
    pub async fn open(place: &Place) -> Result<Store, StoreError> {
        let pools = match place {
            Place::File(path) => sqlite::open(path).await,
            Place::Postgres(server) => postgres::open(server.options(), server.limits()).await,
        };
        let pools = pools.map_err(|error| error.of_place(place))?;
        Ok(Store { pools })
    }

    /// Waits for the writes under way and lets go of the database. Later calls are refused.
    pub async fn close(&self) {
        self.pools.close().await;
    }

    /// A birth number that no node has had: 1 to `BIRTH_MAX`, then `NoBirthsLeft`.
    pub async fn next_birth(&self) -> Result<u32, StoreError> {
        let mut transaction = self.pools.write().await?;
        let birth: Option<(i64,)> = sql(
            "UPDATE counters SET value = value + 1 WHERE name = 'birth' AND value < $1 RETURNING value",
        )
        .bind(i64::from(BIRTH_MAX))
        .optional(&mut transaction)
        .await?;
        let (birth,) = birth.ok_or(StoreError::NoBirthsLeft)?;
        transaction.commit().await?;
        u32::try_from(birth).map_err(|_| StoreError::Corrupt(format!("the last birth is {birth}")))
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
