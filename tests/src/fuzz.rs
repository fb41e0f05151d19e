//! Damaged input: valid commands, events and frames of every class, and the ways to damage them. All of it follows from a
//! seed, which is printed, so that what was found can be found again with `REALM_FUZZ_SEED`.

use client::command::{
    Cast, Enter, Join, Leave, LogIn, Loot, Move, Part, Ping, Register, Resume, Say, Use, Whisper,
};
use client::event::{
    CastSeen, Died, Entered, Gateways, Goodbye, Killed, Left, LoggedIn, Looted, LootedBefore, Pong,
    Refused, Respawned, Said, Struck, Welcome, Whispered, You,
};
use client::{
    COMMANDS, Cell, CellFrameKind, CellFrameWriter, Code, Command, EVENTS, Event, FrameWriter,
    Handle, Header, ItemStack, Near, State, mask,
};
use realm::Secrets;

/// The seed of this run: `REALM_FUZZ_SEED`, or another each time.
pub fn seed() -> u64 {
    let given = std::env::var("REALM_FUZZ_SEED").ok();
    let seed = given.map(|seed| seed.parse().expect("a seed is a number"));
    let seed = seed.unwrap_or_else(|| {
        let mut bytes = [0; 8];
        let filled = Secrets::machine().fill(&mut bytes);
        filled.expect("the system should give a seed");
        u64::from_le_bytes(bytes)
    });
    println!("fuzzed with REALM_FUZZ_SEED={seed}");
    seed
}

/// Chance of a test: SplitMix64, which any seed will do for.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice that fall as this seed says.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0..below`; 0 when there is none.
    pub fn below(&mut self, below: usize) -> usize {
        match below {
            0 => 0,
            below => (self.number() % below as u64) as usize,
        }
    }

    /// True once in `times`.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of some, of which there is one at least.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// A command of each class.
pub fn commands() -> Vec<Command> {
    let room = || "room:fuzz".to_owned();
    let (name, password) = (|| "Fuzz".to_owned(), || crate::PASSWORD.to_owned());
    let commands: Vec<Command> = vec![
        Register {
            name: name(),
            password: password(),
        }
        .into(),
        LogIn {
            name: name(),
            password: password(),
        }
        .into(),
        Resume {
            token: "0f".repeat(32),
        }
        .into(),
        Enter {}.into(),
        Move { x: 17.5, y: 34.25 }.into(),
        Cast {
            spell: "spells/strike".to_owned(),
            target: Handle(3),
        }
        .into(),
        Loot { target: Handle(3) }.into(),
        Use { target: Handle(3) }.into(),
        Leave {}.into(),
        Say {
            room: "near".to_owned(),
            text: "¿Qué tal? 🐕".to_owned(),
        }
        .into(),
        Whisper {
            to: name(),
            text: "hello".to_owned(),
        }
        .into(),
        Join { room: room() }.into(),
        Part { room: room() }.into(),
        Ping {
            client_time_ms: u64::MAX,
        }
        .into(),
    ];
    let classes: Vec<_> = commands.iter().map(Command::class).collect();
    for (name, class) in COMMANDS {
        assert!(classes.contains(class), "{name} should be fuzzed too");
    }
    commands
}

/// An event of each class.
pub fn events() -> Vec<Event> {
    let items = || {
        vec![ItemStack {
            item: "items/bone".to_owned(),
            count: 2,
        }]
    };
    let text = || "hello".to_owned();
    let events: Vec<Event> = vec![
        Welcome {
            protocol: client::PROTOCOL,
            realm: "Realm".to_owned(),
        }
        .into(),
        LoggedIn {
            name: "Ann".to_owned(),
            token: "0f".repeat(32),
        }
        .into(),
        Entered {
            channel: 1 << 40,
            map: "maps/meadow".to_owned(),
            width: 64,
            height: 64,
            cell: 8,
            me: Handle(1),
            x: 16.5,
            y: 32.5,
            hp: 100,
            hp_max: 100,
            xp: 20,
            coins: 3,
            items: items(),
            spells: vec!["spells/strike".to_owned()],
        }
        .into(),
        Left {}.into(),
        You {
            hp: 1,
            hp_max: 2,
            xp: 3,
            level: 4,
        }
        .into(),
        Struck {
            spell: "spells/strike".to_owned(),
            by: Handle(1),
            target: Handle(2),
            amount: 300,
        }
        .into(),
        LootedBefore {
            sequence: 7,
            target: Handle(9),
            items: Vec::new(),
            coins: 3,
        }
        .into(),
        Gateways { urls: vec![text()] }.into(),
        CastSeen {
            spell: "spells/strike".to_owned(),
            by: Handle(1),
            target: Handle(2),
        }
        .into(),
        Killed {
            target: Handle(2),
            xp: 20,
        }
        .into(),
        Looted {
            target: Handle(2),
            items: items(),
            coins: 70_000,
        }
        .into(),
        Died { by: Handle(2) }.into(),
        Respawned { x: 1.5, y: 2.5 }.into(),
        Said {
            room: "near".to_owned(),
            from: "Ann".to_owned(),
            text: text(),
        }
        .into(),
        Whispered {
            from: "Ann".to_owned(),
            to: "Bea".to_owned(),
            text: text(),
        }
        .into(),
        Refused {
            sequence: 7,
            code: Code::Cooldown,
            text: text(),
        }
        .into(),
        Goodbye {
            code: Code::Replaced,
        }
        .into(),
        Pong {
            client_time_ms: 1,
            server_time_ms: 1 << 41,
        }
        .into(),
    ];
    let classes: Vec<_> = events.iter().map(Event::class).collect();
    for (name, class) in EVENTS {
        assert!(classes.contains(class), "{name} should be fuzzed too");
    }
    events
}

