//! Work that leaves the service threads: SQL, hashing. Its answers come back as futures; in a stepped realm they enter in
//! the order in which they were asked, one at a time.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::lock::lock;

/// The work panicked, or the runtime that carries it is going down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("work outside the realm's threads did not end")]
pub struct Unfinished;

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Hands work to a runtime beside the services. Cheap to clone.
#[derive(Clone)]
pub struct Outside {
    runtime: Handle,
    queue: Option<Arc<Mutex<VecDeque<Job>>>>,
}

impl Outside {
    /// Work runs at once, as much at a time as `runtime` has room for.
    pub fn new(runtime: Handle) -> Self {
        Self {
            runtime,
            queue: None,
        }
    }

    /// Work waits until [`Outside::next`] runs it.
    pub fn stepped(runtime: Handle) -> Self {
        Self {
            runtime,
            queue: Some(Arc::default()),
        }
    }

    /// Runs `work` away from this thread.
    pub fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Result<T, Unfinished>> + 'static {
        let (answer, wait) = oneshot::channel();
        let job = async move {
            // Nobody waits for the answer when the locale that asked has died since; the work is done all the same.
            let _ = answer.send(work.await);
        };
        match &self.queue {
            Some(queue) => lock(queue).push_back(Box::pin(job)),
            None => drop(self.runtime.spawn(job)),
        }
        async { wait.await.map_err(|_| Unfinished) }
    }

    /// Runs `work` that blocks or computes for long on the runtime's blocking threads.
    pub fn run_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Result<T, Unfinished>> + 'static {
        let runtime = self.runtime.clone();
        let done = self.run(async move { runtime.spawn_blocking(work).await });
        async { done.await?.map_err(|_| Unfinished) }
    }

    /// Stepped: runs the oldest waiting work to its end; false when none waits.
    pub async fn next(&self) -> bool {
        let Some(queue) = &self.queue else {
            return false;
        };
        let Some(job) = lock(queue).pop_front() else {
            return false;
        };
        // A panic in the work drops its answer, which tells the one who asked.
        let _ = self.runtime.spawn(job).await;
        true
    }
}
