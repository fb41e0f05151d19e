//! The frame of a service with a fixed rate: from the scheduled start until the ticks, the mail they caused and the flush
//! are done.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::ServiceCx;
use crate::clock::{Clock, Moment};
use crate::module::AnyModule;

/// Frames further behind than this are skipped: a stalled machine does not replay its past.
const BEHIND_FRAMES_MAX: u32 = 4;

pub(super) struct Frames {
    period: Duration,
    budget: Duration,
    next: Moment,
}

impl Frames {
    pub(super) fn new(period: Duration, budget: Duration, now: Moment) -> Self {
        Self { period, budget, next: now + period }
    }

    /// Runs frames for ever.
    pub(super) async fn run(mut self, service: ServiceCx, modules: Vec<std::rc::Rc<dyn AnyModule>>) {
        loop {
            service.clock().sleep_until(self.next).await;
            self.frame(&service, &modules).await;
        }
    }

    async fn frame(&mut self, service: &ServiceCx, modules: &[std::rc::Rc<dyn AnyModule>]) {
        let metrics = service.0.shared.metrics.clone();
        let scheduled = self.next;
        let started = service.now();
        metrics.frame_lateness_ms.observe(millis(started.since(scheduled)));
        service.gate().open();
        for module in modules {
            module.tick(service);
        }
        // Mail gets a turn even when the ticks took the whole budget: a service that is late must not starve it.
        loop {
            tokio::task::yield_now().await;
            if service.mail_waiting() == 0 || service.now().since(started) >= self.budget {
                break;
            }
        }
        let waiting = service.mail_waiting();
        if waiting > 0 {
            service.gate().shut();
            metrics.mail_waited.inc_by(waiting.unsigned_abs());
        }
        for module in modules {
            module.frame_end(service);
        }
        service.flush();
        let now = service.now();
        metrics.frame_ms.observe(millis(now.since(scheduled)));
        metrics.thread_cpu_seconds.set(Clock::thread_cpu_seconds());
        self.next = scheduled + self.period;
        if now.since(self.next) > self.period * BEHIND_FRAMES_MAX {
            self.next = now;
        }
    }
}

impl ServiceCx {
    fn mail_waiting(&self) -> i64 {
        self.0.shared.waiting.load(Ordering::Relaxed)
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
