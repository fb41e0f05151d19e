//! What the store promises, each promise on a file of its own.

mod accounts;
mod characters;
mod economy;
mod file;
mod invariants;

use tempfile::TempDir;

use super::{CharacterRow, Epoch, OperationId, Registered, Save, Store, StoreError};

/// A store in a folder that goes when the test ends.
struct Scene {
    folder: TempDir,
    store: Store,
}

impl Scene {
    async fn open() -> Scene {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(&folder.path().join("realm.db"))
            .await
            .expect("a new store opens");
        Scene { folder, store }
    }

    /// A second process's worth of store on the same file.
    async fn open_again(&self) -> Store {
        Store::open(&self.folder.path().join("realm.db"))
            .await
            .expect("the same file opens again")
    }

    async fn register(&self, name: &str) -> Registered {
        self.store
            .register(
                op("register", name.len() as u64, key(name)),
                name,
                name,
                "hash",
            )
            .await
            .expect("a free name is registered")
    }

    /// A registered character and its first owner's view of it.
    async fn owned(&self, name: &str) -> CharacterRow {
        let character = self.register(name).await.character;
        self.store
            .take_character(op("first", character as u64, 0), character, 7)
            .await
            .expect("a character is taken")
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(&self.store.writer)
            .await
            .expect("a count")
    }

    /// Breaks the tables behind the store's back.
    async fn tamper(&self, sql: &'static str) {
        sqlx::raw_sql(sql)
            .execute(&self.store.writer)
            .await
            .expect("tampering works");
    }

    async fn assert_sound(&self) {
        let violations = self.store.check().await.expect("the check runs");
        assert!(
            violations.is_empty(),
            "the invariants should hold: {violations:?}"
        );
    }
}

fn op(kind: &str, a: u64, b: u64) -> OperationId {
    OperationId::derived(kind, a, b)
}

fn key(name: &str) -> u64 {
    name.bytes()
        .fold(0, |key, byte| key * 31 % 1_000_003 + u64::from(byte))
}

fn save(map: &str, xp: u64) -> Save {
    Save {
        map: map.into(),
        x: 1.5,
        y: -2.25,
        hp: 80,
        xp,
    }
}
