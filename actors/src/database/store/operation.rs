//! Once-only writes. Owns the table of what was done and the answer that each got; refuses an id that was used for something
//! else, and an owner whose epoch has passed.

use std::fmt;
use std::future::Future;

use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::sql::{Transaction, sql};
use super::{Store, StoreError, signed, unsigned};

/// Names one intended effect. Whoever repeats a call repeats its id; the effect happens once and the answer is the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperationId(pub u128);

impl OperationId {
    /// From two halves, say of a random source.
    pub fn from_parts(high: u64, low: u64) -> OperationId {
        OperationId(u128::from(high) << 64 | u128::from(low))
    }

    /// The same id for the same cause in every process and release: "the loot of this mob's incarnation".
    pub fn derived(kind: &str, a: u64, b: u64) -> OperationId {
        let mut hash = Sha256::new();
        // The numbers first: they have a fixed length, so no two causes share their bytes.
        hash.update(a.to_be_bytes());
        hash.update(b.to_be_bytes());
        hash.update(kind.as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        OperationId(u128::from_be_bytes(id))
    }

    /// A name for what has this hash, which tells nothing of it.
    pub(super) fn of_hash(hash: [u8; 32]) -> OperationId {
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        OperationId(u128::from_be_bytes(id))
    }

    pub(super) fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OperationId({self})")
    }
}

impl Serialize for OperationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0.to_be_bytes())
    }
}

impl<'de> Deserialize<'de> for OperationId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OperationId, D::Error> {
        let bytes = serde_bytes::ByteArray::<16>::deserialize(deserializer)?;
        Ok(OperationId(u128::from_be_bytes(bytes.into_array())))
    }
}

/// How many times a durable id has changed owner. A write under any but the present one is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// How often an operation is tried that others' writes kept from its commit.
const TRIES_MAX: u32 = 10;

/// Where an operation stands when its call arrives.
enum Begun<T> {
    /// It was applied before, with this answer.
    Before(T),
    /// It is to be applied now.
    Now(Write),
}

/// One operation under way: a transaction that has claimed the operation's id. Dropped, it leaves nothing, not even the claim.
pub(super) struct Write {
    transaction: Transaction,
    operation: OperationId,
    epoch: Option<i64>,
    source: String,
}

impl Store {
    /// Applies the operation, once however often and by however many it is asked: `apply` has effects in the transaction that
    /// claims the id, and settles it with its answer, which all get. `subject` is who it is applied to; a second one is refused.
    pub(super) fn once<'a, T, A>(
        &'a self,
        operation: OperationId,
        kind: &'static str,
        subject: String,
        apply: impl Fn(Write) -> A + Send + Sync + 'a,
    ) -> BoxFuture<'a, Result<T, StoreError>>
    where
        T: DeserializeOwned + Send + 'a,
        A: Future<Output = Result<T, StoreError>> + Send + 'a,
    {
        Box::pin(async move {
            let mut tries = 1;
            loop {
                let done = match self.claim(operation, kind, &subject).await {
                    Ok(Begun::Now(write)) => apply(write).await,
                    Ok(Begun::Before(answer)) => Ok(answer),
                    Err(error) => Err(error),
                };
                match done {
                    Err(StoreError::Conflict) if tries < TRIES_MAX => tries += 1,
                    done => return done,
                }
            }
        })
    }

    async fn claim<T: DeserializeOwned>(
        &self,
        operation: OperationId,
        kind: &'static str,
        subject: &str,
    ) -> Result<Begun<T>, StoreError> {
        let mut transaction = self.pools.write().await?;
        // Before the claim: it draws `applied`, which grows with the commits of a subject.
        transaction.hold(lock_of(subject)).await?;
        let claimed = sql(
            "INSERT INTO operations (id, kind, subject, answer) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING",
        )
        .bind(&operation.bytes()[..])
        .bind(kind)
        .bind(subject)
        .bind(&[][..])
        .execute(&mut transaction)
        .await?;
        if claimed == 1 {
            return Ok(Begun::Now(Write {
                transaction,
                operation,
                epoch: None,
                source: String::new(),
            }));
        }
        let before: Option<(String, String, Vec<u8>)> =
            sql("SELECT kind, subject, answer FROM operations WHERE id = $1")
                .bind(&operation.bytes()[..])
                .optional(&mut transaction)
                .await?;
        match before {
            // A save may be forgotten between the claim and the look at it.
            None => Err(StoreError::Conflict),
            Some((before, ..)) if before != kind => Err(StoreError::OperationMismatch),
            Some((_, before, _)) if before != subject => Err(StoreError::Taken),
            Some((.., answer)) => wire::decode(&answer).map(Begun::Before).map_err(|error| {
                StoreError::Corrupt(format!("the answer of {operation}: {error}"))
            }),
        }
    }
}

/// The number by which writers to a subject wait for each other. Two subjects that share one wait in vain, no more.
fn lock_of(subject: &str) -> i64 {
    let mut number = [0; 8];
    number.copy_from_slice(&Sha256::digest(subject)[..8]);
    i64::from_be_bytes(number)
}

impl Write {
    /// Holds the character for this epoch until the operation ends.
    pub(super) async fn own(&mut self, character: i64, epoch: Epoch) -> Result<(), StoreError> {
        // An update, though it changes nothing: it locks the row where readers would not wait for writers.
        let epoch = signed(epoch.0)?;
        let owned = sql("UPDATE characters SET epoch = $2 WHERE character = $1 AND epoch = $2")
            .bind(character)
            .bind(epoch)
            .execute(self.on())
            .await?;
        if owned == 1 {
            self.epoch = Some(epoch);
            return Ok(());
        }
        let current: Option<(i64,)> = sql("SELECT epoch FROM characters WHERE character = $1")
            .bind(character)
            .optional(self.on())
            .await?;
        match current {
            Some((current,)) => Err(StoreError::Stale {
                current: unsigned(current)?,
            }),
            None => Err(StoreError::NoSuchCharacter),
        }
    }

    /// Records the epoch that the operation itself began.
    pub(super) fn began(&mut self, epoch: i64) {
        self.epoch = Some(epoch);
    }

    /// Records what the operation came from.
    pub(super) fn came_from(&mut self, source: &str) {
        source.clone_into(&mut self.source);
    }

    /// What its statements run on.
    pub(super) fn on(&mut self) -> &mut Transaction {
        &mut self.transaction
    }

    /// Commits the effect together with its answer.
    pub(super) async fn settle<T: Serialize>(mut self, answer: T) -> Result<T, StoreError> {
        let bytes = wire::encode(&answer).map_err(|error| StoreError::Other(error.to_string()))?;
        sql("UPDATE operations SET answer = $2, epoch = $3, source = $4 WHERE id = $1")
            .bind(&self.operation.bytes()[..])
            .bind(&bytes[..])
            .bind(self.epoch)
            .bind(&*self.source)
            .execute(&mut self.transaction)
            .await?;
        self.transaction.commit().await?;
        Ok(answer)
    }
}
