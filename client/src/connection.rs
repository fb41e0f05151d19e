//! One client's connection over any transport: numbers commands and keeps what the server has not done, reads server frames,
//! keeps the view, hands on events in order, and goes on over another transport when one was lost. Reads no clock: time is what the server's frames say, and what its transport's clock has passed since.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::future::Future;

use thiserror::Error;

use crate::command::{Enter, Ping, Resume};
use crate::event::Pong;
use crate::kept::{Kept, outlives_its_connection};
use crate::{
    CellError, CellFrame, Code, Command, CommandFrame, Estimate, Event, EventError, FrameError,
    Gap, Header, Section, ServerClock, ServerFrame, View,
};

/// What carries whole frames to and from a server.
pub trait Transport {
    /// Sends one frame.
    fn send(&mut self, bytes: Vec<u8>) -> impl Future<Output = Result<(), Closed>>;

    /// Waits for one frame.
    fn receive(&mut self) -> impl Future<Output = Result<Vec<u8>, Closed>>;

    /// Waits for one frame, or answers `None` after a while without any, so that a quiet server can be asked for the time.
    /// A transport without a clock just waits.
    fn receive_or_quiet(&mut self) -> impl Future<Output = Result<Option<Vec<u8>>, Closed>> {
        async { self.receive().await.map(Some) }
    }

    /// The client's own clock: steady, in microseconds from any zero. On a transport without one, the server's clock stays
    /// unknown.
    fn now_us(&self) -> Option<u64> {
        None
    }
}

/// The transport has ended.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the connection is closed{}: {reason}", code.map(|code| format!(" ({code})")).unwrap_or_default())]
pub struct Closed {
    /// The WebSocket close code, when the other side gave one.
    pub code: Option<u16>,
    /// Why, in words.
    pub reason: String,
}

impl Closed {
    /// Closed without a code.
    pub fn because(reason: impl Into<String>) -> Closed {
        Closed {
            code: None,
            reason: reason.into(),
        }
    }
}

/// What `next` brings.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// A server frame was taken in: the view and the time are its own now, and its events follow one by one.
    Frame(Header),
    /// An event of the last frame.
    Event(Event),
}

/// A connection: the view of one client, and the commands that it sends.
#[derive(Debug)]
pub struct Connection<T> {
    transport: T,
    view: View,
    header: Header,
    sequence: u32,
    events: VecDeque<Event>,
    gaps: Vec<Gap>,
    clock: ServerClock,
    passed_over: u64,
    kept: Kept,
    /// The connection was lost and what is kept was not sent again: acknowledgements speak of other numbers.
    returning: bool,
    token: Option<String>,
    gateways: Vec<String>,
    in_world: bool,
}

impl<T: Transport> Connection<T> {
    /// A connection on which nothing has been said yet.
    pub fn new(transport: T) -> Connection<T> {
        Connection {
            transport,
            view: View::new(),
            header: Header::default(),
            sequence: 0,
            events: VecDeque::new(),
            gaps: Vec::new(),
            clock: ServerClock::new(),
            passed_over: 0,
            kept: Kept::default(),
            returning: false,
            token: None,
            gateways: Vec::new(),
            in_world: false,
        }
    }

    /// What the client sees.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The header of the last server frame; all zero before the first.
    pub fn header(&self) -> Header {
        self.header
    }

    /// How the server's clock stands to the transport's; `None` while nothing is known. It is asked after the first frame,
    /// and again every ten seconds, whenever something is waited for.
    pub fn clock(&self) -> Option<Estimate> {
        self.clock.estimate(self.transport.now_us()?)
    }

    /// The server's time now, in the milliseconds of its frames' headers; it never runs backwards.
    pub fn server_now_ms(&mut self) -> Option<u64> {
        self.clock.server_now_ms(self.transport.now_us()?)
    }

    /// Cells of which frames were missing since the last call.
    pub fn take_gaps(&mut self) -> Vec<Gap> {
        std::mem::take(&mut self.gaps)
    }

