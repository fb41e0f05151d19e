//! What reads bytes that anybody may have sent: it never panics, and never allocates by what the bytes only claim. A test
//! binary of its own, because it counts each byte that is allocated.

use std::alloc::System;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use cap::Cap;
use client::{CellFrame, Command, CommandFrame, Event, Section, ServerFrame, View};
use realm::Clock;
use tests::fuzz::{self, Dice};
use wire::ClassId;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// So long in a usual run, of the 60 s that all fuzzing takes.
const SECONDS: u64 = 60;
/// This part of the time is for decoders; the rest is for sequences of commands.
const PART: u64 = 4;

/// What may be allocated in all while bytes are read, whatever they claim.
const ALLOCATED_MAX: usize = 64 * 1024;
/// And for each byte that is really there: the largest part of a frame in memory, an entry of a cell, takes about 80 bytes
/// for the 4 that it has on the wire, and a list that grows is allocated twice over.
const ALLOCATED_PER_BYTE_MAX: usize = 48;

/// What can be read.
#[derive(Clone, Copy, Debug)]
enum What {
    Commands,
    ServerFrames,
    CellFrames,
    Events,
}

/// Reads bytes as a server, or as a client does.
fn read(what: What, bytes: &[u8], view: &mut View) {
    match what {
        What::Commands => {
            if let Ok(frame) = CommandFrame::decode(bytes) {
                // Whatever a damaged class is, its body meets every reader.
                let _ = Command::decode(frame.class, frame.body);
            }
        }
        What::ServerFrames => {
            let Ok(frame) = ServerFrame::decode(bytes) else {
                return;
            };
            for section in frame.sections {
                match section {
                    Section::Event { class, body } => drop(Event::decode(class, body)),
                    Section::Cell(bytes) => see(bytes, view),
                    Section::CellLeft(cell) => view.drop_cell(cell),
                }
            }
        }
        What::CellFrames => see(bytes, view),
        What::Events => {
            if let Some((class, body)) = bytes.split_first_chunk() {
                let _ = Event::decode(ClassId(u32::from_le_bytes(*class)), body);
            }
        }
    }
}

fn see(bytes: &[u8], view: &mut View) {
    if let Ok(frame) = CellFrame::decode(bytes) {
        let _ = view.apply(&frame);
    }
}

/// Valid bytes of a kind, of every class.
fn corpus(what: What) -> Vec<Vec<u8>> {
    match what {
        What::Commands => {
            let commands = fuzz::commands().into_iter().zip(1..);
            let frame = |(command, sequence): (Command, u32)| {
                let (class, body) = command.encode();
                let body = &body;
                CommandFrame {
                    class,
                    sequence,
                    body,
                }
                .encode()
            };
            commands.map(frame).collect()
        }
        What::ServerFrames => fuzz::server_frames(),
        What::CellFrames => fuzz::cell_frames(),
        What::Events => {
            let event = |event: Event| {
                let (class, body) = event.encode();
                [&class.0.to_le_bytes()[..], &body].concat()
            };
            fuzz::events().into_iter().map(event).collect()
        }
    }
}

/// Reads, and tells how much was allocated on the way.
fn allocated(what: What, bytes: &[u8], view: &mut View) -> Result<usize, String> {
    let before = ALLOCATOR.total_allocated();
    let read = catch_unwind(AssertUnwindSafe(|| read(what, bytes, view)));
    let allocated = ALLOCATOR.total_allocated() - before;
    match read {
        Ok(()) => Ok(allocated),
        Err(_) => Err("it panicked".to_owned()),
    }
}

fn seconds() -> u64 {
    (tests::soak::amount("fuzz", SECONDS) / PART).max(1)
}

/// Claims that nothing stands behind come first, because all else in this process allocates too.
fn claims_allocate_nothing() {
    let body = |class: ClassId, body: &[u8]| {
        CommandFrame {
            class,
            sequence: 1,
            body,
        }
        .encode()
    };
    let claims: [&[u8]; 7] = [
        &[0xdd, 0xff, 0xff, 0xff, 0xff],
        &[0xdf, 0xff, 0xff, 0xff, 0xff],
        &[0xdb, 0xff, 0xff, 0xff, 0xff],
        &[0xc6, 0xff, 0xff, 0xff, 0xff],
        &[0xc9, 0xff, 0xff, 0xff, 0xff],
        &[0x91, 0xdd, 0xff, 0xff, 0xff, 0xff],
        &[0x91, 0xdb, 0xff, 0xff, 0xff, 0xff],
    ];
    let mut view = View::new();
    for claim in claims {
        for (name, class) in client::COMMANDS {
            let allocated = allocated(What::Commands, &body(*class, claim), &mut view);
            let allocated =
                allocated.unwrap_or_else(|panic| panic!("{name} {claim:02x?}: {panic}"));
            assert!(
                allocated <= ALLOCATED_MAX,
                "{name} with {claim:02x?} should not make us allocate {allocated} bytes"
            );
        }
    }
}

#[test]
fn fuzzed_bytes_are_read_without_a_panic_and_within_bounds() {
    claims_allocate_nothing();
    let seed = fuzz::seed();
    let all = [
        What::Commands,
        What::ServerFrames,
        What::CellFrames,
        What::Events,
    ];
    let corpora = all.map(corpus);
    let parts: Vec<Vec<u8>> = corpora.iter().flatten().cloned().collect();
    let clock = Clock::machine();
    let until = clock.now() + Duration::from_secs(seconds());
    let (mut cases, mut most) = (0_u64, 0);
    let mut view = View::new();
    while cases % 256 != 0 || clock.now() < until {
        // A case follows from the seed and its number alone.
        let mut dice = Dice::new(seed ^ cases.wrapping_mul(0xd134_2543_de82_ef95));
        let (what, corpus) = (all[cases as usize % 4], &corpora[cases as usize % 4]);
        let mut bytes = dice.pick(corpus).clone();
        fuzz::damage(&mut bytes, &parts, &mut dice);
        let verdict = allocated(what, &bytes, &mut view).and_then(|allocated| {
            most = most.max(allocated);
            match allocated <= ALLOCATED_MAX + ALLOCATED_PER_BYTE_MAX * bytes.len() {
                true => Ok(()),
                false => Err(format!("it made us allocate {allocated} bytes")),
            }
        });
        if let Err(fault) = verdict {
            panic!("seed {seed}, case {cases}, {what:?}: {fault}: {bytes:02x?}");
        }
        cases += 1;
        // What is seen is bounded by what one channel holds; here it would grow for ever.
        if cases.is_multiple_of(1_000) {
            view = View::new();
        }
    }
    tests::soak::figures(
        "fuzz",
        "-decoders",
        &[
            ("seconds", seconds() as f64),
            ("cases", cases as f64),
            ("allocated_most_bytes", most as f64),
        ],
    );
}