/// Cell frames of both kinds, with all that one can tell.
pub fn cell_frames() -> Vec<Vec<u8>> {
    let near = Near {
        x: 17.0,
        y: 34.0,
        hp: 90,
        hp_max: 100,
        state: State::Walking,
        kind: "avatars/human".into(),
        name: "Ann".into(),
    };
    let cell = Cell { x: 2, y: 4 };
    let mut snapshot = CellFrameWriter::new(CellFrameKind::Snapshot, cell, 1, 57);
    let mut delta = CellFrameWriter::new(CellFrameKind::Delta, cell, 1, 58);
    for handle in 1..9 {
        snapshot.entity(Handle(handle), mask::ALL, &near);
        delta.entity(Handle(handle), handle as u8 & mask::ALL, &near);
    }
    delta.gone(Handle(4), None);
    delta.gone(Handle(5), Some(Cell { x: 1, y: 4 }));
    vec![snapshot.finish(), delta.finish()]
}

/// Server frames: each event and each cell frame in one of its own, and all of them in one.
pub fn server_frames() -> Vec<Vec<u8>> {
    let header = Header {
        ack: 7,
        server_time_ms: 1_760_000_000_000,
        frame: 42,
    };
    let mut all = FrameWriter::new(header);
    let mut frames = Vec::new();
    for event in events() {
        let mut one = FrameWriter::new(header);
        one.event(&event);
        all.event(&event);
        frames.push(one.finish());
    }
    for cell in cell_frames() {
        let mut one = FrameWriter::new(header);
        one.cell(&cell);
        one.cell_left(Cell { x: 3, y: 5 });
        all.cell(&cell);
        frames.push(one.finish());
    }
    frames.push(all.finish());
    frames
}

/// Heads of MessagePack values and other bytes at which readers change their mind.
const TELLING: &[u8] = &[
    0x00, 0x01, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x91, 0x92, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xc3,
    0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd3, 0xd4, 0xd8,
    0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff,
];
/// Numbers at which lengths, counts and handles break.
const EDGES: &[u64] = &[
    0,
    1,
    2,
    15,
    16,
    31,
    32,
    127,
    128,
    255,
    256,
    1_023,
    1_024,
    4_095,
    4_096,
    65_535,
    65_536,
    1 << 20,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    (1 << 63) - 1,
    u64::MAX,
];

/// Damages bytes in one to four places. `others` are what parts are taken from.
pub fn damage(bytes: &mut Vec<u8>, others: &[Vec<u8>], dice: &mut Dice) {
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        match dice.below(10) {
            0 => flip(bytes, at, dice),
            1 => put(bytes, at, &[*dice.pick(TELLING)]),
            2 => put(bytes, at, &edge(dice)),
            3 => bytes.truncate(at),
            4 => insert(bytes, at, &[*dice.pick(TELLING)]),
            5 => insert(bytes, at, &edge(dice)),
            6 => {
                let end = at + dice.below(bytes.len() - at + 1);
                bytes.drain(at..end);
            }
            7 => {
                let end = at + dice.below((bytes.len() - at + 1).min(64));
                let again = bytes[at..end].repeat(1 + dice.below(8));
                insert(bytes, end, &again);
            }
            8 => {
                let other = dice.pick(others);
                let from = dice.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend(&other[from..]);
            }
            _ => {
                let head = *dice.pick(&[0x91, 0x81, 0x9f, 0xdd]);
                let many = dice.below(64);
                insert(bytes, at, &vec![head; many]);
            }
        }
    }
}

fn flip(bytes: &mut [u8], at: usize, dice: &mut Dice) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << dice.below(8);
    }
}

/// Overwrites what is there, as far as it reaches.
fn put(bytes: &mut [u8], at: usize, with: &[u8]) {
    for (byte, new) in bytes.iter_mut().skip(at).zip(with) {
        *byte = *new;
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, what: &[u8]) {
    bytes.splice(at..at, what.iter().copied());
}

/// A telling number in one of the widths and orders that are read.
fn edge(dice: &mut Dice) -> Vec<u8> {
    let number = *dice.pick(EDGES);
    let width = *dice.pick(&[1_usize, 2, 4, 8]);
    match dice.one_in(2) {
        true => number.to_le_bytes()[..width].to_vec(),
        false => number.to_be_bytes()[8 - width..].to_vec(),
    }
}
