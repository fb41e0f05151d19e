//! Players who do anything at any time: valid commands, damaged ones, damaged frames, logins, entries and ends, in any
//! order, many of them at once. The realm does not panic, and plays on.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use client::command::{Cast, Enter, LogIn, Loot, Move, Register, Say, Use};
use client::{Command, CommandFrame, Handle};
use futures_util::future::{Either, join_all, select};
use realm::{Clock, Moment};
use tests::PASSWORD;
use tests::fuzz::{self, Dice};

use super::honest::Honest;
use super::raw::{self, BINARY, Raw};
use super::stage::Stage;
use super::{Answer, Odd};

/// So long in a usual run, of the 60 s that all fuzzing takes.
const SECONDS: u64 = 60;
/// This part of the time is for decoders; the rest is for these.
const PART: u64 = 4;
/// Players at once.
const FOES: usize = 24;
/// Accounts that they share, so that they replace each other now and then.
const ACCOUNTS: usize = 16;
/// An answer that does not come within this time was not asked for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Handles that are given to somebody in a small world.
const HANDLES: usize = 48;

/// One of many who do anything.
struct Foe {
    address: SocketAddr,
    dice: Dice,
    /// Valid frames to take parts from.
    parts: Vec<Vec<u8>>,
    commands: Vec<Command>,
    until: Moment,
    clock: Clock,
    sent: u64,
    /// The frame that was sent last.
    last: Vec<u8>,
}

impl Foe {
    fn new(address: SocketAddr, seed: u64, clock: Clock, until: Moment) -> Self {
        let commands = fuzz::commands();
        let part = |command: &Command| {
            let (class, body) = command.encode();
            let sequence = 1;
            CommandFrame {
                class,
                sequence,
                body: &body,
            }
            .encode()
        };
        Self {
            address,
            dice: Dice::new(seed),
            parts: commands.iter().map(part).collect(),
            commands,
            until,
            clock,
            sent: 0,
            last: Vec::new(),
        }
    }

    /// One connection after the other; how many frames it sent. What the server says has to be readable, always.
    async fn play(mut self) -> Result<u64, Odd> {
        while self.clock.now() < self.until {
            let mut raw = match self.dice.one_in(40) {
                true => {
                    self.shake_badly().await?;
                    continue;
                }
                false => Raw::open(self.address).await?,
            };
            self.connection(&mut raw).await?;
        }
        Ok(self.sent)
    }

    /// A damaged handshake.
    async fn shake_badly(&mut self) -> Result<(), Odd> {
        let mut bytes = raw::head("/ws", raw::UPGRADE).into_bytes();
        fuzz::damage(&mut bytes, &self.parts, &mut self.dice);
        let mut raw = Raw::connect(self.address).await?;
        raw.bytes(&bytes).await;
        self.sent += 1;
        // Whether it waits for an answer or goes at once is one more thing that varies.
        if bytes.ends_with(b"\r\n\r\n") && self.dice.one_in(2) {
            raw.answer_head().await.ok();
        }
        Ok(())
    }

    async fn connection(&mut self, raw: &mut Raw) -> Result<(), Odd> {
        // Most want to get in first, or nothing in the world would ever be tried.
        if !self.dice.one_in(4) {
            for register in [true, false] {
                let command = self.credentials(register);
                raw.command(command).await;
            }
            if !self.dice.one_in(4) {
                raw.serves().await?;
                raw.command(Enter {}).await;
            }
        }
        for _ in 0..self.dice.below(120) {
            self.sent += 1;
            match self.dice.below(20) {
                0..=8 => {
                    let command = self.likely();
                    raw.command(command).await;
                }
                9..=10 => {
                    let command = self.dice.pick(&self.commands).clone();
                    raw.command(command).await;
                }
                11..=15 => {
                    let mut frame = self.frame(raw.sequence().wrapping_add(1));
                    fuzz::damage(&mut frame, &self.parts, &mut self.dice);
                    raw.frame(BINARY, &frame).await;
                    self.last = frame;
                }
                16 => raw.frame(BINARY, &self.last).await,
                17 => raw.skip_sequences(self.dice.below(1 << 20) as u32),
                18 => {
                    let mut bytes = raw::frame(BINARY, &self.frame(raw.sequence().wrapping_add(1)));
                    fuzz::damage(&mut bytes, &self.parts, &mut self.dice);
                    raw.bytes(&bytes).await;
                }
                _ => {
                    let serves = self.patiently(raw.serves()).await?;
                    if serves != Some(Answer::Harmless) || self.clock.now() >= self.until {
                        return Ok(());
                    }
                }
            }
        }
        // Some take their leave in order, and some just go.
        if self.dice.one_in(3) {
            raw.frame(raw::CLOSE, &1000_u16.to_be_bytes()).await;
            self.patiently(raw.end()).await?;
        }
        Ok(())
    }

