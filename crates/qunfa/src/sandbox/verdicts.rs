//! A reviewer that says what it was told: the verdict of an account's next mass (S135, S137, S138).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use domain::{id::AccountId, review::Verdict};
use engine::review::{Reviewer, Submission};
use serde_json::{Value, json};

use super::snapshots::Kept;

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

impl Kept for Verdicts {
    fn name(&self) -> &'static str {
        "next verdicts"
    }

    fn keep(&self) -> Value {
        let next = self.next();
        let all = next.iter().map(|(account, verdict)| match verdict {
            Verdict::Refuse(code) => json!({"account": account.0, "code": code}),
            Verdict::Fail | Verdict::Pass => json!({"account": account.0, "fail": *verdict == Verdict::Fail}),
        });
        all.collect()
    }

    fn recall(&self, kept: &Value) {
        let mut next = self.next();
        next.clear();
        for one in kept.as_array().into_iter().flatten() {
            let number = |name: &str| one[name].as_u64().and_then(|number| u32::try_from(number).ok());
            let verdict = match (number("code"), one["fail"].as_bool()) {
                (Some(code), _) => Verdict::Refuse(code),
                (None, Some(true)) => Verdict::Fail,
                (None, _) => Verdict::Pass,
            };
            next.extend(number("account").map(|account| (AccountId(account), verdict)));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_the_same_after_they_were_kept() {
        let (verdicts, other) = (Verdicts::default(), Verdicts::default());
        verdicts.set(AccountId(1), Some(Verdict::Refuse(20_001)));
        verdicts.set(AccountId(2), Some(Verdict::Fail));
        other.set(AccountId(3), Some(Verdict::Fail));
        other.recall(&verdicts.keep());
        assert_eq!(*other.next(), *verdicts.next());
        other.recall(&Value::Null);
        assert!(other.next().is_empty());
    }
}
