//! Carries what players say: checks pace and text, tells rooms by topic and single players by mail. What a player wrote is
//! never logged.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use client::{Event, event};
use realm::{
    Address, Birth, CallTable, Classes, Death, Module, ModuleError, ServiceCx, Undelivered, Why,
};
use serde::Deserialize;

use super::pace::Pace;
use super::people::{People, Talker};
use super::room::{Room, RoomName};
use super::said::Said;
use super::{Chat, ChatError, ChatProxy, Whisper, rules};

/// Settings of the module `chat`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChatConfig {
    /// How much a player may ask of the chat in 10 s.
    per_10s: u32,
    /// In how many rooms a player may be.
    rooms_per_player_max: usize,
    /// How many sessions may be there.
    sessions_max: usize,
}

impl Default for ChatConfig {
    fn default() -> Self {
        Self {
            per_10s: 10,
            rooms_per_player_max: 8,
            sessions_max: 65_536,
        }
    }
}

/// The chat's module. What it knows it forgets when its service restarts; sessions then tell it again.
pub struct ChatModule {
    cx: ServiceCx,
    people: RefCell<People>,
    pace: RefCell<Pace>,
    said: RefCell<Said>,
}

impl Module for ChatModule {
    const NAME: &'static str = "chat";
    type Config = ChatConfig;

    fn classes(list: &mut Classes) {
        list.calls(ChatProxy::METHODS);
    }

    fn new(config: ChatConfig, cx: &ServiceCx) -> Result<Self, ModuleError> {
        if config.per_10s == 0 || config.sessions_max == 0 {
            return Err(ModuleError::Needs {
                module: Self::NAME,
                what: "per_10s and sessions_max must be at least 1, or nobody can talk".to_owned(),
            });
        }
        Ok(Self {
            cx: cx.clone(),
            people: RefCell::new(People::new(
                config.sessions_max,
                config.rooms_per_player_max,
            )),
            pace: RefCell::new(Pace::new(config.per_10s, config.sessions_max)),
            said: RefCell::new(Said::new(config.sessions_max)),
        })
    }

    fn serve(self: &Rc<Self>, calls: &mut CallTable) {
        ChatProxy::serve(calls, self);
    }

    fn died(&self, death: Death, _: &ServiceCx) {
        self.people.borrow_mut().remove(death.address);
    }

    fn node_lost(&self, node: Birth, _: &ServiceCx) {
        self.people.borrow_mut().remove_all_of(node);
    }

    fn undelivered(&self, mail: &mut Undelivered, _: &ServiceCx) {
        // A notice of death can be lost on its way; mail that comes back says the same.
        if mail.take::<Whisper>().is_some() && matches!(mail.why, Why::Gone | Why::Died) {
            self.people.borrow_mut().remove(mail.to);
        }
    }
}

impl Chat for ChatModule {
    async fn here(
        &self,
        session: Address,
        talker: Talker,
        rooms: Vec<RoomName>,
    ) -> Result<(), ChatError> {
        self.people.borrow_mut().enter(session, talker, rooms)?;
        self.cx.watch_from_service(session);
        Ok(())
    }

    async fn gone(&self, session: Address) -> Result<(), ChatError> {
        self.people.borrow_mut().remove(session);
        Ok(())
    }

    async fn say(
        &self,
        session: Address,
        number: u32,
        room: Room,
        text: String,
    ) -> Result<String, ChatError> {
        // What is said near, the avatar says, and knows whether it has said it.
        if room != Room::Near {
            self.not_before(session, number)?;
        }
        let from = self.pay(session)?;
        let text = rules::clean(&text)?.to_owned();
        if let Room::Named(name) = &room
            && !self.people.borrow().is_in(session, name)
        {
            return Err(ChatError::NoSuchRoom);
        }
        if let Some(topic) = room.topic() {
            let said = event::Said {
                room: room.written(),
                from,
                text: text.clone(),
            };
            let (_, body) = Event::from(said).encode();
            self.cx.publish(&topic, Bytes::from(body));
            self.said(session, number);
        }
        Ok(text)
    }

    async fn whisper(
        &self,
        session: Address,
        number: u32,
        to: String,
        text: String,
    ) -> Result<Whisper, ChatError> {
        self.not_before(session, number)?;
        let from = self.pay(session)?;
        let text = rules::clean(&text)?.to_owned();
        let people = self.people.borrow();
        let (target, to) = people.find(&to)?;
        let whisper = Whisper {
            from,
            to: to.to_owned(),
            text,
        };
        self.cx.send(target, whisper.clone());
        drop(people);
        self.said(session, number);
        Ok(whisper)
    }

    async fn join(&self, session: Address, room: RoomName) -> Result<(), ChatError> {
        self.pay(session)?;
        self.people.borrow_mut().join(session, room)
    }

    async fn part(&self, session: Address, room: RoomName) -> Result<(), ChatError> {
        self.pay(session)?;
        self.people.borrow_mut().part(session, &room)
    }
}

impl ChatModule {
    /// Refuses what the player has said already.
    fn not_before(&self, session: Address, number: u32) -> Result<(), ChatError> {
        let people = self.people.borrow();
        match self.said.borrow().has(people.who(session)?, number) {
            true => Err(ChatError::Before),
            false => Ok(()),
        }
    }

    fn said(&self, session: Address, number: u32) {
        if let Ok(talker) = self.people.borrow().who(session) {
            self.said.borrow_mut().note(talker, number);
        }
    }

    /// Lets a session's player ask once more; returns the name under which it talks.
    fn pay(&self, session: Address) -> Result<String, ChatError> {
        let people = self.people.borrow();
        let talker = people.who(session)?;
        match self.pace.borrow_mut().take(talker.character, self.cx.now()) {
            true => Ok(talker.name.clone()),
            false => Err(ChatError::TooFast),
        }
    }
}
