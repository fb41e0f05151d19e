//! Writes what Rust makes of bytes, good and bad, as lines of JSON: bytes, the value in the words of JavaScript, and the bytes
//! that Rust would write for that value.

use client::{
    COMMANDS, Cell, CellFrame, CellFrameKind, CellFrameWriter, Change, Command, CommandFrame,
    EVENTS, Entry, Event, FrameWriter, Handle, Header, Near, Section, ServerClock, ServerFrame,
    State, View, mask,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::random::{Dice, random};

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `hp_max` as `hpMax`, in every map.
fn camel(value: Value) -> Value {
    let name = |name: String| {
        let mut words = name.split('_');
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |out, word| {
            out + &word[..1].to_uppercase() + &word[1..]
        })
    };
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (name(key), camel(value)))
            .collect(),
        Value::Array(list) => list.into_iter().map(camel).collect(),
        other => other,
    }
}

/// A variant of a table, which serde writes as `{ Move: { … } }`.
fn class<T: Serialize>(value: &T) -> Value {
    let value = serde_json::to_value(value).expect("a class should go as JSON");
    let Value::Object(map) = value else {
        panic!("a variant should be an object, not {value}")
    };
    let (name, body) = map
        .into_iter()
        .next()
        .expect("a variant should have a name");
    let Value::Object(fields) = camel(body) else {
        panic!("{name} should be a struct")
    };
    let mut told = Map::from_iter([("type".to_owned(), json!(name))]);
    told.extend(fields);
    Value::Object(told)
}

/// The first word of an error's debug form, and of what it holds: `Malformed`, `Shape`.
fn why(error: impl std::fmt::Debug) -> Value {
    let text = format!("{error:?}");
    let words: Vec<&str> = text
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| word.starts_with(|letter: char| letter.is_ascii_uppercase()))
        .take(2)
        .collect();
    json!(words.join(" "))
}

pub(crate) fn command(bytes: &[u8]) -> Value {
    let mut line = json!({ "kind": "command", "hex": hex(bytes) });
    let read = CommandFrame::decode(bytes).map_err(why).and_then(|frame| {
        match Command::decode(frame.class, frame.body) {
            Ok(command) => Ok((frame.sequence, command)),
            Err(error) => Err(why(error)),
        }
    });
    match read {
        Ok((sequence, command)) => {
            line["value"] = json!({ "sequence": sequence, "command": class(&command) });
            line["canonical"] = json!(hex(&framed(sequence, &command)));
        }
        Err(why) => line["why"] = why,
    }
    line
}

fn framed(sequence: u32, command: &Command) -> Vec<u8> {
    let (class, body) = command.encode();
    CommandFrame {
        class,
        sequence,
        body: &body,
    }
    .encode()
}

pub(crate) fn event(id: wire::ClassId, body: &[u8]) -> Value {
    let mut line = json!({ "kind": "event", "classId": id.0, "hex": hex(body) });
    match Event::decode(id, body) {
        Ok(event) => {
            line["value"] = class(&event);
            line["canonical"] = json!(hex(&event.encode().1));
        }
        Err(error) => line["why"] = why(error),
    }
    line
}

fn section(section: &Section<'_>) -> Value {
    match section {
        Section::Event { class, body } => {
            json!({ "kind": "event", "classId": class.0, "bytes": hex(body) })
        }
        Section::Cell(bytes) => json!({ "kind": "cell", "bytes": hex(bytes) }),
        Section::CellLeft(Cell { x, y }) => json!({ "kind": "cellLeft", "x": x, "y": y }),
    }
}

pub(crate) fn server(bytes: &[u8]) -> Value {
    let mut line = json!({ "kind": "server", "hex": hex(bytes) });
    match ServerFrame::decode(bytes) {
        Ok(ServerFrame { header, sections }) => {
            line["value"] = json!({
                "ack": header.ack,
                "serverTimeMs": header.server_time_ms,
                "frame": header.frame,
                "sections": sections.iter().map(section).collect::<Value>(),
            });
            line["canonical"] = line["hex"].clone();
        }
        Err(error) => line["why"] = why(error),
    }
    line
}

