//! The names under which a realm's traffic goes through NATS.

use crate::address::Birth;

/// The subjects of one realm.
#[derive(Clone, Debug)]
pub(super) struct Subjects {
    realm: String,
}

impl Subjects {
    pub(super) fn of(realm: &str) -> Self {
        Self {
            realm: realm.to_owned(),
        }
    }

    pub(super) fn realm(&self) -> &str {
        &self.realm
    }

    /// Where a node's mail goes.
    pub(super) fn mail(&self, node: Birth) -> String {
        format!("{}.mail.{}", self.realm, node.get())
    }

    /// Where births are asked for.
    pub(super) fn births(&self) -> String {
        format!("{}.births", self.realm)
    }

    /// The bucket of who is there.
    pub(super) fn nodes(&self) -> String {
        format!("{}-nodes", self.realm)
    }

    /// Where a topic is published. What a subject may not hold is written as `%` and two digits; every topic has a subject
    /// of its own.
    pub(super) fn topic(&self, topic: &str) -> String {
        let mut subject = format!("{}.topic.", self.realm);
        let mut first = true;
        for (place, byte) in topic.bytes().enumerate() {
            match byte {
                b'.' if !first && place + 1 < topic.len() => {
                    subject.push('.');
                    first = true;
                    continue;
                }
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => {
                    subject.push(char::from(byte))
                }
                _ => subject.push_str(&format!("%{byte:02x}")),
            }
            first = false;
        }
        subject
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_topic_has_one_subject_that_nats_takes() {
        let subjects = Subjects::of("meadow");
        for (topic, subject) in [
            ("cell.7.3.-2", "meadow.topic.cell.7.3.-2"),
            ("chat.room.a b", "meadow.topic.chat.room.a%20b"),
            ("chat.room.*", "meadow.topic.chat.room.%2a"),
            ("chat.room.>", "meadow.topic.chat.room.%3e"),
            ("chat..x", "meadow.topic.chat.%2ex"),
            (".x", "meadow.topic.%2ex"),
            ("x.", "meadow.topic.x%2e"),
            ("%2e", "meadow.topic.%252e"),
            ("é", "meadow.topic.%c3%a9"),
        ] {
            assert_eq!(
                subjects.topic(topic),
                subject,
                "the subject of {topic:?} should be one that NATS takes"
            );
        }
    }
}
