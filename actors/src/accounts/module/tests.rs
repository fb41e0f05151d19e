//! Accounts from registration to resume, over the real database.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use futures_util::future::join_all;
use realm::Modules;

use super::*;
use crate::database::DatabaseModule;
use crate::database::scene::{asker, asking, module, play};

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

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
            .log_in(text("aNN"), text("correct horse"), HOME)
            .await
            .expect("the right password");
        let resumed = accounts
            .resume(registered.token.clone(), true)
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
            .resume(resumed.token.clone(), true)
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
fn a_replaced_token_does_until_the_new_one_has_arrived() {
    with_accounts(CHEAP, async |accounts, _| {
        let first = accounts
            .register(text("Ann"), text("correct horse"))
            .await
            .expect("a free name");
        let resume = async |token: &str| accounts.resume(token.to_owned(), false).await;
        for lost in 0..10 {
            let again = resume(&first.token).await;
            assert!(
                again.is_ok(),
                "after {lost} lost answers the old token should do yet: {again:?}"
            );
        }
        let second = resume(&first.token).await.expect("the old token");
        let confirmed = accounts.confirm(second.account, second.login).await;
        assert_eq!(confirmed, Ok(()), "a token that arrived is confirmed");
        assert_eq!(
            resume(&first.token).await,
            Err(AccountError::OldToken),
            "then the old one should be refused, and by its own name"
        );
        let third = resume(&second.token).await.expect("the confirmed token");
        let fourth = resume(&third.token).await.expect("the newest token");
        assert_eq!(
            resume(&second.token).await,
            Err(AccountError::OldToken),
            "what the newest one replaced should go when the newest is shown"
        );
        let logins = [&first, &second, &third, &fourth].map(|it| it.login);
        assert!(
            logins.is_sorted_by(|a, b| a < b),
            "logins should be counted in their order: {logins:?}"
        );
        assert!(
            [&second, &third, &fourth].map(|it| it.numbers) == [first.numbers; 3],
            "a resume should go on with the numbers of the login"
        );
        let anew = accounts.resume(fourth.token, true).await.expect("a token");
        assert_eq!(
            anew.numbers, anew.login,
            "unless the client begins with 1 again"
        );
    });
}

