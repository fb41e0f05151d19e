//! What a client asks: reads it, checks that it is time for it, and brings it on its way.

use client::{Code, Command, CommandError, CommandFrame, FrameError, event};
use realm::Cx;

use super::{Session, Stage};

impl Session {
    /// Takes one frame of the client.
    pub(super) fn command(&mut self, bytes: &[u8], cx: &mut Cx<Self>) {
        if self.socket.is_none() || self.parted {
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
            return self.refuse_untaken(sequence, Code::StaleSequence, cx);
        }
        match Command::decode(frame.class, frame.body) {
            Ok(command) => {
                // A ping may have been on its way before the answer to the login was.
                if !matches!(command, Command::Ping(_)) {
                    self.confirm(cx);
                }
                self.carry_out(sequence, command, cx);
            }
            Err(error) => {
                tracing::debug!(session = %cx.address(), %error, "a command could not be read");
                let code = match error {
                    CommandError::UnknownClass(_) => Code::UnknownClass,
                    CommandError::Malformed(_) => Code::Malformed,
                    CommandError::OutOfBounds { .. } => Code::OutOfBounds,
                };
                self.refuse(sequence, code, cx);
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

    /// Refuses a command that was more than the client may send, and with it those that were dropped before it.
    pub(super) fn too_many(&mut self, bytes: &[u8], frames: u32, cx: &mut Cx<Self>) {
        if self.socket.is_none() || self.parted {
            return;
        }
        let code = Code::TooManyCommands;
        let sequence = CommandFrame::decode(bytes).map_or(0, |frame| frame.sequence);
        self.house.metrics.refused(code, frames.saturating_sub(1));
        match self.sequences.take(sequence) {
            true => self.refuse(sequence, code, cx),
            false => self.refuse_untaken(sequence, code, cx),
        }
        self.suspect_flood(frames, cx);
    }

    /// Refuses a command whose number was not taken. It is not done by that: the command that has it may still be open.
    fn refuse_untaken(&mut self, sequence: u32, code: Code, cx: &mut Cx<Self>) {
        self.house.metrics.refused(code, 1);
        let refused = event::Refused {
            sequence,
            code,
            text: code.text().to_owned(),
        };
        self.tell_now(&refused.into(), cx);
        self.suspect_refused(code, cx);
    }
}
