//! How an avatar comes into the world, and back into it when it was lost: the balancer names a place, the mechanics
//! service there lets it in, and both are asked again for as long as the player will wait.

use std::time::Duration;

use client::{Code, Event, event};
use realm::{Address, Cx, Death, DeathReason, Moment, ServiceCx};

use super::world::World;
use super::{Session, Stage};
use crate::balancer::{BalancerProxy, Placement};
use crate::mechanics::{EnterError, Entrance, MechanicsProxy};
use crate::tether::Play;

/// A player who wants to enter waits so long at most.
const ENTER_WITHIN: Duration = Duration::from_secs(10);
/// A player whose avatar was lost waits so long for its return.
const RETURN_WITHIN: Duration = Duration::from_secs(30);
/// One attempt has so long at most.
const ATTEMPT_WITHIN: Duration = Duration::from_secs(5);
/// The pause before another attempt.
const PAUSE: Duration = Duration::from_millis(500);
/// Full channels in a row before the world counts as full.
const FULL_MAX: u32 = 5;

/// A search for a place in the world.
pub(super) struct Entry {
    number: u64,
    /// The `Enter` that it answers; none when a lost avatar returns.
    answers: Option<u32>,
    until: Moment,
    /// A mechanics service that was seen to fail.
    lost: Option<Address>,
    full: u32,
    /// The `Leave` that came meanwhile.
    leave: Option<u32>,
}

impl Entry {
    /// True when the client believes to be in the world already.
    pub(super) fn is_return(&self) -> bool {
        self.answers.is_none()
    }

    /// The avatar is to leave again as soon as it is there.
    pub(super) fn leave(&mut self, sequence: u32) {
        self.leave.get_or_insert(sequence);
    }

    /// True when the avatar is to leave again.
    pub(super) fn leaves(&self) -> bool {
        self.leave.is_some()
    }
}

/// What became of one attempt.
enum Tried {
    In(Placement, Entrance),
    /// The channel is full, and the balancer knows.
    Full,
    /// There is no place for now.
    NoPlace,
    /// A later login of the player has the avatar.
    Replaced,
    /// The service at this address failed.
    Failed(Address),
    /// It would fail for ever.
    Hopeless,
}

impl Session {
    /// Begins to enter, for the command with this sequence.
    pub(super) fn enter(&mut self, sequence: u32, cx: &mut Cx<Self>) {
        self.seek(Some(sequence), None, ENTER_WITHIN, cx);
        self.attempt(cx);
    }

    /// Somebody whom the session watches is dead.
    pub(super) fn avatar_died(&mut self, death: Death, cx: &mut Cx<Self>) {
        let Stage::InWorld(world) = &self.stage else {
            return;
        };
        if world.avatar() != death.address {
            return;
        }
        let (host, leaves) = (world.host(), world.leaves());
        tracing::info!(session = %cx.address(), reason = ?death.reason, "a session has lost its avatar");
        if leaves {
            return self.left_world(cx);
        }
        let lost = match death.reason {
            DeathReason::Panicked | DeathReason::Gone => None,
            DeathReason::Ended | DeathReason::ServiceRestarted | DeathReason::NodeLost => {
                Some(host)
            }
        };
        self.drop_world(Code::Unavailable, cx);
        self.seek(None, lost, RETURN_WITHIN, cx);
        self.attempt_later(cx);
    }

    fn seek(
        &mut self,
        answers: Option<u32>,
        lost: Option<Address>,
        within: Duration,
        cx: &mut Cx<Self>,
    ) {
        self.entries += 1;
        self.stage = Stage::Entering(Entry {
            number: self.entries,
            answers,
            until: cx.now() + within,
            lost,
            full: 0,
            leave: None,
        });
    }

    fn attempt(&mut self, cx: &mut Cx<Self>) {
        let (Stage::Entering(entry), Some(player)) = (&self.stage, &self.player) else {
            return;
        };
        let number = entry.number;
        let asks = Attempt {
            service: cx.service().clone(),
            character: player.character,
            session: cx.address(),
            play: Play {
                login: player.login,
                numbers: player.numbers,
                known_from: self.sequences.next(),
            },
            lost: entry.lost,
            within: entry.until.since(cx.now()).min(ATTEMPT_WITHIN),
        };
        cx.call(asks.make(), move |me, tried, cx| {
            if me.is_entry(number) {
                me.tried(tried, cx);
            }
        });
    }

