//! The invariants of the economy, read back from the tables in one snapshot. Reports in words; repairs nothing.

use super::sql::{Transaction, sql};
use super::{Store, StoreError};

/// How many violations of one invariant are told; the first few say what is wrong.
const TOLD_MAX: i64 = 20;

impl Store {
    /// Every violated invariant in words; empty if all hold. It reads every table whole: for tests and operators.
    pub async fn check(&self) -> Result<Vec<String>, StoreError> {
        let mut snapshot = self.pools.read().await?;
        let mut violations = Vec::new();
        ledger(&mut snapshot, &mut violations).await?;
        balances(&mut snapshot, &mut violations).await?;
        items(&mut snapshot, &mut violations).await?;
        operations(&mut snapshot, &mut violations).await?;
        epochs(&mut snapshot, &mut violations).await?;
        Ok(violations)
    }
}

async fn ledger(
    snapshot: &mut Transaction,
    violations: &mut Vec<String>,
) -> Result<(), StoreError> {
    let unbalanced: Vec<(Vec<u8>, i64)> =
        sql("SELECT operation, CAST(SUM(amount) AS BIGINT) FROM ledger \
         GROUP BY operation HAVING SUM(amount) <> 0 ORDER BY operation LIMIT $1")
        .bind(TOLD_MAX)
        .all(snapshot)
        .await?;
    for (operation, sum) in unbalanced {
        violations.push(format!(
            "the ledger entries of operation {} sum to {sum}",
            hex(&operation)
        ));
    }
    let (total,): (Option<i64>,) = sql("SELECT CAST(SUM(amount) AS BIGINT) FROM ledger")
        .one(snapshot)
        .await?;
    if let Some(total) = total.filter(|total| *total != 0) {
        violations.push(format!("the whole ledger sums to {total}"));
    }
    Ok(())
}

async fn balances(
    snapshot: &mut Transaction,
    violations: &mut Vec<String>,
) -> Result<(), StoreError> {
    let wrong: Vec<(i64, i64, i64)> = sql(
        "SELECT h.holder, COALESCE(b.amount, 0), CAST(COALESCE(e.total, 0) AS BIGINT) \
         FROM (SELECT holder FROM balances UNION SELECT holder FROM ledger WHERE holder <> 0) AS h \
         LEFT JOIN balances b ON b.holder = h.holder \
         LEFT JOIN (SELECT holder, SUM(amount) AS total FROM ledger GROUP BY holder) AS e ON e.holder = h.holder \
         WHERE COALESCE(b.amount, 0) <> COALESCE(e.total, 0) ORDER BY h.holder LIMIT $1",
    )
    .bind(TOLD_MAX)
    .all(snapshot)
    .await?;
    for (holder, balance, sum) in wrong {
        violations.push(format!(
            "the balance of character {holder} is {balance}, its ledger entries sum to {sum}"
        ));
    }
    Ok(())
}

async fn items(snapshot: &mut Transaction, violations: &mut Vec<String>) -> Result<(), StoreError> {
    let broken: Vec<(i64, i64, i64)> = sql(
        "SELECT item, from_holder, held FROM (SELECT item, entry, from_holder, \
         COALESCE(LAG(to_holder) OVER (PARTITION BY item ORDER BY entry), 0) AS held FROM item_history) AS steps \
         WHERE from_holder <> held ORDER BY entry LIMIT $1",
    )
    .bind(TOLD_MAX)
    .all(snapshot)
    .await?;
    for (item, from, held) in broken {
        violations.push(format!(
            "item {item} was given by holder {from} while holder {held} had it"
        ));
    }
    let misplaced: Vec<(i64, i64, Option<i64>)> = sql(
        "SELECT i.item, i.owner, h.to_holder FROM items i LEFT JOIN item_history h ON h.entry = \
         (SELECT MAX(entry) FROM item_history WHERE item = i.item) \
         WHERE h.to_holder IS NULL OR h.to_holder <> i.owner ORDER BY i.item LIMIT $1",
    )
    .bind(TOLD_MAX)
    .all(snapshot)
    .await?;
    for (item, owner, last) in misplaced {
        violations.push(match last {
            Some(last) => format!("item {item} is owned by {owner}, its history ends with {last}"),
            None => format!("item {item} has no history"),
        });
    }
    let resized: Vec<(i64,)> = sql(
        "SELECT DISTINCT i.item FROM items i JOIN item_history h ON h.item = i.item \
         WHERE h.quantity <> i.quantity ORDER BY i.item LIMIT $1",
    )
    .bind(TOLD_MAX)
    .all(snapshot)
    .await?;
    for (item,) in resized {
        violations.push(format!("item {item} has another quantity than its history"));
    }
    let vanished: Vec<(i64,)> = sql(
        "SELECT DISTINCT h.item FROM item_history h LEFT JOIN items i ON i.item = h.item \
         WHERE i.item IS NULL ORDER BY h.item LIMIT $1",
    )
    .bind(TOLD_MAX)
    .all(snapshot)
    .await?;
    for (item,) in vanished {
        violations.push(format!("item {item} has a history but is gone"));
    }
    Ok(())
}

async fn operations(
    snapshot: &mut Transaction,
    violations: &mut Vec<String>,
) -> Result<(), StoreError> {
    let unanswered: Vec<(Vec<u8>,)> =
        sql("SELECT id FROM operations WHERE length(answer) = 0 ORDER BY applied LIMIT $1")
            .bind(TOLD_MAX)
            .all(snapshot)
            .await?;
    for (operation,) in unanswered {
        violations.push(format!(
            "operation {} was committed without an answer",
            hex(&operation)
        ));
    }
    let strays: Vec<(Vec<u8>,)> = sql(
        "SELECT e.operation FROM (SELECT operation FROM ledger UNION SELECT operation FROM items \
         UNION SELECT operation FROM item_history) AS e LEFT JOIN operations o ON o.id = e.operation \
         WHERE o.id IS NULL ORDER BY e.operation LIMIT $1",
    )
    .bind(TOLD_MAX)
    .all(snapshot)
    .await?;
    for (operation,) in strays {
        violations.push(format!(
            "operation {} had an effect but was never answered",
            hex(&operation)
        ));
    }
    Ok(())
}

async fn epochs(
    snapshot: &mut Transaction,
    violations: &mut Vec<String>,
) -> Result<(), StoreError> {
    let stale: Vec<(Vec<u8>, i64, i64)> = sql(
        "SELECT id, epoch, reached FROM (SELECT id, applied, epoch, \
         MAX(epoch) OVER (PARTITION BY subject ORDER BY applied) AS reached FROM operations WHERE epoch IS NOT NULL) \
         AS steps WHERE epoch < reached ORDER BY applied LIMIT $1",
    )
    .bind(TOLD_MAX)
    .all(snapshot)
    .await?;
    for (operation, epoch, reached) in stale {
        violations.push(format!(
            "operation {} was committed under epoch {epoch} when {reached} had begun",
            hex(&operation)
        ));
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
