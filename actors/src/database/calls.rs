//! What the database service answers. Every write names its operation, so that a repeated call has one effect, and where a
//! character is written, the ownership epoch under which the caller acts.

use realm::{Address, CallError, calls};
use serde::{Deserialize, Serialize};

use super::store::{
    AccountRow, Belongings, CharacterRow, Epoch, NewToken, OperationId, Registered, Resumed, Save,
    StoreError,
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

    /// Counts a login and begins a lineage of tokens; the login's number. Times in milliseconds since 1970.
    async fn begin_lineage(
        &self,
        operation: OperationId,
        account: i64,
        token: NewToken,
        now_ms: i64,
    ) -> Result<u64, DatabaseError>;

    /// Counts a resume by the token with the hash `shown`, and gives its lineage another; `anew`
    /// says that the client's numbers of commands begin anew.
    async fn resume_lineage(
        &self,
        operation: OperationId,
        shown: [u8; 32],
        token: NewToken,
        anew: bool,
        now_ms: i64,
    ) -> Result<Resumed, DatabaseError>;

    /// The token of this login has arrived: those that it replaced go.
    async fn confirm_login(&self, account: i64, login: u64) -> Result<(), DatabaseError>;

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
