//! What a service does, done only while its node has a lease: each time it could go on, the clock is asked first.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::ServiceCx;

/// A future of a service that stands still while its node may not act.
pub(crate) struct Leased<F> {
    service: ServiceCx,
    future: F,
}

impl<F> Leased<F> {
    pub(crate) fn new(service: ServiceCx, future: F) -> Self {
        Self { service, future }
    }
}

impl<F: Future + Unpin> Future for Leased<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        if !self.service.may_act(task) {
            return Poll::Pending;
        }
        Pin::new(&mut self.future).poll(task)
    }
}
