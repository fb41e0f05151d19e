//! How often a password may be wrong. What counts is the name that was tried, whether anybody has it or not, so that the
//! limit tells no names; and where it was tried from, so that nobody keeps a player out by guessing.

use std::net::IpAddr;

use governor::Quota;
use realm::Clock;

use super::AccountError;
use crate::limit::Limits;

/// Names that are counted at a time. More than this cannot be guessed at in the time that an entry takes to pass: every
/// guess takes a hash.
const NAMES_MAX: usize = 16_384;

/// What may be tried yet.
#[derive(Debug)]
pub(super) struct Guesses {
    by_name: Limits<String>,
    by_name_and_network: Limits<(String, IpAddr)>,
}

/// A guess that may yet turn out right.
#[derive(Debug)]
pub(super) struct Guess(String, IpAddr);

impl Guesses {
    /// `from_one` for each name and network, `from_all` for each name.
    pub(super) fn new(from_one: Quota, from_all: Quota, clock: &Clock) -> Self {
        Self {
            by_name: Limits::new(from_all, NAMES_MAX, clock),
            by_name_and_network: Limits::new(from_one, NAMES_MAX, clock),
        }
    }

    /// Counts a guess before it is looked at, so that those who come at once are counted too.
    pub(super) fn guess(&self, name: String, network: IpAddr) -> Result<Guess, AccountError> {
        let key = (name, network);
        let refused = |_| AccountError::TooManyLogins;
        self.by_name_and_network.take(&key).map_err(refused)?;
        if let Err(wait) = self.by_name.take(&key.0) {
            self.by_name_and_network.give_back(&key);
            return Err(refused(wait));
        }
        let (name, network) = key;
        Ok(Guess(name, network))
    }

    /// The guess was right, or nobody could say.
    pub(super) fn not_wrong(&self, guess: Guess) {
        let Guess(name, network) = guess;
        self.by_name.give_back(&name);
        self.by_name_and_network.give_back(&(name, network));
    }
}
