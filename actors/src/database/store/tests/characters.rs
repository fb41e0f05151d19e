//! One owner at a time, and what it saves.

use tokio::task::JoinSet;

use super::*;

on_each_database! {
async fn a_new_character_has_been_nowhere(scene: Scene) {
    let row = scene.owned("ada").await;
    let expected = CharacterRow {
        character: row.character,
        name: "ada".into(),
        epoch: Epoch(1),
        map: None,
        x: 0.0,
        y: 0.0,
        hp: None,
        xp: 0,
        coins: 0,
        items: vec![],
    };
    assert_eq!(row, expected);
}

async fn the_next_owner_finds_what_was_saved(scene: Scene) {
    let ada = scene.owned("ada").await;
    let store = &scene.store;
    store
        .save_character(op("save", 1, 0), ada.epoch, ada.character, save("vale", 40))
        .await
        .expect("a save");
    store
        .grant(
            op("loot", 1, 0),
            ada.epoch,
            ada.character,
            "dog",
            &[("pelt".into(), 2)],
            5,
        )
        .await
        .expect("a grant");
    store
        .release_character(op("release", 1, 0), ada.epoch, ada.character)
        .await
        .expect("a release");
    assert_eq!(
        scene
            .count("SELECT COUNT(*) FROM characters WHERE owner_address IS NULL")
            .await,
        1,
        "a released character should have no owner"
    );
    let row = store
        .take_character(op("take", 2, 0), ada.character, 8)
        .await
        .expect("a take");
    assert_eq!(row.epoch, Epoch(2), "a new owner should begin a new epoch");
    assert_eq!(
        (row.map.as_deref(), row.x, row.y, row.hp, row.xp),
        (Some("vale"), 1.5, -2.25, Some(80), 40)
    );
    assert_eq!((row.coins, row.items), (5, vec![("pelt".into(), 2)]));
}

async fn one_take_sent_twenty_times_raises_the_epoch_once(scene: Scene) {
    let character = scene.register("ada").await.character;
    let mut tasks = JoinSet::new();
    let other = scene.open_again().await;
    for n in 0..20 {
        let store = if n % 2 == 0 { &scene.store } else { &other }.clone();
        tasks.spawn(async move { store.take_character(op("take", 1, 0), character, 7).await });
    }
    let answers = tasks.join_all().await;
    let epochs: Vec<_> = answers
        .iter()
        .map(|answer| answer.as_ref().map(|row| row.epoch))
        .collect();
    assert_eq!(
        epochs,
        vec![Ok(Epoch(1)); 20],
        "every repetition should get the one answer"
    );
    let next = scene
        .store
        .take_character(op("take", 2, 0), character, 8)
        .await
        .expect("a take");
    assert_eq!(
        next.epoch,
        Epoch(2),
        "the repetitions should have had no effect"
    );
}

async fn an_owner_of_the_past_leaves_nothing_behind(scene: Scene) {
    let old = scene.owned("ada").await;
    let store = &scene.store;
    store
        .take_character(op("take", 2, 0), old.character, 8)
        .await
        .expect("a take");
    let operations = scene.count("SELECT COUNT(*) FROM operations").await;

    let stale = StoreError::Stale { current: 2 };
    let saved = store
        .save_character(op("save", 1, 0), old.epoch, old.character, save("vale", 40))
        .await;
    assert_eq!(saved, Err(stale.clone()), "a stale save should be refused");
    let granted = store
        .grant(
            op("loot", 1, 0),
            old.epoch,
            old.character,
            "dog",
            &[("pelt".into(), 1)],
            5,
        )
        .await;
    assert_eq!(
        granted,
        Err(stale.clone()),
        "a stale grant should be refused"
    );
    let released = store
        .release_character(op("release", 1, 0), old.epoch, old.character)
        .await;
    assert_eq!(released, Err(stale), "a stale release should be refused");

    assert_eq!(
        scene.count("SELECT COUNT(*) FROM operations").await,
        operations,
        "a refused write should leave no operation"
    );
    let row = store
        .take_character(op("take", 3, 0), old.character, 9)
        .await
        .expect("a take");
    assert_eq!(
        (row.map, row.xp, row.coins, row.items),
        (None, 0, 0, vec![]),
        "a refused write should leave nothing"
    );
    scene.assert_sound().await;
}

async fn an_epoch_that_has_not_begun_is_refused(scene: Scene) {
    let ada = scene.owned("ada").await;
    let early = scene
        .store
        .save_character(op("save", 1, 0), Epoch(2), ada.character, save("vale", 1))
        .await;
    assert_eq!(early, Err(StoreError::Stale { current: 1 }));
}

async fn nobody_owns_a_character_that_is_not_there(scene: Scene) {
    let store = &scene.store;
    let missing = Some(StoreError::NoSuchCharacter);
    assert_eq!(
        store.take_character(op("a", 0, 0), 99, 7).await.err(),
        missing
    );
    assert_eq!(
        store
            .save_character(op("b", 0, 0), Epoch(1), 99, save("vale", 1))
            .await
            .err(),
        missing
    );
    assert_eq!(
        store
            .grant(op("c", 0, 0), Epoch(1), 99, "dog", &[], 1)
            .await
            .err(),
        missing
    );
    assert_eq!(
        store
            .release_character(op("d", 0, 0), Epoch(1), 99)
            .await
            .err(),
        missing
    );
    assert_eq!(store.belongings(99).await.err(), missing);
}

async fn experience_never_goes_down(scene: Scene) {
    let ada = scene.owned("ada").await;
    for (n, xp) in [40, 30, 50, 0].into_iter().enumerate() {
        scene
            .store
            .save_character(
                op("save", n as u64, 0),
                ada.epoch,
                ada.character,
                save("vale", xp),
            )
            .await
            .expect("a save");
    }
    let row = scene
        .store
        .take_character(op("take", 2, 0), ada.character, 8)
        .await
        .expect("a take");
    assert_eq!(row.xp, 50, "the most that was ever saved should stay");
}

async fn a_repeated_save_does_not_undo_a_later_one(scene: Scene) {
    let ada = scene.owned("ada").await;
    for (id, map) in [(1, "vale"), (2, "moor"), (1, "vale")] {
        scene
            .store
            .save_character(op("save", id, 0), ada.epoch, ada.character, save(map, 1))
            .await
            .expect("a save or its repetition");
    }
    let row = scene
        .store
        .take_character(op("take", 2, 0), ada.character, 8)
        .await
        .expect("a take");
    assert_eq!(row.map.as_deref(), Some("moor"));
}

async fn saves_do_not_pile_up(scene: Scene) {
    let ada = scene.owned("ada").await;
    for n in 0..100 {
        scene
            .store
            .save_character(op("save", n, 0), ada.epoch, ada.character, save("vale", n))
            .await
            .expect("a save");
    }
    let kept = scene
        .count("SELECT COUNT(*) FROM operations WHERE kind = 'save'")
        .await;
    assert!(
        kept < 40,
        "only the last saves should be remembered, not {kept}"
    );
}

async fn numbers_that_fit_no_column_are_refused(scene: Scene) {
    let ada = scene.owned("ada").await;
    let store = &scene.store;
    for x in [f64::NAN, f64::INFINITY] {
        let nowhere = Save {
            x,
            ..save("vale", 1)
        };
        let saved = store
            .save_character(op("save", 1, 0), ada.epoch, ada.character, nowhere)
            .await;
        assert!(saved.is_err(), "a position of {x} should be refused");
    }
    let saved = store
        .save_character(
            op("save", 1, 0),
            ada.epoch,
            ada.character,
            save("vale", u64::MAX),
        )
        .await;
    assert!(
        saved.is_err(),
        "experience past the column's range should be refused"
    );
    let taken = store
        .take_character(op("take", 2, 0), ada.character, u64::MAX)
        .await;
    assert!(
        taken.is_err(),
        "an address past the column's range should be refused"
    );
    store
        .save_character(op("save", 1, 0), ada.epoch, ada.character, save("vale", 1))
        .await
        .expect("a refused operation may be tried again");
}
}
