//! What the player says and hears beyond its avatar's own words: asks the chat service one thing at a time, so that what is
//! said stays in order, and takes part in the rooms that the player is in. Judges no text.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use client::event::{Said, Whispered};
use client::{Code, Command, command};
use realm::{Address, Cx};
use wire::Class;

use super::{Session, Stage};
use crate::chat::{ChatError, ChatProxy, Room, RoomName, Talker, Whisper};
use crate::gateway::fans::Ear;

/// Requests of one player that may wait for their turn.
const WAITING_MAX: usize = 16;
/// The chat service has so long to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// A session's part in the chat.
#[derive(Default)]
pub(super) struct Chat {
    waiting: VecDeque<(u32, Request)>,
    /// The chat service is asked something.
    asks: bool,
    /// The chat service that knows this session.
    known_by: Option<Address>,
    rooms: BTreeSet<RoomName>,
}

/// What a player asks of the chat service.
#[derive(Clone)]
enum Request {
    Say(Room, String),
    Whisper(String, String),
    Join(RoomName),
    Part(RoomName),
}

impl Request {
    /// `None` when it names no room that there could be.
    fn of(command: Command) -> Option<Self> {
        match command {
            Command::Say(it) => Some(Self::Say(Room::parse(&it.room)?, it.text)),
            Command::Whisper(it) => Some(Self::Whisper(it.to, it.text)),
            Command::Join(it) => Some(Self::Join(RoomName::parse(&it.room)?)),
            Command::Part(it) => Some(Self::Part(RoomName::parse(&it.room)?)),
            _ => None,
        }
    }
}

/// What the chat service has done.
enum Done {
    Said(Room, String),
    Whispered(Whisper),
    Joined(RoomName),
    Parted(RoomName),
}

impl Session {
    /// Brings `Say`, `Whisper`, `Join` or `Part` before the chat service.
    pub(super) fn talk(&mut self, sequence: u32, command: Command, cx: &mut Cx<Self>) {
        let Some(request) = Request::of(command) else {
            return self.refuse(sequence, Code::NoSuchRoom, cx);
        };
        if self.chat.waiting.len() >= WAITING_MAX {
            return self.refuse(sequence, Code::TooFast, cx);
        }
        self.chat.waiting.push_back((sequence, request));
        self.ask_next(cx);
    }

    /// Hears what is said to the whole realm from now on, and can be whispered to.
    pub(super) fn listen(&mut self, cx: &mut Cx<Self>) {
        self.hear_room(&Room::Realm, cx);
        self.be_known(cx);
    }

    /// Sees to it that the chat service knows the session. It forgets when it starts anew.
    pub(super) fn be_known(&mut self, cx: &mut Cx<Self>) {
        let chat = cx.service().node().directory().members(ChatProxy::GROUP);
        let there = chat.first().copied();
        let known = there.is_none() || self.chat.known_by == there;
        if known || self.chat.asks {
            return;
        }
        let Some(asking) = self.asking(cx) else {
            return;
        };
        self.chat.asks = true;
        cx.call(async move { asking.here().await }, move |me, known, cx| {
            me.chat.asks = false;
            match known {
                Ok(()) => me.chat.known_by = there,
                Err(error) => {
                    tracing::debug!(session = %cx.address(), %error, "the chat service does not take a session in");
                }
            }
            me.ask_next(cx);
        });
    }

    /// The client is gone: it hears nothing, and nobody should whisper to it.
    pub(super) fn say_nothing_more(&mut self, cx: &mut Cx<Self>) {
        let me = cx.address();
        self.house.rooms.forget(me, cx.service());
        self.chat.waiting.clear();
        if self.chat.known_by.take().is_some() {
            let chat = ChatProxy::new(cx.service()).within(ANSWER_WITHIN);
            // The session's death says the same, so it is no loss when this does not arrive.
            cx.service().run(async move { drop(chat.gone(me).await) });
        }
    }

    /// Something was said in a room.
    pub(super) fn hear_said(&mut self, bytes: Bytes, cx: &mut Cx<Self>) {
        // Talk goes before a slow client is cut for it.
        if !self.is_slow() && self.has_room(cx) {
            self.out.encoded_event(Said::ID, bytes);
        }
    }

    /// Somebody whispers to the player.
    pub(super) fn hear_whisper(&mut self, whisper: Whisper, cx: &mut Cx<Self>) {
        if !self.is_slow() {
            self.tell(&told(whisper).into(), cx);
        }
    }

