//! A scripted player: a connection that walks, fights and loots like somebody at a keyboard, through the protocol alone.
//!
//! Every wait is bounded by server time (`set_deadline`). Refuses nothing that the server allows; what the server refuses
//! for the moment (range, sight, cooldown, death) it works around, anything else it hands back.

mod returning;

use std::collections::BTreeMap;

use crate::command::{Cast, Enter, Leave, LogIn, Loot, Move, Register, Use};
use crate::connection::Deadline;
use crate::event::{Entered, LoggedIn, Looted, Welcome};
use crate::walk::{Point, Walk, aside, distance};
use crate::{
    Code, Command, Connection, ConnectionError, Event, Handle, Happening, ItemStack, Missed, Near,
    PROTOCOL, State, Transport,
};

/// How near a player goes to what it strikes or loots, in tiles.
pub const REACH: f32 = 1.4;

/// How often a player may die before it gives up.
pub const DEATHS_MAX: u32 = 3;

/// The spell that every character begins with.
pub const STRIKE: &str = "spells/strike";

const DEADLINE_MS: u64 = 60_000;
const REST_MS: u64 = 250;
const CAST_MS_MAX: u64 = 2_000;
/// Who stands so near the place where it should, in tiles, stands there: positions go by steps.
const STANDS_WITHIN: f32 = 0.1;

/// What the player knows of itself; all amounts are totals.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Me {
    /// Its avatar.
    pub handle: Handle,
    /// The map's width and height in tiles.
    pub size: (f32, f32),
    /// Where it entered or respawned, in tiles.
    pub placed: (f32, f32),
    /// Health left.
    pub hp: u32,
    /// Experience.
    pub xp: u64,
    /// Coins.
    pub coins: u64,
    /// Items by resource id.
    pub items: BTreeMap<String, u64>,
    /// True from its death until it lives again.
    pub dead: bool,
    /// How often it died.
    pub deaths: u32,
}

/// A player on one connection.
#[derive(Debug)]
pub struct Player<T> {
    connection: Connection<T>,
    me: Me,
    doing: String,
    deadline: Deadline,
    last_refusal: Option<Code>,
    kills: BTreeMap<Handle, u64>,
    last_seen: BTreeMap<Handle, Point>,
}

enum Answer<R> {
    Got(R),
    Refused(Code),
    Silence,
}

impl<T: Transport> Player<T> {
    /// A player on a new connection, once the server has said welcome in the protocol that this crate speaks.
    pub async fn connect(transport: T) -> Result<Player<T>, Missed> {
        let mut connection = Connection::new(transport);
        let welcome =
            connection.until(
                DEADLINE_MS,
                "client.event.welcome",
                |happening, _| match happening {
                    Happening::Event(Event::Welcome(welcome)) => Some(welcome.clone()),
                    _ => None,
                },
            );
        let Welcome { protocol, realm } = welcome.await?;
        if protocol != PROTOCOL {
            return Err(Missed::Odd(format!(
                "realm {realm} speaks version {protocol} of the protocol, not {PROTOCOL}"
            )));
        }
        let deadline = Deadline::new(connection.header(), DEADLINE_MS);
        Ok(Player {
            connection,
            me: Me::default(),
            doing: "connect".to_owned(),
            deadline,
            last_refusal: None,
            kills: BTreeMap::new(),
            last_seen: BTreeMap::new(),
        })
    }

    /// From here on, everything until the next call must be done within `wait_ms` of server time. `doing` names it.
    pub fn set_deadline(&mut self, doing: &str, wait_ms: u64) {
        self.doing = doing.to_owned();
        self.last_refusal = None;
        self.deadline = Deadline::new(self.connection.header(), wait_ms);
    }

    /// What the player knows of itself.
    pub fn me(&self) -> &Me {
        &self.me
    }

    /// The connection: its view and its time.
    pub fn connection(&self) -> &Connection<T> {
        &self.connection
    }

    /// The connection, to send what no honest player would.
    pub fn connection_mut(&mut self) -> &mut Connection<T> {
        &mut self.connection
    }

    /// The server's time now, as far as it is known: what a prediction counts from.
    pub fn server_now_ms(&mut self) -> Option<u64> {
        self.connection.server_now_ms()
    }

    /// Where the avatar is, in tiles.
    pub fn position(&self) -> (f32, f32) {
        self.place(self.me.handle).unwrap_or(self.me.placed)
    }

    /// Makes a character and logs it in.
    pub async fn register(&mut self, name: &str, password: &str) -> Result<LoggedIn, Missed> {
        let (name, password) = (name.to_owned(), password.to_owned());
        self.ask(Register { name, password }, logged_in).await
    }

    /// Logs a character in.
    pub async fn log_in(&mut self, name: &str, password: &str) -> Result<LoggedIn, Missed> {
        let (name, password) = (name.to_owned(), password.to_owned());
        self.ask(LogIn { name, password }, logged_in).await
    }

