//! A locale's mailbox: bounded, refusing with the mail in hand, and giving back what is left when its locale dies.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use crate::address::Address;
use crate::lock::lock;
use crate::mail::{Letter, Mail, Why};
use crate::metrics::ServiceMetrics;

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

/// Shut while a frame is over its budget: mail then waits in its mailbox for the next frame.
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

    pub(crate) fn is_shut(&self) -> bool {
        self.shut.load(Ordering::Relaxed)
    }

    /// True when the gate is open; otherwise `task` is woken when it opens.
    pub(crate) fn passes(&self, task: &mut Context<'_>) -> bool {
        if !self.is_shut() {
            return true;
        }
        lock(&self.parked).push(task.waker().clone());
        false
    }
}

/// Where mail for an address can be put, from any thread.
pub(crate) trait Post: Send + Sync {
    /// The service whose thread will run the mail.
    fn service(&self) -> &Arc<ServiceShared>;

    /// Puts mail in, or gives it back.
    fn post(&self, mail: Mail) -> Result<(), (Mail, Why)>;
}

/// A bounded queue of mail with one reader.
pub(crate) struct Mailbox {
    service: Arc<ServiceShared>,
    len_max: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Mail>,
    reader: Option<Waker>,
    watchers: BTreeSet<Address>,
    doomed: bool,
    closed: bool,
}

/// What a mailbox still held when it closed.
#[derive(Default)]
pub(crate) struct Left {
    pub(crate) mail: VecDeque<Mail>,
    pub(crate) watchers: BTreeSet<Address>,
}

impl Mailbox {
    pub(crate) fn new(service: Arc<ServiceShared>, len_max: usize) -> Self {
        Self {
            service,
            len_max,
            state: Mutex::default(),
        }
    }

    /// The next mail, in the order it came; `Ready(None)` once closed.
    pub(crate) fn poll_take(&self, task: &mut Context<'_>) -> Poll<Option<Mail>> {
        let mut state = lock(&self.state);
        if state.doomed || state.closed {
            return Poll::Ready(None);
        }
        if let Some(mail) = state.queue.pop_front() {
            self.service.waiting.fetch_sub(1, Ordering::Relaxed);
            return Poll::Ready(Some(mail));
        }
        match &mut state.reader {
            Some(reader) => reader.clone_from(task.waker()),
            none => *none = Some(task.waker().clone()),
        }
        Poll::Pending
    }

    /// Tells the reader to end; what is in the queue stays for [`Mailbox::close`].
    pub(crate) fn doom(&self) {
        let reader = {
            let mut state = lock(&self.state);
            state.doomed = true;
            state.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Refuses everything from now on; returns what was still in.
    pub(crate) fn close(&self) -> Left {
        let mut state = lock(&self.state);
        state.closed = true;
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

impl Post for Mailbox {
    fn service(&self) -> &Arc<ServiceShared> {
        &self.service
    }

    fn post(&self, mail: Mail) -> Result<(), (Mail, Why)> {
        let reader = {
            let mut state = lock(&self.state);
            if state.closed {
                return Err((mail, Why::Gone));
            }
            match mail.letter {
                Letter::Watch => {
                    state.watchers.insert(mail.from);
                    return Ok(());
                }
                Letter::Unwatch => {
                    state.watchers.remove(&mail.from);
                    return Ok(());
                }
                _ => {}
            }
            if state.queue.len() >= self.len_max && !mail.letter.is_control() {
                return Err((mail, Why::Full));
            }
            state.queue.push_back(mail);
            // Counted under the lock, so that the reader never takes what is not counted yet.
            self.service.waiting.fetch_add(1, Ordering::Relaxed);
            state.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(())
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
