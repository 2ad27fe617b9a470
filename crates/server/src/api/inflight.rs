//! Equal mass sends that meet: the second waits for the first to be decided (spec mass-send §14.4).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::id::AccountId;
use tokio::{sync::Notify, time::timeout};

/// How long a call waits for an equal one (45066 afterwards).
pub const PATIENCE: Duration = Duration::from_secs(2);

type Key = (AccountId, [u8; 32]);

/// The keys of mass-send calls that are being decided in this process.
#[derive(Default)]
pub struct Inflight(Arc<Mutex<HashMap<Key, Arc<Notify>>>>);

/// An equal call was still undecided when the patience was over (45066).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an equal call is still undecided")]
pub struct StillUndecided;

/// Holds a key until dropped.
pub struct Guard {
    keys: Arc<Mutex<HashMap<Key, Arc<Notify>>>>,
    key: Key,
}

impl Inflight {
    /// Takes the key of a call; waits for an equal one at most `patience`.
    pub async fn enter(
        &self,
        account: AccountId,
        repeat_key: [u8; 32],
        patience: Duration,
    ) -> Result<Guard, StillUndecided> {
        timeout(patience, self.wait((account, repeat_key)))
            .await
            .map_err(|_| StillUndecided)
    }

    async fn wait(&self, key: Key) -> Guard {
        loop {
            let Some(other) = self.try_enter(key) else {
                return Guard {
                    keys: Arc::clone(&self.0),
                    key,
                };
            };
            let notified = other.notified();
            tokio::pin!(notified);
            // Registered before the look, so that an end in between is not missed.
            notified.as_mut().enable();
            if lock(&self.0)
                .get(&key)
                .is_some_and(|current| Arc::ptr_eq(current, &other))
            {
                notified.await;
            }
        }
    }

    fn try_enter(&self, key: Key) -> Option<Arc<Notify>> {
        let mut keys = lock(&self.0);
        if let Some(other) = keys.get(&key) {
            return Some(Arc::clone(other));
        }
        keys.insert(key, Arc::default());
        None
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(waiting) = lock(&self.keys).remove(&self.key) {
            waiting.notify_waiters();
        }
    }
}

fn lock(keys: &Mutex<HashMap<Key, Arc<Notify>>>) -> MutexGuard<'_, HashMap<Key, Arc<Notify>>> {
    keys.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: AccountId = AccountId(1);

    #[tokio::test(start_paused = true)]
    async fn an_equal_call_waits_until_the_first_is_decided() {
        let inflight = Arc::new(Inflight::default());
        let first = inflight.enter(ACCOUNT, [1; 32], PATIENCE).await.expect("free");
        let waiting = tokio::spawn({
            let inflight = Arc::clone(&inflight);
            async move { inflight.enter(ACCOUNT, [1; 32], PATIENCE).await.is_ok() }
        });
        tokio::task::yield_now().await;
        drop(first);
        assert!(waiting.await.expect("ends"));
        assert!(lock(&inflight.0).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn i10_after_two_seconds_the_second_gives_up() {
        let inflight = Inflight::default();
        let _first = inflight.enter(ACCOUNT, [1; 32], PATIENCE).await.expect("free");
        assert!(inflight.enter(ACCOUNT, [1; 32], PATIENCE).await.is_err());
        assert!(inflight.enter(ACCOUNT, [2; 32], PATIENCE).await.is_ok());
        assert!(inflight.enter(AccountId(2), [1; 32], PATIENCE).await.is_ok());
    }
}
