//! Tells frames in the words of PROTOCOL.md, and writes them anew, as the server would.

use std::fmt::Write;

use client::{
    Cell, CellFrame, CellFrameKind, CellFrameWriter, Change, Command, CommandFrame, Event,
    FrameWriter, Near, Section, ServerFrame, State, mask,
};

pub(crate) fn command(frame: &CommandFrame<'_>, command: &Command) -> String {
    let name = command.name();
    format!(
        "{name}, sequence {}: {}\n",
        frame.sequence,
        body(frame.body)
    )
}

pub(crate) fn server(frame: &ServerFrame<'_>) -> String {
    let header = frame.header;
    let mut told = format!(
        "ack {}, server time {}, frame {}\n",
        header.ack, header.server_time_ms, header.frame
    );
    for section in &frame.sections {
        told += &match section {
            Section::Event { class, body: bytes } => {
                let event = Event::decode(*class, bytes).expect("the event should be readable");
                format!("event {}: {}\n", event.name(), body(bytes))
            }
            Section::Cell(bytes) => {
                cell(&CellFrame::decode(bytes).expect("the cell frame should be readable"))
            }
            Section::CellLeft(Cell { x, y }) => format!("cell {x},{y} left\n"),
        };
    }
    told
}

pub(crate) fn cell(frame: &CellFrame) -> String {
    let kind = match frame.kind {
        CellFrameKind::Delta => "delta",
        CellFrameKind::Snapshot => "snapshot",
    };
    let mut told = format!(
        "{kind} of cell {},{}, epoch {}, sequence {}\n",
        frame.cell.x, frame.cell.y, frame.epoch, frame.sequence
    );
    for entry in &frame.entries {
        let parts = match &entry.change {
            Change::Whole(near) => vec![
                at((near.x, near.y)),
                hp((near.hp, near.hp_max)),
                state(near.state),
                format!("{} \"{}\"", near.kind, near.name),
            ],
            Change::Part(part) => [
                part.position.map(at),
                part.health.map(hp),
                part.state.map(state),
            ]
            .into_iter()
            .flatten()
            .collect(),
            Change::Gone(None) => vec!["gone".to_owned()],
            Change::Gone(Some(Cell { x, y })) => vec![format!("gone to cell {x},{y}")],
        };
        writeln!(told, "  {}: {}", entry.handle.0, parts.join("; "))
            .expect("a text should take more");
    }
    told
}

fn at((x, y): (f32, f32)) -> String {
    format!("at {x},{y}")
}

fn hp((hp, hp_max): (u16, u16)) -> String {
    format!("hp {hp} of {hp_max}")
}

/// A state by the name that the page gives it.
pub(crate) fn state(state: State) -> String {
    format!("{state:?}").to_lowercase()
}

/// A body of small numbers: what the examples need of MessagePack.
fn body(bytes: &[u8]) -> String {
    let (head, mut rest) = bytes.split_first().expect("a body should not be empty");
    let count = head
        .checked_sub(0x90)
        .filter(|count| *count < 16)
        .expect("a body should be a short array");
    let mut values = Vec::new();
    for _ in 0..count {
        let (first, after) = rest.split_first().expect("a value should be there");
        let value;
        (value, rest) = match (*first, after.split_first_chunk::<4>()) {
            (0..=0x7f, _) => (first.to_string(), after),
            (0xca, Some((bits, after))) => (f32::from_be_bytes(*bits).to_string(), after),
            _ => panic!("the examples have no values that begin with {first:#04x}"),
        };
        values.push(value);
    }
    format!("[{}]", values.join(", "))
}

/// The server frame, written again by the server's own writers.
pub(crate) fn written(frame: &ServerFrame<'_>) -> Vec<u8> {
    let mut writer = FrameWriter::new(frame.header);
    for section in &frame.sections {
        match section {
            Section::Event { class, body } => {
                writer.event(&Event::decode(*class, body).expect("the event should be readable"));
            }
            Section::Cell(bytes) => {
                let frame = CellFrame::decode(bytes).expect("the cell frame should be readable");
                writer.cell(&rewritten(&frame));
            }
            Section::CellLeft(cell) => writer.cell_left(*cell),
        }
    }
    writer.finish()
}

/// The cell frame, written again by the server's own writer.
pub(crate) fn rewritten(frame: &CellFrame) -> Vec<u8> {
    let mut writer = CellFrameWriter::new(frame.kind, frame.cell, frame.epoch, frame.sequence);
    for entry in &frame.entries {
        match &entry.change {
            Change::Whole(near) => writer.entity(entry.handle, mask::ALL, near),
            Change::Part(part) => {
                let bits = [
                    (part.position.is_some(), mask::POSITION),
                    (part.health.is_some(), mask::HEALTH),
                    (part.state.is_some(), mask::STATE),
                ];
                let told = bits.into_iter().filter(|(is_told, _)| *is_told);
                let mask = told.fold(0, |mask, (_, bit)| mask | bit);
                let mut near = Near {
                    x: 0.0,
                    y: 0.0,
                    hp: 0,
                    hp_max: 0,
                    state: State::Idle,
                    kind: "".into(),
                    name: "".into(),
                };
                part.write_to(&mut near);
                writer.entity(entry.handle, mask, &near)
            }
            Change::Gone(to) => writer.gone(entry.handle, *to),
        };
    }
    writer.finish()
}
