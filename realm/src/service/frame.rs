//! The frame of a service with a fixed rate: from the scheduled start until the ticks, the mail they caused and the flush
//! are done.

use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use super::ServiceCx;
use crate::clock::{Clock, Moment};
use crate::module::AnyModule;

/// Frames further behind than this are skipped: a stalled machine does not replay its past.
const BEHIND_FRAMES_MAX: u32 = 4;

/// Mails that run between two looks at the clock, within a frame.
const CLOCK_EVERY_MAILS: u32 = 64;

/// How long the frame under way may run mail.
#[derive(Default)]
pub(super) struct Budget {
    until: Cell<Option<Moment>>,
    ran: Cell<u32>,
}

pub(super) struct Frames {
    period: Duration,
    budget: Duration,
    next: Moment,
}

impl Frames {
    pub(super) fn new(period: Duration, budget: Duration, now: Moment) -> Self {
        Self {
            period,
            budget,
            next: now + period,
        }
    }

    /// Runs frames for ever.
    pub(super) async fn run(
        mut self,
        service: ServiceCx,
        modules: Vec<std::rc::Rc<dyn AnyModule>>,
    ) {
        loop {
            service.clock().sleep_until(self.next).await;
            let mut waited = false;
            std::future::poll_fn(|task| match service.may_act(task) {
                true => Poll::Ready(()),
                false => {
                    waited = true;
                    Poll::Pending
                }
            })
            .await;
            if waited {
                // The world stood still; nothing is late.
                self.next = service.now();
            }
            self.frame(&service, &modules).await;
        }
    }

    async fn frame(&mut self, service: &ServiceCx, modules: &[std::rc::Rc<dyn AnyModule>]) {
        let metrics = service.0.shared.metrics.clone();
        let scheduled = self.next;
        let started = service.now();
        metrics
            .frame_lateness_ms
            .observe(millis(started.since(scheduled)));
        service.gate().open();
        for module in modules {
            if !service.acts() {
                break;
            }
            module.tick(service);
        }
        // Mail gets a turn even when the ticks took the whole budget: a service that is late must not starve it.
        service.0.budget.until.set(Some(started + self.budget));
        service.0.budget.ran.set(0);
        loop {
            tokio::task::yield_now().await;
            let shut = service.gate().is_shut() || service.node().gate().is_shut();
            let over = service.mail_waiting() == 0 || service.budget_is_spent();
            if shut || over || !service.acts() {
                break;
            }
        }
        service.0.budget.until.set(None);
        let waiting = service.mail_waiting();
        if waiting > 0 {
            service.gate().shut();
            metrics.mail_waited.inc_by(waiting.unsigned_abs());
        } else {
            service.gate().open();
        }
        if service.acts() {
            for module in modules {
                module.frame_end(service);
            }
        }
        service.flush();
        let now = service.now();
        metrics.frame_ms.observe(millis(now.since(scheduled)));
        service.measure_thread();
        self.next = scheduled + self.period;
        if now.since(self.next) > self.period * BEHIND_FRAMES_MAX {
            self.next = now;
        }
    }
}

impl ServiceCx {
    /// Shuts the gate as soon as the budget of the frame under way is spent; looks at the clock now and then only.
    #[inline]
    pub(crate) fn mail_ran(&self) {
        let ran = &self.0.budget.ran;
        ran.set(ran.get().wrapping_add(1));
        if ran.get().is_multiple_of(CLOCK_EVERY_MAILS) && self.budget_is_spent() {
            self.gate().shut();
        }
    }

    /// Notes what the service's thread has used.
    pub(super) fn measure_thread(&self) {
        let metrics = &self.0.shared.metrics;
        metrics.thread_cpu_seconds.set(Clock::thread_cpu_seconds());
    }

    fn budget_is_spent(&self) -> bool {
        self.0
            .budget
            .until
            .get()
            .is_some_and(|until| self.now() >= until)
    }

    fn mail_waiting(&self) -> i64 {
        self.0.shared.waiting.load(Ordering::Relaxed) + self.0.waiting.get() as i64
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