    /// An answer, or nothing after a while: the length of a damaged frame may have swallowed the question, and then the
    /// answers to the server's pings fill that frame up, so that the connection goes on.
    async fn patiently(
        &self,
        answer: impl Future<Output = Result<Answer, Odd>>,
    ) -> Result<Option<Answer>, Odd> {
        let patience = self.clock.sleep(PATIENCE);
        match select(pin!(answer), pin!(patience)).await {
            Either::Left((answer, _)) => answer.map(Some),
            Either::Right(_) => Ok(None),
        }
    }

    fn credentials(&mut self, register: bool) -> Command {
        let name = format!("Fuzz{}", self.dice.below(ACCOUNTS));
        let password = PASSWORD.to_owned();
        match register {
            true => Register { name, password }.into(),
            false => LogIn { name, password }.into(),
        }
    }

    /// A valid frame with this number.
    fn frame(&mut self, sequence: u32) -> Vec<u8> {
        let (class, body) = self.dice.pick(&self.commands).encode();
        CommandFrame {
            class,
            sequence,
            body: &body,
        }
        .encode()
    }

    /// A command that makes sense for a player in the world.
    fn likely(&mut self) -> Command {
        let target = Handle(self.dice.below(HANDLES) as u16);
        let mut place = || self.dice.below(64) as f32 + 0.5;
        let (x, y) = (place(), place());
        match self.dice.below(8) {
            0..=2 => Move { x, y }.into(),
            3 => {
                let spell = *self.dice.pick(&["spells/strike", "spells/fireball"]);
                let spell = spell.to_owned();
                Cast { spell, target }.into()
            }
            4 => Loot { target }.into(),
            5 => Use { target }.into(),
            6 => {
                let room = *self.dice.pick(&["near", "realm", "room:fuzz"]);
                let room = room.to_owned();
                let text = "hello".to_owned();
                Say { room, text }.into()
            }
            _ => self.dice.pick(&self.commands).clone(),
        }
    }
}

#[test]
fn a_realm_of_players_who_do_anything_plays_on() {
    let seconds = tests::soak::amount("fuzz", SECONDS).div_ceil(PART) * (PART - 1);
    let seed = fuzz::seed();
    let stage = Stage::start(false);
    let mut honest = Honest::start(stage.url(), "Honest");
    honest.plays_on();
    let time = Duration::from_secs(seconds);
    let mut sent = 0;
    tests::play_within(time + Duration::from_secs(300), async {
        let before = stage.figures().await;
        let clock = Clock::machine();
        let until = clock.now() + time;
        let foes = (0..FOES).map(|number| {
            let seed = seed.wrapping_add(number as u64);
            Foe::new(stage.address(), seed, clock.clone(), until).play()
        });
        for played in join_all(foes).await {
            sent += played.unwrap_or_else(|odd| panic!("seed {seed}: {odd:?}"));
        }
        stage.recovers(&before).await;
    });
    honest.plays_on();
    let mut another = Honest::start(stage.url(), "Another");
    another.plays_on();
    tests::soak::figures(
        "fuzz",
        "-sequences",
        &[
            ("seconds", seconds as f64),
            ("frames", sent as f64),
            ("honest_strike_ms_max", honest.struck_ms_max as f64),
        ],
    );
    another.stop();
    honest.stop();
    stage.stop();
}
