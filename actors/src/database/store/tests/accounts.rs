//! Names are reserved once, tokens expire.

use tokio::task::JoinSet;

use super::*;
use crate::database::store::{LINEAGES_PER_ACCOUNT_MAX, NewToken};

fn token(lineage: u8, own: u8, expires_unix_ms: i64) -> NewToken {
    NewToken {
        lineage: [lineage; 16],
        hash: [own; 32],
        expires_unix_ms,
    }
}

on_each_database! {
async fn of_fifty_who_want_one_name_one_gets_it(scene: Scene) {
    let mut tasks = JoinSet::new();
    let other = scene.open_again().await;
    for wish in 0..50 {
        let store = if wish % 2 == 0 { &scene.store } else { &other }.clone();
        tasks.spawn(async move {
            store
                .register(op("register", wish, 0), "Ada", "ada", "hash")
                .await
        });
    }
    let answers = tasks.join_all().await;
    let got = answers.iter().filter(|answer| answer.is_ok()).count();
    let refused = answers
        .iter()
        .filter(|answer| **answer == Err(StoreError::NameTaken))
        .count();
    assert_eq!(
        (got, refused),
        (1, 49),
        "one should get the name and all others be told that it is taken"
    );
    assert_eq!(
        scene.count("SELECT COUNT(*) FROM accounts").await,
        1,
        "a refusal should leave no account"
    );
    assert_eq!(
        scene.count("SELECT COUNT(*) FROM operations").await,
        1,
        "a refusal should leave no operation"
    );
}

async fn one_registration_sent_twenty_times_makes_one_account(scene: Scene) {
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let store = scene.store.clone();
        tasks.spawn(async move {
            store
                .register(op("register", 1, 0), "Ada", "ada", "hash")
                .await
        });
    }
    let answers = tasks.join_all().await;
    assert!(
        answers[0].is_ok(),
        "the registration should succeed: {:?}",
        answers[0]
    );
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "all should get one answer"
    );
    assert_eq!(
        scene.count("SELECT COUNT(*) FROM characters").await,
        1,
        "it should have one effect"
    );
}

async fn an_account_is_found_by_its_name(scene: Scene) {
    let registered = scene
        .store
        .register(op("register", 1, 0), "Ada", "ada", "secret hash")
        .await
        .expect("a free name is registered");
    let row = scene
        .store
        .account_by_name("ada")
        .await
        .expect("a look-up")
        .expect("the account");
    assert_eq!(
        (row.account, row.character),
        (registered.account, registered.character)
    );
    assert_eq!(
        (row.name.as_str(), row.password_hash.as_str()),
        ("Ada", "secret hash")
    );
    assert!(
        !format!("{row:?}").contains("secret"),
        "a log should not show the password's hash"
    );
    let nobody = scene.store.account_by_name("bob").await.expect("a look-up");
    assert_eq!(nobody, None, "an unknown name should have no account");
}

async fn an_operation_id_serves_one_kind_and_one_subject(scene: Scene) {
    let ada = scene.register("ada").await;
    let bob = scene.register("bob").await;
    let id = op("anything", 1, 1);
    scene
        .store
        .take_character(id, ada.character, 7)
        .await
        .expect("a character is taken");
    let other_kind = scene
        .store
        .begin_lineage(id, ada.account, token(1, 1, 100), 0)
        .await;
    assert_eq!(
        other_kind,
        Err(StoreError::OperationMismatch),
        "another kind should be refused"
    );
    let other_subject = scene.store.take_character(id, bob.character, 7).await;
    assert_eq!(
        other_subject,
        Err(StoreError::Taken),
        "another character should be refused"
    );
}

async fn a_token_stands_for_its_account_until_it_expires(scene: Scene) {
    let ada = scene.register("ada").await;
    let store = &scene.store;
    let begun = store
        .begin_lineage(op("token", 1, 0), ada.account, token(1, 7, 100), 0)
        .await;
    assert_eq!(begun, Ok(1), "the first login should be the first");
    let late = store
        .resume_lineage(op("resume", 1, 0), [7; 32], token(1, 8, 300), false, 100)
        .await;
    assert_eq!(
        late,
        Err(StoreError::NoSuchToken),
        "an expired token should open nothing"
    );
    let early = store
        .resume_lineage(op("resume", 2, 0), [7; 32], token(1, 8, 300), false, 99)
        .await
        .expect("a token should open its account");
    assert_eq!(
        (early.account, early.character, early.login, early.numbers),
        (ada.account, ada.character, 2, 1),
        "it should open its own account, and go on with its numbers"
    );
    let other_lineage = store
        .resume_lineage(op("resume", 3, 0), [8; 32], token(2, 9, 300), false, 99)
        .await;
    assert_eq!(
        other_lineage,
        Err(StoreError::NoSuchToken),
        "a token belongs to its lineage"
    );
    store
        .begin_lineage(op("token", 2, 0), ada.account, token(3, 10, 500), 300)
        .await
        .expect("a token is put");
    assert_eq!(
        scene.count("SELECT COUNT(*) FROM tokens").await,
        1,
        "what has expired should be gone"
    );
}

async fn the_lineage_of_longest_ago_makes_room(scene: Scene) {
    let ada = scene.register("ada").await;
    for n in 0..=LINEAGES_PER_ACCOUNT_MAX as u8 {
        scene
            .store
            .begin_lineage(op("token", n.into(), 0), ada.account, token(n, n, 100), 0)
            .await
            .expect("a token is put");
    }
    for n in 0..=LINEAGES_PER_ACCOUNT_MAX as u8 {
        let resumed = scene
            .store
            .resume_lineage(
                op("resume", n.into(), 0),
                [n; 32],
                token(n, 100 + n, 100),
                true,
                1,
            )
            .await
            .map(|resumed| resumed.account);
        let expected = match n {
            0 => Err(StoreError::NoSuchToken),
            _ => Ok(ada.account),
        };
        assert_eq!(
            resumed, expected,
            "lineage {n} of nine, of which eight stay"
        );
    }
}

async fn a_login_needs_an_account_and_a_hash_serves_once(scene: Scene) {
    let nobody = scene
        .store
        .begin_lineage(op("token", 1, 0), 99, token(1, 1, 100), 0)
        .await;
    assert_eq!(nobody, Err(StoreError::NoSuchAccount));
    let ada = scene.register("ada").await;
    let bob = scene.register("bob").await;
    scene
        .store
        .begin_lineage(op("token", 2, 0), ada.account, token(1, 1, 100), 0)
        .await
        .expect("a token is put");
    let stolen = scene
        .store
        .begin_lineage(op("token", 3, 0), bob.account, token(2, 1, 100), 0)
        .await;
    assert!(
        stolen.is_err(),
        "a token should not move to another account"
    );
    let confirmed = scene.store.confirm_login(bob.account, 1).await;
    assert_eq!(confirmed, Ok(()), "there is nothing to confirm");
    assert_eq!(
        scene.count("SELECT COUNT(*) FROM tokens").await,
        1,
        "nobody should end the token of another"
    );
}
}
