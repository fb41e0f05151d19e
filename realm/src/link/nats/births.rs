//! Birth numbers for nodes that have no database of their own: they ask one that has. A number that is lost on its way is
//! lost; none is given twice.

use std::future::Future;

use async_nats::RequestErrorKind;
use futures_util::StreamExt;

use super::{Nats, NatsError};
use crate::address::Birth;

/// How often a node asks before it gives up. A request without a database node fails at once or after a second.
const TRIES_MAX: u32 = 60;
const AGAIN: std::time::Duration = std::time::Duration::from_millis(500);

impl Nats {
    /// Answers others who ask for a birth number, as long as the runtime lives.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn serve_births<F>(
        &self,
        next: impl Fn() -> F + Send + Sync + 'static,
    ) -> Result<(), NatsError>
    where
        F: Future<Output = Option<Birth>> + Send,
    {
        let subject = self.subjects.births();
        let asked = self.client.queue_subscribe(subject.clone(), subject).await;
        let mut asked = asked.map_err(|error| NatsError::Refused {
            what: "a subscription to births",
            error: error.to_string(),
        })?;
        let client = self.client.clone();
        self.runtime.spawn(async move {
            while let Some(request) = asked.next().await {
                let (Some(reply), Some(birth)) = (request.reply, next().await) else {
                    continue;
                };
                let answer = birth.get().to_le_bytes().to_vec();
                if let Err(error) = client.publish(reply, answer.into()).await {
                    tracing::warn!(%error, "a birth number could not be told");
                }
            }
        });
        Ok(())
    }

    /// Asks for a birth number, until a node with a database answers.
    ///
    /// # Errors
    /// When none does.
    pub async fn ask_birth(&self) -> Result<Birth, NatsError> {
        for tries in 0..TRIES_MAX {
            let request = self.client.request(self.subjects.births(), "".into());
            match request.await {
                Ok(answer) => {
                    let number = answer.payload.as_ref().try_into().map(u32::from_le_bytes);
                    if let Ok(Some(birth)) = number.map(Birth::new) {
                        return Ok(birth);
                    }
                    tracing::warn!("what answered is no birth number");
                }
                Err(error) => {
                    if tries % 10 == 0 {
                        tracing::info!(%error, "waiting for a node with the database");
                    }
                    if error.kind() == RequestErrorKind::TimedOut {
                        continue;
                    }
                }
            }
            self.clock.sleep(AGAIN).await;
        }
        Err(NatsError::NoBirth(self.subjects.realm().to_owned()))
    }
}
