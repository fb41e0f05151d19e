//! Mail that leaves its thread, gathered until the frame's end. Calls and control mail empty it at once, so nothing is
//! overtaken; so does its bound.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::{Address, Birth};
use crate::mail::Mail;
use crate::mailbox::Mailbox;
use crate::node_core::NodeCore;

/// Mails that may wait before the outbox is emptied early, as a bound on its memory.
const LEN_MAX: usize = 4096;

/// What one service has ready for other threads and nodes.
#[derive(Default)]
pub(super) struct Outbox {
    near: Vec<(Address, Arc<Mailbox>, Mail)>,
    far: BTreeMap<Birth, Vec<Vec<u8>>>,
    len: usize,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.len >= LEN_MAX
    }

    /// For another thread of this node.
    pub(super) fn push_near(&mut self, to: Address, post: Arc<Mailbox>, mail: Mail) {
        self.near.push((to, post, mail));
        self.len += 1;
    }

    /// For another node. Written down now, so that a message too strange to travel comes back now.
    pub(super) fn push_far(&mut self, birth: Birth, to: Address, mail: Mail, node: &NodeCore) {
        match mail.encode(to) {
            Ok(parcel) => {
                self.far.entry(birth).or_default().push(parcel);
                self.len += 1;
            }
            Err((mail, why)) => node.bounce(to, mail, why),
        }
    }

    pub(super) fn flush(self, node: &NodeCore) {
        for (to, post, mail) in self.near {
            if let Err((mail, why)) = post.post(mail) {
                node.bounce(to, mail, why);
            }
        }
        for (birth, parcels) in self.far {
            node.send_far(birth, parcels);
        }
    }
}
