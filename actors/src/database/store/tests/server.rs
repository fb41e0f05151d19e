//! What only a server does: it goes away and comes back, loses a connection at the worst time, and refuses who may not come in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use servers::Postgres;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use super::*;
use crate::database::store::Belongings;

/// Settings that tell soon that the server is away.
fn impatient(url: String) -> Place {
    let settings = toml::from_str("connect_timeout_ms = 300").expect("settings");
    let environment = Environment {
        url: Some(url),
        password: None,
    };
    Place::new(&settings, &environment).expect("the url of a test's server names a place")
}

async fn scene_on(place: Place) -> Scene {
    let store = Store::open(&place).await.expect("a new store opens");
    Scene {
        kind: Kind::Postgres,
        place,
        store,
        _folder: None,
    }
}

#[test]
fn who_asks_while_the_server_is_away_is_told_to_repeat_and_the_store_heals_by_itself() {
    let server = Postgres::start();
    play(async {
        let scene = scene_on(impatient(server.database())).await;
        let ada = scene.owned("ada").await;
        let loot = |n| {
            let store = &scene.store;
            store.grant(op("loot", n, 0), ada.epoch, ada.character, "dog", &[], 5)
        };
        loot(1).await.expect("a grant");
        server.crash();
        for _ in 0..3 {
            let answer = loot(2).await;
            assert_eq!(
                answer,
                Err(StoreError::Away),
                "a write should be told to repeat"
            );
        }
        let found = scene.store.account_by_name("ada").await;
        assert_eq!(
            found.err(),
            Some(StoreError::Away),
            "a question should be told to repeat"
        );
        server.resume();
        let coins = loot(2).await.map(|has| has.coins);
        assert_eq!(coins, Ok(10), "the same operation should have one effect");
        scene.assert_sound().await;
    });
}

/// Lies between a store and its server, and when `cut` is set, takes the answer of the next commit away with the connection.
async fn between(listener: UnixListener, server: String, cut: Arc<AtomicBool>) {
    while let Ok((mut client, _)) = listener.accept().await {
        let (server, cut) = (server.clone(), cut.clone());
        tokio::spawn(async move {
            let mut server = UnixStream::connect(server).await.expect("the server");
            let (mut asked, mut answered) = ([0; 16_384], [0; 16_384]);
            loop {
                tokio::select! {
                    n = client.read(&mut asked) => {
                        let asked = &asked[..n.unwrap_or(0)];
                        if asked.is_empty() || server.write_all(asked).await.is_err() {
                            return;
                        }
                        let commits = asked.windows(7).any(|word| word == b"COMMIT\0");
                        if commits && cut.swap(false, Ordering::SeqCst) {
                            // The server has committed, and nobody hears of it.
                            let _ = server.read(&mut answered).await;
                            return;
                        }
                    }
                    n = server.read(&mut answered) => {
                        let answered = &answered[..n.unwrap_or(0)];
                        if answered.is_empty() || client.write_all(answered).await.is_err() {
                            return;
                        }
                    }
                }
            }
        });
    }
}

#[test]
fn a_connection_lost_in_a_commit_is_a_repetition_and_no_second_effect() {
    play(async {
        let url = Postgres::shared().database();
        let (_, folder) = url.split_once("?host=").expect("the server's folder");
        let ours = tempfile::tempdir().expect("a temporary folder");
        let socket = ".s.PGSQL.5432";
        let listener = UnixListener::bind(ours.path().join(socket)).expect("a socket");
        let cut = Arc::new(AtomicBool::new(false));
        tokio::spawn(between(listener, format!("{folder}/{socket}"), cut.clone()));
        let scene = scene_on(on_server(
            url.replace(folder, &ours.path().display().to_string()),
        ))
        .await;
        let ada = scene.owned("ada").await;
        let pelts = [("pelt".to_owned(), 1)];
        let loot = || {
            let store = &scene.store;
            store.grant(op("loot", 1, 0), ada.epoch, ada.character, "dog", &pelts, 5)
        };
        cut.store(true, Ordering::SeqCst);
        assert_eq!(
            loot().await,
            Err(StoreError::Away),
            "the caller should be told to repeat"
        );
        assert_eq!(
            scene.count("SELECT COUNT(*) FROM items").await,
            1,
            "it was committed, as this test means it to be"
        );
        let has = Belongings {
            coins: 5,
            items: vec![("pelt".into(), 1)],
        };
        assert_eq!(
            loot().await,
            Ok(has),
            "the repetition should get the answer that was lost"
        );
        assert_eq!(
            scene.count("SELECT COUNT(*) FROM items").await,
            1,
            "it should have one effect"
        );
        scene.assert_sound().await;
    });
}