    /// Events of classes that were added to the protocol after this was built: they are passed over.
    pub fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// Numbers commands from `sequence + 1`, whatever the server has seen before.
    pub fn number_after(&mut self, sequence: u32) {
        self.sequence = sequence;
    }

    /// The token of the last login; what `Resume` takes.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Where the realm can be reached, as the server told last.
    pub fn gateways(&self) -> &[String] {
        &self.gateways
    }

    /// True while the server counts the avatar as in the world, as far as is known.
    pub fn in_world(&self) -> bool {
        self.in_world
    }

    /// How many commands are not acknowledged, and would be sent again.
    pub fn kept(&self) -> usize {
        self.kept.len()
    }

    /// Goes on over another transport, to any gateway of the realm: resumes the login, enters if the avatar was in the world,
    /// and sends again what was not acknowledged; the server applies each once. What was told meanwhile comes by `next`. On
    /// an error the same can be tried over yet another transport. `wait_ms` is for each answer, of server time.
    pub async fn resume(&mut self, transport: T, wait_ms: u64) -> Result<(), Missed> {
        let Some(token) = self.token.clone() else {
            return Err(Missed::Odd("there is no login to resume".to_owned()));
        };
        self.transport = transport;
        self.header = Header::default();
        self.clock = ServerClock::new();
        self.returning = true;
        let mut told = Vec::new();
        let resumed = self.return_by(token, wait_ms, &mut told).await;
        // Also what was told on a way back that failed: it may have been the reason.
        told.extend(self.events.drain(..));
        self.events = told.into();
        resumed
    }

    async fn return_by(
        &mut self,
        token: String,
        wait_ms: u64,
        told: &mut Vec<Event>,
    ) -> Result<(), Missed> {
        self.told(wait_ms, "client.event.welcome", told, |event| {
            matches!(event, Event::Welcome(_))
        })
        .await?;
        let (name, sequence) = self.begin(Resume { token }).await?;
        self.answer(name, sequence, wait_ms, told, |event| {
            matches!(event, Event::LoggedIn(_))
        })
        .await?;
        if self.in_world {
            let (name, sequence) = self.begin(Enter {}).await?;
            self.answer(name, sequence, wait_ms, told, |event| {
                matches!(event, Event::Entered(_))
            })
            .await?;
        }
        for frame in self.kept.again(self.sequence + 1) {
            let sent = self.transport.send(frame).await;
            sent.map_err(ConnectionError::from)?;
        }
        self.command(Ping { client_time_ms: 0 })
            .await
            .map_err(ConnectionError::from)?;
        self.returning = false;
        Ok(())
    }

    async fn begin(&mut self, command: impl Into<Command>) -> Result<(&'static str, u32), Missed> {
        let command = command.into();
        let name = command.name();
        let sequence = self.command(command).await.map_err(ConnectionError::from)?;
        Ok((name, sequence))
    }

    /// Waits for an event that answers a command, and notes all that come before it.
    async fn answer(
        &mut self,
        what: &'static str,
        sequence: u32,
        wait_ms: u64,
        told: &mut Vec<Event>,
        is_it: impl Fn(&Event) -> bool,
    ) -> Result<(), Missed> {
        let mut code = None;
        self.told(wait_ms, what, told, |event| match event {
            Event::Refused(refused) if refused.sequence == sequence => {
                code = Some(refused.code);
                true
            }
            event => is_it(event),
        })
        .await?;
        code.map_or(Ok(()), |code| Err(Missed::refused(what, code)))
    }

    async fn told(
        &mut self,
        wait_ms: u64,
        what: &str,
        told: &mut Vec<Event>,
        mut is_it: impl FnMut(&Event) -> bool,
    ) -> Result<(), Missed> {
        self.until(wait_ms, what, |happening, _| match happening {
            Happening::Event(event) => {
                told.push(event.clone());
                is_it(event).then_some(())
            }
            Happening::Frame(_) => None,
        })
        .await
    }

