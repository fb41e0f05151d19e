//! The reader's end of a mailbox, for its own thread only. Mail from the same service is laid right on the tray, without a
//! lock; what was posted from elsewhere is fetched onto it first.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::{Left, Mailbox};
use crate::mail::{Letter, Mail, Why};

/// The mail that its one reader will take next. Mail from one sender always comes by the same way, so it stays in order.
pub(crate) struct Tray {
    mailbox: Arc<Mailbox>,
    /// Mail that lies in all trays of the service.
    waiting: Rc<Cell<usize>>,
    queue: RefCell<VecDeque<Mail>>,
    reader: RefCell<Option<Waker>>,
    /// The reader has seen the tray empty, and nobody has woken it since.
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

    /// Puts mail of the same service in, or gives it back.
    pub(crate) fn post(&self, mail: Mail) -> Result<(), (Mail, Why)> {
        match mail.letter {
            Letter::Watch | Letter::Unwatch => self.mailbox.post(mail),
            _ => self.lay(mail),
        }
    }

    /// As [`Tray::post`], for mail that is to be read. Inlined, so that the mail is written once, where it will lie: copied
    /// from place to place it took half as long again.
    #[inline(always)]
    pub(crate) fn lay(&self, mail: Mail) -> Result<(), (Mail, Why)> {
        if self.closed.get() {
            return Err((mail, Why::Gone));
        }
        let mut queue = self.queue.borrow_mut();
        if self.mailbox.is_full(queue.len()) && !mail.letter.is_control() {
            return Err((mail, Why::Full));
        }
        if queue.capacity() == 0 {
            // Most mail comes one by one; room for the usual four would be a tenth of a mob.
            queue.reserve_exact(1);
        }
        queue.push_back(mail);
        self.mailbox.laid(queue.len());
        self.waiting.set(self.waiting.get() + 1);
        self.wake();
        Ok(())
    }

    /// The next mail, in the order it came; `None` when there is none, or the reader is to end. Inlined as above.
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
        self.asleep.set(false);
        // Also one that is not asleep: it may stand before a gate that is shut.
        if let Some(reader) = &*self.reader.borrow() {
            reader.wake_by_ref();
        }
    }

    /// The reader is to end.
    pub(crate) fn is_over(&self) -> bool {
        self.over.get()
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;
    use crate::address::{Address, Birth};
    use crate::mailbox::{Gate, ServiceShared};
    use crate::message::Payload;
    use crate::metrics::Metrics;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn tray(len_max: usize) -> Tray {
        let service = ServiceShared {
            address: Address::NOBODY,
            name: "test".into(),
            metrics: Metrics::new("test").service("test"),
            mailbox_len_max: len_max,
            gate: Gate::default(),
            waiting: AtomicI64::new(0),
        };
        Tray::new(
            Arc::new(Mailbox::new(Arc::new(service), len_max)),
            Rc::default(),
        )
    }

    fn from(number: u64) -> Mail {
        Mail {
            from: Address::new(Birth::new(1).unwrap(), number).unwrap(),
            letter: Letter::Message {
                class: wire::ClassId::of("test"),
                payload: Payload::value(number),
            },
        }
    }

    #[test]
    fn mail_from_both_sides_is_taken_in_the_order_it_came_and_within_one_bound() {
        let tray = tray(3);
        tray.lay(from(1)).expect("there should be room for one");
        tray.mailbox
            .post(from(2))
            .expect("there should be room for two");
        assert_eq!(
            tray.take().map(|mail| mail.from),
            Some(from(1).from),
            "what was laid first should come first"
        );
        tray.lay(from(3)).expect("there should be room for another");
        tray.mailbox
            .post(from(4))
            .expect("there should be room for the last");
        assert!(
            tray.lay(from(5)).is_err(),
            "what was posted should count when mail is laid"
        );
        assert!(
            tray.mailbox.post(from(5)).is_err(),
            "what was laid should count when mail is posted"
        );
        let rest: Vec<Address> = std::iter::from_fn(|| tray.take())
            .map(|mail| mail.from)
            .collect();
        assert_eq!(
            rest,
            [2, 3, 4].map(|number| from(number).from),
            "nothing should be overtaken"
        );
        assert_eq!(
            tray.waiting.get(),
            0,
            "nothing should be counted as waiting"
        );
    }

    #[test]
    fn a_reader_that_waits_is_woken_from_both_sides_and_by_its_doom() {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut task = Context::from_waker(&waker);
        let tray = tray(10);
        let mut expect = |count, what: &str| {
            assert_eq!(woken.0.load(Ordering::Relaxed), count, "{what}");
            while tray.take().is_some() {}
            let _ = tray.poll_wake(&mut task);
        };
        expect(0, "nobody should be woken for nothing");
        tray.lay(from(1)).expect("there should be room");
        tray.lay(from(2)).expect("there should be room");
        expect(
            1,
            "the first mail that is laid should wake the reader, and the second not again",
        );
        tray.mailbox.post(from(3)).expect("there should be room");
        tray.mailbox.post(from(4)).expect("there should be room");
        expect(
            2,
            "the first mail that is posted should wake the reader, and the second not again",
        );
        tray.doom();
        assert_eq!(
            woken.0.load(Ordering::Relaxed),
            3,
            "the reader should be woken to end"
        );
        assert!(
            tray.poll_take(&mut task).is_ready(),
            "a reader that is to end should wait no more"
        );
    }

    #[test]
    fn mail_posted_before_the_reader_ever_waited_wakes_it() {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let tray = tray(10);
        tray.mailbox.post(from(1)).expect("there should be room");
        // As if it came between the look at the tray and the wait.
        let _ = tray.poll_wake(&mut Context::from_waker(&waker));
        assert_eq!(
            woken.0.load(Ordering::Relaxed),
            1,
            "the reader should not sleep over mail"
        );
    }
}
