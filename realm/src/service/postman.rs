//! What a service does with its own mail: requests for its modules' methods, answers to its calls, topics and notices.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::ServiceCx;
use crate::address::Address;
use crate::call::{CallTable, Request};
use crate::caught::Kept;
use crate::error::CallError;
use crate::mail::{Letter, Mail, Why};
use crate::message::Payload;
use crate::module::AnyModule;

/// Mail a service handles before its locales get a turn.
const SLICE_LEN: usize = 64;

/// Hands a service's own mail to its modules.
pub(super) struct Postman {
    pub(super) cx: ServiceCx,
    pub(super) modules: Vec<Rc<dyn AnyModule>>,
    pub(super) calls: Rc<RefCell<CallTable>>,
}

impl Postman {
    /// Handles mail until the mailbox closes.
    pub(super) async fn run(self) {
        let mut handled = 0;
        let next = |task: &mut Context<'_>| match self.cx.may_act(task) {
            true => self.cx.0.tray.poll_take(task),
            false => Poll::Pending,
        };
        while let Some(mail) = std::future::poll_fn(next).await {
            self.handle(mail);
            handled += 1;
            if handled % SLICE_LEN == 0 {
                tokio::task::yield_now().await;
            }
        }
    }

    fn handle(&self, mail: Mail) {
        let cx = &self.cx;
        match mail.letter {
            Letter::Request {
                call,
                class,
                payload,
            } => self.request(mail.from, call, class, payload),
            Letter::Reply { call, answer } => cx.0.calls.borrow_mut().answer(call, answer),
            Letter::Undelivered(mut back) => {
                self.modules
                    .iter()
                    .for_each(|module| module.undelivered(&mut back, cx));
                cx.node().dead_letter(back);
            }
            Letter::Death(death) => {
                cx.told(cx.address(), death.address);
                self.modules
                    .iter()
                    .for_each(|module| module.died(death, cx));
            }
            Letter::Heard { topic, bytes } => {
                // It may have been on its way when the service took part no more.
                let takes_part = cx.0.topics.borrow().contains(&topic);
                if takes_part {
                    self.modules
                        .iter()
                        .for_each(|module| module.heard(&topic, &bytes, cx));
                }
            }
            Letter::NodeLost(node) => {
                cx.node_lost(node);
                self.modules
                    .iter()
                    .for_each(|module| module.node_lost(node, cx));
                self.modules
                    .iter()
                    .for_each(|module| module.members_changed(cx));
            }
            Letter::Members => self
                .modules
                .iter()
                .for_each(|module| module.members_changed(cx)),
            Letter::Measure => cx.measure_thread(),
            letter @ Letter::Message { .. } => {
                cx.bounce(
                    cx.address(),
                    Mail {
                        from: mail.from,
                        letter,
                    },
                    Why::NotTaken,
                );
            }
            Letter::Watch | Letter::Unwatch => {}
        }
    }

    fn request(&self, from: Address, call: u64, class: wire::ClassId, payload: Payload) {
        let cx = self.cx.clone();
        let over_link = from.birth() != Some(cx.node().birth());
        let known = self
            .calls
            .borrow_mut()
            .request(from, call, class, over_link);
        match known {
            Request::Working => {}
            Request::Answered(answer) => cx.reply(from, call, answer),
            Request::New(name, method) => {
                let calls = self.calls.clone();
                self.cx.run(async move {
                    let work = Kept::new(Box::pin(async move { method(payload).await }));
                    let answer = work.await.unwrap_or_else(|panic| {
                        cx.module_panicked(name, panic);
                        Err(CallError::Failed)
                    });
                    let answer = calls.borrow_mut().answered(from, call, answer);
                    cx.reply(from, call, answer);
                });
            }
        }
    }
}

impl ServiceCx {
    /// Answers a call.
    pub(super) fn reply(&self, to: Address, call: u64, answer: Result<Payload, CallError>) {
        self.dispatch(self.address(), to, Letter::Reply { call, answer });
    }
}
