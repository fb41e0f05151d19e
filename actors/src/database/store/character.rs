//! Characters: who owns one now, and what is left of it between two owners. Refuses whoever does not own it.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::economy::belongings_of;
use super::operation::Write;
use super::sql::sql;
use super::{Epoch, OperationId, Store, StoreError, signed, unsigned};

/// How many saves of one character are remembered as done. A link has fewer of them under way, and an avatar saves for as
/// long as it lives: remembering all would fill the disk.
const SAVES_REMEMBERED: i64 = 32;

/// A character as its new owner finds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CharacterRow {
    /// Its durable id.
    pub character: i64,
    /// Its name as its owner spells it.
    pub name: String,
    /// The epoch that began with this owner.
    pub epoch: Epoch,
    /// The map that it was last saved on; none if it has never been anywhere.
    pub map: Option<String>,
    /// Where on that map, in its units.
    pub x: f64,
    /// Where on that map, in its units.
    pub y: f64,
    /// The hit points it had; none if it has never been anywhere.
    pub hp: Option<u32>,
    /// The experience it has gathered.
    pub xp: u64,
    /// The coins in its purse.
    pub coins: u64,
    /// What it carries: kind and quantity, one entry per kind.
    pub items: Vec<(String, u32)>,
}

/// What an owner saves of a character now and then. Belongings are not among it: they change by operations only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Save {
    /// The map it is on.
    pub map: String,
    /// Where on that map; finite.
    pub x: f64,
    /// Where on that map; finite.
    pub y: f64,
    /// Its hit points.
    pub hp: u32,
    /// Its experience; less than what is stored changes nothing.
    pub xp: u64,
}

#[derive(FromRow)]
struct Taken {
    name: String,
    epoch: i64,
    map: Option<String>,
    x: f64,
    y: f64,
    hp: Option<i64>,
    xp: i64,
}

impl Store {
    /// Makes `owner_address` the one owner: the epoch grows, and whoever had the character before can write no more.
    pub async fn take_character(
        &self,
        operation: OperationId,
        character: i64,
        owner_address: u64,
    ) -> Result<CharacterRow, StoreError> {
        self.once(
            operation,
            "take",
            subject(character),
            |mut write| async move {
                let taken: Option<Taken> = sql(
                    "UPDATE characters SET epoch = epoch + 1, owner_address = $2 \
                     WHERE character = $1 RETURNING name, epoch, map, x, y, hp, xp",
                )
                .bind(character)
                .bind(signed(owner_address)?)
                .optional(write.on())
                .await?;
                let taken = taken.ok_or(StoreError::NoSuchCharacter)?;
                write.began(taken.epoch);
                let belongings = belongings_of(write.on(), character).await?;
                let row = CharacterRow {
                    character,
                    name: taken.name,
                    epoch: Epoch(unsigned(taken.epoch)?),
                    map: taken.map,
                    x: taken.x,
                    y: taken.y,
                    hp: taken.hp.map(unsigned).transpose()?,
                    xp: unsigned(taken.xp)?,
                    coins: belongings.coins,
                    items: belongings.items,
                };
                write.settle(row).await
            },
        )
        .await
    }

    /// Saves the character under its owner's epoch. Experience never goes down.
    pub async fn save_character(
        &self,
        operation: OperationId,
        epoch: Epoch,
        character: i64,
        save: Save,
    ) -> Result<(), StoreError> {
        // SQLite would store NaN as NULL.
        if !(save.x.is_finite() && save.y.is_finite()) {
            return Err(StoreError::Other("a position must be finite".into()));
        }
        let save = &save;
        self.once(
            operation,
            "save",
            subject(character),
            |mut write| async move {
                write.own(character, epoch).await?;
                sql("UPDATE characters SET map = $2, x = $3, y = $4, hp = $5, \
                     xp = CASE WHEN xp < $6 THEN $6 ELSE xp END WHERE character = $1")
                .bind(character)
                .bind(&*save.map)
                .bind(save.x)
                .bind(save.y)
                .bind(i64::from(save.hp))
                .bind(signed(save.xp)?)
                .execute(write.on())
                .await?;
                forget_old_saves(&mut write, character).await?;
                write.settle(()).await
            },
        )
        .await
    }

    /// Leaves the character without an owner. The epoch stays, so the next owner's is still greater.
    pub async fn release_character(
        &self,
        operation: OperationId,
        epoch: Epoch,
        character: i64,
    ) -> Result<(), StoreError> {
        self.once(
            operation,
            "release",
            subject(character),
            |mut write| async move {
                write.own(character, epoch).await?;
                sql("UPDATE characters SET owner_address = NULL WHERE character = $1")
                    .bind(character)
                    .execute(write.on())
                    .await?;
                write.settle(()).await
            },
        )
        .await
    }
}

/// How operations name a character.
pub(super) fn subject(character: i64) -> String {
    format!("character {character}")
}

async fn forget_old_saves(write: &mut Write, character: i64) -> Result<(), StoreError> {
    sql(
        "DELETE FROM operations WHERE subject = $1 AND kind = 'save' AND applied <= \
         (SELECT applied FROM operations WHERE subject = $1 AND kind = 'save' ORDER BY applied DESC LIMIT 1 OFFSET $2)",
    )
    .bind(&*subject(character))
    .bind(SAVES_REMEMBERED)
    .execute(write.on())
    .await?;
    Ok(())
}
