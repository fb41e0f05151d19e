//! Mail between addresses, as it lies in a mailbox and as it crosses a link.

use serde::{Deserialize, Serialize};
use wire::ClassId;

use crate::address::{Address, Birth};
use crate::error::CallError;
use crate::message::{Message, NotThat, Payload};

/// Why mail did not reach its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Why {
    /// Nobody has this address any more, or ever had.
    #[error("gone")]
    Gone,
    /// The target died with the mail still in its mailbox.
    #[error("died")]
    Died,
    /// The target's mailbox is at its bound.
    #[error("full")]
    Full,
    /// The target's type does not take this class.
    #[error("not taken")]
    NotTaken,
    /// The bytes are not a value of this class, or the value cannot be written down.
    #[error("malformed")]
    Malformed,
    /// No link reaches the target's node.
    #[error("unreachable")]
    Unreachable,
    /// It is longer than what a link to another node carries.
    #[error("too long")]
    TooLong,
}

impl Why {
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Died => "died",
            Self::Full => "full",
            Self::NotTaken => "not_taken",
            Self::Malformed => "malformed",
            Self::Unreachable => "unreachable",
            Self::TooLong => "too_long",
        }
    }
}

/// A message that came back to its sender.
#[derive(Debug)]
pub struct Undelivered {
    /// Who should have had it.
    pub to: Address,
    /// Its class.
    pub class: ClassId,
    /// Why it came back.
    pub why: Why,
    payload: Option<Payload>,
}

impl Undelivered {
    pub(crate) fn new(to: Address, class: ClassId, why: Why, payload: Payload) -> Self {
        Self {
            to,
            class,
            why,
            payload: Some(payload),
        }
    }

    pub(crate) fn is_taken(&self) -> bool {
        self.payload.is_none()
    }

    /// Takes the message out; `None` when it is of another class, or was taken before.
    pub fn take<M: Message>(&mut self) -> Option<M> {
        if self.class != M::ID {
            return None;
        }
        match self.payload.take()?.open() {
            Ok(message) => Some(message),
            Err((payload, _)) => {
                self.payload = Some(payload);
                None
            }
        }
    }
}

/// A message whose class is not in the list of its target's type, in that target's hands.
#[derive(Debug)]
pub struct Unlisted {
    /// Who sent it.
    pub from: Address,
    /// Its class.
    pub class: ClassId,
    payload: Result<&'static str, (Payload, Why)>,
}

impl Unlisted {
    pub(crate) fn new(from: Address, class: ClassId, payload: Payload) -> Self {
        Self {
            from,
            class,
            payload: Err((payload, Why::NotTaken)),
        }
    }

    /// The name of the class as which it was taken; or the message, and why nobody has it.
    pub(crate) fn outcome(self) -> Result<&'static str, (Payload, Why)> {
        self.payload
    }

    /// Takes the message out; `None` when it is of another class, or was taken before.
    pub fn take<M: Message>(&mut self) -> Option<M> {
        if self.class != M::ID {
            return None;
        }
        match std::mem::replace(&mut self.payload, Ok(M::NAME)) {
            Ok(name) => {
                self.payload = Ok(name);
                None
            }
            Err((payload, _)) => match payload.open() {
                Ok(message) => Some(message),
                Err((payload, _)) => {
                    self.payload = Err((payload, Why::Malformed));
                    None
                }
            },
        }
    }
}

/// Why a locale or service ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeathReason {
    /// It ended itself, or its service closed in order.
    Ended,
    /// It panicked.
    Panicked,
    /// Its service panicked and starts anew.
    ServiceRestarted,
    /// Its node is gone.
    NodeLost,
    /// It was dead when the watch began.
    Gone,
}

impl DeathReason {
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Panicked => "panicked",
            Self::ServiceRestarted => "service_restarted",
            Self::NodeLost => "node_lost",
            Self::Gone => "gone",
        }
    }
}

/// Tells a watcher that the watched address will never answer again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Death {
    /// Who died.
    pub address: Address,
    /// Why.
    pub reason: DeathReason,
}

/// What one piece of mail says. Everything but `Message`, `Request` and `Heard` is control mail: it passes a full mailbox,
/// because what it answers is bounded.
#[derive(Debug)]
pub(crate) enum Letter {
    Message {
        class: ClassId,
        payload: Payload,
    },
    Request {
        call: u64,
        class: ClassId,
        payload: Payload,
    },
    Reply {
        call: u64,
        answer: Result<Payload, CallError>,
    },
    Undelivered(Undelivered),
    Watch,
    Unwatch,
    Death(Death),
    Heard {
        topic: std::sync::Arc<str>,
        bytes: bytes::Bytes,
    },
    NodeLost(Birth),
    Members,
    /// The service should note what its thread has used.
    Measure,
}

