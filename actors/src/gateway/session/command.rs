//! What a client asks: reads it, checks that it is time for it, and brings it on its way.

use client::{Code, Command, CommandError, CommandFrame, FrameError, event};
use realm::Cx;

use super::{Session, Stage};

/// A client that sends so many commands of unknown classes is not one of ours.
const STRIKES_MAX: u32 = 10;

impl Session {
    /// Takes one frame of the client.
    pub(super) fn command(&mut self, bytes: &[u8], cx: &mut Cx<Self>) {
        if self.socket.is_none() || self.ends_with_socket {
            return;
        }
        let frame = match CommandFrame::decode(bytes) {
            Ok(frame) => frame,
            Err(error) => {
                let error: FrameError = error;
                tracing::debug!(session = %cx.address(), %error, "a command frame could not be read");
                return self.refuse(0, Code::Malformed, cx);
            }
        };
        let sequence = frame.sequence;
        if !self.sequences.take(sequence) {
            // Not `refuse`, which would take the number for done: the command that has it may still be open.
            return self.refuse_stale(sequence, cx);
        }
        match Command::decode(frame.class, frame.body) {
            Ok(command) => self.carry_out(sequence, command, cx),
            Err(error) => {
                tracing::debug!(session = %cx.address(), %error, "a command could not be read");
                let code = match error {
                    CommandError::UnknownClass(_) => Code::UnknownClass,
                    CommandError::Malformed(_) => Code::Malformed,
                    CommandError::OutOfBounds { .. } => Code::OutOfBounds,
                };
                self.refuse(sequence, code, cx);
                self.strikes += u32::from(code == Code::UnknownClass);
                if self.strikes == STRIKES_MAX {
                    self.expel("unknown commands", cx);
                }
            }
        }
    }

    fn carry_out(&mut self, sequence: u32, command: Command, cx: &mut Cx<Self>) {
        match (command, &mut self.stage) {
            (Command::Ping(ping), _) => {
                let pong = event::Pong {
                    client_time_ms: ping.client_time_ms,
                    server_time_ms: cx.service().clock().steady_ms(),
                };
                self.answer(sequence, &pong.into(), cx);
            }
            (command @ (Command::Register(_) | Command::LogIn(_) | Command::Resume(_)), stage) => {
                match stage {
                    Stage::Fresh => self.log_in(sequence, command, cx),
                    Stage::LoggingIn => self.refuse(sequence, Code::Busy, cx),
                    _ => self.refuse(sequence, Code::AlreadyLoggedIn, cx),
                }
            }
            (_, Stage::Fresh | Stage::LoggingIn) => self.refuse(sequence, Code::NotLoggedIn, cx),
            (
                command @ (Command::Say(_)
                | Command::Whisper(_)
                | Command::Join(_)
                | Command::Part(_)),
                _,
            ) => self.talk(sequence, command, cx),
            (Command::Enter(_), Stage::LoggedIn) => self.enter(sequence, cx),
            (Command::Enter(_), Stage::Entering(_)) => self.refuse(sequence, Code::Busy, cx),
            (Command::Enter(_), Stage::InWorld(_)) => {
                self.refuse(sequence, Code::AlreadyInWorld, cx)
            }
            (_, Stage::LoggedIn) => self.refuse(sequence, Code::NotInWorld, cx),
            (Command::Leave(_), Stage::Entering(entry)) if entry.is_return() && !entry.leaves() => {
                entry.leave(sequence);
            }
            (_, Stage::Entering(entry)) => {
                let code = match entry.is_return() {
                    true => Code::Unavailable,
                    false => Code::NotInWorld,
                };
                self.refuse(sequence, code, cx);
            }
            (command, Stage::InWorld(_)) => {
                if self.say(sequence, command, cx).is_err() {
                    self.refuse(sequence, Code::TooManyCommands, cx);
                }
            }
        }
    }

    fn refuse_stale(&mut self, sequence: u32, cx: &mut Cx<Self>) {
        let code = Code::StaleSequence;
        self.house.metrics.refused(code);
        let refused = event::Refused {
            sequence,
            code,
            text: code.text().to_owned(),
        };
        self.tell_now(&refused.into(), cx);
    }
}
