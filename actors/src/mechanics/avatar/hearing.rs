//! The avatar's end of the tether: whom it listens to, what it was told, what it tells.

use std::time::Duration;

use client::{Cell, Code, Event};
use realm::{Address, Cx, Moment, Run, message};

use super::super::calls::EnterError;
use super::super::host::Host;
use super::Avatar;
use super::applied::Told;
use crate::tether::{Heard, Intents, Line, News, Piece, Play, UNHEARD_LEN_MAX};

/// What was not heard for this long is said again.
const AGAIN: Duration = Duration::from_millis(300);
/// With as much as this unheard, what others say is left out, so that a crowd cannot talk a player out of its session.
const MENTIONS_BELOW: u32 = UNHEARD_LEN_MAX as u32 / 2;

/// Hands the avatar over to another session of its player.
#[message]
pub(crate) struct Attach {
    /// Which waiting call to answer.
    pub ticket: u64,
    /// The session to listen to from now on.
    pub session: Address,
    /// The login that it speaks for.
    pub play: Play,
}

/// The tether's state at the avatar.
pub(super) struct Tether {
    session: Address,
    line: Line<Piece>,
    heard: Heard,
    /// Number of the first piece that was never sent.
    unsent: u32,
    sent_at: Moment,
    /// The session should learn how far it was heard.
    answer: bool,
    center: Option<Cell>,
}

impl Tether {
    pub(super) fn new(now: Moment) -> Self {
        Self {
            session: Address::NOBODY,
            line: Line::new(UNHEARD_LEN_MAX),
            heard: Heard::default(),
            unsent: 1,
            sent_at: now,
            answer: false,
            center: None,
        }
    }

    /// Tells the player something.
    pub(super) fn tell(&mut self, event: impl Into<Event>) {
        self.say(Piece::Event(event.into()));
    }

    /// Tells the player something that it can do without: not when much is unheard already.
    pub(super) fn mention(&mut self, event: impl Into<Event>) {
        if self.line.next() - self.line.first() < MENTIONS_BELOW {
            self.tell(event);
        }
    }

    pub(super) fn say(&mut self, piece: Piece) {
        if self.session == Address::NOBODY {
            return;
        }
        if self.line.say(piece).is_err() {
            // So far behind, the session is as good as gone; another one will be told everything anew.
            self.session = Address::NOBODY;
        }
    }
}

impl Run<Avatar> for Attach {
    fn run(self, avatar: &mut Avatar, cx: &mut Cx<Avatar>) {
        if avatar.keeping.departs() {
            let answer = Err(EnterError::Busy);
            return Host::of(cx.service()).entrances.answer(self.ticket, answer);
        }
        if !avatar.applied.hand_over(self.play) {
            let answer = Err(EnterError::Replaced);
            return Host::of(cx.service()).entrances.answer(self.ticket, answer);
        }
        let before = avatar.tether.session;
        if before != self.session && before != Address::NOBODY {
            avatar.dismiss(before, avatar.tether.line.next(), cx);
        }
        // A session that asks again may be heard already: its numbers go on.
        if before != self.session {
            avatar.attach(self.session, cx);
        }
        let entrance = avatar.entrance(cx);
        Host::of(cx.service())
            .entrances
            .answer(self.ticket, Ok(entrance));
    }
}

impl Run<Avatar> for Intents {
    fn run(self, avatar: &mut Avatar, cx: &mut Cx<Avatar>) {
        if self.session != avatar.tether.session {
            // It was replaced, and has not heard so yet.
            return avatar.dismiss(self.session, self.heard + 1, cx);
        }
        avatar.tether.line.heard(self.heard);
        avatar.tether.answer |= !self.intents.is_empty();
        for (sequence, command) in avatar.tether.heard.hear(self.first, self.intents) {
            match avatar.applied.take(sequence, &command) {
                Told::Now => avatar.obey(sequence, command, cx),
                Told::Before(Some(answer)) => avatar.tether.tell(answer),
                Told::Before(None) => {}
                Told::Unknown => avatar.refuse(sequence, Code::Unavailable),
            }
        }
    }
}

impl Avatar {
    /// Listens to `session` from now on, and to no other. Numbers begin anew on both sides.
    pub(super) fn attach(&mut self, session: Address, cx: &mut Cx<Self>) {
        self.tether = Tether {
            session,
            center: Some(self.center()),
            ..Tether::new(cx.now())
        };
        // The entrance tells the figures of this moment.
        self.told = Some((self.hp(), self.xp()));
        cx.watch(session);
    }

    fn dismiss(&self, session: Address, first: u32, cx: &mut Cx<Self>) {
        let news = vec![Piece::Replaced];
        cx.send(
            session,
            News {
                avatar: cx.address(),
                first,
                news,
                heard: 0,
            },
        );
    }

    /// A watched session is dead: the avatar stays in the world, vulnerable, until another takes it over or its time is up.
    pub(super) fn session_died(&mut self, session: Address, cx: &mut Cx<Self>) {
        if session != self.tether.session {
            return;
        }
        self.tether.session = Address::NOBODY;
        cx.after(Host::of(cx.service()).linger, |me, cx| {
            if me.tether.session == Address::NOBODY {
                me.depart(cx);
            }
        });
    }

    fn center(&self) -> Cell {
        self.entity.map.ground.cell_of(self.entity.place())
    }

    /// The cells that the avatar sees.
    pub(super) fn view(&self) -> Vec<Cell> {
        self.entity
            .map
            .ground
            .cells_in_view(self.center())
            .collect()
    }

    /// Tells the session when the view has changed.
    pub(super) fn look(&mut self, _: &mut Cx<Self>) {
        let center = self.center();
        if self.tether.center != Some(center) {
            self.tether.center = Some(center);
            let view = self.view();
            self.tether.say(Piece::View(view));
        }
    }

    /// Sends what is new, and again what was not heard for a while.
    pub(super) fn speak(&mut self, cx: &mut Cx<Self>) {
        let tether = &mut self.tether;
        if tether.session == Address::NOBODY {
            return;
        }
        let fresh = tether.unsent < tether.line.next();
        let again = !tether.line.is_empty() && cx.now().since(tether.sent_at) >= AGAIN;
        if !(fresh || again || tether.answer) {
            return;
        }
        let from = if again { 0 } else { tether.unsent };
        let (first, news) = tether.line.tail(from);
        tether.unsent = tether.line.next();
        tether.answer = false;
        if fresh || again {
            tether.sent_at = cx.now();
        }
        let heard = tether.heard.number();
        let session = tether.session;
        cx.send(
            session,
            News {
                avatar: cx.address(),
                first,
                news,
                heard,
            },
        );
    }
}
