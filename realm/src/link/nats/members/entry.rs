//! What stands in the bucket: an entry for each node, and one for each singular service.

use crate::address::Birth;
use crate::link::Announcement;

/// A key of the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Node(Birth),
    Service(String),
}

impl Key {
    pub(super) fn read(key: &str) -> Option<Self> {
        match key.split_once('.')? {
            ("node", birth) => Birth::new(birth.parse().ok()?).map(Self::Node),
            ("service", name) => Some(Self::Service(name.to_owned())),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Node(birth) => format!("node.{}", birth.get()),
            Self::Service(name) => format!("service.{name}"),
        }
    }
}

/// A node's entry. Its first two bytes are the version of the link's protocol, in every version.
#[derive(Debug, PartialEq)]
pub(super) struct NodeEntry {
    /// How often it was written: what counts is that it changes.
    pub(super) renewals: u64,
    /// How long the node may be alive after its last renewal was seen.
    pub(super) lease_ms: u32,
    pub(super) node: Announcement,
}

impl NodeEntry {
    pub(super) fn write(
        protocol: u16,
        renewals: u64,
        lease_ms: u32,
        node: &Announcement,
    ) -> Option<Vec<u8>> {
        let mut bytes = protocol.to_le_bytes().to_vec();
        bytes.extend(wire::encode(&(renewals, lease_ms, node)).ok()?);
        Some(bytes)
    }

    /// The version of the protocol.
    pub(super) fn protocol(bytes: &[u8]) -> Option<u16> {
        let version = bytes.get(..2)?;
        Some(u16::from_le_bytes(version.try_into().ok()?))
    }

    /// The entry, of a node of our version.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (renewals, lease_ms, node) = wire::decode(bytes.get(2..)?).ok()?;
        Some(Self {
            renewals,
            lease_ms,
            node,
        })
    }
}

/// Who runs a singular service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServiceHolder {
    pub(super) holder: Birth,
    pub(super) epoch: u64,
}

impl ServiceHolder {
    pub(super) fn write(self) -> Vec<u8> {
        let mut bytes = self.holder.get().to_le_bytes().to_vec();
        bytes.extend(self.epoch.to_le_bytes());
        bytes
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (holder, epoch) = bytes.split_at_checked(4)?;
        Some(Self {
            holder: Birth::new(u32::from_le_bytes(holder.try_into().ok()?))?,
            epoch: u64::from_le_bytes(epoch.try_into().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_entries_are_read_as_they_were_written() {
        let birth = Birth::new(7).unwrap();
        for key in [Key::Node(birth), Key::Service("balancer".to_owned())] {
            assert_eq!(
                Key::read(&key.text()),
                Some(key),
                "a key should be read as it was written"
            );
        }
        for key in ["node.0", "node.x", "node", "other.7"] {
            assert_eq!(Key::read(key), None, "{key} should be no key of ours");
        }
        let held = ServiceHolder {
            holder: birth,
            epoch: 9,
        };
        assert_eq!(
            ServiceHolder::read(&held.write()),
            Some(held),
            "a holder should be read as it was written"
        );
        let node = Announcement {
            birth,
            role: "test".to_owned(),
            revision: 3,
            classes: 4,
            services: Vec::new(),
        };
        let bytes = NodeEntry::write(5, 6, 3000, &node).expect("an entry should be written");
        assert_eq!(
            NodeEntry::protocol(&bytes),
            Some(5),
            "the version should be read without the rest"
        );
        let expected = NodeEntry {
            renewals: 6,
            lease_ms: 3000,
            node,
        };
        assert_eq!(
            NodeEntry::read(&bytes),
            Some(expected),
            "an entry should be read as it was written"
        );
    }
}