    /// Goes into the world.
    pub async fn enter(&mut self) -> Result<Entered, Missed> {
        self.ask(Enter {}, |event| match event {
            Event::Entered(entered) => Some(entered.clone()),
            _ => None,
        })
        .await
    }

    /// Leaves the world; a dead player waits until it lives again.
    pub async fn leave(&mut self) -> Result<(), Missed> {
        self.revive().await?;
        self.ask(Leave {}, |event| {
            matches!(event, Event::Left(_)).then_some(())
        })
        .await
    }

    /// The nearest living entity of a kind in view.
    pub fn nearest(&self, kind: &str) -> Option<Handle> {
        let at = self.position();
        let living = |near: &Near| near.state != State::Dead && *near.kind == *kind;
        let view = self.connection.view();
        let found = view
            .entities()
            .filter(|(handle, near)| *handle != self.me.handle && living(near));
        let nearest = found
            .min_by(|(_, a), (_, b)| distance(at, (a.x, a.y)).total_cmp(&distance(at, (b.x, b.y))));
        nearest.map(|(handle, _)| handle)
    }

    /// Walks about until a living entity of a kind is in view: first to the middle of the map, then round its quarters.
    pub async fn find(&mut self, kind: &str) -> Result<Handle, Missed> {
        let (width, height) = self.me.size;
        let parts = [
            (0.5, 0.5),
            (0.25, 0.25),
            (0.75, 0.25),
            (0.75, 0.75),
            (0.25, 0.75),
        ];
        for (x, y) in parts.into_iter().cycle() {
            let spot = (width * x, height * y);
            let mut walk = Walk::default();
            while walk.turns() < 4 {
                if let Some(found) = self.nearest(kind) {
                    return Ok(found);
                }
                self.stride(&mut walk, spot).await?;
                if distance(self.position(), spot) < REACH {
                    break;
                }
            }
        }
        Err(Missed::Odd(format!(
            "the map has no place to look for {kind}"
        )))
    }

    /// Walks until the avatar is within so many tiles of a point.
    pub async fn walk_to(&mut self, x: f32, y: f32, within: f32) -> Result<(), Missed> {
        let mut walk = Walk::default();
        while self.me.dead || distance(self.position(), (x, y)) > within {
            self.stride(&mut walk, (x, y)).await?;
        }
        Ok(())
    }

    /// Walks until the avatar is within so many tiles of an entity, which may move. `Lost` when it is not in view where it
    /// was seen last.
    pub async fn approach(&mut self, handle: Handle, within: f32) -> Result<(), Missed> {
        let mut walk = Walk::default();
        loop {
            let seen = self.place(handle);
            if let Some(place) = seen {
                self.last_seen.insert(handle, place);
            }
            let Some(goal) = self.last_seen.get(&handle).copied() else {
                return Err(Missed::Lost(handle));
            };
            if !self.me.dead && distance(self.position(), goal) <= within {
                return match seen {
                    Some(_) => Ok(()),
                    None => {
                        self.last_seen.remove(&handle);
                        Err(Missed::Lost(handle))
                    }
                };
            }
            self.stride(&mut walk, goal).await?;
        }
    }

    /// Walks no further. Where it was seen last is where it will stand: by then it has walked on, and has to come back.
    pub async fn stand_still(&mut self) -> Result<(), Missed> {
        let spot = self.position();
        let sent = self.go(spot).await?;
        let heard = |me: &Self| me.connection.header().ack >= sent;
        let walks = |me: &Self| me.state(me.me.handle) == Some(State::Walking);
        while !heard(self) || walks(self) || distance(self.position(), spot) > STANDS_WITHIN {
            self.next().await?;
        }
        Ok(())
    }

    /// Strikes an entity until it is dead by the player's hand; the experience that it earned. `Lost` when it went out of
    /// view or died otherwise.
    pub async fn kill(&mut self, target: Handle) -> Result<u64, Missed> {
        self.kills.remove(&target);
        let me = self.me.handle;
        let mut reach = REACH;
        let mut failed = 0;
        let mut corpse_frames = 0;
        loop {
            let near_it = self.approach(target, reach).await;
            if let Some(xp) = self.kills.get(&target) {
                return Ok(*xp);
            }
            near_it?;
            if self.is_dead(target) {
                // The word of the kill and the corpse come by different ways.
                corpse_frames += 1;
                if corpse_frames > 20 {
                    return Err(Missed::Lost(target));
                }
                self.rest(50).await?;
                continue;
            }
            let cast = Cast {
                spell: STRIKE.to_owned(),
                target,
            };
            let answer = self.attempt(cast, CAST_MS_MAX, |event| match event {
                Event::Struck(struck) => (struck.by == me && struck.target == target).then_some(()),
                Event::Killed(killed) => (killed.target == target).then_some(()),
                Event::Died(_) => Some(()),
                _ => None,
            });
            match answer.await? {
                Answer::Got(()) | Answer::Silence => {}
                Answer::Refused(Code::NoTarget) => {
                    self.last_seen.remove(&target);
                    return Err(Missed::Lost(target));
                }
                Answer::Refused(Code::OutOfRange) => {
                    reach = closer(reach);
                    self.rest(REST_MS).await?;
                }
                Answer::Refused(Code::NoSight) => {
                    reach = closer(reach);
                    self.step_aside(target, failed).await?;
                    failed += 1;
                }
                Answer::Refused(code) => self.bear("client.cast", code).await?,
            }
        }
    }