fn merged(mut into: Value, from: Value) -> Value {
    if let (Value::Object(into), Value::Object(from)) = (&mut into, from) {
        into.extend(from);
    }
    into
}

fn near(near: &Near) -> Value {
    let Near {
        x,
        y,
        hp,
        hp_max,
        state,
        kind,
        name,
    } = near;
    json!({
        "x": x, "y": y, "hp": hp, "hpMax": hp_max, "state": *state as u8, "kind": **kind, "name": **name,
    })
}

fn entry(entry: &Entry) -> Value {
    let handle = entry.handle.0;
    match &entry.change {
        Change::Whole(all) => merged(json!({ "handle": handle, "change": "whole" }), near(all)),
        Change::Part(part) => {
            let mut told = json!({ "handle": handle, "change": "part" });
            if let Some((x, y)) = part.position {
                told = merged(told, json!({ "x": x, "y": y }));
            }
            if let Some((hp, hp_max)) = part.health {
                told = merged(told, json!({ "hp": hp, "hpMax": hp_max }));
            }
            if let Some(state) = part.state {
                told = merged(told, json!({ "state": state as u8 }));
            }
            told
        }
        Change::Gone(to) => json!({
            "handle": handle, "change": "gone", "to": to.map(|Cell { x, y }| json!({ "x": x, "y": y })),
        }),
    }
}

pub(crate) fn cell(bytes: &[u8]) -> Value {
    let mut line = json!({ "kind": "cell", "hex": hex(bytes) });
    match CellFrame::decode(bytes) {
        Ok(frame) => {
            line["value"] = json!({
                "kind": if frame.kind == CellFrameKind::Delta { "delta" } else { "snapshot" },
                "cell": { "x": frame.cell.x, "y": frame.cell.y },
                "epoch": frame.epoch,
                "sequence": frame.sequence,
                "entries": frame.entries.iter().map(entry).collect::<Value>(),
            });
            line["canonical"] = line["hex"].clone();
        }
        Err(error) => line["why"] = why(error),
    }
    line
}

/// Frames of every command, filled at random `count` times over.
pub(crate) fn commands(dice: &mut Dice, count: usize) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for index in (0..COMMANDS.len()).cycle().take(count * COMMANDS.len()) {
        let sequence = dice.integer(32) as u32;
        frames.push(framed(sequence, &random(index, dice)));
    }
    frames
}

/// Every event, filled at random `count` times over.
pub(crate) fn events(dice: &mut Dice, count: usize) -> Vec<(wire::ClassId, Vec<u8>)> {
    let indices = (0..EVENTS.len()).cycle().take(count * EVENTS.len());
    indices
        .map(|index| random::<Event>(index, dice).encode())
        .collect()
}

pub(crate) fn random_server_frame(dice: &mut Dice) -> Vec<u8> {
    let mut writer = FrameWriter::new(Header {
        ack: dice.integer(32) as u32,
        server_time_ms: dice.integer(64),
        frame: dice.integer(32) as u32,
    });
    for _ in 0..dice.below(6) {
        match dice.below(3) {
            0 => writer.event(&random(dice.below(EVENTS.len()), dice)),
            1 => writer.cell(&random_cell_frame(dice, any_cell)),
            _ => writer.cell_left(any_cell(dice)),
        }
    }
    writer.finish()
}

pub(crate) fn any_cell(dice: &mut Dice) -> Cell {
    Cell {
        x: dice.integer(16) as u16,
        y: dice.integer(16) as u16,
    }
}

fn random_near(dice: &mut Dice) -> Near {
    Near {
        x: dice.float(),
        y: dice.float(),
        hp: dice.integer(16) as u16,
        hp_max: dice.integer(16) as u16,
        state: dice.pick(State::ALL).0,
        kind: dice.text().into(),
        name: dice.text().into(),
    }
}

