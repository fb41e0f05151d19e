//! The connection against a scripted server.

use super::*;
use crate::event::{Goodbye, Left, Refused};
use crate::{Cell, CellFrameKind, CellFrameWriter, FrameWriter, Handle, Near, State, mask};

/// Plays frames that were written before, and keeps what was sent.
#[derive(Debug, Default)]
struct Script {
    frames: VecDeque<Option<Vec<u8>>>,
    sent: Vec<Command>,
    time_ms: u64,
    now_us: Option<u64>,
}

impl Script {
    fn then(mut self, wait_ms: u64, write: impl FnOnce(&mut FrameWriter)) -> Script {
        self.time_ms += wait_ms;
        let header = Header {
            ack: 0,
            server_time_ms: self.time_ms,
            frame: self.frames.len() as u32 + 1,
        };
        let mut writer = FrameWriter::new(header);
        write(&mut writer);
        self.frames.push_back(Some(writer.finish()));
        self
    }

    fn then_quiet(mut self) -> Script {
        self.frames.push_back(None);
        self
    }
}

impl Transport for Script {
    async fn send(&mut self, bytes: Vec<u8>) -> Result<(), Closed> {
        let frame =
            CommandFrame::decode(&bytes).map_err(|error| Closed::because(error.to_string()))?;
        let command = Command::decode(frame.class, frame.body)
            .map_err(|error| Closed::because(error.to_string()))?;
        self.sent.push(command);
        Ok(())
    }

    async fn receive(&mut self) -> Result<Vec<u8>, Closed> {
        self.receive_or_quiet()
            .await?
            .ok_or_else(|| Closed::because("quiet"))
    }

    async fn receive_or_quiet(&mut self) -> Result<Option<Vec<u8>>, Closed> {
        self.frames
            .pop_front()
            .ok_or_else(|| Closed::because("the script is over"))
    }

    fn now_us(&self) -> Option<u64> {
        self.now_us
    }
}

fn pong(number: u64) -> Event {
    Pong {
        client_time_ms: number,
        server_time_ms: 0,
    }
    .into()
}

fn a_cell() -> Vec<u8> {
    let dog = Near {
        x: 1.0,
        y: 1.0,
        hp: 5,
        hp_max: 5,
        state: State::Idle,
        kind: "mobs/dog".into(),
        name: "Dog".into(),
    };
    let mut writer = CellFrameWriter::new(CellFrameKind::Snapshot, Cell::default(), 1, 1);
    writer.entity(Handle(4), mask::ALL, &dog);
    writer.finish()
}

#[tokio::test]
async fn events_come_one_by_one_after_their_frame() {
    let script = Script::default().then(5, |frame| {
        frame.event(&pong(1));
        frame.cell(&a_cell());
        frame.event(&pong(2));
    });
    let mut connection = Connection::new(script);
    let first = connection.next().await;
    assert!(
        matches!(first, Ok(Happening::Frame(header)) if header.server_time_ms == 5),
        "the frame should come first"
    );
    assert!(
        connection.view().get(Handle(4)).is_some(),
        "the view should be that of the whole frame"
    );
    for number in [1, 2] {
        assert_eq!(
            connection.next().await,
            Ok(Happening::Event(pong(number))),
            "events should keep their order"
        );
    }
    let end = connection.next().await;
    assert_eq!(
        end,
        Err(Closed::because("the script is over").into()),
        "the end should be told"
    );
}

#[tokio::test]
async fn a_refusal_of_the_command_asked_ends_the_wait_at_once() {
    let refusal = |sequence| {
        Refused {
            sequence,
            code: Code::Cooldown,
            text: String::new(),
        }
        .into()
    };
    let script = Script::default().then(1, |frame| {
        frame.event(&refusal(7));
        frame.event(&refusal(1));
        frame.event(&pong(1));
    });
    let mut connection = Connection::new(script);
    let answer = connection.ask(100, Ping { client_time_ms: 1 }, |event| {
        matches!(event, Event::Pong(_)).then_some(())
    });
    assert_eq!(
        answer.await,
        Err(Missed::refused("client.ping", Code::Cooldown)),
        "only the refusal of this command counts"
    );
    assert_eq!(
        connection.next().await,
        Ok(Happening::Event(pong(1))),
        "what follows should not be lost"
    );
}

#[tokio::test]
async fn a_wait_ends_by_the_servers_clock() {
    let script = Script::default()
        .then(1_000, |_| {})
        .then(60, |_| {})
        .then(60, |_| {})
        .then(60, |_| {});
    let mut connection = Connection::new(script);
    let waited = connection
        .until(100, "a dog", |_, view| view.get(Handle(4)).map(drop))
        .await;
    assert_eq!(
        waited,
        Err(Missed::TimedOut {
            what: "a dog".into(),
            waited_ms: 100
        }),
        "120 ms are more than 100"
    );
    assert_eq!(
        connection.header().server_time_ms,
        1_120,
        "the wait should begin with the first frame"
    );
}

