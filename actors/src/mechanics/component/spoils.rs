//! What can be taken, and who is taking it. It is given away once; the database makes sure of it by the operation under
//! which it is offered.

use client::ItemStack;
use realm::{Address, Chance};

use crate::resources::Drop;

/// Items and coins as they were rolled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spoils {
    /// Items.
    pub items: Vec<ItemStack>,
    /// Coins.
    pub coins: u64,
}

impl Spoils {
    /// Rolls coins within their bounds, and each drop by its chance.
    pub fn roll(coins_min: u64, coins_max: u64, drops: &[Drop], chance: &mut Chance) -> Self {
        let coins = chance.between(coins_min, coins_max);
        let mut items = Vec::new();
        for drop in drops {
            if chance.hits(drop.chance) {
                items.push(ItemStack {
                    item: drop.item.clone(),
                    count: drop.count,
                });
            }
        }
        Self { items, coins }
    }

    /// True when there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.coins == 0
    }
}

/// Spoils that lie somewhere until somebody has them.
#[derive(Clone, Debug, Default)]
pub struct Pile {
    spoils: Spoils,
    taker: Option<Address>,
}

impl Pile {
    /// Lays down new spoils, for whoever comes first.
    pub fn lay(&mut self, spoils: Spoils) {
        *self = Self {
            spoils,
            taker: None,
        };
    }

    /// Lets `taker` take it; `None` when there is nothing, or somebody else is taking it.
    pub fn offer(&mut self, taker: Address) -> Option<Spoils> {
        if self.is_empty() || self.taker.is_some_and(|other| other != taker) {
            return None;
        }
        self.taker = Some(taker);
        Some(self.spoils.clone())
    }

    /// `taker` has it, in the database. True if that emptied the pile.
    pub fn taken(&mut self, taker: Address) -> bool {
        let takes = self.taker == Some(taker) && !self.is_empty();
        if takes {
            *self = Self::default();
        }
        takes
    }

    /// `taker` does not take it after all, or died over it.
    pub fn refused(&mut self, taker: Address) {
        if self.taker == Some(taker) {
            self.taker = None;
        }
    }

    /// True when nothing is left to take.
    pub fn is_empty(&self) -> bool {
        self.spoils.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use realm::Birth;

    fn someone(counter: u64) -> Address {
        let node = Birth::new(1).expect("1 is a birth number");
        Address::new(node, counter).expect("a small counter is one")
    }

    fn pile() -> Pile {
        let mut pile = Pile::default();
        let items = Vec::new();
        pile.lay(Spoils { items, coins: 3 });
        pile
    }

    #[test]
    fn a_pile_is_offered_to_one_at_a_time_and_had_once() {
        let (first, second) = (someone(1), someone(2));
        let mut pile = pile();
        let offered = pile.offer(first);
        assert!(
            offered.is_some_and(|spoils| spoils.coins == 3),
            "the first comer should be offered all"
        );
        assert_eq!(
            pile.offer(second),
            None,
            "nobody else should be, while the first is taking it"
        );
        assert!(
            pile.offer(first).is_some(),
            "the first may ask again: it is the same operation"
        );
        assert!(!pile.taken(second), "who was offered nothing has nothing");
        assert!(pile.taken(first), "the first should have it");
        assert!(
            pile.is_empty() && !pile.taken(first),
            "it should be had once"
        );
        assert_eq!(pile.offer(second), None, "nothing should be left");
    }

    #[test]
    fn what_one_does_not_take_waits_for_the_next() {
        let (first, second) = (someone(1), someone(2));
        let mut pile = pile();
        assert!(
            pile.offer(first).is_some(),
            "the first should be offered it"
        );
        pile.refused(second);
        assert_eq!(pile.offer(second), None, "only who takes it can give it up");
        pile.refused(first);
        assert!(pile.offer(second).is_some(), "now it is the second's turn");
    }
}
