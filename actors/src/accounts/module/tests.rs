//! Accounts from registration to resume, over the real database.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use realm::Modules;

use super::*;
use crate::database::DatabaseModule;
use crate::database::scene::{asker, asking, module, play};

/// Hashing as cheap as it goes.
const CHEAP: &str = "hash_memory_kib = 8\nhash_passes = 1";

/// Plays `story` in a realm with accounts on a database of its own.
fn with_accounts<F: Future<Output = ()>>(
    settings: &str,
    story: impl FnOnce(AccountsProxy, std::path::PathBuf) -> F,
) {
    let modules = Modules::new()
        .with::<DatabaseModule>()
        .with::<AccountsModule>();
    play(modules, async |mut scene| {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("realm.db");
        let database = module::<DatabaseModule>(&format!("file = '{}'", file.display()));
        let node = scene
            .node(vec![database, module::<AccountsModule>(settings), asker()])
            .await;
        story(AccountsProxy::new(&asking()), file).await;
        node.stop().await;
    });
}

fn text(text: &str) -> String {
    text.to_owned()
}

#[test]
fn a_player_registers_logs_in_and_resumes() {
    with_accounts(CHEAP, async |accounts, _| {
        let registered = accounts
            .register(text("Ann"), text("correct horse"))
            .await
            .expect("a free name");
        let logged_in = accounts
            .log_in(text("aNN"), text("correct horse"))
            .await
            .expect("the right password");
        let resumed = accounts
            .resume(registered.token.clone())
            .await
            .expect("the token of the registration");
        for other in [&logged_in, &resumed] {
            assert_eq!(
                (other.account, other.character, other.name.as_str()),
                (registered.account, registered.character, "Ann"),
                "the same player should come in every way"
            );
        }
        let again = accounts
            .resume(resumed.token.clone())
            .await
            .map(|again| again.account);
        assert_eq!(
            again,
            Ok(registered.account),
            "the new token should do as well"
        );
        assert_ne!(
            resumed.token, registered.token,
            "a resume should bring a new token"
        );
        assert_ne!(
            logged_in.token, registered.token,
            "each login should have its own token"
        );
    });
}

#[test]
fn a_replaced_token_does_for_a_minute_and_the_new_one_for_its_days() {
    with_accounts(CHEAP, async |accounts, _| {
        let registered = accounts
            .register(text("Ann"), text("correct horse"))
            .await
            .expect("a free name");
        let resumed = accounts
            .resume(registered.token.clone())
            .await
            .expect("the token of the registration");
        let now = i64::try_from(asking().clock().wall_ms()).expect("a date");
        let lets_in = async |token: &str, now_ms| {
            let database = DatabaseProxy::new(&asking());
            let row = database.account_by_token(hash_of(token), now_ms).await;
            row.expect("an answer").is_some()
        };
        let later = now + REPLACED_MS + 1;
        assert!(
            lets_in(&registered.token, now).await,
            "a client that never got the new token should come in by the old one"
        );
        assert!(
            !lets_in(&registered.token, later).await,
            "later the old one should let nobody in"
        );
        assert!(
            lets_in(&resumed.token, later).await,
            "the new one should go on"
        );
        assert!(
            !lets_in(&resumed.token, now + 31 * DAY_MS).await,
            "but not for ever"
        );
    });
}

#[test]
fn an_unknown_name_and_a_wrong_password_are_told_alike() {
    with_accounts(CHEAP, async |accounts, _| {
        accounts
            .register(text("Ann"), text("correct horse"))
            .await
            .expect("a free name");
        let wrong = Err(AccountError::WrongCredentials);
        for (name, password) in [
            ("Ann", "correct house"),
            ("Bob", "correct horse"),
            ("no name at all", "correct horse"),
            ("Ann", "short"),
        ] {
            assert_eq!(
                accounts.log_in(text(name), text(password)).await,
                wrong,
                "{name} with {password} should be refused"
            );
        }
    });
}

