use proptest::prelude::*;

use super::*;

const CELL: Cell = Cell { x: 2, y: 3 };

fn dog() -> Near {
    Near {
        x: 10.5,
        y: 20.25,
        hp: 30,
        hp_max: 40,
        state: State::Walking,
        kind: "mobs/dog".into(),
        name: "Dog".into(),
    }
}

#[test]
fn a_moved_entity_costs_seven_bytes() {
    let mut writer = CellFrameWriter::new(CellFrameKind::Delta, CELL, 1, 2);
    let empty = writer.bytes.len();
    assert!(
        writer.entity(Handle(1), mask::POSITION, &dog()),
        "an empty frame should take an entry"
    );
    assert_eq!(
        writer.bytes.len() - empty,
        7,
        "handle, mask and position should be all"
    );
}

#[test]
fn a_cell_frame_has_the_published_layout() {
    let mut writer = CellFrameWriter::new(CellFrameKind::Delta, CELL, 0x0101, 0x0202);
    writer.entity(
        Handle(9),
        mask::POSITION | mask::HEALTH | mask::STATE,
        &dog(),
    );
    writer.gone(Handle(8), Some(Cell { x: 1, y: 0 }));
    assert_eq!(
        writer.finish(),
        [
            0, 2, 0, 3, 0, 1, 1, 0, 0, 2, 2, 0, 0, 2, 0, // header
            9, 0, 7, 0x50, 1, 0x88, 2, 30, 0, 40, 0, 1, // part of 9
            8, 0, 0x80, 1, 1, 0, 0, 0, // 8 went to another cell
        ],
        "clients in other languages read these very bytes"
    );
}

#[test]
fn a_cell_frame_reads_back_equal() {
    let mut writer = CellFrameWriter::new(CellFrameKind::Delta, CELL, 7, 8);
    writer.entity(Handle(1), mask::ALL, &dog());
    writer.entity(Handle(2), mask::HEALTH, &dog());
    writer.entity(Handle(3), 0, &dog());
    writer.gone(Handle(4), None);
    let frame = CellFrame::decode(&writer.finish()).expect("a written frame should be readable");
    assert_eq!(
        (frame.kind, frame.cell, frame.epoch, frame.sequence),
        (CellFrameKind::Delta, CELL, 7, 8),
        "the head should read back"
    );
    let health = Part {
        health: Some((30, 40)),
        ..Part::default()
    };
    assert_eq!(
        frame.entries,
        [
            Entry {
                handle: Handle(1),
                change: Change::Whole(dog())
            },
            Entry {
                handle: Handle(2),
                change: Change::Part(health)
            },
            Entry {
                handle: Handle(4),
                change: Change::Gone(None)
            },
        ],
        "an entry that tells nothing should not be written"
    );
}

#[test]
fn a_head_is_read_without_the_entries() {
    let mut bytes = CellFrameWriter::new(CellFrameKind::Snapshot, CELL, 7, 8).finish();
    let head = CellHead {
        kind: CellFrameKind::Snapshot,
        cell: CELL,
        epoch: 7,
        sequence: 8,
    };
    bytes.push(99);
    assert_eq!(
        CellHead::decode(&bytes),
        Ok(head),
        "what follows the head should not matter"
    );
    assert_eq!(
        CellHead::decode(&bytes[..12]),
        Err(CellError::Truncated),
        "half a head should be refused"
    );
}

#[test]
fn an_identity_and_a_snapshot_tell_all() {
    for kind in [CellFrameKind::Delta, CellFrameKind::Snapshot] {
        let mut writer = CellFrameWriter::new(kind, CELL, 1, 1);
        writer.entity(Handle(1), mask::IDENTITY, &dog());
        let frame =
            CellFrame::decode(&writer.finish()).expect("a written frame should be readable");
        assert_eq!(
            frame.entries[0].change,
            Change::Whole(dog()),
            "{kind:?} should tell the entity whole"
        );
    }
}

#[test]
fn a_text_is_cut_between_letters() {
    let long = Near {
        name: "é".repeat(200).into(),
        ..dog()
    };
    let mut writer = CellFrameWriter::new(CellFrameKind::Snapshot, CELL, 1, 1);
    writer.entity(Handle(1), mask::ALL, &long);
    let frame = CellFrame::decode(&writer.finish()).expect("a cut text should stay UTF-8");
    let Change::Whole(near) = &frame.entries[0].change else {
        panic!("a snapshot should tell the entity whole");
    };
    assert_eq!(
        near.name.len(),
        254,
        "127 letters of two bytes fit into 255"
    );
}

#[test]
fn what_a_cell_frame_must_not_hold_is_refused() {
    let head = |kind: u8, count: u16| {
        let mut bytes = CellFrameWriter::new(CellFrameKind::Delta, CELL, 1, 1).finish();
        bytes[0] = kind;
        bytes[COUNT_AT..].copy_from_slice(&count.to_le_bytes());
        bytes
    };
    let cases: [(u8, u16, &[u8], CellError); 8] = [
        (2, 0, &[], CellError::UnknownKind(2)),
        (0, 1, &[], CellError::Truncated),
        (0, u16::MAX, &[1, 0, 4, 0], CellError::Truncated),
        (0, 1, &[1, 0, 0], CellError::UnknownMask(0)),
        (0, 1, &[1, 0, 0x81, 0], CellError::UnknownMask(0x81)),
        (0, 1, &[1, 0, 4, 7], CellError::UnknownState(7)),
        (0, 1, &[1, 0, 0x80, 2], CellError::UnknownDeparture(2)),
        (1, 1, &[1, 0, 4, 1], CellError::PartInSnapshot(Handle(1))),
    ];
    for (kind, count, tail, error) in cases {
        let bytes = [head(kind, count), tail.to_vec()].concat();
        assert_eq!(
            CellFrame::decode(&bytes),
            Err(error),
            "{tail:?} should be refused"
        );
    }
    let spare = [head(0, 0), vec![0]].concat();
    assert_eq!(
        CellFrame::decode(&spare),
        Err(CellError::TrailingBytes),
        "a spare byte should be refused"
    );
}

#[test]
fn a_full_frame_takes_no_more() {
    let mut writer = CellFrameWriter::new(CellFrameKind::Delta, CELL, 1, 1);
    for handle in 0..u16::MAX {
        assert!(
            writer.gone(Handle(handle), None),
            "entry {handle} should fit"
        );
    }
    assert!(
        !writer.gone(Handle(u16::MAX), None),
        "the count has no room for one more"
    );
    assert!(
        CellFrame::decode(&writer.finish()).is_ok(),
        "a full frame should stay readable"
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..256), count in 0_u16..9) {
        let _ = CellFrame::decode(&bytes);
        if bytes.len() > COUNT_AT + 2 {
            bytes[0] &= 1;
            bytes[COUNT_AT..COUNT_AT + 2].copy_from_slice(&count.to_le_bytes());
            let _ = CellFrame::decode(&bytes);
        }
    }
}