    /// Sends a command; its sequence is what `Refused` and the header's `ack` name it by. When the connection is lost, it is
    /// kept all the same: `resume` sends it again.
    pub async fn command(&mut self, command: impl Into<Command>) -> Result<u32, Closed> {
        let command = command.into();
        let keep = outlives_its_connection(&command);
        if matches!(command, Command::Register(_) | Command::LogIn(_)) {
            self.kept.clear();
        }
        let (class, body) = command.encode();
        self.sequence += 1;
        let frame = CommandFrame {
            class,
            sequence: self.sequence,
            body: &body,
        };
        let bytes = frame.encode();
        if keep {
            self.kept.keep(self.sequence, bytes.clone());
        }
        self.transport.send(bytes).await?;
        Ok(self.sequence)
    }

    /// The next event, or the next frame once all events of the last one are handed on. A server that is quiet for long
    /// is pinged, so that its time keeps coming.
    pub async fn next(&mut self) -> Result<Happening, ConnectionError> {
        if let Some(event) = self.events.pop_front() {
            return Ok(Happening::Event(event));
        }
        let bytes = loop {
            self.ask_the_time().await;
            match self.transport.receive_or_quiet().await? {
                Some(bytes) => break bytes,
                None => self.command(Ping { client_time_ms: 0 }).await?,
            };
        };
        let received_us = self.transport.now_us();
        let frame = ServerFrame::decode(&bytes)?;
        self.header = frame.header;
        if !self.returning {
            self.kept.acknowledged(self.header.ack);
        }
        for section in frame.sections {
            self.take_in(section, received_us)?;
        }
        Ok(Happening::Frame(self.header))
    }

    /// The next event of the frames that were taken in already.
    pub(crate) fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Waits until `f` answers to a happening, at most `wait_ms` of server time. `what` names what is awaited.
    pub async fn until<R>(
        &mut self,
        wait_ms: u64,
        what: &str,
        mut f: impl FnMut(&Happening, &View) -> Option<R>,
    ) -> Result<R, Missed> {
        let mut deadline = Deadline::new(self.header, wait_ms);
        loop {
            let happening = self.next().await?;
            if let Some(found) = f(&happening, &self.view) {
                return Ok(found);
            }
            match happening {
                Happening::Event(Event::Goodbye(goodbye)) => {
                    return Err(Missed::Goodbye(goodbye.code));
                }
                Happening::Frame(header) if deadline.passed(header) => {
                    return Err(Missed::TimedOut {
                        what: what.to_owned(),
                        waited_ms: wait_ms,
                    });
                }
                _ => {}
            }
        }
    }

    /// Sends a command and waits for the event that answers it. A refusal of this very command ends the wait at once.
    pub async fn ask<R>(
        &mut self,
        wait_ms: u64,
        command: impl Into<Command>,
        mut f: impl FnMut(&Event) -> Option<R>,
    ) -> Result<R, Missed> {
        let command = command.into();
        let what = command.name();
        let sequence = self.command(command).await.map_err(ConnectionError::from)?;
        self.until(wait_ms, what, |happening, _| match happening {
            Happening::Event(Event::Refused(refused)) if refused.sequence == sequence => {
                Some(Err(Missed::refused(what, refused.code)))
            }
            Happening::Event(event) => f(event).map(Ok),
            Happening::Frame(_) => None,
        })
        .await?
    }

    async fn ask_the_time(&mut self) {
        // A client that does not speak the server's version finds out by the first frame, and says nothing before.
        let now_us = self.transport.now_us().filter(|_| self.header.frame > 0);
        if let Some(client_time_ms) = now_us.and_then(|now_us| self.clock.ask(now_us)) {
            // A transport that has ended says why when it is read.
            let _ = self.command(Ping { client_time_ms }).await;
        }
    }