#[test]
fn a_lineage_ends_with_its_last_token_and_no_other() {
    with_accounts(CHEAP, async |accounts, _| {
        let here = accounts
            .register(text("Ann"), text("correct horse"))
            .await
            .expect("a free name");
        let there = accounts
            .log_in(text("Ann"), text("correct horse"), HOME)
            .await
            .expect("the right password");
        for lineage in [&there, &here] {
            let resumed = accounts.resume(lineage.token.clone(), true).await;
            let resumed = resumed.expect("each place has a token of its own");
            let confirmed = accounts.confirm(resumed.account, resumed.login).await;
            assert_eq!(confirmed, Ok(()), "a token that arrived is confirmed");
        }
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
                accounts.log_in(text(name), text(password), HOME).await,
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
            assert_eq!(
                accounts
                    .log_in(text("Bob"), "x".repeat(1 << 20), HOME)
                    .await,
                Err(AccountError::WrongCredentials),
                "a long password is nobody's"
            );
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
    let settings =
        format!("{CHEAP}\nwrong_passwords_burst = 500\nwrong_passwords_per_account_burst = 500");
    with_accounts(&settings, async |accounts, _| {
        accounts
            .register(text("Ann"), text("correct horse"))
            .await
            .expect("a free name");
        let answers =
            join_all((0..500).map(|_| accounts.log_in(text("Ann"), text("correct horse"), HOME)))
                .await;
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
                .log_in(text("Ann"), text("correct horse"), HOME)
                .await
                .is_ok(),
            "the line should be free again"
        );
    });
}

#[test]
fn wrong_passwords_come_to_an_end_whether_there_is_such_a_name_or_not() {
    let settings = format!("{CHEAP}\nwrong_passwords_per_minute = 1\nwrong_passwords_burst = 3");
    with_accounts(&settings, async |accounts, _| {
        accounts
            .register(text("Ann"), text("correct horse"))
            .await
            .expect("a free name");
        for name in ["Ann", "Bob"] {
            for guess in ["wrong horse", "correct house", "staple battery"] {
                assert_eq!(
                    accounts.log_in(text(name), text(guess), HOME).await,
                    Err(AccountError::WrongCredentials),
                    "three guesses should be answered"
                );
            }
            // Capitals make no other name.
            for name in [text(name), name.to_lowercase()] {
                assert_eq!(
                    accounts.log_in(name, text("correct horse"), HOME).await,
                    Err(AccountError::TooManyLogins),
                    "the fourth should not, right or wrong"
                );
            }
        }
        assert!(
            accounts
                .log_in(text("Ann"), text("correct horse"), ELSEWHERE)
                .await
                .is_ok(),
            "who knows the password and comes from elsewhere should not suffer"
        );
        assert_eq!(
            accounts
                .log_in(text("Cid"), text("correct horse"), HOME)
                .await,
            Err(AccountError::WrongCredentials),
            "nor should another name"
        );
    });
}

#[test]
fn guesses_from_everywhere_come_to_an_end_too() {
    let settings = format!(
        "{CHEAP}\nwrong_passwords_per_account_per_minute = 1\nwrong_passwords_per_account_burst = 5"
    );
    with_accounts(&settings, async |accounts, _| {
        let mut answers = Vec::new();
        for host in 0..7 {
            let from = IpAddr::V4(Ipv4Addr::new(192, 0, 2, host));
            answers.push(
                accounts
                    .log_in(text("Ann"), text("wrong horse"), from)
                    .await,
            );
        }
        let wrong = answers
            .iter()
            .filter(|answer| **answer == Err(AccountError::WrongCredentials));
        assert_eq!(wrong.count(), 5, "five guesses should be answered");
        assert_eq!(
            answers[5..],
            [
                Err(AccountError::TooManyLogins),
                Err(AccountError::TooManyLogins)
            ],
            "no more should, wherever they come from"
        );
    });
}

#[test]
fn a_right_password_is_no_guess() {
    let settings = format!("{CHEAP}\nwrong_passwords_per_minute = 1\nwrong_passwords_burst = 1");
    with_accounts(&settings, async |accounts, _| {
        accounts
            .register(text("Ann"), text("correct horse"))
            .await
            .expect("a free name");
        for _ in 0..5 {
            assert!(
                accounts
                    .log_in(text("Ann"), text("correct horse"), HOME)
                    .await
                    .is_ok(),
                "who knows the password should come in as often as it likes"
            );
        }
    });
}

#[test]
fn who_guesses_too_often_is_refused_before_anything_is_hashed() {
    // With a line of one and somebody in it, whoever came as far as the hashing would be told Busy.
    let settings = "hash_memory_kib = 65536\nhash_passes = 1\nhashes_at_once = 1\nwaiting_max = 0\n\
                    wrong_passwords_per_minute = 1\nwrong_passwords_burst = 1";
    with_accounts(settings, async |accounts, _| {
        let wrong = accounts
            .log_in(text("Ann"), text("wrong horse"), HOME)
            .await;
        assert_eq!(
            wrong,
            Err(AccountError::WrongCredentials),
            "one guess should be answered"
        );
        let long = accounts.register(text("Bob"), text("correct horse"));
        let refused = accounts.log_in(text("Ann"), text("wrong horse"), HOME);
        let (long, refused) = futures_util::future::join(long, refused).await;
        assert!(
            long.is_ok(),
            "the one in the line should be served: {long:?}"
        );
        assert_eq!(
            refused,
            Err(AccountError::TooManyLogins),
            "the second guess should not stand in line"
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
        assert_eq!(
            accounts.resume(other, true).await,
            Err(AccountError::OldToken),
            "another token of the lineage should let nobody in"
        );
        for token in [
            text(""),
            text("é") + &"0".repeat(62),
            registered.token.to_uppercase() + "0",
            "0".repeat(64),
            "0".repeat(1 << 20),
        ] {
            let answer = accounts.resume(token, true).await;
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
