//! The calls that a service waits for: bounded, each ended once.

use std::collections::HashMap;

use futures_util::future::{Either, select};
use rustc_hash::FxBuildHasher;
use tokio::sync::oneshot;

use crate::error::CallError;
use crate::message::Payload;

pub(crate) type Answer = Result<Payload, CallError>;

/// Calls by number. Numbers are never used twice within a service's life.
pub(crate) struct Pending {
    last: u64,
    len_max: usize,
    waiting: HashMap<u64, oneshot::Sender<Answer>, FxBuildHasher>,
}

impl Pending {
    pub(crate) fn new(len_max: usize) -> Self {
        Self {
            last: 0,
            len_max,
            waiting: HashMap::default(),
        }
    }

    /// Opens a call; `None` at the bound.
    pub(crate) fn open(&mut self) -> Option<(u64, oneshot::Receiver<Answer>)> {
        if self.waiting.len() >= self.len_max {
            return None;
        }
        self.last += 1;
        let (answer, wait) = oneshot::channel();
        self.waiting.insert(self.last, answer);
        Some((self.last, wait))
    }

    /// Ends a call with its answer; late and repeated answers find nobody and are dropped.
    pub(crate) fn answer(&mut self, call: u64, answer: Answer) {
        if let Some(waiting) = self.waiting.remove(&call) {
            // The caller may have gone in the same moment; then nobody wants the answer.
            let _ = waiting.send(answer);
        }
    }

    pub(crate) fn forget(&mut self, call: u64) {
        self.waiting.remove(&call);
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }
}

/// Waits for `first`, but no longer than `timer`.
pub(super) async fn before<F: Future + Unpin, T: Future>(
    first: &mut F,
    timer: T,
) -> Option<F::Output> {
    match select(first, std::pin::pin!(timer)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}