    fn take_in(
        &mut self,
        section: Section<'_>,
        received_us: Option<u64>,
    ) -> Result<(), ConnectionError> {
        match section {
            Section::Event { class, body } => {
                let event = match Event::decode(class, body) {
                    Err(EventError::UnknownClass(_)) => {
                        self.passed_over = self.passed_over.saturating_add(1);
                        return Ok(());
                    }
                    decoded => decoded?,
                };
                match (&event, received_us) {
                    (Event::Left(_), _) => {
                        self.view.clear();
                        self.in_world = false;
                    }
                    (Event::Entered(_), _) => {
                        // Cells of another connection, or of another channel.
                        self.view.clear();
                        self.in_world = true;
                    }
                    (Event::Gateways(told), _) => self.gateways.clone_from(&told.urls),
                    (Event::LoggedIn(logged_in), _) => self.token = Some(logged_in.token.clone()),
                    (Event::Pong(pong), Some(now_us)) => {
                        let Pong {
                            client_time_ms: number,
                            server_time_ms,
                        } = *pong;
                        if self.clock.answered(number, server_time_ms, now_us) {
                            return Ok(());
                        }
                    }
                    _ => {}
                }
                self.events.push_back(event);
            }
            Section::Cell(bytes) => {
                if let Err(gap) = self.view.apply(&CellFrame::decode(bytes)?) {
                    self.gaps.push(gap);
                }
            }
            Section::CellLeft(cell) => self.view.drop_cell(cell),
        }
        Ok(())
    }
}

/// A span of server time. It begins with the first frame when there was none before.
#[derive(Debug, Copy, Clone)]
pub(crate) struct Deadline {
    from_ms: Option<u64>,
    wait_ms: u64,
}

impl Deadline {
    pub(crate) fn new(header: Header, wait_ms: u64) -> Deadline {
        let from_ms = (header != Header::default()).then_some(header.server_time_ms);
        Deadline { from_ms, wait_ms }
    }

    pub(crate) fn passed(&mut self, header: Header) -> bool {
        let from_ms = *self.from_ms.get_or_insert(header.server_time_ms);
        header.server_time_ms.saturating_sub(from_ms) > self.wait_ms
    }

    pub(crate) fn wait_ms(&self) -> u64 {
        self.wait_ms
    }
}

/// The connection cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConnectionError {
    /// The transport ended.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// The server sent a frame that cannot be read.
    #[error("the server sent a bad frame: {0}")]
    Frame(#[from] FrameError),
    /// The server sent a cell frame that cannot be read.
    #[error("the server sent a bad cell frame: {0}")]
    Cell(#[from] CellError),
    /// The server sent an event that cannot be read.
    #[error("the server sent a bad event: {0}")]
    Event(#[from] EventError),
}

/// What was awaited did not come.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Missed {
    /// The server's clock passed the deadline.
    #[error("{what} did not come within {waited_ms} ms of server time")]
    TimedOut {
        /// What was awaited.
        what: String,
        /// For how long.
        waited_ms: u64,
    },
    /// The server refused the command.
    #[error("{what} was refused: {code} ({code:?})")]
    Refused {
        /// The name of the command.
        what: String,
        /// Why.
        code: Code,
    },
    /// The server said goodbye.
    #[error("the server said goodbye: {0} ({0:?})")]
    Goodbye(Code),
    /// The entity is nowhere in view.
    #[error("{0} is out of view")]
    Lost(crate::Handle),
    /// The avatar died more often than the player is willing to.
    #[error("the avatar died {0} times")]
    Died(u32),
    /// The server said something that does not fit.
    #[error("{0}")]
    Odd(String),
    /// The connection ended.
    #[error(transparent)]
    Broken(#[from] ConnectionError),
}

impl Missed {
    pub(crate) fn refused(what: &str, code: Code) -> Missed {
        Missed::Refused {
            what: what.to_owned(),
            code,
        }
    }
}
