//! Accounts, a balancer, a chat and mechanics as the gateway sees them. The avatar does what the spells of its player say, so a
//! test directs it through the client's own socket. What a stepped test wants to see or to fail stands in [`Script`].

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::Duration;

use client::event::{Entered, Struck};
use client::{
    Cell, CellFrameKind, CellFrameWriter, Command, Event, Handle, Near, State, dequantize, mask,
};
use realm::{
    Address, CallTable, Cx, Locale, Messages, Module, ModuleError, Run, ServiceCx, message,
};
use serde_bytes::ByteBuf;

use crate::accounts::{AccountError, Accounts, AccountsProxy, LoggedIn};
use crate::balancer::{Balancer, BalancerProxy, PlaceError, Placement};
use crate::chat::{Chat, ChatError, ChatProxy, Room, RoomName, Talker, Whisper};
use crate::mechanics::{EnterError, Entrance, Mechanics, MechanicsProxy, Residents};
use crate::tether::{Heard, Intents, Line, News, Piece, Play, cell_topic};

pub(super) const CHANNEL: u64 = 7;
pub(super) const DOG: Handle = Handle(9);

/// What a stepped test, which shares its thread with all services, directs and sees.
#[derive(Default)]
pub(super) struct Script {
    pub(super) cx: Option<ServiceCx>,
    /// How the next entries fail.
    pub(super) enter: VecDeque<EnterError>,
    /// Avatars hear nothing.
    pub(super) deaf: bool,
    /// The chat does not know who asks next.
    pub(super) chat_forgets: bool,
    pub(super) log: Vec<String>,
}

thread_local! {
    static SCRIPT: RefCell<Script> = RefCell::default();
}

pub(super) fn script<R>(with: impl FnOnce(&mut Script) -> R) -> R {
    SCRIPT.with_borrow_mut(with)
}

fn log(line: String) {
    script(|script| script.log.push(line));
}

/// No settings.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plain {}

/// Knows everybody, and gives whoever asks for one name the same character.
#[derive(Default)]
pub(super) struct FakeAccounts {
    names: RefCell<BTreeMap<String, i64>>,
}

impl Module for FakeAccounts {
    const NAME: &'static str = "accounts";
    type Config = Plain;

    fn new(_: Plain, _: &ServiceCx) -> Result<Self, ModuleError> {
        Ok(Self::default())
    }

    fn serve(self: &Rc<Self>, calls: &mut CallTable) {
        AccountsProxy::serve(calls, self);
    }
}

impl Accounts for FakeAccounts {
    async fn register(&self, name: String, password: String) -> Result<LoggedIn, AccountError> {
        self.log_in(name, password, Ipv4Addr::LOCALHOST.into())
            .await
    }

    async fn log_in(
        &self,
        name: String,
        password: String,
        _: IpAddr,
    ) -> Result<LoggedIn, AccountError> {
        if password == "wrong" {
            return Err(AccountError::WrongCredentials);
        }
        let mut names = self.names.borrow_mut();
        let next = names.len() as i64 + 1;
        let character = *names.entry(name.clone()).or_insert(next);
        Ok(LoggedIn {
            account: character,
            character,
            name,
            token: "0f".repeat(32),
            login: 1,
            numbers: 1,
        })
    }

    async fn resume(&self, _: String, _: bool) -> Result<LoggedIn, AccountError> {
        Err(AccountError::BadToken)
    }

    async fn confirm(&self, _: i64, _: u64) -> Result<(), AccountError> {
        Ok(())
    }
}

/// Lets everybody say everything, and tells nobody. It fails on the word `panic`.
pub(super) struct FakeChat;

impl Module for FakeChat {
    const NAME: &'static str = "chat";
    type Config = Plain;

    fn new(_: Plain, _: &ServiceCx) -> Result<Self, ModuleError> {
        Ok(Self)
    }

    fn serve(self: &Rc<Self>, calls: &mut CallTable) {
        ChatProxy::serve(calls, self);
    }
}

impl Chat for FakeChat {
    async fn here(
        &self,
        _: Address,
        talker: Talker,
        rooms: Vec<RoomName>,
    ) -> Result<(), ChatError> {
        let rooms: Vec<String> = rooms.iter().map(RoomName::written).collect();
        log(format!("here {} {rooms:?}", talker.name));
        Ok(())
    }

    async fn gone(&self, _: Address) -> Result<(), ChatError> {
        Ok(())
    }

    async fn say(&self, _: Address, _: u32, _: Room, text: String) -> Result<String, ChatError> {
        assert!(text != "panic", "the chat was told to fail");
        if script(|script| std::mem::take(&mut script.chat_forgets)) {
            return Err(ChatError::NotKnown);
        }
        log(format!("say {text}"));
        Ok(text)
    }

    async fn whisper(
        &self,
        _: Address,
        _: u32,
        _: String,
        _: String,
    ) -> Result<Whisper, ChatError> {
        Err(ChatError::NoSuchPlayer)
    }

