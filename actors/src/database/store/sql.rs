//! One statement on either database: its text, its values, its rows. The only place where the two dialects meet; what a
//! statement says is the same on both, so nothing above knows which one it runs on.

use sqlx::postgres::{PgPool, PgRow};
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Database, Encode, FromRow, Postgres, Sqlite, Type};

use super::StoreError;

/// Where the connections of a store are.
#[derive(Clone)]
pub(super) enum Pools {
    /// One writer, because SQLite has one; readers do not wait for it.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    /// Connections for both.
    Postgres(PgPool),
}

impl Pools {
    /// A transaction that may write; dropped, it leaves nothing.
    pub(super) async fn write(&self) -> Result<Transaction, StoreError> {
        Ok(match self {
            // The write lock at once, so two nodes on one file wait for each other instead of failing half-way.
            Pools::Sqlite { writer, .. } => {
                Transaction::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?)
            }
            // Each statement sees what has been committed before it: what a transaction waited for, it then sees.
            Pools::Postgres(pool) => {
                begin(pool, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?
            }
        })
    }

    /// A transaction that sees one moment of the database, and may only read.
    pub(super) async fn read(&self) -> Result<Transaction, StoreError> {
        Ok(match self {
            Pools::Sqlite { readers, .. } => Transaction::Sqlite(readers.begin().await?),
            Pools::Postgres(pool) => {
                begin(pool, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?
            }
        })
    }

    /// Waits for what is under way and lets go of the connections.
    pub(super) async fn close(&self) {
        match self {
            // The writer goes last: only a connection that may write can fold the log back into the file.
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

async fn begin(pool: &PgPool, how: &'static str) -> Result<Transaction, StoreError> {
    match pool.begin_with(how).await {
        Ok(transaction) => Ok(Transaction::Postgres(transaction)),
        // All connections are taken by statements that get no answer, or none can be made.
        Err(sqlx::Error::PoolTimedOut) => Err(StoreError::Away),
        Err(error) => Err(error.into()),
    }
}

/// A transaction under way. Dropped, it is rolled back.
pub(super) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Transaction {
    /// Has those who write to this subject do so one after the other, in the order of their commits. The lock ends with the
    /// transaction. SQLite's one writer holds it already.
    pub(super) async fn hold(&mut self, subject: i64) -> Result<(), StoreError> {
        if let Transaction::Postgres(transaction) = self {
            sqlx::query("SELECT pg_advisory_xact_lock($1)")
                .bind(subject)
                .execute(&mut **transaction)
                .await?;
        }
        Ok(())
    }

    /// Makes all of it last. An error that [`StoreError::is_repeatable`] leaves open whether it does.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Transaction::Sqlite(transaction) => transaction.commit().await?,
            Transaction::Postgres(transaction) => transaction.commit().await?,
        }
        Ok(())
    }
}

/// A statement with `$1 …` for its values, in the SQL that both databases understand.
pub(super) fn sql(text: &'static str) -> Statement {
    Statement {
        text,
        values: Vec::new(),
    }
}

/// A statement that waits for its values.
pub(super) struct Statement {
    text: &'static str,
    values: Vec<Value>,
}

/// The types that both databases have in common.
pub(super) enum Value {
    Integer(Option<i64>),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
}

/// What a row of either database can be read into: tuples, and whatever derives `FromRow`.
pub(super) trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}

impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}

impl Statement {
    /// The next value.
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Statement {
        self.values.push(value.into());
        self
    }

    /// Runs it; how many rows it changed.
    pub(super) async fn execute(self, on: &mut Transaction) -> Result<u64, StoreError> {
        Ok(match on {
            Transaction::Sqlite(on) => self.query().execute(&mut **on).await?.rows_affected(),
            Transaction::Postgres(on) => self.query().execute(&mut **on).await?.rows_affected(),
        })
    }

    /// Its one row.
    pub(super) async fn one<T: Row>(self, on: &mut Transaction) -> Result<T, StoreError> {
        Ok(match on {
            Transaction::Sqlite(on) => T::from_row(&self.query().fetch_one(&mut **on).await?)?,
            Transaction::Postgres(on) => T::from_row(&self.query().fetch_one(&mut **on).await?)?,
        })
    }

    /// Its row, if there is one.
    pub(super) async fn optional<T: Row>(
        self,
        on: &mut Transaction,
    ) -> Result<Option<T>, StoreError> {
        let row = match on {
            Transaction::Sqlite(on) => {
                let row = self.query().fetch_optional(&mut **on).await?;
                row.map(|row| T::from_row(&row))
            }
            Transaction::Postgres(on) => {
                let row = self.query().fetch_optional(&mut **on).await?;
                row.map(|row| T::from_row(&row))
            }
        };
        Ok(row.transpose()?)
    }

    /// All its rows.
    pub(super) async fn all<T: Row>(self, on: &mut Transaction) -> Result<Vec<T>, StoreError> {
        let rows: Result<Vec<T>, sqlx::Error> = match on {
            Transaction::Sqlite(on) => {
                let rows = self.query().fetch_all(&mut **on).await?;
                rows.iter().map(|row| T::from_row(row)).collect()
            }
            Transaction::Postgres(on) => {
                let rows = self.query().fetch_all(&mut **on).await?;
                rows.iter().map(|row| T::from_row(row)).collect()
            }
        };
        Ok(rows?)
    }

    fn query<D: Database>(self) -> sqlx::query::Query<'static, D, D::Arguments>
    where
        Option<i64>: Encode<'static, D> + Type<D>,
        f64: Encode<'static, D> + Type<D>,
        String: Encode<'static, D> + Type<D>,
        Vec<u8>: Encode<'static, D> + Type<D>,
    {
        let query = sqlx::query(self.text);
        self.values
            .into_iter()
            .fold(query, |query, value| match value {
                Value::Integer(value) => query.bind(value),
                Value::Real(value) => query.bind(value),
                Value::Text(value) => query.bind(value),
                Value::Bytes(value) => query.bind(value),
            })
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Integer(Some(value))
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Value {
        Value::Integer(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::Real(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Text(value.to_owned())
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Value {
        Value::Bytes(value.to_owned())
    }
}
