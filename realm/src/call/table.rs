//! The methods that a service answers, and the memory by which a repeated request has no second effect.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use rustc_hash::FxBuildHasher;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::ClassId;

use super::pending::Answer;
use crate::address::Address;
use crate::error::CallError;
use crate::message::Payload;

/// Requests that a service works on at a time; more are refused as busy.
const WORKING_LEN_MAX: usize = 16_384;
/// Answers that a service remembers, for requests that come again: so many, and of so many bytes in all. The oldest go
/// first; whatever repeats a request later than that has its effect twice, unless it carries an operation id.
const REMEMBERED_LEN_MAX: usize = 65_536;
const REMEMBERED_BYTES_MAX: usize = 16 * 1024 * 1024;

type Method = Rc<dyn Fn(Payload) -> Pin<Box<dyn Future<Output = Answer>>>>;

/// The methods of a service, filled by its modules.
#[derive(Default)]
pub struct CallTable {
    methods: HashMap<ClassId, (&'static str, Method), FxBuildHasher>,
    groups: Vec<String>,
    /// What is being worked on, and whether it came over a link and so may come again.
    working: BTreeMap<(Address, u64), bool>,
    remembered: HashMap<(Address, u64), Result<Vec<u8>, CallError>, FxBuildHasher>,
    order: VecDeque<(Address, u64)>,
    remembered_bytes: usize,
}

/// What to do with a request.
pub(crate) enum Request {
    /// Work on it.
    New(&'static str, Method),
    /// It is being worked on; the answer will go out once.
    Working,
    /// It was answered before, or cannot be worked on: answer this.
    Answered(Answer),
}

impl CallTable {
    /// Makes the service a member of `group`.
    pub fn join(&mut self, group: &'static str) {
        if !self.groups.iter().any(|name| name == group) {
            self.groups.push(group.to_owned());
        }
    }

    /// Adds a method.
    ///
    /// # Panics
    /// When the service already has a method of this name or with the same id.
    pub fn add<A, R, F>(&mut self, method: &'static str, work: impl Fn(A) -> F + 'static)
    where
        A: DeserializeOwned + 'static,
        R: Serialize + Send + 'static,
        F: Future<Output = R> + 'static,
    {
        let work = Rc::new(work);
        let entry: Method = Rc::new(move |arguments| {
            let work = work.clone();
            Box::pin(async move {
                let arguments = arguments.open::<A>().map_err(|_| CallError::Malformed)?;
                Ok(Payload::value(work(arguments).await))
            })
        });
        let before = self.methods.insert(ClassId::of(method), (method, entry));
        assert!(
            before.is_none(),
            "method {method} shares its id with another of this service"
        );
    }

    pub(crate) fn groups(&self) -> &[String] {
        &self.groups
    }

    /// Looks a request up, and begins to work on it unless it is known. Those that come over a link may come again.
    pub(crate) fn request(
        &mut self,
        from: Address,
        call: u64,
        class: ClassId,
        over_link: bool,
    ) -> Request {
        let key = (from, call);
        if self.working.contains_key(&key) {
            return Request::Working;
        }
        if let Some(answer) = self.remembered.get(&key) {
            return Request::Answered(answer.clone().map(Payload::Bytes));
        }
        let Some((name, method)) = self.methods.get(&class) else {
            return Request::Answered(Err(CallError::NotServed));
        };
        if self.working.len() >= WORKING_LEN_MAX {
            return Request::Answered(Err(CallError::Busy));
        }
        self.working.insert(key, over_link);
        Request::New(name, method.clone())
    }

    /// Ends the work on a request; remembers the answer if the request may come again.
    pub(crate) fn answered(&mut self, from: Address, call: u64, answer: Answer) -> Answer {
        let key = (from, call);
        if self.working.remove(&key) != Some(true) {
            return answer;
        }
        let answer =
            answer.and_then(|payload| payload.into_bytes().map_err(|_| CallError::Malformed));
        self.remembered_bytes += bytes_of(&answer);
        self.remembered.insert(key, answer.clone());
        self.order.push_back(key);
        while self.order.len() > REMEMBERED_LEN_MAX || self.remembered_bytes > REMEMBERED_BYTES_MAX
        {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            self.remembered_bytes -= self.remembered.remove(&oldest).as_ref().map_or(0, bytes_of);
        }
        answer.map(Payload::Bytes)
    }

    /// Takes out the requests that will never be answered because their service ends.
    pub(crate) fn abandon(&mut self) -> Vec<(Address, u64)> {
        std::mem::take(&mut self.working).into_keys().collect()
    }
}

fn bytes_of(answer: &Result<Vec<u8>, CallError>) -> usize {
    answer.as_ref().map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Birth;

    #[test]
    fn remembered_answers_stay_within_their_bytes_and_the_newest_is_kept() {
        let mut table = CallTable::default();
        table.add("test.echo", |bytes: Vec<u8>| async move { bytes });
        let class = ClassId::of("test.echo");
        let from = Address::new(Birth::new(1).unwrap(), 1).unwrap();
        for call in 0..40 {
            assert!(
                matches!(table.request(from, call, class, true), Request::New(..)),
                "a new request is worked on"
            );
            assert!(
                matches!(table.request(from, call, class, true), Request::Working),
                "its repetition is not"
            );
            let _ = table.answered(from, call, Ok(Payload::Bytes(vec![0; 1024 * 1024])));
        }
        assert!(
            table.remembered_bytes <= REMEMBERED_BYTES_MAX,
            "the memory should keep to its bound"
        );
        assert!(
            matches!(
                table.request(from, 39, class, true),
                Request::Answered(Ok(_))
            ),
            "the last answer should still be known"
        );
        assert!(
            matches!(table.request(from, 0, class, true), Request::New(..)),
            "the first should be forgotten"
        );
    }

    #[test]
    fn a_service_works_on_a_bounded_number_of_requests() {
        let mut table = CallTable::default();
        table.add("test.echo", |bytes: Vec<u8>| async move { bytes });
        let class = ClassId::of("test.echo");
        for call in 0..WORKING_LEN_MAX as u64 {
            let _ = table.request(Address::NOBODY, call, class, false);
        }
        let refused = table.request(Address::NOBODY, u64::MAX, class, false);
        assert!(
            matches!(refused, Request::Answered(Err(CallError::Busy))),
            "one request more than the bound should be told that the service is busy"
        );
        assert_eq!(
            table.abandon().len(),
            WORKING_LEN_MAX,
            "all that was begun should be told when the service ends"
        );
    }
}