#[tokio::test]
async fn a_goodbye_ends_every_wait() {
    let script = Script::default().then(1, |frame| {
        frame.event(
            &Goodbye {
                code: Code::Stopping,
            }
            .into(),
        )
    });
    let waited = Connection::new(script)
        .until(100, "a dog", |_, _| None::<()>)
        .await;
    assert_eq!(
        waited,
        Err(Missed::Goodbye(Code::Stopping)),
        "the reason should be told"
    );
}

#[tokio::test]
async fn a_quiet_server_is_asked_for_the_time() {
    let script = Script::default()
        .then_quiet()
        .then_quiet()
        .then(1, |frame| frame.event(&pong(0)));
    let mut connection = Connection::new(script);
    assert!(
        connection.next().await.is_ok(),
        "the frame should come after the quiet"
    );
    let ping = Command::from(Ping { client_time_ms: 0 });
    assert_eq!(
        connection.transport.sent,
        [ping.clone(), ping],
        "each quiet while should send one ping"
    );
}

#[tokio::test]
async fn the_servers_clock_is_asked_for_and_its_answer_is_no_event() {
    let script = Script {
        now_us: Some(5_000_000),
        ..Script::default()
    };
    let answer = Pong {
        client_time_ms: 5_000,
        server_time_ms: 77_000,
    };
    let script = script
        .then(1, |_| {})
        .then(1, |frame| frame.event(&answer.into()))
        .then(1, |frame| frame.event(&pong(3)));
    let mut connection = Connection::new(script);
    for _ in 0..3 {
        assert!(
            matches!(connection.next().await, Ok(Happening::Frame(_))),
            "three frames should come, and between them no event"
        );
    }
    assert_eq!(
        connection.next().await,
        Ok(Happening::Event(pong(3))),
        "the answer to somebody else's ping is an event"
    );
    let asked = Command::from(Ping {
        client_time_ms: 5_000,
    });
    assert_eq!(
        connection.transport.sent,
        [asked.clone(), asked],
        "the first frame should be followed by a question, and its answer by the next"
    );
    assert_eq!(
        connection.server_now_ms(),
        Some(77_000),
        "without any delay the server's time is what it says"
    );
    let delay_us = connection.clock().map(|estimate| estimate.delay_us);
    assert_eq!(delay_us, Some(0), "nothing took any time");
}

#[tokio::test]
async fn what_was_added_to_the_protocol_later_is_passed_over() {
    let script = Script::default().then(1, |frame| {
        frame.encoded_event(wire::ClassId::of("client.event.new"), &[0x90]);
        // The refusal of command 7 with number 60,000, in the server's words.
        let refused = [0x93, 7, 0xcd, 0xea, 0x60, 0xa3, b'W', b'h', b'y'];
        frame.encoded_event(<Refused as wire::Class>::ID, &refused);
        frame.encoded_event(<Left as wire::Class>::ID, &[0x91, 0xc0]);
    });
    let mut connection = Connection::new(script);
    let next = connection.next().await;
    assert!(
        matches!(next, Err(ConnectionError::Event(EventError::Malformed(_)))),
        "an event of a class that is known should have its shape: {next:?}"
    );
    let refused = Refused {
        sequence: 7,
        code: Code::Unknown,
        text: "Why".to_owned(),
    };
    assert_eq!(
        connection.next().await,
        Ok(Happening::Event(refused.into())),
        "a refusal whose code is new should be handed on with its text"
    );
    assert_eq!(
        connection.passed_over(),
        1,
        "the event of a new class should be counted, and nothing else"
    );
}

#[tokio::test]
async fn leaving_the_world_empties_the_view() {
    let script = Script::default()
        .then(1, |frame| frame.cell(&a_cell()))
        .then(1, |frame| frame.event(&Left {}.into()));
    let mut connection = Connection::new(script);
    let left = connection.until(100, "left", |happening, _| {
        matches!(happening, Happening::Event(Event::Left(_))).then_some(())
    });
    assert_eq!(left.await, Ok(()), "the event should come");
    assert_eq!(
        connection.view().entities().count(),
        0,
        "nobody should be seen from outside the world"
    );
}

#[tokio::test]
async fn a_server_frame_that_cannot_be_read_is_an_error() {
    let mut script = Script::default();
    script.frames.push_back(Some(vec![9]));
    let next = Connection::new(script).next().await;
    assert_eq!(
        next,
        Err(FrameError::UnknownVersion(9).into()),
        "another version should be refused by number"
    );
}
