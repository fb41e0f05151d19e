//! Names are reserved once, tokens expire.

use tokio::task::JoinSet;

use super::*;
use crate::database::store::TOKENS_PER_ACCOUNT_MAX;

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
        .put_token(id, ada.account, [1; 32], 0, 100)
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
    let token = [7; 32];
    scene
        .store
        .put_token(op("token", 1, 0), ada.account, token, 0, 100)
        .await
        .expect("a token is put");
    let early = scene
        .store
        .account_by_token(token, 99)
        .await
        .expect("a look-up");
    assert_eq!(
        early.map(|row| row.account),
        Some(ada.account),
        "a token should open its account"
    );
    let late = scene
        .store
        .account_by_token(token, 100)
        .await
        .expect("a look-up");
    assert_eq!(late, None, "an expired token should open nothing");
    scene
        .store
        .put_token(op("token", 2, 0), ada.account, [8; 32], 100, 200)
        .await
        .expect("a token is put");
    assert_eq!(
        scene.count("SELECT COUNT(*) FROM tokens").await,
        1,
        "what has expired should be gone"
    );
}

async fn the_oldest_token_makes_room(scene: Scene) {
    let ada = scene.register("ada").await;
    for n in 0..=TOKENS_PER_ACCOUNT_MAX as u8 {
        scene
            .store
            .put_token(op("token", n.into(), 0), ada.account, [n; 32], 0, 100)
            .await
            .expect("a token is put");
    }
    let oldest = scene
        .store
        .account_by_token([0; 32], 1)
        .await
        .expect("a look-up");
    assert_eq!(oldest, None, "the oldest token should be gone");
    for n in 1..=TOKENS_PER_ACCOUNT_MAX as u8 {
        let row = scene
            .store
            .account_by_token([n; 32], 1)
            .await
            .expect("a look-up");
        assert!(row.is_some(), "token {n} should still open the account");
    }
}

async fn a_token_needs_an_account_and_keeps_it(scene: Scene) {
    let nobody = scene
        .store
        .put_token(op("token", 1, 0), 99, [1; 32], 0, 100)
        .await;
    assert_eq!(nobody, Err(StoreError::NoSuchAccount));
    let ada = scene.register("ada").await;
    let bob = scene.register("bob").await;
    scene
        .store
        .put_token(op("token", 2, 0), ada.account, [1; 32], 0, 100)
        .await
        .expect("a token is put");
    let stolen = scene
        .store
        .put_token(op("token", 3, 0), bob.account, [1; 32], 0, 100)
        .await;
    assert!(
        stolen.is_err(),
        "a token should not move to another account"
    );
}
}
