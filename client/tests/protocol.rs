//! Holds PROTOCOL.md against the types that the server uses: every table row, every bound of a command, every example.

#[path = "protocol/page.rs"]
mod page;
#[path = "protocol/probe.rs"]
mod probe;
#[path = "protocol/told.rs"]
mod told;

use client::{
    COMMAND_FRAME_LEN_MAX, COMMANDS, CellFrame, Change, Code, Command, CommandError, CommandFrame,
    EVENTS, Event, PROTOCOL, Part, SERVER_FRAME_LEN_MAX, ServerFrame, mask,
};
use wire::ClassId;

use page::{Class, classes, examples, rows};
use probe::{Filling, fields_of, filled};

/// The classes of a table as the types have them, in the form of the page.
fn known(
    list: &[(&str, ClassId)],
    fields: impl Fn(usize) -> (String, Vec<String>),
) -> Vec<(String, String, Vec<String>)> {
    (0..list.len())
        .map(|index| {
            let (name, fields) = fields(index);
            let (_, id) = list
                .iter()
                .find(|(listed, _)| *listed == name)
                .expect("every variant should be in the list of its table");
            (format!("0x{:08x}", id.0), name, fields)
        })
        .collect()
}

fn rows_of(classes: &[Class]) -> Vec<(String, String, Vec<String>)> {
    let row = |class: &Class| {
        let fields = class.fields.iter().map(|field| field.shape.clone());
        (class.id.clone(), class.name.clone(), fields.collect())
    };
    classes.iter().map(row).collect()
}

#[test]
fn the_page_has_every_command_with_its_fields_in_order() {
    let known = known(COMMANDS, |index| {
        let command: Command = filled(index, &Filling::default());
        (
            command.name().to_owned(),
            fields_of::<Command>(index, &Filling::default()),
        )
    });
    assert_eq!(
        rows_of(&classes("## Commands")),
        known,
        "the table of commands should say what the types say"
    );
}

#[test]
fn the_page_has_every_event_with_its_fields_in_order() {
    let known = known(EVENTS, |index| {
        let event: Event = filled(index, &Filling::default());
        (
            event.name().to_owned(),
            fields_of::<Event>(index, &Filling::default()),
        )
    });
    assert_eq!(
        rows_of(&classes("## Events")),
        known,
        "the table of events should say what the types say"
    );
}

/// What the server makes of the command that `filling` fills.
fn taken(index: usize, filling: &Filling) -> Result<Command, CommandError> {
    let command: Command = filled(index, filling);
    let (class, body) = command.encode();
    Command::decode(class, &body)
}

#[test]
fn every_bound_of_a_command_is_where_the_page_says() {
    for (index, class) in classes("## Commands").iter().enumerate() {
        for (at, field) in class.fields.iter().enumerate() {
            let place = format!("{} of {}", field.shape, class.name);
            // All fields hold what they may, but one.
            let allowed: Vec<usize> = class.fields.iter().map(|field| field.least()).collect();
            let text = |len: usize| {
                let mut texts = allowed.clone();
                texts[at] = len;
                taken(index, &Filling { texts, number: 1.5 })
            };
            if let Some((least, most)) = field.lengths {
                assert!(text(least).is_ok(), "{least} bytes should do for {place}");
                assert!(text(most).is_ok(), "{most} bytes should do for {place}");
                assert!(
                    text(most + 1).is_err(),
                    "{} bytes should be too long for {place}",
                    most + 1
                );
                assert!(
                    least == 0 || text(least - 1).is_err(),
                    "fewer than {least} bytes should be too short for {place}"
                );
            }
            if field.shape.ends_with(": f32") {
                assert!(
                    field.is_number,
                    "the page should say that {place} is a number"
                );
                for number in [f32::NAN, f32::INFINITY, f32::from_bits(1)] {
                    let texts = allowed.clone();
                    assert!(
                        taken(index, &Filling { texts, number }).is_err(),
                        "{number} should be no number for {place}"
                    );
                }
            }
            assert!(
                !field.shape.ends_with(": str") || field.lengths.is_some(),
                "the page should bound {place}"
            );
        }
    }
}

#[test]
fn the_page_has_every_code() {
    let known: Vec<Vec<String>> = Code::ALL
        .iter()
        .map(|code| {
            vec![
                u16::from(*code).to_string(),
                format!("`{code:?}`"),
                code.text().to_owned(),
            ]
        })
        .collect();
    let told: Vec<Vec<String>> = rows("## Codes")
        .into_iter()
        .map(|row| row.into_iter().take(3).collect())
        .collect();
    assert_eq!(
        told, known,
        "the table of codes should say what the type says"
    );
}