    fn asking(&self, cx: &Cx<Self>) -> Option<Asking> {
        let player = self.player.as_ref()?;
        Some(Asking {
            chat: ChatProxy::new(cx.service()).within(ANSWER_WITHIN),
            session: cx.address(),
            talker: Talker {
                character: player.character,
                name: player.name.clone(),
                numbers: player.numbers,
            },
            rooms: self.chat.rooms.iter().cloned().collect(),
        })
    }

    fn ask_next(&mut self, cx: &mut Cx<Self>) {
        if self.chat.asks {
            return;
        }
        let Some(asking) = self.asking(cx) else {
            return;
        };
        let Some((sequence, request)) = self.chat.waiting.pop_front() else {
            return;
        };
        self.chat.asks = true;
        cx.call(asking.ask(sequence, request), move |me, answer, cx| {
            me.chat.asks = false;
            match answer {
                Ok(done) => me.talked(sequence, done, cx),
                Err(ChatError::Before) => {
                    me.sequences.done(sequence);
                    me.flush(cx);
                }
                Err(error) => me.refuse(sequence, code_of(&error), cx),
            }
            me.ask_next(cx);
        });
    }

    fn talked(&mut self, sequence: u32, done: Done, cx: &mut Cx<Self>) {
        match done {
            Done::Said(Room::Near, text) => return self.say_near(sequence, text, cx),
            // The player hears itself as the others do.
            Done::Said(..) => {}
            Done::Whispered(whisper) => {
                return self.answer(sequence, &told(whisper).into(), cx);
            }
            Done::Joined(room) => {
                self.hear_room(&Room::Named(room.clone()), cx);
                self.chat.rooms.insert(room);
            }
            Done::Parted(room) => {
                self.chat.rooms.remove(&room);
                if let Some(topic) = Room::Named(room).topic() {
                    self.house.rooms.leave(cx.address(), &topic, cx.service());
                }
            }
        }
        self.sequences.done(sequence);
        self.flush(cx);
    }

    /// What is said aloud is said by the avatar.
    fn say_near(&mut self, sequence: u32, text: String, cx: &mut Cx<Self>) {
        if !matches!(self.stage, Stage::InWorld(_)) {
            return self.refuse(sequence, Code::NotInWorld, cx);
        }
        let room = Room::Near.written();
        if self
            .say(sequence, command::Say { room, text }.into(), cx)
            .is_err()
        {
            self.refuse(sequence, Code::TooManyCommands, cx);
        }
    }

    fn hear_room(&mut self, room: &Room, cx: &mut Cx<Self>) {
        if let (Some(_), Some(topic)) = (&self.socket, room.topic()) {
            let rooms = &self.house.rooms;
            rooms.join(cx.address(), topic, Ear::Room, cx.service());
        }
    }
}

/// One question to the chat service.
struct Asking {
    chat: ChatProxy,
    session: Address,
    talker: Talker,
    rooms: Vec<RoomName>,
}

impl Asking {
    async fn here(&self) -> Result<(), ChatError> {
        let (talker, rooms) = (self.talker.clone(), self.rooms.clone());
        self.chat.here(self.session, talker, rooms).await
    }

    /// Asks; a service that has started anew is told who asks, and asked again.
    async fn ask(self, number: u32, request: Request) -> Result<Done, ChatError> {
        match self.once(number, request.clone()).await {
            Err(ChatError::NotKnown) => {
                self.here().await?;
                self.once(number, request).await
            }
            answer => answer,
        }
    }

    async fn once(&self, number: u32, request: Request) -> Result<Done, ChatError> {
        let (chat, me) = (&self.chat, self.session);
        match request {
            Request::Say(room, text) => {
                let said = chat.say(me, number, room.clone(), text).await?;
                Ok(Done::Said(room, said))
            }
            Request::Whisper(to, text) => chat
                .whisper(me, number, to, text)
                .await
                .map(Done::Whispered),
            Request::Join(room) => {
                chat.join(me, room.clone()).await?;
                Ok(Done::Joined(room))
            }
            Request::Part(room) => {
                chat.part(me, room.clone()).await?;
                Ok(Done::Parted(room))
            }
        }
    }
}

fn told(whisper: Whisper) -> Whispered {
    Whispered {
        from: whisper.from,
        to: whisper.to,
        text: whisper.text,
    }
}

fn code_of(error: &ChatError) -> Code {
    match error {
        ChatError::BadText => Code::BadText,
        ChatError::TooFast => Code::TooFast,
        ChatError::NoSuchPlayer => Code::NoSuchPlayer,
        ChatError::NoSuchRoom => Code::NoSuchRoom,
        ChatError::TooManyRooms => Code::TooManyRooms,
        // What was said before is not refused.
        ChatError::Before | ChatError::NotKnown | ChatError::Full | ChatError::Unavailable(_) => {
            Code::Unavailable
        }
    }
}