    fn attempt_later(&mut self, cx: &mut Cx<Self>) {
        let Stage::Entering(entry) = &self.stage else {
            return;
        };
        let number = entry.number;
        if cx.now() + PAUSE >= entry.until {
            return self.give_up(Code::Unavailable, cx);
        }
        cx.after(PAUSE, move |me, cx| {
            if me.is_entry(number) {
                me.attempt(cx);
            }
        });
    }

    fn is_entry(&self, number: u64) -> bool {
        matches!(&self.stage, Stage::Entering(entry) if entry.number == number)
    }

    fn tried(&mut self, tried: Tried, cx: &mut Cx<Self>) {
        let Stage::Entering(entry) = &mut self.stage else {
            return;
        };
        match tried {
            Tried::In(placement, entrance) => self.entered(placement, entrance, cx),
            Tried::Full => {
                entry.lost = None;
                entry.full += 1;
                match entry.full < FULL_MAX {
                    true => self.attempt(cx),
                    false => self.give_up(Code::Full, cx),
                }
            }
            Tried::NoPlace => self.attempt_later(cx),
            Tried::Failed(host) => {
                entry.lost = Some(host);
                self.attempt_later(cx);
            }
            Tried::Replaced => self.replaced(cx),
            Tried::Hopeless => self.give_up(Code::Unavailable, cx),
        }
    }

    fn entered(&mut self, placement: Placement, entrance: Entrance, cx: &mut Cx<Self>) {
        let Stage::Entering(entry) = &self.stage else {
            return;
        };
        let (number, answers, leave) = (entry.number, entry.answers, entry.leave);
        let Entrance {
            avatar,
            entered,
            view,
        } = entrance;
        cx.watch(avatar);
        self.stage = Stage::InWorld(World::new(number, avatar, placement.host));
        self.answer(answers.unwrap_or(0), &entered, cx);
        // An avatar that stood here already may stand in another channel than the one that was proposed.
        let channel = match &entered {
            Event::Entered(entered) => entered.channel,
            _ => placement.channel,
        };
        self.sight.open(channel, placement.host);
        self.see(&view, cx);
        // Another session may have taken the avatar over before this answer came; its word of that was for a session that
        // did not know the avatar yet. Who is heard by it no more is told so again.
        self.acknowledge(cx);
        if let Some(sequence) = leave {
            // A new line has room.
            let _ = self.say(sequence, client::command::Leave {}.into(), cx);
        }
    }

    fn give_up(&mut self, code: Code, cx: &mut Cx<Self>) {
        let Stage::Entering(entry) = &self.stage else {
            return;
        };
        let (answers, leave) = (entry.answers, entry.leave);
        self.stand_outside(cx);
        match answers {
            Some(sequence) => self.refuse(sequence, code, cx),
            None => self.answer(leave.unwrap_or(0), &event::Left {}.into(), cx),
        }
        if self.socket.is_none() {
            cx.stop();
        }
    }
}

/// One attempt to enter.
struct Attempt {
    service: ServiceCx,
    character: i64,
    session: Address,
    play: Play,
    lost: Option<Address>,
    within: Duration,
}

impl Attempt {
    async fn make(self) -> Tried {
        let balancer = BalancerProxy::new(&self.service).within(self.within);
        let placement = match balancer.place(self.character, self.lost).await {
            Ok(placement) => placement,
            Err(error) => {
                tracing::warn!(self.character, %error, "a character has no place");
                return Tried::NoPlace;
            }
        };
        let mechanics = MechanicsProxy::at(&self.service, placement.host).within(self.within);
        match mechanics
            .enter(placement.channel, self.character, self.session, self.play)
            .await
        {
            Ok(entrance) => Tried::In(placement, entrance),
            Err(EnterError::Full) => {
                match balancer.refused(self.character, placement.channel).await {
                    Ok(()) => Tried::Full,
                    Err(_) => Tried::NoPlace,
                }
            }
            Err(EnterError::Busy) => Tried::NoPlace,
            Err(EnterError::Replaced) => Tried::Replaced,
            Err(error) => {
                tracing::warn!(self.character, channel = placement.channel, %error, "an avatar could not enter");
                match error {
                    EnterError::NoSuchMap(_) => Tried::Hopeless,
                    _ => Tried::Failed(placement.host),
                }
            }
        }
    }
}
