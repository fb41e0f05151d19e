//! What the store promises, each promise on a database of its own: an SQLite file, and a PostgreSQL server's.

mod accounts;
mod channels;
mod characters;
mod economy;
mod file;
mod invariants;
mod opened;
mod server;

use std::future::Future;

use tempfile::TempDir;

use super::sql::{Pools, sql};
use super::{CharacterRow, Epoch, OperationId, Registered, Save, Store, StoreError};
use crate::database::place::{Environment, Place};

/// What a store lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    /// A place where nothing is yet, and the folder that goes when the test ends.
    fn new_place(self) -> (Place, Option<TempDir>) {
        match self {
            Kind::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let file = folder.path().join("deep/down/realm.db");
                (Place::File(file), Some(folder))
            }
            Kind::Postgres => (on_server(servers::Postgres::shared().database()), None),
        }
    }
}

/// The place that a url names.
fn on_server(url: String) -> Place {
    let environment = Environment {
        url: Some(url),
        password: None,
    };
    Place::new(&Default::default(), &environment).expect("the url of a test's server names a place")
}

/// Runs the body of each test on both databases.
macro_rules! on_each_database {
    ($($(#[$attribute:meta])* async fn $name:ident($scene:ident: Scene) $body:block)*) => {$(
        $(#[$attribute])*
        mod $name {
            use super::*;

            async fn body($scene: Scene) $body

            #[test]
            fn sqlite() {
                play(async { body(Scene::open(Kind::Sqlite).await).await });
            }

            #[test]
            fn postgres() {
                play(async { body(Scene::open(Kind::Postgres).await).await });
            }
        }
    )*};
}
use on_each_database;

/// Runs a test on two threads.
fn play<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(test)
}

/// A store on a new database.
struct Scene {
    kind: Kind,
    place: Place,
    store: Store,
    _folder: Option<TempDir>,
}

impl Scene {
    async fn open(kind: Kind) -> Scene {
        let (place, folder) = kind.new_place();
        let store = Store::open(&place).await.expect("a new store opens");
        Scene {
            kind,
            place,
            store,
            _folder: folder,
        }
    }

    /// A second process's worth of store on the same database.
    async fn open_again(&self) -> Store {
        Store::open(&self.place)
            .await
            .expect("the same database opens again")
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

    async fn count(&self, text: &'static str) -> i64 {
        let mut snapshot = self.store.pools.read().await.expect("a snapshot");
        let (count,) = sql(text).one(&mut snapshot).await.expect("a count");
        count
    }

    /// Breaks the tables behind the store's back, in the words of SQLite.
    async fn tamper(&self, text: &'static str) {
        let done = match &self.store.pools {
            Pools::Sqlite { writer, .. } => sqlx::raw_sql(text).execute(writer).await.map(drop),
            Pools::Postgres(pool) => {
                let unguarded = "SET session_replication_role = replica";
                let text = text
                    .replace("PRAGMA foreign_keys = OFF", unguarded)
                    .replace("x''", "''");
                sqlx::raw_sql(sqlx::AssertSqlSafe(text))
                    .execute(pool)
                    .await
                    .map(drop)
            }
        };
        done.expect("tampering works");
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
