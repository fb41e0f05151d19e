//! One end of a call: finds the service, sends the request, waits. A request that crosses a link is sent again until the
//! deadline, because a link may lose it; the service answers a repeated request from its memory.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::ClassId;

use super::pending::{Answer, before};
use crate::address::Address;
use crate::error::CallError;
use crate::mail::Letter;
use crate::message::Payload;
use crate::service::ServiceCx;

/// The time a call has unless its caller says otherwise.
const DEADLINE: Duration = Duration::from_secs(5);
/// How long a request over a link waits for its reply before it is sent once more.
const AGAIN: Duration = Duration::from_millis(300);
/// How long to wait for a service that is not up (yet, or again).
const ABSENT: Duration = Duration::from_millis(100);

/// Makes calls for a service and its locales. Cheap to clone; proxies hold one.
#[derive(Clone)]
pub struct Caller {
    service: ServiceCx,
    group: &'static str,
    at: Option<Address>,
    deadline: Duration,
}

impl Caller {
    /// Calls whoever answers for `group`.
    pub fn group(service: &ServiceCx, group: &'static str) -> Self {
        Self {
            service: service.clone(),
            group,
            at: None,
            deadline: DEADLINE,
        }
    }

    /// Calls the service at `address`, and no other.
    pub fn at(service: &ServiceCx, group: &'static str, address: Address) -> Self {
        Self {
            service: service.clone(),
            group,
            at: Some(address),
            deadline: DEADLINE,
        }
    }

    /// Gives calls another deadline than 5 s.
    pub fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Makes one call.
    ///
    /// # Errors
    /// As [`CallError`] says.
    pub async fn call<A, R>(&self, method: &'static str, arguments: A) -> Result<R, CallError>
    where
        A: Serialize + Send + 'static,
        R: DeserializeOwned + 'static,
    {
        let outcome = self.attempt(method, arguments).await;
        let label = match &outcome {
            Ok(_) => "ok",
            Err(CallError::Deadline) => "deadline",
            Err(CallError::Busy) => "busy",
            Err(_) => "failed",
        };
        self.service.node().metrics().call(method, label);
        outcome?.open().map_err(|_| CallError::Malformed)
    }

    async fn attempt<A: Serialize + Send + 'static>(
        &self,
        method: &'static str,
        arguments: A,
    ) -> Answer {
        let (call, mut reply) = self.service.open_call().ok_or(CallError::Busy)?;
        let _open = OpenCall {
            service: &self.service,
            call,
        };
        let until = self.service.now() + self.deadline;
        let class = ClassId::of(method);
        let mut request = Request::Value(arguments);
        let mut target = self.at;
        loop {
            // Once chosen it stays: only who has seen a request knows it when it comes again.
            target = target.or_else(|| self.member());
            let wait = match target {
                None => self.service.now() + ABSENT,
                Some(address) if address.birth() == Some(self.service.node().birth()) => {
                    self.request(address, call, class, request.take()?);
                    until
                }
                Some(address) => {
                    self.request(
                        address,
                        call,
                        class,
                        Payload::Bytes(request.bytes()?.clone()),
                    );
                    self.service.now() + AGAIN
                }
            };
            let timer = self.service.clock().sleep_until(wait.min(until));
            match before(&mut reply, timer).await {
                Some(Ok(answer)) => return answer,
                Some(Err(_)) => return Err(CallError::Gone),
                None if self.service.now() < until => {}
                None if target.is_none() => return Err(CallError::Nobody),
                None => return Err(CallError::Deadline),
            }
        }
    }

    /// A service of the group: this node's own, or any of the others.
    fn member(&self) -> Option<Address> {
        let node = self.service.node();
        node.local_member(self.group).or_else(|| {
            let members = node.directory().members(self.group);
            let any = self
                .service
                .chance(|chance| chance.below(u32::try_from(members.len()).unwrap_or(u32::MAX)));
            members.get(any as usize).copied()
        })
    }

    fn request(&self, to: Address, call: u64, class: ClassId, payload: Payload) {
        self.service.dispatch(
            self.service.address(),
            to,
            Letter::Request {
                call,
                class,
                payload,
            },
        );
    }
}

/// The arguments: moved while the service is near, written down once when it is not.
enum Request<A> {
    Value(A),
    Bytes(Vec<u8>),
    Sent,
}

impl<A: Serialize + Send + 'static> Request<A> {
    fn bytes(&mut self) -> Result<&Vec<u8>, CallError> {
        if let Self::Value(arguments) = self {
            *self = Self::Bytes(wire::encode(arguments).map_err(|_| CallError::Malformed)?);
        }
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(CallError::Gone),
        }
    }

    fn take(&mut self) -> Result<Payload, CallError> {
        match std::mem::replace(self, Self::Sent) {
            Self::Value(arguments) => Ok(Payload::value(arguments)),
            Self::Bytes(bytes) => Ok(Payload::Bytes(bytes)),
            Self::Sent => Err(CallError::Gone),
        }
    }
}

/// Takes the call out of the table when its future ends or is dropped.
struct OpenCall<'a> {
    service: &'a ServiceCx,
    call: u64,
}

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        self.service.forget_call(self.call);
    }
}
