//! What the database service answers. Every write names its operation, so that a repeated call has one effect, and where a
//! character is written, the ownership epoch under which the caller acts.

use realm::{Address, CallError, calls};
use serde::{Deserialize, Serialize};

use super::store::{
    AccountRow, Belongings, CharacterRow, Epoch, OperationId, Registered, Save, StoreError,
};

/// Why the database did not do it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum DatabaseError {
    /// The store refused.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The service did not answer; the write may have had its effect: repeat it with the same operation.
    #[error("{0}")]
    Call(#[from] CallError),
}

impl DatabaseError {
    /// True when the same operation may succeed if it is asked again.
    pub fn is_repeatable(&self) -> bool {
        match self {
            DatabaseError::Store(error) => error.is_repeatable(),
            DatabaseError::Call(_) => true,
        }
    }
}

/// Keeps what must not be lost.
#[calls(group = "database", proxy = DatabaseProxy)]
pub trait Database {
    /// Makes an account and its character; the name is reserved once in the realm.
    async fn register(
        &self,
        operation: OperationId,
        name: String,
        name_key: String,
        password_hash: String,
    ) -> Result<Registered, DatabaseError>;

    /// The account with this name, if there is one.
    async fn account_by_name(&self, name_key: String) -> Result<Option<AccountRow>, DatabaseError>;

    /// Stores the hash of a token; times in milliseconds since 1970.
    async fn put_token(
        &self,
        operation: OperationId,
        account: i64,
        token_hash: [u8; 32],
        now_ms: i64,
        expires_ms: i64,
    ) -> Result<(), DatabaseError>;

    /// The account that a token speaks for, unless it has expired.
    async fn account_by_token(
        &self,
        token_hash: [u8; 32],
        now_ms: i64,
    ) -> Result<Option<AccountRow>, DatabaseError>;

    /// Makes `owner` the one who acts for a character, under a new epoch, and returns all there is of it.
    async fn take_character(
        &self,
        operation: OperationId,
        character: i64,
        owner: Address,
    ) -> Result<CharacterRow, DatabaseError>;

    /// Saves where a character is and how it fares.
    async fn save_character(
        &self,
        operation: OperationId,
        epoch: Epoch,
        character: i64,
        save: Save,
    ) -> Result<(), DatabaseError>;

    /// Gives up a character.
    async fn release_character(
        &self,
        operation: OperationId,
        epoch: Epoch,
        character: i64,
    ) -> Result<(), DatabaseError>;

    /// Makes `owner` the one who hosts a channel, under a new epoch.
    async fn take_channel(
        &self,
        operation: OperationId,
        channel: u64,
        map: String,
        owner: Address,
    ) -> Result<Epoch, DatabaseError>;

    /// Gives items and coins to a character, in one transaction, once ever for this operation.
    async fn grant(
        &self,
        operation: OperationId,
        epoch: Epoch,
        character: i64,
        source: String,
        items: Vec<(String, u32)>,
        coins: u64,
    ) -> Result<Belongings, DatabaseError>;
}
