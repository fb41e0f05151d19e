//! What must outlive the avatar: its place and figures, saved now and then; its loot, written before it is told. Whoever
//! finds its epoch stale has lost the character to another owner, and ends.

use client::Code;
use realm::{Cx, Moment, Run, message};

use super::super::host::Host;
use super::super::loot::LootOffer;
use super::Avatar;
use crate::database::store::{OperationId, Save, StoreError};
use crate::database::{DatabaseError, DatabaseProxy};
use crate::tether::Piece;

/// A write that the database does not answer is repeated this often, always as the same operation.
const TRIES_MAX: u32 = 3;

/// Leaves the world: saves, and ends.
#[message]
pub(crate) struct Depart {}

/// What the avatar has written and has yet to write.
pub(super) struct Keeping {
    due: Moment,
    saving: bool,
    departs: bool,
    operations: u64,
}

impl Keeping {
    pub(super) fn new(due: Moment) -> Self {
        Self {
            due,
            saving: false,
            departs: false,
            operations: 0,
        }
    }

    /// True once the avatar is on its way out.
    pub(super) fn departs(&self) -> bool {
        self.departs
    }

    /// Something happened that should not be lost.
    pub(super) fn save_soon(&mut self) {
        self.due = Moment::default();
    }
}

impl Run<Avatar> for Depart {
    fn run(self, avatar: &mut Avatar, cx: &mut Cx<Avatar>) {
        avatar.depart(cx);
    }
}

impl Avatar {
    fn operation(&mut self, kind: &str, cx: &Cx<Self>) -> OperationId {
        self.keeping.operations += 1;
        OperationId::derived(kind, cx.address().get(), self.keeping.operations)
    }

    fn to_save(&self) -> Save {
        let place = self.entity.place();
        let map = self.entity.map.id.clone();
        Save {
            map,
            x: f64::from(place.x),
            y: f64::from(place.y),
            hp: self.hp(),
            xp: self.xp(),
        }
    }

    pub(super) fn save_when_due(&mut self, cx: &mut Cx<Self>) {
        if cx.now() < self.keeping.due || self.keeping.saving || self.keeping.departs {
            return;
        }
        self.keeping.due = cx.now() + Host::of(cx.service()).save_every;
        self.keeping.saving = true;
        let database = DatabaseProxy::new(cx.service());
        let (operation, epoch, character) =
            (self.operation("save", cx), self.epoch, self.character);
        let save = self.to_save();
        let saved = async move {
            database
                .save_character(operation, epoch, character, save)
                .await
        };
        cx.call(saved, |me, saved, cx| {
            me.keeping.saving = false;
            if let Err(error) = saved {
                me.lost_or_late(&error, cx);
            }
        });
    }

    /// A write was refused or not answered. True when another owner has the character.
    fn lost_or_late(&mut self, error: &DatabaseError, cx: &mut Cx<Self>) -> bool {
        let stale = matches!(error, DatabaseError::Store(StoreError::Stale { .. }));
        tracing::warn!(character = self.character, %error, stale, "an avatar could not be saved");
        if stale {
            cx.stop();
        }
        stale
    }

    /// Saves, gives the character up, and ends.
    pub(super) fn depart(&mut self, cx: &mut Cx<Self>) {
        if self.keeping.departs {
            return;
        }
        self.keeping.departs = true;
        if let Some(motion) = &mut self.entity.motion {
            motion.stop();
        }
        let database = DatabaseProxy::new(cx.service());
        let (epoch, character, save) = (self.epoch, self.character, self.to_save());
        let (saving, releasing) = (self.operation("save", cx), self.operation("release", cx));
        let gone = async move {
            for _ in 0..TRIES_MAX {
                let saved = database
                    .save_character(saving, epoch, character, save.clone())
                    .await;
                match saved {
                    Ok(()) => {
                        return database
                            .release_character(releasing, epoch, character)
                            .await;
                    }
                    Err(error) if !error.is_repeatable() => return Err(error),
                    Err(_) => {}
                }
            }
            database
                .save_character(saving, epoch, character, save)
                .await
        };
        cx.call(gone, |me, gone, cx| {
            if let Err(error) = gone {
                me.lost_or_late(&error, cx);
            }
            me.tether.say(Piece::Left);
            cx.stop();
        });
    }

    /// Writes an offered loot to the database; the player is told when it is there.
    pub(super) fn take(&mut self, offer: LootOffer, cx: &mut Cx<Self>) {
        let database = DatabaseProxy::new(cx.service());
        let (epoch, character) = (self.epoch, self.character);
        let items: Vec<(String, u32)> = offer
            .items
            .iter()
            .map(|stack| (stack.item.clone(), stack.count))
            .collect();
        let (operation, source, coins) = (offer.operation, offer.source.clone(), offer.coins);
        let granted = async move {
            let mut tries = 0;
            loop {
                tries += 1;
                let granted = database
                    .grant(
                        operation,
                        epoch,
                        character,
                        source.clone(),
                        items.clone(),
                        coins,
                    )
                    .await;
                match granted {
                    Err(error) if error.is_repeatable() && tries < TRIES_MAX => {}
                    granted => return granted,
                }
            }
        };
        cx.call(granted, |me, granted, cx| match granted {
            Ok(belongings) => {
                me.coins = belongings.coins;
                me.items = belongings.items;
                me.took(offer, Ok(()), cx);
            }
            Err(DatabaseError::Store(StoreError::Taken)) => {
                me.took(offer, Err(Code::NothingToLoot), cx)
            }
            Err(error) => {
                me.lost_or_late(&error, cx);
                me.took(offer, Err(Code::Unavailable), cx);
            }
        });
    }
}