    /// Takes what a corpse holds.
    pub async fn loot(&mut self, target: Handle) -> Result<Looted, Missed> {
        self.take(Loot { target }.into(), target).await
    }

    /// Takes what a chest or a plant holds.
    pub async fn gather(&mut self, target: Handle) -> Result<Looted, Missed> {
        self.take(Use { target }.into(), target).await
    }

    /// Opens a door, or closes it, and sees it done.
    pub async fn turn(&mut self, door: Handle) -> Result<State, Missed> {
        self.approach(door, REACH).await?;
        // Who walks on would walk into the doorway.
        self.stand_still().await?;
        let before = self.state(door);
        let sent = self.send(Use { target: door }).await?;
        loop {
            match self.next().await? {
                Happening::Event(Event::Refused(refused)) if refused.sequence == sent => {
                    return Err(Missed::refused("client.use", refused.code));
                }
                _ => match self.state(door) {
                    None => return Err(Missed::Lost(door)),
                    now if now == before => {}
                    Some(now) => return Ok(now),
                },
            }
        }
    }

    async fn take(&mut self, command: Command, target: Handle) -> Result<Looted, Missed> {
        let what = command.name();
        let mut reach = REACH;
        loop {
            self.approach(target, reach).await?;
            let answer = self.attempt(command.clone(), u64::MAX, |event| match event {
                Event::Looted(looted) if looted.target == target => Some(looted.clone()),
                _ => None,
            });
            match answer.await? {
                Answer::Got(looted) => return Ok(looted),
                Answer::Refused(Code::OutOfRange | Code::NoSight) => {
                    reach = closer(reach);
                    self.rest(REST_MS).await?;
                }
                Answer::Refused(code) => self.bear(what, code).await?,
                Answer::Silence => {}
            }
        }
    }

    /// The next happening, after the player has learnt what it says of itself.
    pub async fn next(&mut self) -> Result<Happening, Missed> {
        let happening = self.connection.next().await?;
        match &happening {
            Happening::Event(event) => self.learn(event)?,
            Happening::Frame(header) if self.deadline.passed(*header) => {
                let what = match self.last_refusal {
                    Some(code) => format!("{} (last refused: {code:?})", self.doing),
                    None => self.doing.clone(),
                };
                return Err(Missed::TimedOut {
                    what,
                    waited_ms: self.deadline.wait_ms(),
                });
            }
            Happening::Frame(_) => {}
        }
        Ok(happening)
    }

    fn learn(&mut self, event: &Event) -> Result<(), Missed> {
        let me = &mut self.me;
        match event {
            Event::Entered(entered) => {
                *me = Me {
                    handle: entered.me,
                    size: (entered.width.into(), entered.height.into()),
                    placed: (entered.x, entered.y),
                    hp: entered.hp,
                    xp: entered.xp,
                    coins: entered.coins,
                    items: BTreeMap::new(),
                    dead: false,
                    deaths: me.deaths,
                };
                add(&mut me.items, &entered.items);
                self.kills.clear();
                self.last_seen.clear();
            }
            Event::You(you) => (me.hp, me.xp) = (you.hp, you.xp),
            Event::Killed(killed) => {
                self.kills.insert(killed.target, killed.xp);
            }
            Event::Looted(looted) => {
                me.coins = me.coins.saturating_add(looted.coins);
                add(&mut me.items, &looted.items);
            }
            Event::Died(_) => {
                me.dead = true;
                me.deaths += 1;
                if me.deaths > DEATHS_MAX {
                    return Err(Missed::Died(me.deaths));
                }
            }
            Event::Respawned(respawned) => {
                me.dead = false;
                me.placed = (respawned.x, respawned.y);
            }
            Event::Refused(refused) => self.last_refusal = Some(refused.code),
            Event::Goodbye(goodbye) => return Err(Missed::Goodbye(goodbye.code)),
            Event::Welcome(_)
            | Event::LoggedIn(_)
            | Event::LootedBefore(_)
            | Event::Gateways(_)
            | Event::Left(_)
            | Event::Struck(_)
            | Event::CastSeen(_)
            | Event::Said(_)
            | Event::Whispered(_)
            | Event::Pong(_) => {}
        }
        Ok(())
    }

