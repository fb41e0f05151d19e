//! Coins and items. They come and go in double entry, under an operation id and an epoch, and in no other way.

use serde::{Deserialize, Serialize};

use super::character::subject;
use super::operation::Write;
use super::sql::{Transaction, sql};
use super::{Epoch, OperationId, Store, StoreError, signed, unsigned};

/// The most coins that a purse holds: what every client can count.
pub const COINS_MAX: u64 = (1 << 53) - 1;

/// The most stacks that one grant gives.
pub const GRANT_STACKS_MAX: usize = 64;

/// In the ledger and in an item's history: where things come from.
const WORLD: i64 = 0;

/// What a character has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Belongings {
    /// The coins in its purse.
    pub coins: u64,
    /// Kind and quantity, one entry per kind, in the order of the kinds' names.
    pub items: Vec<(String, u32)>,
}

impl Store {
    /// Gives items and coins of the world to a character, all or nothing, and answers what it then has. `source` is where
    /// they came from, for whoever looks into it later. A quantity of zero gives nothing.
    pub async fn grant(
        &self,
        operation: OperationId,
        epoch: Epoch,
        character: i64,
        source: &str,
        items: &[(String, u32)],
        coins: u64,
    ) -> Result<Belongings, StoreError> {
        if items.len() > GRANT_STACKS_MAX {
            return Err(StoreError::Other(format!(
                "a grant gives at most {GRANT_STACKS_MAX} stacks"
            )));
        }
        self.once(
            operation,
            "grant",
            subject(character),
            |mut write| async move {
                write.own(character, epoch).await?;
                write.came_from(source);
                for (kind, quantity) in items.iter().filter(|(_, quantity)| *quantity > 0) {
                    give_stack(&mut write, operation, character, kind, *quantity).await?;
                }
                if coins > 0 {
                    give_coins(&mut write, operation, character, coins).await?;
                }
                let belongings = belongings_of(write.on(), character).await?;
                write.settle(belongings).await
            },
        )
        .await
    }

    /// What the character has now.
    pub async fn belongings(&self, character: i64) -> Result<Belongings, StoreError> {
        // One snapshot for purse and items: a grant between the two reads would show half of itself.
        let mut snapshot = self.pools.read().await?;
        let known: Option<(i64,)> = sql("SELECT character FROM characters WHERE character = $1")
            .bind(character)
            .optional(&mut snapshot)
            .await?;
        if known.is_none() {
            return Err(StoreError::NoSuchCharacter);
        }
        belongings_of(&mut snapshot, character).await
    }
}

/// What the character has, as this connection sees it.
pub(super) async fn belongings_of(
    on: &mut Transaction,
    character: i64,
) -> Result<Belongings, StoreError> {
    let coins: Option<(i64,)> = sql("SELECT amount FROM balances WHERE holder = $1")
        .bind(character)
        .optional(on)
        .await?;
    let rows: Vec<(String, i64)> = sql(
        "SELECT kind, CAST(SUM(quantity) AS BIGINT) FROM items WHERE owner = $1 GROUP BY kind ORDER BY kind",
    )
    .bind(character)
    .all(on)
    .await?;
    let items = rows
        .into_iter()
        .map(|(kind, quantity)| (kind, u32::try_from(quantity).unwrap_or(u32::MAX)))
        .collect();
    Ok(Belongings {
        coins: unsigned(coins.map_or(0, |(coins,)| coins))?,
        items,
    })
}

async fn give_stack(
    write: &mut Write,
    operation: OperationId,
    character: i64,
    kind: &str,
    quantity: u32,
) -> Result<(), StoreError> {
    let (item,): (i64,) = sql(
        "INSERT INTO items (kind, quantity, owner, operation) VALUES ($1, $2, $3, $4) RETURNING item",
    )
    .bind(kind)
    .bind(i64::from(quantity))
    .bind(character)
    .bind(&operation.bytes()[..])
    .one(write.on())
    .await?;
    sql(
        "INSERT INTO item_history (item, operation, from_holder, to_holder, quantity) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(item)
    .bind(&operation.bytes()[..])
    .bind(WORLD)
    .bind(character)
    .bind(i64::from(quantity))
    .execute(write.on())
    .await?;
    Ok(())
}

async fn give_coins(
    write: &mut Write,
    operation: OperationId,
    character: i64,
    coins: u64,
) -> Result<(), StoreError> {
    let full = || StoreError::Other(format!("a purse holds at most {COINS_MAX} coins"));
    if coins > COINS_MAX {
        return Err(full());
    }
    let coins = signed(coins)?;
    sql("INSERT INTO ledger (operation, holder, amount) VALUES ($1, $2, $3), ($1, $4, $5)")
        .bind(&operation.bytes()[..])
        .bind(WORLD)
        .bind(-coins)
        .bind(character)
        .bind(coins)
        .execute(write.on())
        .await?;
    let (amount,): (i64,) = sql(
        "INSERT INTO balances (holder, amount) VALUES ($1, $2) \
         ON CONFLICT (holder) DO UPDATE SET amount = balances.amount + excluded.amount RETURNING amount",
    )
    .bind(character)
    .bind(coins)
    .one(write.on())
    .await?;
    if unsigned::<u64>(amount)? > COINS_MAX {
        return Err(full());
    }
    Ok(())
}
