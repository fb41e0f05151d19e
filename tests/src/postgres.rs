//! A realm whose data are on a PostgreSQL server, and the server's crashes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actors::database::store::{Belongings, Epoch, OperationId, Store};
use client::command::Loot;
use client::player::Player;
use client::{Event, WebSocket};
use realm::Clock;
use servers::Postgres;
use tests::{Mode, PASSWORD, World, soak};
use tokio::sync::mpsc;

/// What a player is told who wants something of the database while it is away.
async fn told_to_come_again(world: &World, player: &mut Player<WebSocket>, loot: Loot) {
    let looted = player
        .connection_mut()
        .ask(60_000, loot, |event| match event {
            Event::Looted(looted) => Some(looted.clone()),
            _ => None,
        });
    let refused = looted.await.expect_err("nobody can keep the loot now");
    assert!(
        format!("{refused:?}").contains("Unavailable"),
        "the player should be told to try later, not {refused:?}"
    );
    let socket = world
        .connect()
        .await
        .expect("the gateway should let people in");
    let mut late = Player::connect(socket).await.expect("a welcome");
    let refused = late.register("Latecomer", PASSWORD).await;
    let refused = refused.expect_err("nobody can keep an account now");
    assert!(
        format!("{refused:?}").contains("Busy"),
        "a newcomer should be told to try again, not {refused:?}"
    );
}

fn the_world_goes_on_while_its_server_is_away(mode: Mode) {
    let server = Postgres::start();
    let url = server.database();
    let data = tempfile::tempdir().expect("a test needs a temporary folder");
    let world = World::start_with(mode, data.path(), |roles| {
        for role in roles {
            if let Some(database) = role.module_mut("database") {
                database
                    .set("url", url.clone())
                    .set("connect_timeout_ms", 300);
            }
        }
    });
    tests::play(async {
        let mut player = world.player("Steadfast").await;
        let home = player.position();
        let dog = player
            .find("mobs/dog")
            .await
            .expect("a dog should be found");
        player.kill(dog).await.expect("the dog should be killed");
        let before = player.me().clone();
        server.crash();
        told_to_come_again(&world, &mut player, Loot { target: dog }).await;
        let (x, y) = player.position();
        let to = (x + (home.0 - x) / 4.0, y + (home.1 - y) / 4.0);
        player
            .walk_to(to.0, to.1, 1.0)
            .await
            .expect("who has nothing to do with the database should walk on");
        server.resume();
        let looted = player.loot(dog).await;
        looted.expect("the loot should be there still, and kept now");
        let me = player.me();
        assert!(
            me.coins > before.coins || me.items != before.items,
            "the loot should be the player's"
        );
        let late = world.player("Latecomer").await;
        drop(late);
        let store = Store::open(&tests::place_of(&url))
            .await
            .expect("the server is back");
        let faults = store.check().await.expect("the store should check itself");
        assert!(
            faults.is_empty(),
            "the economy's invariants should hold: {faults:?}"
        );
    });
    world.stop();
    assert!(
        !data.path().join("realm.db").exists(),
        "a realm on a server should make no file"
    );
}

#[test]
fn the_world_goes_on_while_its_server_is_away_in_the_local_role() {
    the_world_goes_on_while_its_server_is_away(Mode::Local);
}

#[test]
fn the_world_goes_on_while_its_server_is_away_on_four_nodes() {
    the_world_goes_on_while_its_server_is_away(Mode::Nodes);
}

/// A grant that was acknowledged.
struct Granted {
    operation: OperationId,
    character: i64,
    answer: Belongings,
}

/// Gives one coin after the other, each until it is acknowledged, as long as it is wanted.
async fn give(
    store: Store,
    (number, character): (u64, i64),
    wanted: Arc<AtomicBool>,
    given: mpsc::UnboundedSender<Granted>,
) {
    let clock = Clock::machine();
    for coin in 0.. {
        if !wanted.load(Ordering::Relaxed) {
            return;
        }
        let operation = OperationId::derived("coin", number, coin);
        let answer = loop {
            let answer = store
                .grant(operation, Epoch(1), character, "mint", &[], 1)
                .await;
            match answer {
                Err(error) if error.is_repeatable() => {
                    clock.sleep(Duration::from_millis(5)).await;
                }
                answer => break answer.expect("a grant should be answered or repeated"),
            }
        };
        let granted = Granted {
            operation,
            character,
            answer,
        };
        given
            .send(granted)
            .unwrap_or_else(|_| panic!("the test should listen to the end"));
    }
}

#[test]
fn no_acknowledged_grant_is_lost_when_the_server_crashes() {
    let crashes = soak::amount("postgres", 3);
    let within = Duration::from_secs(90 + 10 * crashes);
    tests::play_within(within, async {
        let server = Arc::new(Postgres::start());
        let place = tests::place_of(&server.database());
        let mut stores = Vec::new();
        for _ in 0..2 {
            stores.push(Store::open(&place).await.expect("a store should open"));
        }
        let mut characters = Vec::new();
        for name in ["ada", "bob"] {
            let id = OperationId::derived(name, 0, 0);
            let registered = stores[0].register(id, name, name, "hash").await;
            let character = registered.expect("a name should be registered").character;
            let id = OperationId::derived(name, 1, 0);
            let taken = stores[0].take_character(id, character, 7).await;
            taken.expect("a character should be taken");
            characters.push(character);
        }
        let wanted = Arc::new(AtomicBool::new(true));
        let (given, mut acknowledged) = mpsc::unbounded_channel();
        let mut givers = tokio::task::JoinSet::new();
        for number in 0..8_usize {
            let whom = (number as u64, characters[number % 2]);
            // Each character's grants come by both stores.
            let store = stores[number / 2 % 2].clone();
            givers.spawn(give(store, whom, wanted.clone(), given.clone()));
        }
        drop(given);
        let mut all = Vec::new();
        for _ in 0..crashes {
            for _ in 0..50 {
                all.push(acknowledged.recv().await.expect("grants should go on"));
            }
            let server = server.clone();
            let restarted = tokio::task::spawn_blocking(move || {
                server.crash();
                server.resume();
            });
            restarted.await.expect("the server should come back");
        }
        wanted.store(false, Ordering::Relaxed);
        while let Some(granted) = acknowledged.recv().await {
            all.push(granted);
        }
        givers.join_all().await;
        for granted in &all {
            let again = stores[0]
                .grant(
                    granted.operation,
                    Epoch(1),
                    granted.character,
                    "mint",
                    &[],
                    1,
                )
                .await;
            assert_eq!(
                again.as_ref(),
                Ok(&granted.answer),
                "what was acknowledged should be there, as it was acknowledged"
            );
        }
        for character in characters {
            let coins = all
                .iter()
                .filter(|granted| granted.character == character)
                .count();
            let has = stores[1].belongings(character).await;
            assert_eq!(
                has.map(|has| has.coins),
                Ok(coins as u64),
                "each grant should have one effect"
            );
        }
        let faults = stores[0].check().await;
        assert_eq!(
            faults,
            Ok(Vec::new()),
            "the economy's invariants should hold"
        );
        let figures = [
            ("crashes", crashes as f64),
            ("acknowledged", all.len() as f64),
            ("lost", 0.0),
        ];
        soak::figures("postgres", "", &figures);
    });
}
