//! The SQLite file: damaged, full, outliving its runtime.

use std::collections::BTreeSet;

use super::*;

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("realm.db");
    let text = "Dear diary, ".repeat(1000);
    std::fs::write(&path, &text).expect("a file");
    match Store::open(&Place::File(path.clone())).await {
        Err(StoreError::Corrupt(why)) => assert!(
            why.contains("realm.db"),
            "the error should name the file: {why}"
        ),
        other => panic!("a diary should not open as a database: {other:?}"),
    }
    assert_eq!(
        std::fs::read_to_string(&path).expect("the file"),
        text,
        "it should be left as it was"
    );
}

#[tokio::test]
async fn a_folder_that_cannot_be_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("a file");
    let inside = Store::open(&Place::File(file.join("realm.db"))).await;
    assert!(
        matches!(inside, Err(StoreError::NotWritable(_))),
        "a file holds no files: {inside:?}"
    );
    let itself = Store::open(&Place::File(folder.path().to_owned())).await;
    assert!(
        matches!(itself, Err(StoreError::NotWritable(_))),
        "a folder is no database: {itself:?}"
    );
}

#[tokio::test]
async fn a_full_disk_refuses_and_heals() {
    let scene = Scene::open(Kind::Sqlite).await;
    let ada = scene.owned("ada").await;
    let store = &scene.store;
    // The connection's own limit stands in for the disk's.
    scene.tamper("PRAGMA max_page_count = 1").await;
    let source = "x".repeat(100_000);
    let grant = |n| store.grant(op("loot", n, 0), ada.epoch, ada.character, &source, &[], 1);
    assert_eq!(
        grant(1).await,
        Err(StoreError::Full),
        "a full disk should be told as such"
    );
    assert_eq!(
        store.belongings(ada.character).await.map(|has| has.coins),
        Ok(0),
        "reading should go on"
    );
    scene.tamper("PRAGMA max_page_count = 1000000").await;
    assert_eq!(
        grant(1).await.map(|has| has.coins),
        Ok(1),
        "a refused grant should work once there is room"
    );
    scene.assert_sound().await;
}

#[tokio::test]
async fn a_connection_that_lost_its_transaction_is_replaced() {
    let scene = Scene::open(Kind::Sqlite).await;
    let mut transaction = scene.store.pools.write().await.expect("a transaction");
    // As SQLite does by itself on some errors, behind the connection's count of transactions.
    sql("ROLLBACK")
        .execute(&mut transaction)
        .await
        .expect("a rollback");
    drop(transaction);
    assert_eq!(
        scene.store.next_birth().await,
        Ok(1),
        "the next write should find a sound connection"
    );
}

#[test]
fn a_store_outlives_the_runtime_that_opened_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("realm.db");
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime")
    };
    let store = runtime().block_on(async {
        let store = Store::open(&Place::File(path.clone()))
            .await
            .expect("a new store opens");
        assert_eq!(store.next_birth().await, Ok(1));
        store
    });
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let store = store.clone();
            std::thread::spawn(move || runtime().block_on(async { store.next_birth().await }))
        })
        .collect();
    let births: BTreeSet<_> = threads
        .into_iter()
        .map(|thread| thread.join().expect("a thread").expect("a birth number"))
        .collect();
    assert_eq!(
        births,
        BTreeSet::from([2, 3, 4]),
        "every runtime should be served"
    );
    runtime().block_on(store.close());
}

#[test]
fn an_error_travels() {
    let error = StoreError::Stale { current: 3 };
    let bytes = wire::encode(&error).expect("an error is encoded");
    assert_eq!(wire::decode(&bytes), Ok(error));
    let id = OperationId::from_parts(1, 2);
    let bytes = wire::encode(&id).expect("an id is encoded");
    assert_eq!(bytes.len(), 18, "an id should go as its bytes");
    assert_eq!(wire::decode(&bytes), Ok(id));
}

#[test]
fn a_derived_id_is_the_same_in_every_release() {
    assert_eq!(
        op("loot", 1, 2).to_string(),
        "72bf185a37f7b7b78996f3ce4ea3d627"
    );
    assert_ne!(op("loot", 1, 2), op("loot", 2, 1));
    assert_ne!(op("loot", 1, 2), op("lost", 1, 2));
}
