//! A realm without sockets, stepped by hand on one thread. Time moves only between steps, and a step ends when nothing is
//! left to do: no mail, no task, no work outside.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use actix_rt::{ArbiterHandle, System};

use crate::clock::{Clock, Moment};
use crate::lock::lock;
use crate::outside::Outside;

/// Drives a stepped realm.
pub struct Stepper {
    clock: Clock,
    outside: Outside,
    idle: Arc<Mutex<Option<Waker>>>,
}

/// Runs `main` on this thread, with everything that it starts.
///
/// # Errors
/// When the operating system refuses a thread.
pub fn stepped<F: Future>(main: impl FnOnce(Stepper) -> F) -> std::io::Result<F::Output> {
    let aside = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let idle: Arc<Mutex<Option<Waker>>> = Arc::default();
    let parks = idle.clone();
    let system = System::with_tokio_rt(|| {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // The thread parks exactly when no task of it can go on.
            .on_thread_park(move || {
                if let Some(waker) = lock(&parks).take() {
                    waker.wake();
                }
            })
            .build()
            .expect("a runtime on the calling thread needs only what the one beside it has got")
    });
    let stepper = Stepper {
        clock: Clock::manual(),
        outside: Outside::stepped(aside.handle().clone()),
        idle,
    };
    let output = system.block_on(main(stepper));
    aside.shutdown_background();
    Ok(output)
}

impl Stepper {
    /// The clock that this moves.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Where the realm's slow work goes.
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// The thread on which all services run.
    pub fn here(&self) -> ArbiterHandle {
        System::current().arbiter().clone()
    }

    /// Lets everything run that can, at the present time.
    pub async fn settle(&self) {
        loop {
            self.idle().await;
            if !self.outside.next().await {
                return;
            }
        }
    }

    /// Moves the clock to the next timer and lets everything run that can. `None` when no timer is set.
    pub async fn step(&self) -> Option<Moment> {
        self.settle().await;
        let now = self.clock.advance();
        self.settle().await;
        now
    }

    /// Steps until `done` says so; false when `until` comes first.
    pub async fn step_until(&self, until: Moment, mut done: impl FnMut() -> bool) -> bool {
        self.settle().await;
        while !done() {
            if self.clock.now() >= until || self.step().await.is_none() {
                return done();
            }
        }
        true
    }

    async fn idle(&self) {
        let mut asked = false;
        std::future::poll_fn(|task| {
            if asked && lock(&self.idle).is_none() {
                return Poll::Ready(());
            }
            asked = true;
            *lock(&self.idle) = Some(task.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
