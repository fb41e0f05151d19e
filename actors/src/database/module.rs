//! Answers the realm's calls to the database by handing each to the store, away from the service's thread. Bounds how many
//! are under way; refuses the rest, and refuses to start without a database that works.

#[cfg(test)]
mod tests;

use std::cell::OnceCell;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use realm::{Address, CallError, CallTable, Classes, Module, ModuleError, ServiceCx};
use tokio::sync::Semaphore;

use super::place::{DatabaseConfig, Environment, Place};
use super::store::{
    AccountRow, Belongings, CharacterRow, Epoch, NewToken, OperationId, Registered, Resumed, Save,
    Store, StoreError,
};
use super::{Database, DatabaseError, DatabaseProxy};

/// Calls under way at most, where nothing is said.
const IN_FLIGHT_MAX_DEFAULT: usize = 64;

/// The database service's module. It holds the store from its start until it drains.
pub struct DatabaseModule {
    cx: ServiceCx,
    place: Place,
    store: OnceCell<Store>,
    turns: Arc<Semaphore>,
}

impl Module for DatabaseModule {
    const NAME: &'static str = "database";

    type Config = DatabaseConfig;

    fn classes(list: &mut Classes) {
        list.calls(DatabaseProxy::METHODS);
    }

    fn new(config: DatabaseConfig, cx: &ServiceCx) -> Result<Self, ModuleError> {
        let in_flight_max = config.in_flight_max.unwrap_or(IN_FLIGHT_MAX_DEFAULT);
        if !(1..=Semaphore::MAX_PERMITS).contains(&in_flight_max) {
            return Err(needs("`in_flight_max` must be at least 1".to_owned()));
        }
        Ok(Self {
            cx: cx.clone(),
            place: Place::new(&config, &Environment::of_process()).map_err(needs)?,
            store: OnceCell::new(),
            turns: Arc::new(Semaphore::new(in_flight_max)),
        })
    }

    fn serve(self: &Rc<Self>, calls: &mut CallTable) {
        DatabaseProxy::serve(calls, self);
    }

    async fn start(self: &Rc<Self>, cx: &ServiceCx) -> Result<(), ModuleError> {
        let place = self.place.clone();
        let opened = cx
            .node()
            .outside()
            .run(async move { Store::open(&place).await })
            .await;
        let store = opened
            .map_err(|unfinished| needs(format!("the database did not open: {unfinished}")))?
            .map_err(|error| needs(self.place.advice(&error)))?;
        if self.store.set(store).is_err() {
            tracing::error!("the database was started twice");
        }
        Ok(())
    }

    async fn drain(self: &Rc<Self>, cx: &ServiceCx) {
        if let Some(store) = self.store.get().cloned()
            && cx
                .node()
                .outside()
                .run(async move { store.close().await })
                .await
                .is_err()
        {
            tracing::error!("the database was not closed in order; the next start reads its log");
        }
    }
}

impl DatabaseModule {
    /// Has the store work. Once begun, the work is done whether or not its caller still waits.
    async fn on_store<T, F>(&self, work: impl FnOnce(Store) -> F) -> Result<T, DatabaseError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let turn = self
            .turns
            .clone()
            .try_acquire_owned()
            .map_err(|_| StoreError::Busy)?;
        let store = self.store.get().ok_or(CallError::Nobody)?;
        let work = work(store.clone());
        let done = self.cx.node().outside().run(async move {
            let answer = work.await;
            drop(turn);
            answer
        });
        Ok(done.await.map_err(|_| CallError::Failed)??)
    }
}

impl Database for DatabaseModule {
    async fn register(
        &self,
        operation: OperationId,
        name: String,
        name_key: String,
        password_hash: String,
    ) -> Result<Registered, DatabaseError> {
        self.on_store(|store| async move {
            store
                .register(operation, &name, &name_key, &password_hash)
                .await
        })
        .await
    }

    async fn account_by_name(&self, name_key: String) -> Result<Option<AccountRow>, DatabaseError> {
        self.on_store(|store| async move { store.account_by_name(&name_key).await })
            .await
    }

    async fn begin_lineage(
        &self,
        operation: OperationId,
        account: i64,
        token: NewToken,
        now_ms: i64,
    ) -> Result<u64, DatabaseError> {
        self.on_store(|store| async move {
            store.begin_lineage(operation, account, token, now_ms).await
        })
        .await
    }

    async fn resume_lineage(
        &self,
        operation: OperationId,
        shown: [u8; 32],
        token: NewToken,
        anew: bool,
        now_ms: i64,
    ) -> Result<Resumed, DatabaseError> {
        self.on_store(|store| async move {
            store
                .resume_lineage(operation, shown, token, anew, now_ms)
                .await
        })
        .await
    }

    async fn confirm_login(&self, account: i64, login: u64) -> Result<(), DatabaseError> {
        self.on_store(|store| async move { store.confirm_login(account, login).await })
            .await
    }

    async fn take_character(
        &self,
        operation: OperationId,
        character: i64,
        owner: Address,
    ) -> Result<CharacterRow, DatabaseError> {
        self.on_store(|store| async move {
            store
                .take_character(operation, character, owner.get())
                .await
        })
        .await
    }

    async fn save_character(
        &self,
        operation: OperationId,
        epoch: Epoch,
        character: i64,
        save: Save,
    ) -> Result<(), DatabaseError> {
        self.on_store(|store| async move {
            store
                .save_character(operation, epoch, character, save)
                .await
        })
        .await
    }

    async fn release_character(
        &self,
        operation: OperationId,
        epoch: Epoch,
        character: i64,
    ) -> Result<(), DatabaseError> {
        self.on_store(
            |store| async move { store.release_character(operation, epoch, character).await },
        )
        .await
    }

    async fn take_channel(
        &self,
        operation: OperationId,
        channel: u64,
        map: String,
        owner: Address,
    ) -> Result<Epoch, DatabaseError> {
        self.on_store(|store| async move {
            store
                .take_channel(operation, channel, &map, owner.get())
                .await
        })
        .await
    }

    async fn grant(
        &self,
        operation: OperationId,
        epoch: Epoch,
        character: i64,
        source: String,
        items: Vec<(String, u32)>,
        coins: u64,
    ) -> Result<Belongings, DatabaseError> {
        self.on_store(|store| async move {
            store
                .grant(operation, epoch, character, &source, &items, coins)
                .await
        })
        .await
    }
}

fn needs(what: String) -> ModuleError {
    ModuleError::Needs {
        module: DatabaseModule::NAME,
        what,
    }
}
