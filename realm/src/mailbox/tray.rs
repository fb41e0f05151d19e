//! The reader's end of a mailbox. Mail from the reader's own service is laid right into the tray, without a lock or an
//! atomic operation that others could see; what was posted from elsewhere is fetched into it first.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::{Left, Mailbox};
use crate::mail::{Mail, Why};

/// A bounded queue of mail with one reader, and the way to it for the reader's thread.
pub(crate) struct Tray {
    mailbox: Arc<Mailbox>,
    /// Mail that lies in all trays of the service.
    waiting: Rc<Cell<usize>>,
    queue: RefCell<VecDeque<Mail>>,
    reader: RefCell<Option<Waker>>,
    asleep: Cell<bool>,
    /// The reader is to take no more.
    over: Cell<bool>,
    closed: Cell<bool>,
}

impl Tray {
    pub(crate) fn new(mailbox: Arc<Mailbox>, waiting: Rc<Cell<usize>>) -> Self {
        Self {
            mailbox,
            waiting,
            queue: RefCell::default(),
            reader: RefCell::default(),
            asleep: Cell::new(false),
            over: Cell::new(false),
            closed: Cell::new(false),
        }
    }

    /// Puts mail of the same service in, or gives it back. Not for `Watch` and `Unwatch`, which the mailbox keeps itself.
    #[inline(always)]
    pub(crate) fn lay(&self, mail: Mail) -> Result<(), (Mail, Why)> {
        if self.closed.get() {
            return Err((mail, Why::Gone));
        }
        let mut queue = self.queue.borrow_mut();
        if self.mailbox.is_full(queue.len()) && !mail.letter.is_control() {
            return Err((mail, Why::Full));
        }
        queue.push_back(mail);
        self.mailbox.laid(queue.len());
        self.waiting.set(self.waiting.get() + 1);
        self.wake();
        Ok(())
    }

    /// The next mail, in the order it came; `None` when there is none, or the reader is to end.
    #[inline(always)]
    pub(crate) fn take(&self) -> Option<Mail> {
        if self.over.get() {
            return None;
        }
        if self.mailbox.has_mail() {
            self.fetch();
        }
        let mut queue = self.queue.borrow_mut();
        let mail = queue.pop_front()?;
        self.mailbox.laid(queue.len());
        self.waiting.set(self.waiting.get() - 1);
        Some(mail)
    }

    /// Waits for the next mail; `Ready(None)` once the reader is to end.
    pub(crate) fn poll_take(&self, task: &mut Context<'_>) -> Poll<Option<Mail>> {
        match self.take() {
            Some(mail) => Poll::Ready(Some(mail)),
            None => self.poll_wake(task).map(|()| None),
        }
    }

    /// With nothing on the tray: has `task` woken when there is; `Ready` once the reader is to end.
    pub(crate) fn poll_wake(&self, task: &mut Context<'_>) -> Poll<()> {
        if self.over.get() {
            return Poll::Ready(());
        }
        self.asleep.set(true);
        let mut reader = self.reader.borrow_mut();
        let known = reader
            .as_ref()
            .is_some_and(|reader| reader.will_wake(task.waker()));
        if !known {
            *reader = Some(task.waker().clone());
            self.mailbox.wakes(task.waker().clone());
            // Posted before the mailbox knew whom to wake.
            if self.mailbox.has_mail() {
                task.waker().wake_by_ref();
            }
        }
        Poll::Pending
    }

    #[cold]
    fn fetch(&self) {
        let fetched = self.mailbox.fetch(&mut self.queue.borrow_mut());
        self.waiting.set(self.waiting.get() + fetched);
    }

    /// Tells the reader to end; what is in the queue stays for [`Tray::close`].
    pub(crate) fn doom(&self) {
        self.over.set(true);
        self.wake();
    }

    /// Refuses everything from now on; returns what was still in.
    pub(crate) fn close(&self) -> Left {
        self.over.set(true);
        self.closed.set(true);
        self.reader.take();
        let mut left = self.mailbox.close();
        let mut laid = self.queue.take();
        self.waiting.set(self.waiting.get() - laid.len());
        laid.append(&mut left.mail);
        left.mail = laid;
        left
    }

    #[inline]
    fn wake(&self) {
        if self.asleep.replace(false)
            && let Some(reader) = &*self.reader.borrow()
        {
            reader.wake_by_ref();
        }
    }
}
