//! Loot goes once, and what is given adds up.

use tokio::task::JoinSet;

use super::*;
use crate::database::store::{Belongings, COINS_MAX, GRANT_STACKS_MAX};

on_each_database! {
async fn loot_adds_up_by_kind(scene: Scene) {
    let ada = scene.owned("ada").await;
    let store = &scene.store;
    let first = [("tooth".into(), 3), ("pelt".into(), 1), ("dust".into(), 0)];
    let answer = store
        .grant(op("loot", 1, 0), ada.epoch, ada.character, "dog", &first, 5)
        .await;
    let has = Belongings {
        coins: 5,
        items: vec![("pelt".into(), 1), ("tooth".into(), 3)],
    };
    assert_eq!(answer, Ok(has));
    let second = [("pelt".into(), 2)];
    let answer = store
        .grant(
            op("loot", 2, 0),
            ada.epoch,
            ada.character,
            "wolf",
            &second,
            7,
        )
        .await;
    let has = Belongings {
        coins: 12,
        items: vec![("pelt".into(), 3), ("tooth".into(), 3)],
    };
    assert_eq!(answer, Ok(has.clone()));
    assert_eq!(
        store.belongings(ada.character).await,
        Ok(has),
        "the answer should be what is stored"
    );
    let mut snapshot = store.pools.read().await.expect("a snapshot");
    let (source,): (String,) = sql("SELECT source FROM operations WHERE id = $1")
        .bind(&op("loot", 2, 0).bytes()[..])
        .one(&mut snapshot)
        .await
        .expect("the operation");
    assert_eq!(source, "wolf", "where it came from should be on record");
    scene.assert_sound().await;
}

async fn one_grant_sent_twenty_times_gives_once(scene: Scene) {
    let ada = scene.owned("ada").await;
    let other = scene.open_again().await;
    let mut tasks = JoinSet::new();
    for n in 0..20 {
        let store = if n % 2 == 0 {
            scene.store.clone()
        } else {
            other.clone()
        };
        tasks.spawn(async move {
            store
                .grant(
                    op("loot", 1, 0),
                    Epoch(1),
                    ada.character,
                    "dog",
                    &[("pelt".into(), 1)],
                    5,
                )
                .await
        });
    }
    let answers = tasks.join_all().await;
    let has = Belongings {
        coins: 5,
        items: vec![("pelt".into(), 1)],
    };
    assert!(
        answers.iter().all(|answer| *answer == Ok(has.clone())),
        "all should get one answer: {answers:?}"
    );
    assert_eq!(
        scene.count("SELECT COUNT(*) FROM items").await,
        1,
        "it should have one effect"
    );
    scene.assert_sound().await;
}

async fn of_two_who_killed_the_dog_one_gets_its_loot(scene: Scene) {
    let rivals = [scene.owned("ada").await, scene.owned("bob").await];
    let mut tasks = JoinSet::new();
    for rival in rivals {
        let store = scene.store.clone();
        tasks.spawn(async move {
            store
                .grant(
                    op("loot", 1, 0),
                    rival.epoch,
                    rival.character,
                    "dog",
                    &[("pelt".into(), 1)],
                    5,
                )
                .await
        });
    }
    let answers = tasks.join_all().await;
    assert_eq!(
        answers.iter().filter(|answer| answer.is_ok()).count(),
        1,
        "one should get it: {answers:?}"
    );
    assert!(
        answers.contains(&Err(StoreError::Taken)),
        "the other should be told that it is gone"
    );
    assert_eq!(
        scene.count("SELECT COUNT(*) FROM items").await,
        1,
        "there should be one pelt"
    );
    scene.assert_sound().await;
}

async fn the_answer_is_the_same_after_the_character_has_moved_on(scene: Scene) {
    let ada = scene.owned("ada").await;
    let store = &scene.store;
    let loot = |epoch| store.grant(op("loot", 1, 0), epoch, ada.character, "dog", &[], 5);
    let first = loot(ada.epoch).await;
    store
        .grant(op("loot", 2, 0), ada.epoch, ada.character, "dog", &[], 9)
        .await
        .expect("a grant");
    let next = store
        .take_character(op("take", 2, 0), ada.character, 8)
        .await
        .expect("a take");
    assert_eq!(
        loot(ada.epoch).await,
        first,
        "the old owner's repetition should get the stored answer"
    );
    assert_eq!(
        loot(next.epoch).await,
        first,
        "the new owner's repetition should get the stored answer"
    );
    assert_eq!(
        store.belongings(ada.character).await.map(|has| has.coins),
        Ok(14)
    );
}

async fn a_purse_does_not_overflow(scene: Scene) {
    let ada = scene.owned("ada").await;
    let store = &scene.store;
    let pelts = [("pelt".into(), 1)];
    for coins in [COINS_MAX + 1, 1 << 63, u64::MAX] {
        let answer = store
            .grant(
                op("loot", 1, 0),
                ada.epoch,
                ada.character,
                "dog",
                &pelts,
                coins,
            )
            .await;
        assert!(answer.is_err(), "{coins} coins should be refused");
    }
    store
        .grant(
            op("loot", 1, 0),
            ada.epoch,
            ada.character,
            "dog",
            &[],
            COINS_MAX,
        )
        .await
        .expect("a full purse");
    let answer = store
        .grant(op("loot", 2, 0), ada.epoch, ada.character, "dog", &pelts, 1)
        .await;
    assert!(answer.is_err(), "a full purse should take no more");
    let has = store.belongings(ada.character).await.expect("belongings");
    assert_eq!(
        (has.coins, has.items),
        (COINS_MAX, vec![]),
        "a refused grant should give nothing at all"
    );
    scene.assert_sound().await;
}

async fn a_grant_has_its_bound(scene: Scene) {
    let ada = scene.owned("ada").await;
    let heap = vec![("pelt".to_owned(), u32::MAX); GRANT_STACKS_MAX];
    let has = scene
        .store
        .grant(op("loot", 1, 0), ada.epoch, ada.character, "dog", &heap, 0)
        .await
        .expect("a grant within the bound");
    assert_eq!(
        has.items,
        vec![("pelt".into(), u32::MAX)],
        "a heap past counting should be shown as the largest"
    );
    let more = vec![("pelt".to_owned(), 1); GRANT_STACKS_MAX + 1];
    let answer = scene
        .store
        .grant(op("loot", 2, 0), ada.epoch, ada.character, "dog", &more, 0)
        .await;
    assert!(answer.is_err(), "a grant past the bound should be refused");
}

async fn a_call_given_up_halfway_did_all_or_nothing(scene: Scene) {
    let ada = scene.owned("ada").await;
    let store = &scene.store;
    for patience in 0..60 {
        let pelts = [("pelt".into(), 1)];
        let loot = || {
            store.grant(
                op("loot", patience, 0),
                ada.epoch,
                ada.character,
                "dog",
                &pelts,
                5,
            )
        };
        let out_of_patience = async {
            for _ in 0..patience * 4 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            _ = loot() => {}
            () = out_of_patience => {}
        }
        let has = loot().await.expect("a repetition finishes the job");
        assert_eq!(
            has.coins,
            (patience + 1) * 5,
            "it should have been given once, after {patience}"
        );
    }
    scene.assert_sound().await;
}
}
