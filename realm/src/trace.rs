//! Notes what ran, so that two runs can be compared.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex};

use crate::address::Address;
use crate::clock::Moment;
use crate::lock::lock;
use crate::message::Payload;

/// The messages that ran on a node, in order: when, from whom, to whom, which, and a hash of what it said.
#[derive(Clone, Default)]
pub struct Trace(Arc<Mutex<Vec<String>>>);

impl Trace {
    /// An empty trace.
    pub fn new() -> Self {
        Self::default()
    }

    /// The lines so far.
    pub fn lines(&self) -> Vec<String> {
        lock(&self.0).clone()
    }

    pub(crate) fn note(
        &self,
        now: Moment,
        from: Address,
        to: Address,
        class: &'static str,
        payload: &Payload,
    ) {
        let mut hash = rustc_hash::FxHasher::default();
        payload.to_bytes().unwrap_or_default().hash(&mut hash);
        lock(&self.0).push(format!(
            "{now:?} {from}->{to} {class} {:016x}",
            hash.finish()
        ));
    }
}
