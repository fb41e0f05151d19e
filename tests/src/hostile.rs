//! What strangers may do to a realm, as a table of rows: each attack gets its answer, an honest player beside it notices
//! nothing, and ten thousand of them leave no trace in memory (`flat.rs`). The rows stand in one file for each list of what
//! is defended against.

mod accounts;
mod attacker;
mod encoding;
mod flat;
mod fuzz;
mod honest;
mod internal;
mod limits;
mod raw;
mod stage;
mod state;
mod transport;

use client::Code;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};

use attacker::Attacker;
use honest::Honest;
use stage::Stage;

/// What became of one attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// The handshake was answered with this HTTP status.
    Status(u16),
    /// The server closed with this code.
    Closed(u16),
    /// The server said goodbye for this reason, and closed with 1000.
    Goodbye(Code),
    /// The server sent the client away for what it did: a goodbye, and 1008.
    Expelled,
    /// The command was refused.
    Refused(Code),
    /// The socket ended without a word.
    Cut,
    /// Nothing: the connection goes on as if nothing had been asked.
    Harmless,
}

/// The attack did not come to an end that could be judged.
#[derive(Debug)]
struct Odd(String);

impl<E: std::error::Error> From<E> for Odd {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl std::fmt::Display for Odd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Odd {
    fn because(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

type Attacked<'a> = LocalBoxFuture<'a, Result<Answer, Odd>>;

/// One thing that a stranger may try.
#[derive(Clone, Copy)]
struct Row {
    /// As in the list.
    name: &'static str,
    /// What one repetition gets. An attack of many at once gives the answer that all of them got.
    answer: Answer,
    attack: fn(&mut Attacker) -> Attacked<'_>,
    /// How often it is tried at the same time.
    at_once: usize,
    /// Repetitions that one attack counts for.
    each: usize,
    /// It takes its time, whatever is done: fewer repetitions, more of them at once.
    lasts: bool,
    /// It meets the limits of any realm, and not those that are raised for tests.
    strict: bool,
}

impl Row {
    /// A row of attacks that are over at once.
    const fn new(
        name: &'static str,
        answer: Answer,
        attack: fn(&mut Attacker) -> Attacked<'_>,
    ) -> Self {
        Self {
            name,
            answer,
            attack,
            at_once: 48,
            each: 1,
            lasts: false,
            strict: false,
        }
    }

    /// The same, where one attack is one of `at_once` that each last seconds.
    const fn lasting(self, at_once: usize) -> Self {
        Self {
            at_once,
            lasts: true,
            ..self
        }
    }

    /// The same, where limits are not raised.
    const fn strict(self) -> Self {
        Self {
            strict: true,
            ..self
        }
    }

    /// The same, where one attack makes `each` repetitions, and `at_once` such attacks run.
    const fn by(self, each: usize, at_once: usize) -> Self {
        Self {
            each,
            at_once,
            ..self
        }
    }

    /// Repeats the attack, some at a time, while `goes_on` allows another; how many repetitions there were.
    async fn repeat(
        &self,
        attackers: &mut [Attacker],
        mut goes_on: impl FnMut(usize) -> bool,
    ) -> Result<usize, String> {
        let mut begun = 0;
        let mut under_way = FuturesUnordered::new();
        let attack = |attacker| async move {
            let attacker: &mut Attacker = attacker;
            let got = (self.attack)(attacker).await;
            (attacker, got)
        };
        for attacker in attackers {
            if goes_on(begun) {
                begun += self.each;
                under_way.push(attack(attacker));
            }
        }
        while let Some((attacker, got)) = under_way.next().await {
            match got {
                Ok(answer) if answer == self.answer => {}
                other => {
                    return Err(format!(
                        "{} should get {:?}, not {other:?}",
                        self.name, self.answer
                    ));
                }
            }
            if goes_on(begun) {
                begun += self.each;
                under_way.push(attack(attacker));
            }
        }
        Ok(begun)
    }
}

/// The rows of one list, and two tests for each.
macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident $([$($how:tt)*])? => $answer:expr, |$attacker:ident| $body:block)*) => {
        /// The rows of this list.
        pub(in crate::hostile) const ROWS: &[$crate::hostile::Row] = &[$({
            use $crate::hostile::Answer::*;
            $crate::hostile::Row::new(stringify!($name), $answer, |$attacker| Box::pin(async move $body))
                $($($how)*)?
        },)*];

        $(
            $(#[$doc])*
            mod $name {
                #[test]
                fn gets_its_answer() {
                    $crate::hostile::gets_its_answer(super::ROWS, stringify!($name));
                }

                #[test]
                fn is_not_noticed_by_an_honest_player() {
                    $crate::hostile::is_not_noticed(super::ROWS, stringify!($name));
                }
            }
        )*
    };
}
pub(super) use rows;

fn row_of(rows: &[Row], name: &str) -> Row {
    let row = rows.iter().find(|row| row.name == name);
    *row.expect("the test stands beside its row")
}

/// Some repetitions, one after the other and then together.
fn gets_its_answer(rows: &[Row], name: &str) {
    let row = row_of(rows, name);
    let stage = Stage::start(row.strict);
    tests::play(async {
        let mut attackers = stage.attackers(row.at_once.min(4));
        if !row.lasts {
            let one = row.repeat(&mut attackers[..1], |begun| begun < 2 * row.each);
            one.await.unwrap_or_else(|odd| panic!("{odd}"));
        }
        let some = row.repeat(&mut attackers, |begun| begun < 4 * row.each);
        some.await.unwrap_or_else(|odd| panic!("{odd}"));
    });
    stage.stop();
}

/// A player who plays before, during and after the attacks.
fn is_not_noticed(rows: &[Row], name: &str) {
    let row = row_of(rows, name);
    let stage = Stage::start(row.strict);
    let mut honest = Honest::start(stage.url(), "Honest");
    honest.plays_on();
    tests::play(async {
        let before = stage.figures().await;
        let mut attackers = stage.attackers(row.at_once.min(8));
        let mut rounds = 0;
        // The attacks go on until the player has played for a while beside them.
        let attacks = row.repeat(&mut attackers, |_| {
            rounds += honest.rounds();
            rounds < 2
        });
        attacks.await.unwrap_or_else(|odd| panic!("{odd}"));
        drop(attackers);
        honest.plays_on();
        stage.recovers(&before).await;
    });
    honest.stop();
    stage.stop();
}
