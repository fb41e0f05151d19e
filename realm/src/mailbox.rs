//! The mailbox of a locale or service: bounded, refusing with the mail in hand, and giving back what is left when its
//! reader dies. Here is the part that any thread may touch; the reader's own part is the [`Tray`].

mod tray;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use crate::address::Address;
use crate::lock::lock;
use crate::mail::{Letter, Mail, Why};
use crate::metrics::ServiceMetrics;

pub(crate) use tray::Tray;

/// The part of a service that other threads may touch.
pub(crate) struct ServiceShared {
    pub(crate) address: Address,
    pub(crate) name: Arc<str>,
    pub(crate) metrics: Arc<ServiceMetrics>,
    /// Bound of each locale's mailbox, in messages.
    pub(crate) mailbox_len_max: usize,
    pub(crate) gate: Gate,
    /// Mail that lies in the mailboxes of the service and its locales.
    pub(crate) waiting: AtomicI64,
}

/// A service's is shut while a frame is over its budget: mail then waits in its mailbox for the next frame. A node's is
/// shut while too much waits to leave it.
#[derive(Default)]
pub(crate) struct Gate {
    shut: AtomicBool,
    parked: Mutex<Vec<Waker>>,
}

impl Gate {
    pub(crate) fn shut(&self) {
        self.shut.store(true, Ordering::Relaxed);
    }

    pub(crate) fn open(&self) {
        if self.shut.swap(false, Ordering::Relaxed) {
            let parked = std::mem::take(&mut *lock(&self.parked));
            parked.into_iter().for_each(Waker::wake);
        }
    }

    #[inline]
    pub(crate) fn is_shut(&self) -> bool {
        self.shut.load(Ordering::Relaxed)
    }

    /// True when the gate is open; otherwise `task` is woken when it opens.
    #[inline]
    pub(crate) fn passes(&self, task: &mut Context<'_>) -> bool {
        if !self.is_shut() {
            return true;
        }
        self.park(task);
        // Another thread may have opened it meanwhile and not seen this one parked.
        !self.is_shut()
    }

    #[cold]
    fn park(&self, task: &mut Context<'_>) {
        lock(&self.parked).push(task.waker().clone());
    }
}

/// Where mail from other threads is put, until the reader fetches it onto its [`Tray`].
pub(crate) struct Mailbox {
    service: Arc<ServiceShared>,
    len_max: usize,
    /// Mail in the state's queue, for those who look without locking it.
    posted: AtomicUsize,
    /// Mail that lies on the tray; the bound is for both.
    laid: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Mail>,
    reader: Option<Waker>,
    /// In order, each once. Most locales have one or two: a tree would weigh three times as much.
    watchers: Vec<Address>,
    closed: bool,
}

/// What a mailbox still held when it closed.
#[derive(Default)]
pub(crate) struct Left {
    pub(crate) mail: VecDeque<Mail>,
    pub(crate) watchers: Vec<Address>,
}

impl Mailbox {
    pub(crate) fn new(service: Arc<ServiceShared>, len_max: usize) -> Self {
        Self {
            service,
            len_max,
            posted: AtomicUsize::new(0),
            laid: AtomicUsize::new(0),
            state: Mutex::default(),
        }
    }

    /// Puts mail in, or gives it back.
    pub(crate) fn post(&self, mail: Mail) -> Result<(), (Mail, Why)> {
        let reader = {
            let mut state = lock(&self.state);
            if state.closed {
                return Err((mail, Why::Gone));
            }
            match mail.letter {
                Letter::Watch => {
                    if let Err(place) = state.watchers.binary_search(&mail.from) {
                        state.watchers.insert(place, mail.from);
                    }
                    return Ok(());
                }
                Letter::Unwatch => {
                    if let Ok(place) = state.watchers.binary_search(&mail.from) {
                        state.watchers.remove(place);
                    }
                    return Ok(());
                }
                _ => {}
            }
            let laid = self.laid.load(Ordering::Relaxed);
            if self.is_full(laid) && !mail.letter.is_control() {
                return Err((mail, Why::Full));
            }
            state.queue.push_back(mail);
            self.posted.store(state.queue.len(), Ordering::Release);
            // Counted under the lock, so that the reader never takes what is not counted yet.
            self.service.waiting.fetch_add(1, Ordering::Relaxed);
            // The reader fetches all there is: whoever posts to others' mail need not wake it again.
            if state.queue.len() == 1 {
                state.reader.clone()
            } else {
                None
            }
        };
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(())
    }