impl Letter {
    pub(crate) const fn is_control(&self) -> bool {
        !matches!(
            self,
            Self::Message { .. } | Self::Request { .. } | Self::Heard { .. }
        )
    }
}

/// A letter and who sent it.
#[derive(Debug)]
pub(crate) struct Mail {
    pub(crate) from: Address,
    pub(crate) letter: Letter,
}

impl Mail {
    /// True for control mail, which passes where other mail is refused, as written by [`Mail::encode`]: the kind comes
    /// second, after the mark of an array.
    pub(crate) fn is_control_written(parcel: &[u8]) -> bool {
        parcel.get(1).is_some_and(|kind| *kind >= 2)
    }

    /// Writes the mail down for another node. What stays within a node (topics, membership) has no written form.
    pub(crate) fn encode(self, to: Address) -> Result<Vec<u8>, (Self, Why)> {
        let from = self.from;
        let written = match &self.letter {
            Letter::Message { class, payload } => {
                payload.to_bytes().ok().map(|body| (0, *class, 0, body))
            }
            Letter::Request {
                call,
                class,
                payload,
            } => payload.to_bytes().ok().map(|body| (1, *class, *call, body)),
            Letter::Reply {
                call,
                answer: Ok(payload),
            } => payload
                .to_bytes()
                .ok()
                .map(|body| (2, ClassId(0), *call, body)),
            Letter::Reply {
                call,
                answer: Err(error),
            } => wire::encode(error)
                .ok()
                .map(|body| (3, ClassId(0), *call, body)),
            Letter::Undelivered(back) => {
                let body = back
                    .payload
                    .as_ref()
                    .and_then(|payload| payload.to_bytes().ok())
                    .unwrap_or_default();
                wire::encode(&(back.to, back.why, serde_bytes::ByteBuf::from(body)))
                    .ok()
                    .map(|body| (4, back.class, 0, body))
            }
            Letter::Watch => Some((5, ClassId(0), 0, Vec::new())),
            Letter::Death(death) => wire::encode(death)
                .ok()
                .map(|body| (6, ClassId(0), 0, body)),
            Letter::Unwatch => Some((7, ClassId(0), 0, Vec::new())),
            Letter::Heard { .. } | Letter::NodeLost(_) | Letter::Members | Letter::Measure => None,
        };
        let Some((kind, class, call, body)) = written else {
            return Err((self, Why::Malformed));
        };
        let kind: u8 = kind;
        wire::encode(&(
            kind,
            to,
            from,
            class,
            call,
            serde_bytes::ByteBuf::from(body),
        ))
        .map_err(|_| (self, Why::Malformed))
    }

    /// Reads mail that another node wrote, and who it is for.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Address, Self), NotThat> {
        type Written = (u8, Address, Address, ClassId, u64, serde_bytes::ByteBuf);
        let (kind, to, from, class, call, body): Written = wire::decode(bytes)?;
        let body = body.into_vec();
        let letter = match kind {
            0 => Letter::Message {
                class,
                payload: Payload::Bytes(body),
            },
            1 => Letter::Request {
                call,
                class,
                payload: Payload::Bytes(body),
            },
            2 => Letter::Reply {
                call,
                answer: Ok(Payload::Bytes(body)),
            },
            3 => Letter::Reply {
                call,
                answer: Err(wire::decode(&body)?),
            },
            4 => {
                let (to, why, payload): (Address, Why, serde_bytes::ByteBuf) = wire::decode(&body)?;
                Letter::Undelivered(Undelivered::new(
                    to,
                    class,
                    why,
                    Payload::Bytes(payload.into_vec()),
                ))
            }
            5 => Letter::Watch,
            6 => Letter::Death(wire::decode(&body)?),
            7 => Letter::Unwatch,
            _ => return Err(NotThat::Type),
        };
        Ok((to, Self { from, letter }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_mail_shows_whether_it_is_control_mail() {
        let somebody = Address::new(Birth::new(3).unwrap(), 4).unwrap();
        let class = ClassId::of("test");
        let payload = || Payload::value(1_u8);
        for letter in [
            Letter::Message {
                class,
                payload: payload(),
            },
            Letter::Request {
                call: 1,
                class,
                payload: payload(),
            },
            Letter::Reply {
                call: 1,
                answer: Ok(payload()),
            },
            Letter::Reply {
                call: 1,
                answer: Err(CallError::Gone),
            },
            Letter::Undelivered(Undelivered::new(somebody, class, Why::Full, payload())),
            Letter::Watch,
            Letter::Unwatch,
            Letter::Death(Death {
                address: somebody,
                reason: DeathReason::Ended,
            }),
        ] {
            let (is, shown) = (letter.is_control(), format!("{letter:?}"));
            let from = Address::NOBODY;
            let parcel = Mail { from, letter }.encode(somebody);
            let parcel = parcel.expect("it should be written");
            assert_eq!(Mail::is_control_written(&parcel), is, "{shown}");
        }
    }
}
