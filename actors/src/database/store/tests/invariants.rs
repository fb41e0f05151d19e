//! The invariants hold under any order of operations, and the check sees when one does not.

use proptest::prelude::*;
use tokio::task::JoinSet;

use super::*;

/// One call of a task: which character, which operation, how much.
#[derive(Clone, Copy, Debug)]
enum Step {
    Grant {
        who: usize,
        id: u64,
        quantity: u32,
        coins: u64,
    },
    Take {
        who: usize,
        id: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3usize, 0..12u64, 0..4u32, 0..9u64)
            .prop_map(|(who, id, quantity, coins)| Step::Grant { who, id, quantity, coins }),
        1 => (0..3usize, 0..6u64).prop_map(|(who, id)| Step::Take { who, id }),
    ]
}

/// Runs the steps as an owner that learns its epoch from its takes and from refusals.
async fn act(store: Store, characters: [i64; 3], steps: Vec<Step>) {
    let mut epochs = [Epoch(1); 3];
    for step in steps {
        match step {
            Step::Grant {
                who,
                id,
                quantity,
                coins,
            } => {
                let items = [("pelt".to_owned(), quantity)];
                let answer = store
                    .grant(
                        op("loot", id, 0),
                        epochs[who],
                        characters[who],
                        "dog",
                        &items,
                        coins,
                    )
                    .await;
                match answer {
                    Err(StoreError::Stale { current }) => epochs[who] = Epoch(current),
                    Ok(_) | Err(StoreError::Taken) => {}
                    Err(error) => {
                        panic!("a grant should be answered or refused, not fail: {error}")
                    }
                }
            }
            Step::Take { who, id } => {
                let row = store
                    .take_character(op("take", who as u64, id), characters[who], id)
                    .await
                    .expect("a take");
                epochs[who] = row.epoch;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_invariants_hold_whoever_does_what(plays in prop::collection::vec(prop::collection::vec(step(), 1..12), 4)) {
        play(everyone_at_once(Kind::Sqlite, plays));
    }

    #[test]
    fn the_invariants_hold_whoever_does_what_on_a_server(
        plays in prop::collection::vec(prop::collection::vec(step(), 1..12), 4),
    ) {
        play(everyone_at_once(Kind::Postgres, plays));
    }
}

/// Two stores on one database, and everybody plays at the same time.
async fn everyone_at_once(kind: Kind, plays: Vec<Vec<Step>>) {
    let scene = Scene::open(kind).await;
    let characters = [
        scene.owned("ada").await.character,
        scene.owned("bob").await.character,
        scene.owned("cy").await.character,
    ];
    let stores = [scene.store.clone(), scene.open_again().await];
    let mut tasks = JoinSet::new();
    for (number, steps) in plays.into_iter().enumerate() {
        tasks.spawn(act(stores[number % 2].clone(), characters, steps));
    }
    tasks.join_all().await;
    scene.assert_sound().await;
    let grants = scene
        .count("SELECT COUNT(*) FROM operations WHERE kind = 'grant'")
        .await;
    assert!(
        grants <= 12,
        "each of the 12 corpses should be looted once at most"
    );
    for store in stores {
        store.close().await;
    }
}

on_each_database! {
async fn the_check_sees_each_violation(scene: Scene) {
    let kind = scene.kind;
    // (what is broken behind the store's back, what the check should say)
    let breaks = [
        (
            "UPDATE ledger SET amount = 6 WHERE holder > 0",
            "the ledger entries of operation",
        ),
        (
            "UPDATE ledger SET amount = 6 WHERE holder > 0",
            "the whole ledger sums to 1",
        ),
        (
            "UPDATE balances SET amount = 6",
            "is 6, its ledger entries sum to 5",
        ),
        ("DELETE FROM balances", "is 0, its ledger entries sum to 5"),
        (
            "UPDATE items SET owner = 2",
            "is owned by 2, its history ends with 1",
        ),
        ("DELETE FROM item_history", "has no history"),
        (
            "UPDATE item_history SET from_holder = 2",
            "was given by holder 2 while holder 0 had it",
        ),
        ("UPDATE items SET quantity = 9", "another quantity"),
        (
            "PRAGMA foreign_keys = OFF; DELETE FROM items",
            "has a history but is gone",
        ),
        (
            "UPDATE operations SET answer = x''",
            "committed without an answer",
        ),
        (
            "PRAGMA foreign_keys = OFF; DELETE FROM operations WHERE kind = 'grant'",
            "had an effect but was never answered",
        ),
        (
            "UPDATE operations SET epoch = 0 WHERE kind = 'grant'",
            "was committed under epoch 0 when 1 had begun",
        ),
    ];
    for (sql, words) in breaks {
        let scene = Scene::open(kind).await;
        let ada = scene.owned("ada").await;
        scene.owned("bob").await;
        scene
            .store
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
        scene.assert_sound().await;
        scene.tamper(sql).await;
        let violations = scene.store.check().await.expect("the check runs");
        assert!(
            violations.iter().any(|violation| violation.contains(words)),
            "after `{sql}` the check should say `{words}`: {violations:?}"
        );
    }
}
}
