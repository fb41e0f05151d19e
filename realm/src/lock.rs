//! Locks that outlive a panic: nothing of a player's or a game's runs under an engine lock, so its data stay whole.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex`, also after a thread died holding it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
