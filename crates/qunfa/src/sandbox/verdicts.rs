//! A reviewer that says what it was told: the verdict of an account's next mass (S135, S137, S138).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use domain::{id::AccountId, review::Verdict};
use engine::review::{Reviewer, Submission};

/// Verdicts still to be given, one for each account's next mass.
#[derive(Clone, Debug, Default)]
pub struct Verdicts(Arc<Mutex<HashMap<AccountId, Verdict>>>);

impl Verdicts {
    /// What the account's next mass is told; `None` lets it pass.
    pub fn set(&self, account: AccountId, verdict: Option<Verdict>) {
        match verdict {
            Some(verdict) => self.next().insert(account, verdict),
            None => self.next().remove(&account),
        };
    }

    fn next(&self) -> MutexGuard<'_, HashMap<AccountId, Verdict>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Reviewer for Verdicts {
    fn is_slow(&self) -> bool {
        false
    }

    async fn review(&self, submission: &Submission) -> Result<Verdict, String> {
        let verdict = self.next().remove(&submission.account.id);
        Ok(verdict.unwrap_or(Verdict::Pass))
    }
}
