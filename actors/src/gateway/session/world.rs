//! The tether between a session in the world and its avatar: the player's intents go out, news comes in, and both are said
//! again until they are heard. Only one avatar is listened to.

use std::time::Duration;

use client::{Code, Command, Event, event};
use realm::{Address, Cx, Timer};

use super::{CLOSE_NORMAL, Session, Stage};
use crate::tether::{Heard, Intents, Line, LineFull, News, Piece, UNHEARD_LEN_MAX};

/// Intents that are not heard in this time are said again.
const AGAIN: Duration = Duration::from_millis(300);
/// News is acknowledged after this time at the latest.
const ACKNOWLEDGE_WITHIN: Duration = Duration::from_millis(100);

/// A session's hold on its avatar.
pub(super) struct World {
    /// Which entry brought the avatar here; timers of an earlier one find another number.
    number: u64,
    avatar: Address,
    host: Address,
    intents: Line<(u32, Command)>,
    heard: Heard,
    leaves: bool,
    again: Option<Timer>,
    acknowledge: Option<Timer>,
}

impl World {
    pub(super) fn new(number: u64, avatar: Address, host: Address) -> Self {
        Self {
            number,
            avatar,
            host,
            intents: Line::new(UNHEARD_LEN_MAX),
            heard: Heard::default(),
            leaves: false,
            again: None,
            acknowledge: None,
        }
    }

    pub(super) fn avatar(&self) -> Address {
        self.avatar
    }

    pub(super) fn host(&self) -> Address {
        self.host
    }

    /// True once the avatar was asked to leave.
    pub(super) fn leaves(&self) -> bool {
        self.leaves
    }

    fn speak(&mut self, first: u32, intents: Vec<(u32, Command)>, cx: &mut Cx<Session>) {
        if let Some(timer) = self.acknowledge.take() {
            cx.cancel(timer);
        }
        let session = cx.address();
        let heard = self.heard.number();
        cx.send(
            self.avatar,
            Intents {
                session,
                first,
                intents,
                heard,
            },
        );
    }
}

impl Session {
    /// Says an intent to the avatar, at once.
    pub(super) fn say(
        &mut self,
        sequence: u32,
        command: Command,
        cx: &mut Cx<Self>,
    ) -> Result<(), LineFull<Command>> {
        let Stage::InWorld(world) = &mut self.stage else {
            return Err(LineFull(command));
        };
        let leaves = matches!(command, Command::Leave(_));
        let number = world
            .intents
            .say((sequence, command.clone()))
            .map_err(|LineFull((_, command))| LineFull(command))?;
        world.leaves |= leaves;
        world.speak(number, vec![(sequence, command)], cx);
        self.say_again_later(cx);
        Ok(())
    }

    /// Hears an avatar.
    pub(super) fn hear(&mut self, news: News, cx: &mut Cx<Self>) {
        let Stage::InWorld(world) = &mut self.stage else {
            return;
        };
        if world.avatar != news.avatar {
            return;
        }
        let applied = world.intents.heard(news.heard);
        if world.intents.is_empty()
            && let Some(timer) = world.again.take()
        {
            cx.cancel(timer);
        }
        let said_something = !news.news.is_empty();
        let fresh = world.heard.hear(news.first, news.news);
        for (sequence, _) in applied {
            self.sequences.done(sequence);
        }
        if said_something {
            self.acknowledge_later(cx);
        }
        for piece in fresh {
            self.take_in(piece, cx);
        }
    }

    fn take_in(&mut self, piece: Piece, cx: &mut Cx<Self>) {
        match piece {
            Piece::Event(event) => {
                self.tell(&event, cx);
                if let Event::Refused(refused) = &event {
                    self.house.metrics.refused(refused.code, 1);
                    self.suspect_refused(refused.code, cx);
                }
            }
            Piece::View(view) => self.see(&view, cx),
            Piece::Left => self.left_world(cx),
            Piece::Replaced => {
                self.drop_world(Code::Replaced, cx);
                self.replaced(cx);
            }
        }
    }

    /// A later login of the player has the avatar.
    pub(super) fn replaced(&mut self, cx: &mut Cx<Self>) {
        self.stand_outside(cx);
        self.goodbye(Code::Replaced, CLOSE_NORMAL, cx);
    }

    /// The avatar is out of the world: so is the session, and one without a socket has nothing left to do.
    pub(super) fn left_world(&mut self, cx: &mut Cx<Self>) {
        self.acknowledge(cx);
        self.sight.close();
        self.house.fans.forget(cx.address(), cx.service());
        self.close_line(Code::NotInWorld, cx);
        self.stand_outside(cx);
        self.tell_now(&event::Left {}.into(), cx);
        if self.socket.is_none() {
            cx.stop();
        }
    }

    /// The avatar is lost: what it did not hear is refused, so that nothing is applied twice, and its cells go.
    pub(super) fn drop_world(&mut self, code: Code, cx: &mut Cx<Self>) {
        self.see(&[], cx);
        self.sight.close();
        self.close_line(code, cx);
    }

    fn close_line(&mut self, code: Code, cx: &mut Cx<Self>) {
        let Stage::InWorld(world) = &mut self.stage else {
            return;
        };
        let timers = [world.again.take(), world.acknowledge.take()];
        timers
            .into_iter()
            .flatten()
            .for_each(|timer| cx.cancel(timer));
        for (sequence, command) in world.intents.unheard() {
            match command {
                // To leave is all that became of it.
                Command::Leave(_) => self.sequences.done(sequence),
                _ => self.refuse(sequence, code, cx),
            }
        }
    }

    fn say_again_later(&mut self, cx: &mut Cx<Self>) {
        let Stage::InWorld(world) = &mut self.stage else {
            return;
        };
        if world.again.is_some() || world.intents.is_empty() {
            return;
        }
        let number = world.number;
        world.again = Some(cx.after(AGAIN, move |me, cx| {
            if let Stage::InWorld(world) = &mut me.stage
                && world.number == number
            {
                world.again = None;
                let (first, unheard) = (world.intents.first(), world.intents.unheard());
                if !unheard.is_empty() {
                    world.speak(first, unheard, cx);
                    me.say_again_later(cx);
                }
            }
        }));
    }

    fn acknowledge_later(&mut self, cx: &mut Cx<Self>) {
        let Stage::InWorld(world) = &mut self.stage else {
            return;
        };
        if world.acknowledge.is_some() {
            return;
        }
        let number = world.number;
        world.acknowledge = Some(cx.after(ACKNOWLEDGE_WITHIN, move |me, cx| {
            if matches!(&me.stage, Stage::InWorld(world) if world.number == number) {
                me.acknowledge(cx);
            }
        }));
    }

    /// Says how far the avatar was heard.
    pub(super) fn acknowledge(&mut self, cx: &mut Cx<Self>) {
        let Stage::InWorld(world) = &mut self.stage else {
            return;
        };
        // Without intents the number says nothing.
        world.speak(world.intents.first(), Vec::new(), cx);
    }
}
