//! A database opened twice, by several at once, and from another time.

use std::collections::BTreeSet;

use tokio::task::JoinSet;

use super::*;
use crate::database::store::BIRTH_MAX;

on_each_database! {
async fn a_reopened_store_has_everything(scene: Scene) {
    let ada = scene.owned("ada").await;
    let store = &scene.store;
    let pelts = [("pelt".into(), 2)];
    let granted = store
        .grant(op("loot", 1, 0), ada.epoch, ada.character, "dog", &pelts, 5)
        .await;
    store
        .save_character(op("save", 1, 0), ada.epoch, ada.character, save("vale", 40))
        .await
        .expect("a save");
    assert_eq!(store.next_birth().await, Ok(1), "births should start at 1");
    store.close().await;
    assert!(
        store.next_birth().await.is_err(),
        "a closed store should refuse"
    );

    let store = scene.open_again().await;
    assert_eq!(
        store.next_birth().await,
        Ok(2),
        "a birth number should not come back"
    );
    assert!(
        store
            .account_by_name("ada")
            .await
            .expect("a look-up")
            .is_some()
    );
    let repeated = store
        .grant(op("loot", 1, 0), ada.epoch, ada.character, "dog", &pelts, 5)
        .await;
    assert_eq!(repeated, granted, "an operation should be remembered");
    let row = store
        .take_character(op("take", 2, 0), ada.character, 8)
        .await
        .expect("a take");
    assert_eq!(
        (row.epoch, row.map.as_deref(), row.coins),
        (Epoch(2), Some("vale"), 5)
    );
}

async fn two_processes_get_distinct_births(scene: Scene) {
    let (place, _folder) = scene.kind.new_place();
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let place = place.clone();
        tasks.spawn(async move {
            let store = Store::open(&place)
                .await
                .expect("several open a new database at once");
            let mut births = Vec::new();
            for _ in 0..10 {
                births.push(store.next_birth().await.expect("a birth number"));
            }
            births
        });
    }
    let births: Vec<u32> = tasks.join_all().await.into_iter().flatten().collect();
    let distinct: BTreeSet<u32> = births.iter().copied().collect();
    assert_eq!(
        distinct,
        (1..=40).collect(),
        "each number should be handed out once: {births:?}"
    );
}

async fn birth_numbers_run_out_in_words(scene: Scene) {
    scene
        .tamper("UPDATE counters SET value = 1048574 WHERE name = 'birth'")
        .await;
    assert_eq!(scene.store.next_birth().await, Ok(BIRTH_MAX));
    assert_eq!(
        scene.store.next_birth().await,
        Err(StoreError::NoBirthsLeft)
    );
    assert_eq!(
        scene.store.next_birth().await,
        Err(StoreError::NoBirthsLeft),
        "and it should stay so"
    );
}

async fn a_newer_schema_is_refused_and_left_alone(scene: Scene) {
    scene
        .tamper(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             SELECT 9999, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
        )
        .await;
    match Store::open(&scene.place).await {
        Err(StoreError::Schema(why)) => assert!(
            why.contains("9999"),
            "the error should name the version: {why}"
        ),
        other => panic!("a newer schema should be refused: {other:?}"),
    }
}

}