    /// True at the bound, with so much on the tray.
    #[inline]
    fn is_full(&self, laid: usize) -> bool {
        self.posted.load(Ordering::Relaxed) + laid >= self.len_max
    }

    #[inline]
    fn has_mail(&self) -> bool {
        self.posted.load(Ordering::Acquire) > 0
    }

    /// So much is on the tray now.
    #[inline]
    fn laid(&self, len: usize) {
        self.laid.store(len, Ordering::Relaxed);
    }

    /// Whoever posts wakes `reader` from now on.
    fn wakes(&self, reader: Waker) {
        lock(&self.state).reader = Some(reader);
    }

    /// Moves all mail to the end of `tray`; returns how much.
    fn fetch(&self, tray: &mut VecDeque<Mail>) -> usize {
        let mut state = lock(&self.state);
        let fetched = state.queue.len();
        tray.append(&mut state.queue);
        self.posted.store(0, Ordering::Relaxed);
        self.laid(tray.len());
        self.service
            .waiting
            .fetch_sub(fetched as i64, Ordering::Relaxed);
        fetched
    }

    fn close(&self) -> Left {
        let mut state = lock(&self.state);
        state.closed = true;
        state.reader = None;
        self.posted.store(0, Ordering::Relaxed);
        let left = Left {
            mail: std::mem::take(&mut state.queue),
            watchers: std::mem::take(&mut state.watchers),
        };
        self.service
            .waiting
            .fetch_sub(left.mail.len() as i64, Ordering::Relaxed);
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::{Death, DeathReason};
    use crate::message::Payload;

    #[test]
    fn a_full_mailbox_refuses_messages_and_topics_but_takes_control_mail() {
        let service = Arc::new(ServiceShared {
            address: Address::NOBODY,
            name: "test".into(),
            metrics: crate::metrics::Metrics::new("test").service("test"),
            mailbox_len_max: 1,
            gate: Gate::default(),
            waiting: AtomicI64::new(0),
        });
        let mailbox = Mailbox::new(service.clone(), 1);
        let post = |letter| {
            mailbox
                .post(Mail {
                    from: Address::NOBODY,
                    letter,
                })
                .map_err(|(_, why)| why)
        };
        let message = || Letter::Message {
            class: wire::ClassId::of("test"),
            payload: Payload::value(1_u8),
        };
        assert_eq!(post(message()), Ok(()), "there should be room for one");
        assert_eq!(
            post(message()),
            Err(Why::Full),
            "there should be no room for two"
        );
        let heard = Letter::Heard {
            topic: "test".into(),
            bytes: bytes::Bytes::new(),
        };
        assert_eq!(
            post(heard),
            Err(Why::Full),
            "topics should keep to the bound"
        );
        let death = Death {
            address: Address::NOBODY,
            reason: DeathReason::Ended,
        };
        assert_eq!(
            post(Letter::Death(death)),
            Ok(()),
            "control mail should pass"
        );
        assert_eq!(
            mailbox.close().mail.len(),
            2,
            "what was taken should be given back at the end"
        );
        assert_eq!(
            service.waiting.load(Ordering::Relaxed),
            0,
            "nothing should be counted as waiting"
        );
        assert_eq!(
            post(message()),
            Err(Why::Gone),
            "a closed mailbox should refuse all"
        );
    }
}
