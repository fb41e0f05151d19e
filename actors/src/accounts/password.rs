//! Hashes and checks passwords with argon2id, on threads of their own. Each hash takes megabytes and milliseconds on
//! purpose, so only a few run at once, some wait in line, and the rest are told to come back.

use std::sync::Arc;

use argon2::password_hash::Error;
use argon2::{Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier};
use realm::Outside;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::AccountError;

const LEN_MIN: usize = 8;
/// Argon2 reads any length; a player needs no more.
const LEN_MAX: usize = 128;

/// What keeps one hash from being another's: 16 random bytes.
pub(super) type Salt = [u8; 16];

/// The rule for passwords, in bytes. Cheap: it comes before any hashing.
pub(super) fn check(password: &str) -> Result<(), AccountError> {
    if (LEN_MIN..=LEN_MAX).contains(&password.len()) {
        return Ok(());
    }
    Err(AccountError::BadPassword(format!(
        "a password has {LEN_MIN} to {LEN_MAX} bytes"
    )))
}

/// The line in front of the hashing, and how it is done.
pub(super) struct Hashing {
    argon: Argon2<'static>,
    outside: Outside,
    line: Arc<Semaphore>,
    at_once: Arc<Semaphore>,
}

impl Hashing {
    /// `at_once` hashes run, `waiting_max` more wait.
    pub(super) fn new(
        params: Params,
        at_once: usize,
        waiting_max: usize,
        outside: Outside,
    ) -> Self {
        Self {
            argon: Argon2::from(params),
            outside,
            line: Arc::new(Semaphore::new(at_once + waiting_max)),
            at_once: Arc::new(Semaphore::new(at_once)),
        }
    }

    /// A place in the line; [`AccountError::Busy`] when it is full.
    pub(super) fn stand_in_line(&self) -> Result<Place<'_>, AccountError> {
        let place = self
            .line
            .clone()
            .try_acquire_owned()
            .map_err(|_| AccountError::Busy)?;
        Ok(Place {
            hashing: self,
            _place: place,
        })
    }
}

/// A place in the line, good for one hash.
pub(super) struct Place<'a> {
    hashing: &'a Hashing,
    _place: OwnedSemaphorePermit,
}

impl Place<'_> {
    /// The password's hash with its salt and parameters, as text.
    pub(super) async fn hash(self, password: String, salt: Salt) -> Result<String, AccountError> {
        self.run(move |argon| {
            Ok(argon
                .hash_password_with_salt(password.as_bytes(), &salt)?
                .to_string())
        })
        .await
    }

    /// Whether `hash` is this password's. The hash says by which parameters it was made.
    pub(super) async fn verify(self, password: String, hash: String) -> Result<bool, AccountError> {
        self.run(move |argon| {
            let hash = PasswordHash::new(&hash).map_err(Error::from)?;
            match argon.verify_password(password.as_bytes(), &hash) {
                Ok(()) => Ok(true),
                Err(Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&Argon2<'static>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, AccountError> {
        let unavailable = |why: &dyn std::fmt::Display| {
            tracing::error!(%why, "a password could not be hashed");
            AccountError::Unavailable("hashing failed".to_owned())
        };
        let turn = self
            .hashing
            .at_once
            .clone()
            .acquire_owned()
            .await
            .map_err(|closed| unavailable(&closed))?;
        let argon = self.hashing.argon.clone();
        let done = self.hashing.outside.run_blocking(move || {
            let answer = work(&argon);
            // The turn ends with the work, not with the wait for it: a caller who goes away does not make room for more.
            drop(turn);
            answer
        });
        done.await
            .map_err(|unfinished| unavailable(&unfinished))?
            .map_err(|error| unavailable(&error))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn cheap() -> Params {
        Params::new(8, 1, 1, None).expect("parameters")
    }

    fn outside() -> Outside {
        Outside::new(tokio::runtime::Handle::current())
    }

    #[tokio::test]
    async fn a_hash_is_salted_and_says_how_it_was_made() {
        let hashing = Hashing::new(cheap(), 1, 8, outside());
        let hash = async |salt| {
            hashing
                .stand_in_line()
                .expect("a place")
                .hash("correct horse".into(), [salt; 16])
                .await
        };
        let (one, other) = (
            hash(1).await.expect("a hash"),
            hash(2).await.expect("a hash"),
        );
        assert_ne!(
            one, other,
            "one password with two salts should have two hashes"
        );
        assert!(
            one.starts_with("$argon2id$v=19$m=8,t=1,p=1$"),
            "{one} should say how it was made"
        );

        let costlier = Hashing::new(
            Params::new(64, 2, 1, None).expect("parameters"),
            1,
            8,
            outside(),
        );
        let verify = async |password: &str| {
            costlier
                .stand_in_line()
                .expect("a place")
                .verify(password.into(), one.clone())
                .await
        };
        assert_eq!(
            verify("correct horse").await,
            Ok(true),
            "a hash from before the settings changed should still do"
        );
        assert_eq!(
            verify("correct house").await,
            Ok(false),
            "another password should not"
        );
    }

    #[tokio::test]
    async fn a_stored_hash_that_cannot_be_read_is_a_fault_and_no_wrong_password() {
        let hashing = Hashing::new(cheap(), 1, 0, outside());
        let place = hashing.stand_in_line().expect("a place");
        let verified = place
            .verify("correct horse".into(), "nonsense".into())
            .await;
        assert!(
            matches!(verified, Err(AccountError::Unavailable(_))),
            "nonsense should not be verified: {verified:?}"
        );
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn two_hashes_run_at_once_and_never_three() {
        let hashing = Hashing::new(cheap(), 2, 18, outside());
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        // Each waits for a second one, which proves that two do run together.
        let pairs = Arc::new(std::sync::Barrier::new(2));
        let work = (0..20).map(|_| {
            let place = hashing
                .stand_in_line()
                .expect("the line should have twenty places");
            let (running, most, pairs) = (running.clone(), most.clone(), pairs.clone());
            place.run(move |_| {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                pairs.wait();
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            })
        });
        let work: Vec<_> = work.collect();
        assert!(
            matches!(hashing.stand_in_line(), Err(AccountError::Busy)),
            "the twenty-first should be told to come back"
        );
        let done = futures_util::future::join_all(work).await;
        assert!(
            done.iter().all(Result::is_ok),
            "all who stood in line should have been served"
        );
        assert_eq!(
            most.load(Ordering::SeqCst),
            2,
            "two hashes at a time should have run"
        );
        assert!(
            hashing.stand_in_line().is_ok(),
            "the line should be free again"
        );
    }
}