#[test]
fn of_many_who_want_one_name_one_gets_it() {
    with_accounts(
        &format!("{CHEAP}\nwaiting_max = 64"),
        async |accounts, _| {
            let wishes = (0..50).map(|wish| {
                accounts.register(
                    text(if wish % 2 == 0 { "Ann" } else { "ANN" }),
                    text("correct horse"),
                )
            });
            let mut answers = BTreeMap::new();
            for answer in join_all(wishes).await {
                *answers
                    .entry(format!("{:?}", answer.map(|_| "registered")))
                    .or_insert(0) += 1;
            }
            let expected = BTreeMap::from([
                (text("Err(NameTaken)"), 49),
                (text("Ok(\"registered\")"), 1),
            ]);
            assert_eq!(
                answers, expected,
                "one should have the name, all others be told that it is taken"
            );
        },
    );
}

#[test]
fn what_breaks_a_rule_is_refused_before_it_is_hashed() {
    // With a line of one and somebody in it, whoever came as far as the hashing would be told Busy.
    let settings = "hash_memory_kib = 65536\nhash_passes = 1\nhashes_at_once = 1\nwaiting_max = 0";
    with_accounts(settings, async |accounts, _| {
        let long = accounts.register(text("Ann"), text("correct horse"));
        let refused = async {
            for password in [text("1234567"), "x".repeat(129), "x".repeat(1 << 20)] {
                let answer = accounts.register(text("Bob"), password).await;
                assert!(
                    matches!(answer, Err(AccountError::BadPassword(_))),
                    "the password should be refused: {answer:?}"
                );
            }
            for name in ["Al", "Ann Lee", "Admin", "\u{430}nn"] {
                let answer = accounts.register(text(name), text("correct horse")).await;
                assert!(
                    matches!(answer, Err(AccountError::BadName(_))),
                    "{name} should be refused: {answer:?}"
                );
            }
        };
        let (long, ()) = futures_util::future::join(long, refused).await;
        assert!(
            long.is_ok(),
            "the one in the line should be served: {long:?}"
        );
    });
}

#[test]
fn when_all_log_in_at_once_the_line_is_served_and_the_rest_told_to_come_back() {
    with_accounts(CHEAP, async |accounts, _| {
        accounts
            .register(text("Ann"), text("correct horse"))
            .await
            .expect("a free name");
        let answers =
            join_all((0..500).map(|_| accounts.log_in(text("Ann"), text("correct horse")))).await;
        let served = answers.iter().filter(|answer| answer.is_ok()).count();
        let busy = answers
            .iter()
            .filter(|answer| **answer == Err(AccountError::Busy))
            .count();
        assert_eq!(
            served + busy,
            500,
            "all should be served or told to come back"
        );
        assert!(
            (34..250).contains(&served),
            "the line of 34 should be served, and few besides: {served}"
        );
        assert!(
            accounts
                .log_in(text("Ann"), text("correct horse"))
                .await
                .is_ok(),
            "the line should be free again"
        );
    });
}

#[test]
fn a_token_that_was_not_given_out_lets_nobody_in() {
    with_accounts(CHEAP, async |accounts, _| {
        let registered = accounts
            .register(text("Ann"), text("correct horse"))
            .await
            .expect("a free name");
        let mut other = registered.token.clone();
        let last = if other.ends_with('0') { "1" } else { "0" };
        other.replace_range(63.., last);
        for token in [
            text(""),
            other,
            registered.token.to_uppercase() + "0",
            "0".repeat(64),
            "0".repeat(1 << 20),
        ] {
            let answer = accounts.resume(token).await;
            assert_eq!(
                answer,
                Err(AccountError::BadToken),
                "it should let nobody in"
            );
        }
    });
}

#[test]
fn a_stolen_database_holds_neither_token_nor_password() {
    with_accounts(CHEAP, async |accounts, file| {
        let registered = accounts
            .register(text("Ann"), text("correct horse"))
            .await
            .expect("a free name");
        let mut stored = std::fs::read(&file).expect("the file");
        stored.extend(std::fs::read(file.with_extension("db-wal")).expect("its log"));
        let holds = |secret: &[u8]| stored.windows(secret.len()).any(|window| window == secret);
        let raw: Vec<u8> = (0..64)
            .step_by(2)
            .filter_map(|at| u8::from_str_radix(&registered.token[at..at + 2], 16).ok())
            .collect();
        assert!(
            holds(b"$argon2id$") && holds(&hash_of(&registered.token)),
            "the hashes should be there"
        );
        assert!(
            !holds(registered.token.as_bytes()) && !holds(&raw),
            "the token should not"
        );
        assert!(!holds(b"correct horse"), "the password should not");
    });
}
