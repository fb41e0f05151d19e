//! One client's session: who the player is, which avatar is theirs, what they see. It outlives its socket by a grace
//! time. It decides nothing of the game: it checks that a command can be read and that it is time for it.

mod cells;
mod chat;
mod command;
mod ending;
mod entry;
mod flush;
mod login;
mod mail;
mod out;
mod pulse;
mod sequences;
mod sight;
mod suspicion;
mod trust;
mod world;

use std::rc::Rc;

use client::{Code, Event, event};
use realm::{Cx, Death, DeathReason, Locale, Messages, Moment, Timer, Undelivered, Why};

use super::gate::Guest;
use super::house::House;
use super::outlet::Outlet;
use crate::chat::Whisper;
use crate::tether::{Intents, News};
use chat::Chat;
use entry::Entry;
pub(super) use mail::{Alive, CellBytes, FromClient, Passed, SocketLost, Stop, Talk, TooMany};
use out::Out;
use sequences::Sequences;
use sight::Sight;
pub(super) use suspicion::Suspected;
use suspicion::Suspicion;
use world::World;

/// WebSocket close code: all is done.
const CLOSE_NORMAL: u16 = 1000;
/// WebSocket close code: the server goes away.
const CLOSE_AWAY: u16 = 1001;
/// WebSocket close code: the client broke the rules.
const CLOSE_POLICY: u16 = 1008;

/// A session as a locale.
pub(super) struct Session {
    house: Rc<House>,
    guest: Guest,
    socket: Option<Box<dyn Outlet>>,
    stage: Stage,
    player: Option<Player>,
    sequences: Sequences,
    suspicion: Suspicion,
    out: Out,
    flush_timer: Option<Timer>,
    sight: Sight,
    chat: Chat,
    /// When the session came to stand where it does, outside the world.
    outside_since: Moment,
    /// When the client last gave a sign of life.
    heard_at: Moment,
    asked_at: Moment,
    sent_at: Moment,
    /// Since when the client takes too little.
    slow_since: Option<Moment>,
    /// The client was told goodbye, and nothing that it sends is read any more.
    parted: bool,
    /// The session ends with its socket, without a grace time.
    ends_with_socket: bool,
    /// The version of the list of gateways that the client was told last.
    gateways_told: u64,
    /// Counts entries, so that an answer to an earlier one is known as such.
    entries: u64,
}

/// Where a session stands.
enum Stage {
    /// Nobody has logged in.
    Fresh,
    /// The account service is asked who the player is.
    LoggingIn,
    /// Logged in, outside the world.
    LoggedIn,
    /// A place for the avatar is looked for.
    Entering(Entry),
    /// The avatar stands in the world.
    InWorld(World),
}

/// Who the session is.
struct Player {
    account: i64,
    character: i64,
    name: String,
    /// Counts the account's logins: of two sessions that enter, the one with the higher plays.
    login: u64,
    /// The login with which the numbers of the client's commands began.
    numbers: u64,
    /// The client is known to have its token.
    confirmed: bool,
}

/// What a session is made from.
pub(super) struct SessionSeed {
    pub(super) house: Rc<House>,
    pub(super) outlet: Box<dyn Outlet>,
    pub(super) guest: Guest,
}

impl Locale for Session {
    const NAME: &'static str = "session";
    type Seed = SessionSeed;

    fn new(seed: SessionSeed, cx: &mut Cx<Self>) -> Self {
        let SessionSeed {
            house,
            outlet,
            guest,
        } = seed;
        if let Some(peer) = outlet.peer() {
            cx.watch(peer);
        }
        let welcome = event::Welcome {
            protocol: client::PROTOCOL,
            realm: house.config.realm_name.clone(),
        };
        let now = cx.now();
        let mut session = Self {
            house,
            guest,
            socket: Some(outlet),
            stage: Stage::Fresh,
            player: None,
            sequences: Sequences::default(),
            suspicion: Suspicion::default(),
            out: Out::default(),
            flush_timer: None,
            sight: Sight::default(),
            chat: Chat::default(),
            outside_since: now,
            heard_at: now,
            // Long ago: the first pulse asks.
            asked_at: Moment::default(),
            sent_at: now,
            slow_since: None,
            parted: false,
            ends_with_socket: false,
            gateways_told: 0,
            entries: 0,
        };
        session.tell_now(&welcome.into(), cx);
        session.pulse_later(cx);
        session
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<FromClient>()
            .takes::<Passed>()
            .takes::<TooMany>()
            .takes::<Alive>()
            .takes::<SocketLost>()
            .takes::<CellBytes>()
            .takes::<Talk>()
            .takes::<Whisper>()
            .takes::<News>()
            .takes::<Stop>();
    }

    fn undelivered(&mut self, mail: &mut Undelivered, cx: &mut Cx<Self>) {
        // A notice of death can be lost on its way; mail that comes back says the same.
        if mail.take::<Intents>().is_some() && matches!(mail.why, Why::Gone | Why::Died) {
            self.avatar_died(
                Death {
                    address: mail.to,
                    reason: DeathReason::Gone,
                },
                cx,
            );
        }
    }

    fn died(&mut self, death: Death, cx: &mut Cx<Self>) {
        let peer = self.socket.as_ref().and_then(|socket| socket.peer());
        if peer == Some(death.address) {
            self.socket_lost(cx);
        } else {
            self.avatar_died(death, cx);
        }
    }
}

impl Session {
    /// Refuses a command, at once.
    fn refuse(&mut self, sequence: u32, code: Code, cx: &mut Cx<Self>) {
        self.refuse_saying(sequence, code, code.text().to_owned(), cx);
    }

    /// Refuses a command in other words than its code's.
    fn refuse_saying(&mut self, sequence: u32, code: Code, text: String, cx: &mut Cx<Self>) {
        self.house.metrics.refused(code, 1);
        self.sequences.done(sequence);
        let refused = event::Refused {
            sequence,
            code,
            text,
        };
        self.tell_now(&refused.into(), cx);
        self.suspect_refused(code, cx);
    }

    /// Answers a command, at once.
    fn answer(&mut self, sequence: u32, event: &Event, cx: &mut Cx<Self>) {
        self.sequences.done(sequence);
        self.tell_now(event, cx);
    }
}