    /// Sends a command and waits for its answer, its refusal, or so much server time.
    async fn attempt<R>(
        &mut self,
        command: impl Into<Command>,
        wait_ms: u64,
        mut f: impl FnMut(&Event) -> Option<R>,
    ) -> Result<Answer<R>, Missed> {
        let mut patience = Deadline::new(self.connection.header(), wait_ms);
        let sent = self.send(command).await?;
        loop {
            match self.next().await? {
                Happening::Event(Event::Refused(refused)) if refused.sequence == sent => {
                    return Ok(Answer::Refused(refused.code));
                }
                Happening::Event(event) => {
                    if let Some(got) = f(&event) {
                        return Ok(Answer::Got(got));
                    }
                }
                Happening::Frame(header) if patience.passed(header) => return Ok(Answer::Silence),
                Happening::Frame(_) => {}
            }
        }
    }

    async fn ask<R>(
        &mut self,
        command: impl Into<Command>,
        f: impl FnMut(&Event) -> Option<R>,
    ) -> Result<R, Missed> {
        let command = command.into();
        let what = command.name();
        match self.attempt(command, u64::MAX, f).await? {
            Answer::Got(got) => Ok(got),
            Answer::Refused(code) => Err(Missed::refused(what, code)),
            Answer::Silence => Err(Missed::TimedOut {
                what: what.to_owned(),
                waited_ms: u64::MAX,
            }),
        }
    }

    async fn send(&mut self, command: impl Into<Command>) -> Result<u32, Missed> {
        Ok(self
            .connection
            .command(command)
            .await
            .map_err(ConnectionError::from)?)
    }

    /// Waits for the next frame and walks on by it.
    async fn stride(&mut self, walk: &mut Walk, goal: Point) -> Result<(), Missed> {
        let now_ms = self.frame().await?;
        if self.me.dead {
            walk.pause();
        } else if let Some(aim) = walk.steer(now_ms, self.position(), goal) {
            self.go(aim).await?;
        }
        Ok(())
    }

    /// Walks towards a point; the command's sequence.
    async fn go(&mut self, (x, y): Point) -> Result<u32, Missed> {
        // A point on the very edge belongs to no tile.
        let (width, height) = self.me.size;
        let (x, y) = (x.min(width - 0.5).max(0.5), y.min(height - 0.5).max(0.5));
        self.send(Move { x, y }).await
    }

    async fn step_aside(&mut self, target: Handle, turn: usize) -> Result<(), Missed> {
        if let Some(goal) = self.place(target) {
            let aim = aside(self.position(), goal, turn);
            self.go(aim).await?;
        }
        self.rest(REST_MS * 4).await
    }

    /// Waits out a refusal that passes; hands back any other.
    async fn bear(&mut self, what: &str, code: Code) -> Result<(), Missed> {
        match code {
            Code::YouAreDead => {
                self.rest(REST_MS).await?;
                self.revive().await
            }
            Code::Cooldown | Code::Busy | Code::TooManyCommands | Code::TargetDead => {
                self.rest(REST_MS).await
            }
            _ => Err(Missed::refused(what, code)),
        }
    }

    async fn revive(&mut self) -> Result<(), Missed> {
        while self.me.dead {
            self.next().await?;
        }
        Ok(())
    }

    async fn rest(&mut self, wait_ms: u64) -> Result<(), Missed> {
        let until_ms = self
            .connection
            .header()
            .server_time_ms
            .saturating_add(wait_ms);
        while self.frame().await? < until_ms {}
        Ok(())
    }

    /// The server time of the next frame.
    async fn frame(&mut self) -> Result<u64, Missed> {
        loop {
            if let Happening::Frame(header) = self.next().await? {
                return Ok(header.server_time_ms);
            }
        }
    }

    fn place(&self, handle: Handle) -> Option<Point> {
        self.connection
            .view()
            .get(handle)
            .map(|near| (near.x, near.y))
    }

    /// What an entity in view is at.
    pub fn state(&self, handle: Handle) -> Option<State> {
        self.connection.view().get(handle).map(|near| near.state)
    }

    fn is_dead(&self, handle: Handle) -> bool {
        self.state(handle) == Some(State::Dead)
    }
}

fn logged_in(event: &Event) -> Option<LoggedIn> {
    match event {
        Event::LoggedIn(logged_in) => Some(logged_in.clone()),
        _ => None,
    }
}

fn closer(reach: f32) -> f32 {
    (reach - 0.3).max(0.5)
}

fn add(items: &mut BTreeMap<String, u64>, stacks: &[ItemStack]) {
    for stack in stacks {
        let count = items.entry(stack.item.clone()).or_default();
        *count = count.saturating_add(stack.count.into());
    }
}