pub(crate) fn random_cell_frame(dice: &mut Dice, cell: fn(&mut Dice) -> Cell) -> Vec<u8> {
    let of = cell(dice);
    let (epoch, sequence) = (dice.integer(32) as u32, dice.integer(32) as u32);
    let kind = *dice.pick(&[CellFrameKind::Delta, CellFrameKind::Snapshot]);
    let mut writer = CellFrameWriter::new(kind, of, epoch, sequence);
    write_entries(&mut writer, dice, cell, |dice| dice.integer(16) as u16);
    writer.finish()
}

fn write_entries(
    writer: &mut CellFrameWriter,
    dice: &mut Dice,
    cell: fn(&mut Dice) -> Cell,
    handle: fn(&mut Dice) -> u16,
) {
    for _ in 0..dice.below(5) {
        let handle = Handle(handle(dice));
        match dice.below(4) {
            0 => writer.gone(handle, None),
            1 => {
                let to = cell(dice);
                writer.gone(handle, Some(to))
            }
            2 => writer.entity(handle, mask::ALL, &random_near(dice)),
            _ => {
                let told = dice.below(8) as u8;
                writer.entity(handle, told, &random_near(dice))
            }
        };
    }
}

/// Cell frames of one entry, with each mask that a byte can hold and what its bits would bring.
pub(crate) fn every_mask() -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for kind in [0, 1] {
        for mask in 0..=u8::MAX {
            let mut bytes = vec![kind, 2, 0, 3, 0, 1, 0, 0, 0, 9, 0, 0, 0, 1, 0, 7, 0, mask];
            let parts: [(u8, &[u8]); 5] = [
                (mask::POSITION, &[33, 0, 64, 1]),
                (mask::HEALTH, &[5, 0, 6, 0]),
                (mask::STATE, &[2]),
                (mask::IDENTITY, b"\x01a\x02bc"),
                (mask::GONE, &[1, 4, 0, 5, 0]),
            ];
            let told = parts.iter().filter(|(bit, _)| mask & bit != 0);
            bytes.extend(told.flat_map(|(_, fields)| *fields));
            frames.push(bytes);
        }
    }
    frames
}

/// A cell frame with as many entries as can be.
pub(crate) fn full_cell_frame() -> Vec<u8> {
    let mut writer = CellFrameWriter::new(CellFrameKind::Delta, Cell::default(), 1, 1);
    while writer.gone(Handle(1), None) {}
    writer.finish()
}

/// Few cells, few entities, and frames of any kind in any order: what a view makes of each.
pub(crate) fn view(dice: &mut Dice, steps: usize) -> Value {
    let few = |dice: &mut Dice| Cell {
        x: dice.below(2) as u16,
        y: dice.below(2) as u16,
    };
    let mut view = View::new();
    let mut sequence = 1;
    let mut told = Vec::new();
    for _ in 0..steps {
        let step = match dice.below(20) {
            0 => {
                view.clear();
                json!({ "clear": true })
            }
            1 | 2 => {
                let cell = few(dice);
                view.drop_cell(cell);
                json!({ "left": [cell.x, cell.y] })
            }
            _ => {
                // Mostly the next, now and then one that jumps, one that is old, or one of another epoch.
                sequence += *dice.pick(&[1, 1, 1, 1, 0, 2]);
                let old = *dice.pick(&[0, 0, 0, 0, 1, 3]);
                let epoch = 2 + u32::from(dice.is_one_in(40)) - u32::from(dice.is_one_in(20));
                let kind = if dice.is_one_in(4) {
                    CellFrameKind::Snapshot
                } else {
                    CellFrameKind::Delta
                };
                let cell = few(dice);
                let mut writer =
                    CellFrameWriter::new(kind, cell, epoch, u32::saturating_sub(sequence, old));
                write_entries(&mut writer, dice, few, |dice| dice.below(6) as u16);
                let bytes = writer.finish();
                let frame = CellFrame::decode(&bytes).expect("a written frame should be readable");
                let is_gap = view.apply(&frame).is_err();
                json!({ "cell": hex(&bytes), "isGap": is_gap })
            }
        };
        let entities = view.entities().map(|(handle, seen)| {
            let cell = view.cell_of(handle);
            merged(
                json!({ "handle": handle.0, "cell": cell.map(|Cell { x, y }| json!([x, y])) }),
                near(seen),
            )
        });
        let entities: Value = entities.collect();
        let cells = view
            .cells()
            .map(|(cell, version)| json!([cell.x, cell.y, version.epoch, version.sequence]));
        let cells: Value = cells.collect();
        told.push(merged(
            step,
            json!({ "entities": entities, "cells": cells }),
        ));
    }
    json!({ "kind": "view", "steps": told })
}