#[test]
fn what_the_server_could_not_serialize_is_tried_again_within_a_bound() {
    play(async {
        let scene = Scene::open(Kind::Postgres).await;
        let ada = scene.owned("ada").await;
        let loot = |n| {
            let store = &scene.store;
            store.grant(op("loot", n, 0), ada.epoch, ada.character, "dog", &[], 5)
        };
        scene
            .tamper(
                "CREATE SEQUENCE tries; CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF nextval('tries') <= 5 THEN RAISE EXCEPTION 'not now' USING ERRCODE = '40001'; END IF; \
                 RETURN NULL; END $$; CREATE TRIGGER fail AFTER INSERT ON ledger EXECUTE FUNCTION fail()",
            )
            .await;
        let coins = loot(1).await.map(|has| has.coins);
        assert_eq!(coins, Ok(5), "five failures should not reach the caller");
        scene
            .tamper("ALTER SEQUENCE tries RESTART WITH -1000000 MINVALUE -1000000")
            .await;
        assert_eq!(
            loot(2).await,
            Err(StoreError::Conflict),
            "what fails for ever should end"
        );
        scene.assert_sound().await;
    });
}

#[test]
fn who_may_not_come_in_is_told_what_to_do() {
    play(async {
        let url = Postgres::shared().database();
        let told = async |url: String| {
            let place = impatient(url);
            let error = Store::open(&place).await.expect_err("it should be refused");
            (place.advice(&error), error)
        };
        let (words, error) = told(url.replace("realm@", "stranger:gr8-secret@")).await;
        assert!(
            matches!(error, StoreError::Login(_)),
            "a stranger should be refused: {error:?}"
        );
        assert!(
            words.contains("REALM_DATABASE_PASSWORD") && !words.contains("gr8-secret"),
            "the operator should be told what to set, and no password: {words}"
        );
        let (words, _) = told(url.replace("/realm_", "/nothing_")).await;
        assert!(
            words.contains("createdb"),
            "the operator should be told to make the database: {words}"
        );
        let (_, folder) = url.split_once("?host=").expect("the server's folder");
        let (words, error) = told(url.replace(folder, "/nowhere")).await;
        assert_eq!(error, StoreError::Away, "no server should be away");
        assert!(
            words.contains("start the server"),
            "the operator should be told to start it: {words}"
        );
    });
}

#[test]
fn a_statement_that_takes_too_long_is_ended() {
    play(async {
        let settings = toml::from_str("statement_timeout_ms = 100").expect("settings");
        let environment = Environment {
            url: Some(Postgres::shared().database()),
            password: None,
        };
        let place = Place::new(&settings, &environment).expect("a place");
        let scene = scene_on(place).await;
        let mut held = scene.store.pools.write().await.expect("a transaction");
        sql("UPDATE counters SET value = value")
            .execute(&mut held)
            .await
            .expect("a lock");
        assert_eq!(
            scene.store.next_birth().await,
            Err(StoreError::Busy),
            "who waits for a lock should be told to try again"
        );
        drop(held);
        assert_eq!(
            scene.store.next_birth().await,
            Ok(1),
            "and then it should work"
        );
    });
}