    async fn join(&self, _: Address, _: RoomName) -> Result<(), ChatError> {
        Ok(())
    }

    async fn part(&self, _: Address, _: RoomName) -> Result<(), ChatError> {
        Ok(())
    }
}

/// Has one channel, wherever mechanics is.
pub(super) struct FakeBalancer {
    cx: ServiceCx,
}

impl Module for FakeBalancer {
    const NAME: &'static str = "balancer";
    type Config = Plain;

    fn new(_: Plain, cx: &ServiceCx) -> Result<Self, ModuleError> {
        Ok(Self { cx: cx.clone() })
    }

    fn serve(self: &Rc<Self>, calls: &mut CallTable) {
        BalancerProxy::serve(calls, self);
    }
}

impl Balancer for FakeBalancer {
    async fn place(&self, _: i64, lost: Option<Address>) -> Result<Placement, PlaceError> {
        log(format!("place, lost {}", lost.is_some()));
        let members = self.cx.node().directory().members("mechanics");
        let host = members
            .first()
            .copied()
            .ok_or_else(|| PlaceError::Unavailable("nobody".into()))?;
        Ok(Placement {
            channel: CHANNEL,
            host,
        })
    }

    async fn refused(&self, _: i64, _: u64) -> Result<(), PlaceError> {
        log("refused".to_owned());
        Ok(())
    }

    async fn left(&self, _: i64, _: u64) -> Result<(), PlaceError> {
        Ok(())
    }
}

/// The cells of the channel: epoch and sequence of each.
#[derive(Default)]
struct Ground(RefCell<BTreeMap<Cell, (u32, u32)>>);

impl Ground {
    /// A frame of a cell, which has a dog of its own with as many hit points as the frame's sequence.
    fn frame(&self, kind: CellFrameKind, cell: Cell) -> Vec<u8> {
        let (epoch, sequence) = *self.0.borrow_mut().entry(cell).or_insert((1, 0));
        let mut writer = CellFrameWriter::new(kind, cell, epoch, sequence);
        let near = Near {
            x: dequantize(320),
            y: 1.0,
            hp: sequence as u16,
            hp_max: u16::MAX,
            state: State::Idle,
            kind: "mobs/dog".into(),
            name: "Dog".into(),
        };
        writer.entity(Handle(DOG.0 + cell.x), mask::HEALTH, &near);
        writer.finish()
    }

    fn turn(&self, cell: Cell, turn: impl FnOnce(&mut (u32, u32))) {
        turn(self.0.borrow_mut().entry(cell).or_insert((1, 0)));
    }
}

/// Lets avatars in and draws cells.
pub(super) struct FakeMechanics {
    cx: ServiceCx,
    ground: Rc<Ground>,
    avatars: RefCell<BTreeMap<i64, Address>>,
}

impl Module for FakeMechanics {
    const NAME: &'static str = "mechanics";
    type Config = Plain;

    fn new(_: Plain, cx: &ServiceCx) -> Result<Self, ModuleError> {
        let ground = Rc::new(Ground::default());
        cx.hold(ground.clone());
        Ok(Self {
            cx: cx.clone(),
            ground,
            avatars: RefCell::default(),
        })
    }

    fn serve(self: &Rc<Self>, calls: &mut CallTable) {
        MechanicsProxy::serve(calls, self);
    }
}

pub(super) const FIRST_VIEW: [Cell; 2] = [Cell { x: 0, y: 0 }, Cell { x: 1, y: 0 }];

impl Mechanics for FakeMechanics {
    async fn open(&self, _: u64, _: String) -> Result<u32, EnterError> {
        Ok(100)
    }

    async fn residents(&self) -> Result<Vec<Residents>, EnterError> {
        Ok(Vec::new())
    }

    async fn enter(
        &self,
        channel: u64,
        character: i64,
        session: Address,
        _: Play,
    ) -> Result<Entrance, EnterError> {
        if let Some(error) = script(|script| script.enter.pop_front()) {
            return Err(error);
        }
        let known = self.avatars.borrow().get(&character).copied();
        let alive = known.filter(|avatar| self.cx.node().directory().is_here(*avatar));
        let avatar = alive.unwrap_or_else(|| self.cx.spawn::<FakeAvatar>(session));
        if alive.is_some() {
            self.cx.send(avatar, TakeOver { session });
        }
        self.avatars.borrow_mut().insert(character, avatar);
        let entered = Entered {
            channel,
            map: "maps/meadow".into(),
            width: 64,
            height: 64,
            cell: 16,
            me: Handle(1),
            x: 1.0,
            y: 1.0,
            hp: 10,
            hp_max: 10,
            xp: 0,
            coins: 0,
            items: Vec::new(),
            spells: Vec::new(),
        };
        Ok(Entrance {
            avatar,
            entered: entered.into(),
            view: FIRST_VIEW.to_vec(),
        })
    }

