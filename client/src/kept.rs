//! Commands that the server has not acknowledged, as they were sent, so that they can be sent again on another connection.
//! Knows neither connections nor what a command means.

use std::collections::VecDeque;

use crate::Command;

/// How many commands are kept: more than a client sends in two seconds, and fewer than a server takes at once. When there are
/// more, the oldest is kept no longer: it was applied or not.
pub const KEPT_LEN_MAX: usize = 64;

/// Commands under way.
#[derive(Debug, Default)]
pub(crate) struct Kept(VecDeque<One>);

#[derive(Debug)]
struct One {
    /// The acknowledgement that ends it.
    until: u32,
    frame: Vec<u8>,
}

/// True for what belongs to a login and not to one of its connections.
pub(crate) fn outlives_its_connection(command: &Command) -> bool {
    !matches!(
        command,
        Command::Register(_)
            | Command::LogIn(_)
            | Command::Resume(_)
            | Command::Enter(_)
            | Command::Ping(_)
    )
}

impl Kept {
    /// Keeps a command that is sent now.
    pub(crate) fn keep(&mut self, sequence: u32, frame: Vec<u8>) {
        if self.0.len() >= KEPT_LEN_MAX {
            self.0.pop_front();
        }
        self.0.push_back(One {
            until: sequence,
            frame,
        });
    }

    /// The server is done with all commands up to this one.
    pub(crate) fn acknowledged(&mut self, ack: u32) {
        while self.0.front().is_some_and(|one| one.until <= ack) {
            self.0.pop_front();
        }
    }

    /// All that is kept, to be sent again on a connection where the command `next` follows: numbers on that connection have
    /// gone on, so only the acknowledgement of what follows tells that these are done.
    pub(crate) fn again(&mut self, next: u32) -> Vec<Vec<u8>> {
        let each = self.0.iter_mut().map(|one| {
            one.until = next;
            one.frame.clone()
        });
        each.collect()
    }

    /// How many commands are kept.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whoever logs in anew begins with nothing.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_again_is_kept_until_what_followed_is_done() {
        let mut kept = Kept::default();
        for sequence in 4..=6 {
            kept.keep(sequence, vec![sequence as u8]);
        }
        kept.acknowledged(4);
        assert_eq!(
            kept.again(9),
            [[5], [6]],
            "what is done should not be sent again"
        );
        kept.keep(10, vec![10]);
        kept.acknowledged(8);
        assert_eq!(kept.len(), 3, "8 is before what followed them");
        kept.acknowledged(9);
        assert_eq!(kept.len(), 1, "now only 10 is open");
    }

    #[test]
    fn no_more_is_kept_than_may_be() {
        let mut kept = Kept::default();
        for sequence in 1..=2 * KEPT_LEN_MAX as u32 {
            kept.keep(sequence, vec![1]);
        }
        assert_eq!(kept.len(), KEPT_LEN_MAX, "the oldest should go");
        kept.acknowledged(KEPT_LEN_MAX as u32);
        assert_eq!(kept.len(), KEPT_LEN_MAX, "the newest should stay");
    }
}
