//! Why a call has no answer: what all who carry or answer calls say of it, and methods' own errors take in.

use serde::{Deserialize, Serialize};

/// Why a call has no answer. Each method's own error type takes it in with `From`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum CallError {
    /// No answer came in time. The call may have had its effect or may yet have it.
    #[error("no answer came in time")]
    Deadline,
    /// This service already waits for as many calls as it may.
    #[error("too many calls are pending")]
    Busy,
    /// No service of the realm answers for this group.
    #[error("no service answers for this")]
    Nobody,
    /// The service that was called is gone.
    #[error("the service is gone")]
    Gone,
    /// The service has no such method.
    #[error("the service has no such method")]
    NotServed,
    /// The service failed while it worked on the call.
    #[error("the service failed on it")]
    Failed,
    /// Request or reply could not be written down or read.
    #[error("the call could not be read")]
    Malformed,
    /// Request or reply is longer than what a link to another node carries.
    #[error("the call is too long to be carried")]
    TooLong,
}