#[test]
fn the_page_has_every_state() {
    let told: Vec<Vec<String>> = rows("## What is to be seen")
        .into_iter()
        .filter(|row| row.len() == 3 && row[0].parse::<u8>().is_ok() && !row[1].contains(' '))
        .map(|row| row.into_iter().take(2).collect())
        .collect();
    let known: Vec<Vec<String>> = (0..=u8::MAX)
        .filter_map(|number| {
            // A delta that tells of one entity that it has this state.
            let bytes = [[0; 13].as_slice(), &[1, 0, 9, 0, mask::STATE, number]].concat();
            let frame = CellFrame::decode(&bytes).ok()?;
            let Change::Part(Part {
                state: Some(state), ..
            }) = frame.entries[0].change
            else {
                panic!("the delta should tell a state");
            };
            Some(vec![number.to_string(), told::state(state)])
        })
        .collect();
    assert_eq!(
        told, known,
        "the table of states should say what the type says"
    );
}

#[test]
fn the_longest_of_each_command_fits_into_a_frame() {
    for (index, class) in classes("## Commands").iter().enumerate() {
        let most = |field: &page::Field| field.lengths.map_or(0, |(_, most)| most);
        let filling = Filling {
            texts: class.fields.iter().map(most).collect(),
            number: 1.5,
        };
        let command: Command = filled(index, &filling);
        let (class_id, body) = command.encode();
        let frame = CommandFrame {
            class: class_id,
            sequence: u32::MAX,
            body: &body,
        };
        let len = frame.encode().len();
        assert!(
            len <= COMMAND_FRAME_LEN_MAX,
            "{} within its bounds should not be too long for a frame: it takes {len} bytes",
            class.name
        );
    }
}

#[test]
fn the_page_has_the_version_and_the_limits() {
    assert!(
        page::PAGE.starts_with(&format!("# The client protocol, version {PROTOCOL}\n")),
        "the page should be about version {PROTOCOL}"
    );
    let limits = rows("## The connection");
    for (what, limit) in [
        ("command frame, at most", COMMAND_FRAME_LEN_MAX),
        ("server frame, at most", SERVER_FRAME_LEN_MAX),
    ] {
        assert!(
            limits.contains(&vec![what.to_owned(), limit.to_string()]),
            "the page should say: {what}, {limit}"
        );
    }
    let depth = format!("deeper than {}", wire::DEPTH_MAX);
    let flat = page::PAGE.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(&depth), "the page should say: {depth}");
}

#[test]
fn every_example_decodes_to_what_the_page_says() {
    let mut tried = Vec::new();
    for example in examples() {
        let bytes = &example.bytes;
        let told = match example.kind.as_str() {
            "command" => {
                let frame =
                    CommandFrame::decode(bytes).expect("the command frame should be readable");
                let command = Command::decode(frame.class, frame.body)
                    .expect("the command should be readable");
                assert_eq!(
                    command.encode().1,
                    frame.body,
                    "the example should be what a client in Rust sends"
                );
                assert_eq!(&frame.encode(), bytes, "a round trip should change nothing");
                told::command(&frame, &command)
            }
            "server" => {
                let frame =
                    ServerFrame::decode(bytes).expect("the server frame should be readable");
                assert_eq!(
                    &told::written(&frame),
                    bytes,
                    "the example should be what a server writes"
                );
                told::server(&frame)
            }
            "cell" => {
                let frame = CellFrame::decode(bytes).expect("the cell frame should be readable");
                assert_eq!(
                    &told::rewritten(&frame),
                    bytes,
                    "the example should be what a server writes"
                );
                told::cell(&frame)
            }
            other => panic!("the page has an example of kind {other}, which nothing reads"),
        };
        assert_eq!(
            example.told, told,
            "the example should decode to the text below it"
        );
        tried.push(example.kind);
    }
    assert_eq!(
        tried,
        ["command", "server", "cell"],
        "the page should have an example of each layout"
    );
}

#[test]
fn a_number_may_come_as_another_kind_of_number() {
    let moved = [
        // Two integers, and two floats of 64 bits.
        vec![0x92, 17, 34],
        [
            &[0x92, 0xcb][..],
            &17.0_f64.to_be_bytes(),
            &[0xcb],
            &34.0_f64.to_be_bytes(),
        ]
        .concat(),
    ];
    let expected = Command::from(client::command::Move { x: 17.0, y: 34.0 });
    for body in moved {
        assert_eq!(
            Command::decode(expected.class(), &body).as_ref(),
            Ok(&expected),
            "a client whose language has one kind of number should be understood: {body:x?}"
        );
    }
}
