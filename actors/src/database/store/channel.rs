//! Channels of maps: who hosts one now, under which epoch.

use super::sql::sql;
use super::{Epoch, OperationId, Store, StoreError, signed, unsigned};

impl Store {
    /// Makes `owner_address` the one host of a channel: its epoch grows, and frames of whoever hosted it before are old. A
    /// channel that was never taken begins at 1.
    pub async fn take_channel(
        &self,
        operation: OperationId,
        channel: u64,
        map: &str,
        owner_address: u64,
    ) -> Result<Epoch, StoreError> {
        let (number, owner) = (signed(channel)?, signed(owner_address)?);
        let subject = format!("channel {channel}");
        self.once(operation, "take", subject, |mut write| async move {
            let (epoch,): (i64,) = sql(
                "INSERT INTO channels (channel, map, epoch, owner_address) VALUES ($1, $2, 1, $3) ON CONFLICT (channel) \
                 DO UPDATE SET map = excluded.map, epoch = channels.epoch + 1, owner_address = excluded.owner_address \
                 RETURNING epoch",
            )
            .bind(number)
            .bind(map)
            .bind(owner)
            .one(write.on())
            .await?;
            write.began(epoch);
            write.settle(Epoch(unsigned(epoch)?)).await
        })
        .await
    }
}
