//! A realm of one player, one wall and one dog, in which every received frame is 50 ms later. Just enough rules to play
//! the smoke script against: range, sight of none, cooldown, death, loot, and belongings that outlive a connection.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::event::{
    Died, Entered, Killed, Left, LoggedIn, Looted, Pong, Refused, Respawned, Struck, Welcome, You,
};
use crate::walk::{Point, distance};
use crate::{
    Cell, CellFrameKind, CellFrameWriter, Closed, Code, Command, CommandFrame, Event, FrameWriter,
    Handle, Header, ItemStack, Near, PROTOCOL, State, Transport, mask,
};

const ME: Handle = Handle(1);
const DOG: Handle = Handle(2);
const START: Point = (5.0, 5.0);
const FRAME_MS: u64 = 50;
const TILES_PER_FRAME: f32 = 0.2;
const RANGE: f32 = 1.5;

#[derive(Debug, Default)]
struct Saved {
    characters: BTreeMap<String, (u64, u64, Vec<ItemStack>)>,
    deaths: u32,
}

/// What outlives connections.
#[derive(Debug, Clone, Default)]
pub(super) struct FakeRealm {
    saved: Rc<RefCell<Saved>>,
}

impl FakeRealm {
    pub(super) fn connect(&self) -> Gateway {
        let welcome = Welcome {
            protocol: PROTOCOL,
            realm: "fake".into(),
        };
        Gateway {
            realm: self.clone(),
            events: vec![welcome.into()],
            header: Header::default(),
            name: None,
            in_world: false,
            me: near(START, 30, "avatars/human", "Ann"),
            dog: near((26.0, 5.0), 30, "mobs/dog", "Dog"),
            goal: START,
            ready_at_ms: 0,
            alive_at_ms: None,
            looted: false,
        }
    }

    pub(super) fn deaths(&self) -> u32 {
        self.saved.borrow().deaths
    }
}

/// One connection, and the world around it.
#[derive(Debug)]
pub(super) struct Gateway {
    realm: FakeRealm,
    events: Vec<Event>,
    header: Header,
    name: Option<String>,
    in_world: bool,
    me: Near,
    dog: Near,
    goal: Point,
    ready_at_ms: u64,
    alive_at_ms: Option<u64>,
    looted: bool,
}

fn near((x, y): Point, hp: u16, kind: &str, name: &str) -> Near {
    Near {
        x,
        y,
        hp,
        hp_max: hp,
        state: State::Idle,
        kind: kind.into(),
        name: name.into(),
    }
}

fn place(near: &Near) -> Point {
    (near.x, near.y)
}

impl Gateway {
    fn run(&mut self, command: Command) -> Result<Option<Event>, Code> {
        let far = distance(place(&self.me), place(&self.dog)) > RANGE;
        let dead = self.me.state == State::Dead;
        match command {
            Command::Register(register) => {
                let mut saved = self.realm.saved.borrow_mut();
                if saved.characters.contains_key(&register.name) {
                    return Err(Code::NameTaken);
                }
                saved
                    .characters
                    .insert(register.name.clone(), (0, 0, Vec::new()));
                self.name = Some(register.name.clone());
                Ok(Some(
                    LoggedIn {
                        name: register.name,
                        token: "00".repeat(32),
                    }
                    .into(),
                ))
            }
            Command::LogIn(log_in) => {
                if !self
                    .realm
                    .saved
                    .borrow()
                    .characters
                    .contains_key(&log_in.name)
                {
                    return Err(Code::WrongCredentials);
                }
                self.name = Some(log_in.name.clone());
                Ok(Some(
                    LoggedIn {
                        name: log_in.name,
                        token: "00".repeat(32),
                    }
                    .into(),
                ))
            }
            Command::Enter(_) => {
                let saved = self.realm.saved.borrow();
                let owned = self
                    .name
                    .as_ref()
                    .and_then(|name| saved.characters.get(name));
                let (xp, coins, items) = owned.cloned().ok_or(Code::NotLoggedIn)?;
                self.in_world = true;
                let entered = Entered {
                    channel: 1,
                    map: "maps/meadow".into(),
                    width: 40,
                    height: 16,
                    cell: 40,
                    me: ME,
                    x: self.me.x,
                    y: self.me.y,
                    hp: 30,
                    hp_max: 30,
                    xp,
                    coins,
                    items,
                    spells: vec!["spells/strike".into()],
                };
                Ok(Some(entered.into()))
            }
            Command::Ping(ping) => {
                let server_time_ms = self.header.server_time_ms;
                Ok(Some(
                    Pong {
                        client_time_ms: ping.client_time_ms,
                        server_time_ms,
                    }
                    .into(),
                ))
            }
            _ if !self.in_world => Err(Code::NotInWorld),
            Command::Leave(_) => {
                self.in_world = false;
                Ok(Some(Left {}.into()))
            }
            _ if dead => Err(Code::YouAreDead),
            Command::Move(to) => {
                self.goal = (to.x, to.y);
                Ok(None)
            }
            Command::Cast(_) if self.dog.state == State::Dead => Err(Code::TargetDead),
            Command::Cast(_) if self.header.server_time_ms < self.ready_at_ms => {
                Err(Code::Cooldown)
            }
            Command::Loot(_) if self.looted => Err(Code::NothingToLoot),
            Command::Cast(_) | Command::Loot(_) if far => Err(Code::OutOfRange),
            Command::Cast(cast) => {
                self.ready_at_ms = self.header.server_time_ms + 500;
                self.dog.hp -= 10;
                self.bite();
                if self.dog.hp == 0 {
                    self.dog.state = State::Dead;
                    self.own(|(xp, _, _)| *xp += 10);
                    self.events.push(
                        Killed {
                            target: DOG,
                            xp: 10,
                        }
                        .into(),
                    );
                    self.events.push(
                        You {
                            hp: 30,
                            hp_max: 30,
                            xp: 10,
                            level: 1,
                        }
                        .into(),
                    );
                }
                Ok(Some(
                    Struck {
                        spell: cast.spell,
                        by: ME,
                        target: DOG,
                        amount: 10,
                    }
                    .into(),
                ))
            }
            Command::Loot(_) => {
                self.looted = true;
                let items = vec![ItemStack {
                    item: "items/fang".into(),
                    count: 1,
                }];
                self.own(|(_, coins, bag)| {
                    *coins += 3;
                    bag.clone_from(&items);
                });
                Ok(Some(
                    Looted {
                        target: DOG,
                        items,
                        coins: 3,
                    }
                    .into(),
                ))
            }
            Command::Use(_) => Err(Code::NoTarget),
            Command::Resume(_) => Err(Code::BadToken),
            Command::Say(_) | Command::Whisper(_) | Command::Join(_) | Command::Part(_) => {
                Err(Code::Unavailable)
            }
        }
    }

