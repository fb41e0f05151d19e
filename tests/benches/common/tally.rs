//! Counts what has run, so that a round ends when the last has.

use std::cell::Cell;
use std::rc::Rc;

use tokio::sync::Notify;

/// Counts down on one thread.
#[derive(Default)]
pub(crate) struct Tally {
    left: Cell<usize>,
    done: Notify,
}

impl Tally {
    pub(crate) fn new() -> Rc<Self> {
        Rc::default()
    }

    /// So many are to come.
    pub(crate) fn expect(&self, count: usize) {
        self.left.set(count);
    }

    pub(crate) fn one(&self) {
        let left = self.left.get() - 1;
        self.left.set(left);
        if left == 0 {
            self.done.notify_one();
        }
    }

    /// Waits for the last.
    pub(crate) async fn all(&self) {
        self.done.notified().await;
    }
}