    async fn snapshot(&self, _: u64, cells: Vec<Cell>) -> Result<Vec<ByteBuf>, EnterError> {
        log(format!("snapshot of {}", cells.len()));
        let frame = |cell| self.ground.frame(CellFrameKind::Snapshot, cell);
        Ok(cells.into_iter().map(frame).map(ByteBuf::from).collect())
    }
}

/// Does what its player's spells say.
struct FakeAvatar {
    session: Address,
    heard: Heard,
    news: Line<Piece>,
}

/// Another session plays this avatar now.
#[message]
struct TakeOver {
    session: Address,
}

impl Locale for FakeAvatar {
    const NAME: &'static str = "fake_avatar";
    type Seed = Address;

    fn new(session: Address, _: &mut Cx<Self>) -> Self {
        Self {
            session,
            heard: Heard::default(),
            news: Line::new(4096),
        }
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<Intents>().takes::<TakeOver>();
    }
}

impl Run<FakeAvatar> for TakeOver {
    fn run(self, avatar: &mut FakeAvatar, cx: &mut Cx<FakeAvatar>) {
        avatar.say(Piece::Replaced);
        avatar.speak(cx);
        *avatar = FakeAvatar::new(self.session, cx);
    }
}

impl Run<FakeAvatar> for Intents {
    fn run(self, avatar: &mut FakeAvatar, cx: &mut Cx<FakeAvatar>) {
        if avatar.session != self.session || script(|script| script.deaf) {
            return;
        }
        avatar.news.heard(self.heard);
        let fresh = avatar.heard.hear(self.first, self.intents);
        if fresh.is_empty() {
            return;
        }
        for (sequence, command) in fresh {
            avatar.obey(sequence, &command, cx);
        }
        avatar.speak(cx);
    }
}

impl FakeAvatar {
    fn say(&mut self, piece: Piece) {
        self.news.say(piece).expect("a test should not say so much");
    }

    fn speak(&mut self, cx: &mut Cx<Self>) {
        let news = News {
            avatar: cx.address(),
            first: self.news.first(),
            news: self.news.unheard(),
            heard: self.heard.number(),
        };
        cx.send(self.session, news);
    }

    fn obey(&mut self, sequence: u32, command: &Command, cx: &mut Cx<Self>) {
        let spell = match command {
            Command::Cast(cast) => cast.spell.as_str(),
            Command::Leave(_) => {
                log("leave".to_owned());
                self.say(Piece::Left);
                return cx.stop();
            }
            _ => return,
        };
        let words: Vec<&str> = spell.split(' ').collect();
        let cells: Vec<Cell> = words[1..].iter().filter_map(|word| cell(word)).collect();
        let ground = cx
            .service()
            .held::<Ground>()
            .expect("mechanics should hold its ground");
        match words[0] {
            // Publishes the next frame of each cell.
            "delta" => {
                for cell in cells {
                    ground.turn(cell, |(_, sequence)| *sequence += 1);
                    let bytes = ground.frame(CellFrameKind::Delta, cell);
                    cx.service()
                        .publish(&cell_topic(CHANNEL, cell), bytes.into());
                }
            }
            // Lets a frame of each cell get lost.
            "skip" => cells
                .into_iter()
                .for_each(|cell| ground.turn(cell, |(_, sequence)| *sequence += 1)),
            // Gives each cell a new owner.
            "epoch" => cells
                .into_iter()
                .for_each(|cell| ground.turn(cell, |it| *it = (it.0 + 1, 0))),
            "view" => self.say(Piece::View(cells)),
            "panic" => panic!("the player wanted it"),
            "end" => cx.stop(),
            // Tells an event of so many bytes again and again.
            "flood" => flood(words[1].parse().expect("a length should follow"), cx),
            spell => self.say(struck(spell, sequence)),
        }
    }
}

fn flood(len: usize, cx: &mut Cx<FakeAvatar>) {
    cx.after(Duration::from_millis(5), move |me, cx| {
        me.say(struck(&"x".repeat(len), 0));
        me.speak(cx);
        flood(len, cx);
    });
}

fn struck(spell: &str, amount: u32) -> Piece {
    let struck = Struck {
        spell: spell.to_owned(),
        by: Handle(1),
        target: DOG,
        amount,
    };
    Piece::Event(Event::from(struck))
}

fn cell(word: &str) -> Option<Cell> {
    let (x, y) = word.split_once(',')?;
    Some(Cell {
        x: x.parse().ok()?,
        y: y.parse().ok()?,
    })
}

/// Lets a stepped test dial.
pub(super) struct Players;

impl Module for Players {
    const NAME: &'static str = "players";
    type Config = Plain;

    fn new(_: Plain, cx: &ServiceCx) -> Result<Self, ModuleError> {
        script(|script| script.cx = Some(cx.clone()));
        Ok(Self)
    }
}