    /// The dog kills whoever strikes it for the first time.
    fn bite(&mut self) {
        let mut saved = self.realm.saved.borrow_mut();
        if saved.deaths == 0 {
            saved.deaths = 1;
            self.me.state = State::Dead;
            self.alive_at_ms = Some(self.header.server_time_ms + 1_000);
            self.events.push(Died { by: DOG }.into());
        }
    }

    fn own(&self, change: impl FnOnce(&mut (u64, u64, Vec<ItemStack>))) {
        let mut saved = self.realm.saved.borrow_mut();
        if let Some(owned) = self
            .name
            .as_ref()
            .and_then(|name| saved.characters.get_mut(name))
        {
            change(owned);
        }
    }

    fn step(&mut self) {
        self.header.frame += 1;
        self.header.server_time_ms += FRAME_MS;
        if self
            .alive_at_ms
            .is_some_and(|at_ms| self.header.server_time_ms >= at_ms)
        {
            self.alive_at_ms = None;
            self.me.state = State::Idle;
            (self.me.x, self.me.y) = START;
            self.goal = START;
            self.events.push(
                Respawned {
                    x: START.0,
                    y: START.1,
                }
                .into(),
            );
        }
        let far = distance(place(&self.me), self.goal);
        if self.me.state != State::Dead && far > 0.0 {
            let part = (TILES_PER_FRAME / far).min(1.0);
            let x = self.me.x + (self.goal.0 - self.me.x) * part;
            let y = self.me.y + (self.goal.1 - self.me.y) * part;
            // A wall stands across the straight way to the dog; the way round is at its foot.
            if !((15.0..16.0).contains(&x) && y < 8.0) {
                (self.me.x, self.me.y) = (x, y);
            }
        }
    }
}

impl Transport for Gateway {
    async fn send(&mut self, bytes: Vec<u8>) -> Result<(), Closed> {
        let frame =
            CommandFrame::decode(&bytes).map_err(|error| Closed::because(error.to_string()))?;
        let command = Command::decode(frame.class, frame.body)
            .map_err(|error| Closed::because(error.to_string()))?;
        self.header.ack = frame.sequence;
        match self.run(command) {
            Ok(event) => self.events.extend(event),
            Err(code) => {
                let refused = Refused {
                    sequence: frame.sequence,
                    code,
                    text: code.to_string(),
                };
                self.events.push(refused.into());
            }
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<Vec<u8>, Closed> {
        self.step();
        let mut frame = FrameWriter::new(self.header);
        for event in self.events.drain(..) {
            frame.event(&event);
        }
        if self.in_world {
            let mut cell = CellFrameWriter::new(
                CellFrameKind::Snapshot,
                Cell::default(),
                1,
                self.header.frame,
            );
            cell.entity(ME, mask::ALL, &self.me);
            // Who stands far away sees no dog.
            if distance(place(&self.me), place(&self.dog)) < 20.0 {
                cell.entity(DOG, mask::ALL, &self.dog);
            }
            frame.cell(&cell.finish());
        }
        Ok(frame.finish())
    }
}