/// What a clock knows of the server's from answers that take their time, that never come, and that contradict each other.
pub(crate) fn clock(dice: &mut Dice, steps: usize) -> Value {
    let mut clock = ServerClock::new();
    let mut now_us = dice.roll() % 1_000_000_000;
    let mut ahead_us = 1_760_000_000_000_000;
    let mut open = None;
    let mut told = Vec::new();
    for _ in 0..steps {
        let mut step = json!({});
        match open.take() {
            Some(number) if !dice.is_one_in(10) => {
                let way_us = *dice.pick(&[1_000, 30_000, 400_000]);
                let up_us = dice.roll() % way_us;
                let server_ms = (ahead_us + now_us + up_us) / 1000;
                now_us += up_us + dice.roll() % way_us;
                let number = if dice.is_one_in(20) { 7 } else { number };
                step["isTaken"] = json!(clock.answered(number, server_ms, now_us));
                step["answer"] = json!([number, server_ms]);
            }
            _ => {
                let asked = clock.ask(now_us);
                step["number"] = json!(asked);
                open = asked;
            }
        }
        step["atMs"] = json!(now_us as f64 / 1000.0);
        step["known"] = json!(clock.estimate(now_us).map(|it| json!({
            "offsetMs": it.offset_us as f64 / 1000.0,
            "delayMs": it.delay_us as f64 / 1000.0,
            "jitterMs": it.jitter_us as f64 / 1000.0,
            "errorMs": it.error_us_max as f64 / 1000.0,
        })));
        step["serverNowMs"] = json!(clock.server_now_ms(now_us));
        told.push(step);
        if open.is_none() {
            now_us += dice.roll() % 4_000_000;
        }
        if dice.is_one_in(40) {
            // One of the machines slept.
            ahead_us += 60_000_000;
        }
    }
    json!({ "kind": "clock", "steps": told })
}

/// What a stranger, or a broken line, might make of good bytes.
pub(crate) fn spoiled(good: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = good.to_vec();
    let at = dice.below(bytes.len() + 1);
    match dice.below(8) {
        0 => bytes.truncate(at),
        1 => bytes.push(dice.roll() as u8),
        2 | 3 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
        }
        4 => {
            // A length that nothing can hold.
            let head = *dice.pick(&[0xdd, 0xdb, 0xdf, 0xc6, 0xc9]);
            bytes.truncate(at);
            bytes.extend([head, 0xff, 0xff, 0xff, 0xff, 0, 0]);
        }
        5 => {
            let depth = *dice.pick(&[1, 15, 16, 17, 1000]);
            bytes.splice(at..at, vec![0x91; depth]);
        }
        6 => {
            // Another way to write a number, or another value.
            let other: &[u8] = match dice.below(13) {
                0 => &[0xcc, 5],
                1 => &[0xcd, 0, 5],
                2 => &[0xd3, 0, 0, 0, 0, 0, 0, 0, 5],
                3 => &[0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
                4 => &[0xcb, 0x3f, 0xf1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a],
                5 => &[0xff],
                6 => &[0xc0],
                7 => &[0xc4, 1, b'a'],
                8 => &[0x81, 0xa1, b'x', 1],
                9 => &[0xcd, 1, 0],
                10 => &[0xce, 0, 1, 0, 0],
                11 => &[0xcf, 0, 0, 0, 1, 0, 0, 0, 0],
                _ => &[0xd9, 2, 0xc3, 0x28],
            };
            let end = (at + 1).min(bytes.len());
            bytes.splice(at.min(end)..end, other.iter().copied());
        }
        _ => {
            if at < bytes.len() {
                bytes[at] = dice.roll() as u8;
            }
        }
    }
    bytes
}
