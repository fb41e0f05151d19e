//! Calls that wait until an avatar stands: a call goes to the service, but it is the avatar that answers.

use std::cell::RefCell;
use std::collections::BTreeMap;

use tokio::sync::oneshot;

use super::calls::{EnterError, Entrance};

/// Waiting calls by ticket.
#[derive(Default)]
pub struct Entrances {
    waiting: RefCell<BTreeMap<u64, oneshot::Sender<Result<Entrance, EnterError>>>>,
    last: std::cell::Cell<u64>,
}

impl Entrances {
    /// Opens a ticket.
    pub(super) fn wait(&self) -> (u64, oneshot::Receiver<Result<Entrance, EnterError>>) {
        let ticket = self.last.get() + 1;
        self.last.set(ticket);
        let (answer, wait) = oneshot::channel();
        self.waiting.borrow_mut().insert(ticket, answer);
        (ticket, wait)
    }

    /// Answers a ticket, if the call still waits.
    pub fn answer(&self, ticket: u64, answer: Result<Entrance, EnterError>) {
        if let Some(waiting) = self.waiting.borrow_mut().remove(&ticket) {
            // The caller may have given up in the same moment.
            let _ = waiting.send(answer);
        }
    }

    /// Gives a ticket up.
    pub(super) fn forget(&self, ticket: u64) {
        self.waiting.borrow_mut().remove(&ticket);
    }
}
