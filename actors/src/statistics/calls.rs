//! What statistics answers.

use realm::{CallError, calls};
use serde::{Deserialize, Serialize};

use super::Report;

/// Why there is no report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum StatisticsError {
    /// No statistics module answered.
    #[error("no statistics are available: {0}")]
    Unavailable(String),
}

impl From<CallError> for StatisticsError {
    fn from(error: CallError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Tells the figures of the realm.
#[calls(group = "statistics", proxy = StatisticsProxy)]
pub trait Statistics {
    /// The latest figures of all nodes that have been heard lately.
    async fn report(&self) -> Result<Report, StatisticsError>;
}
