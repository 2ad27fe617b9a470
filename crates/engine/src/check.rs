//! Between acceptance and the first block: the review, then the originality check (spec mass-send §14.5, §14.7).

use domain::{
    compat::Behaviour,
    content::Content,
    id::{AccountId, MassId},
    mass::MassState,
    originality::{self, OriginalityRefusal},
    review::Verdict,
    time::Timestamp,
};
use store::StoreResult;

use crate::{
    Advanced, Engine,
    review::{Reviewed, Submission},
};

impl Engine {
    /// Checks a mass. `None` when it may go out; else what was done for it instead.
    pub(crate) async fn check(
        &self,
        account: AccountId,
        mass: MassId,
        now: Timestamp,
    ) -> StoreResult<Option<Advanced>> {
        let key = (account, mass);
        let verdict = match self.reviews.stand(key, now) {
            Some(Reviewed::Waiting(until)) => return Ok(Some(Advanced::NotBefore(until))),
            Some(Reviewed::Decided(verdict)) => Some(verdict),
            None => None,
        };
        let Some(submission) = self.submission(account, mass).await? else {
            return Ok(Some(Advanced::NotBefore(None)));
        };
        let verdict = match verdict {
            Some(verdict) => verdict,
            None if self.reviews.is_empty() => Verdict::Pass,
            None => match self.reviews.ask(submission.clone(), &self.bus, now).await {
                Reviewed::Decided(verdict) => verdict,
                Reviewed::Waiting(until) => return Ok(Some(Advanced::NotBefore(until))),
            },
        };
        let end = match verdict {
            Verdict::Pass => self.check_originality(&submission).await?,
            Verdict::Refuse(number) => Some(MassState::Refused(number)),
            Verdict::Fail => Some(MassState::Failed),
        };
        if let Some(end) = end {
            let ended = self.store.end_undelivered(account, mass, end, now).await?;
            if ended {
                crate::count_end(end);
            }
            tracing::info!(
                ended,
                account.id = account.0,
                mass.id = mass.0,
                ?end,
                "a mass send may not go out"
            );
        }
        self.reviews.forget(key);
        Ok(end.map(|_| Advanced::Worked))
    }

    async fn submission(&self, account: AccountId, mass: MassId) -> StoreResult<Option<Submission>> {
        let found = self.store.account_by_id(account).await?;
        let mass = self.store.mass(account, mass).await?;
        let (Some(account), Some(mass)) = (found, mass) else {
            return Ok(None);
        };
        let news = match mass.content {
            Content::News(news) => self.store.frozen_news(account.id, news).await?,
            _ => None,
        };
        Ok(Some(Submission { account, mass, news }))
    }

    /// Compares news with the declared originals; says how the mass ends if it may not go out.
    async fn check_originality(&self, submission: &Submission) -> StoreResult<Option<MassState>> {
        let (account, mass) = (&submission.account, &submission.mass);
        let Content::News(news) = mass.content else {
            return Ok(None);
        };
        if !account.has(Behaviour::Originality) {
            return Ok(None);
        }
        let checked = self
            .store
            .check_originality(mass.account, news, mass.send_ignore_reprint)
            .await;
        let check = match checked {
            Ok(check) => check,
            Err(error) => {
                tracing::error!(%error, account.id = account.id.0, mass.id = mass.id.0, "the originality check failed");
                let judgement = originality::judge_unchecked(mass.send_ignore_reprint);
                return Ok(judgement.refusal.map(end));
            }
        };
        let refusal = check.judgement.refusal;
        // What cannot be kept is no verdict: the mass is looked at again.
        if check.replaces || !check.findings.is_empty() {
            self.store
                .record_check(mass.account, mass.id, news, check)
                .await?;
        }
        Ok(refusal.map(end))
    }
}

fn end(refusal: OriginalityRefusal) -> MassState {
    MassState::Refused(refusal.number())
}
