//! How masses change and end other than by their last batch.

use domain::{
    id::MassId,
    mass::{ChangeRefusal, DeleteRefusal, MassState},
    time::Timestamp,
};

use super::{ARTICLES, Account, Answer, Content, Pace, World};

/// `err(…)` when the administrator refused.
const REFUSED: u32 = 40_001;

impl Account {
    fn waiting(&self, id: MassId, now: Timestamp) -> Result<(), ChangeRefusal> {
        let mass = self.masses.get(&id).ok_or(ChangeRefusal::Unknown)?;
        let waits = mass.state == MassState::Sending && mass.confirm_by.is_some_and(|by| by > now);
        waits.then_some(()).ok_or(ChangeRefusal::NotWaiting)
    }

    pub(super) fn confirm(&mut self, id: MassId, per_minute: Option<u32>, now: Timestamp) -> Answer {
        let allowed = self.waiting(id, now);
        if allowed.is_ok()
            && let Some(mass) = self.masses.get_mut(&id)
        {
            mass.confirm_by = None;
            mass.pace = Pace::from(now, per_minute);
        }
        Answer::Changed(allowed)
    }

    /// The speed holds for what runs too: what was allowed so far stays allowed.
    pub(super) fn speed(&mut self, per_minute: Option<u32>, now: Timestamp) -> Answer {
        self.per_minute = per_minute;
        for mass in self.masses.values_mut() {
            if mass.state != MassState::Sending || mass.confirm_by.is_some() {
                continue;
            }
            let counts = &mass.counts;
            let released =
                counts.delivered + counts.over_quota + counts.blacklisted + counts.opted_out + counts.left;
            mass.pace = Pace {
                count: mass.pace.allowed(now).unwrap_or(released),
                since: now,
                per_minute,
            };
        }
        Answer::Done
    }

    /// Deletes pages; a news that was sent several times dies in all of its sends.
    pub(super) fn delete(&mut self, id: MassId, index: u8) -> Answer {
        let refusal = match self.masses.get(&id) {
            None => Some(DeleteRefusal::Unknown),
            Some(mass) if mass.content != Content::News => Some(DeleteRefusal::MessageType),
            Some(mass) if !matches!(mass.state, MassState::Succeeded | MassState::Deleted) => {
                Some(DeleteRefusal::NotSent)
            }
            Some(_) if index > ARTICLES => Some(DeleteRefusal::ArticleIndex),
            Some(_) => None,
        };
        if let Some(refusal) = refusal {
            return Answer::Deleted(Err(refusal));
        }
        match index {
            0 => self.deleted_articles.extend(1..=ARTICLES),
            one => _ = self.deleted_articles.insert(one),
        }
        self.bury_dead_news();
        Answer::Deleted(Ok(()))
    }

    /// Once all articles are deleted, every send of the news is.
    pub(super) fn bury_dead_news(&mut self) {
        if self.deleted_articles.len() < usize::from(ARTICLES) {
            return;
        }
        for mass in self.masses.values_mut() {
            if mass.content == Content::News && mass.state == MassState::Succeeded {
                mass.state = MassState::Deleted;
            }
        }
    }
}

impl World {
    pub(super) fn refuse(&mut self, account: usize, id: MassId) -> Answer {
        let allowed = self.accounts[account].waiting(id, self.now);
        if allowed.is_ok() {
            self.end_undelivered(account, id, MassState::Refused(REFUSED));
        }
        Answer::Changed(allowed)
    }

    /// Takes a mass back in any state (I15): nothing more is released, what was is gone from all inboxes.
    pub(super) fn recall(&mut self, account: usize, id: MassId) -> Answer {
        let now = self.now;
        let Some(mass) = self.accounts[account].masses.get_mut(&id) else {
            return Answer::Changed(Err(ChangeRefusal::Unknown));
        };
        if matches!(
            mass.state,
            MassState::Sending | MassState::Succeeded | MassState::Deleted
        ) {
            mass.recalled_at = mass.recalled_at.or(Some(now));
        }
        if mass.state == MassState::Sending && !self.end_undelivered(account, id, MassState::Failed) {
            let failed = self.drop_batches(account, id);
            if let Some(mass) = self.accounts[account].masses.get_mut(&id) {
                mass.counts.failed = failed;
            }
            self.succeed(account, id);
        }
        Answer::Changed(Ok(()))
    }

    /// Ends a mass of which nothing was released: quota and key are given back (I10, I12).
    pub(super) fn end_undelivered(&mut self, account: usize, id: MassId, end: MassState) -> bool {
        let now = self.now;
        let something = self.accounts[account]
            .masses
            .get(&id)
            .is_none_or(|mass| mass.something_released);
        if something {
            return false;
        }
        let dropped = self.drop_batches(account, id);
        let account = &mut self.accounts[account];
        if let Some(mass) = account.masses.get_mut(&id) {
            mass.state = end;
            mass.finished_at = Some(now);
            mass.confirm_by = None;
            if end == MassState::Failed {
                mass.counts.failed = dropped;
            } else {
                mass.counts.total = 0;
            }
        }
        account.charges.remove(&id);
        account.keys.retain(|_, (mass, _)| *mass != id);
        account.latest = account.latest.max(now);
        account.ended.push(id);
        true
    }

    /// The end of a mass of which something was released, or that was for nobody.
    pub(super) fn succeed(&mut self, account: usize, id: MassId) {
        let now = self.now;
        let account = &mut self.accounts[account];
        if let Some(mass) = account.masses.get_mut(&id) {
            mass.state = MassState::Succeeded;
            mass.finished_at = Some(now);
        }
        account.ended.push(id);
        account.bury_dead_news();
    }

    /// What was not released never will be; says how many followers that were.
    fn drop_batches(&mut self, account: usize, id: MassId) -> u64 {
        self.held.retain(|(of, mass, _), _| (*of, *mass) != (account, id));
        let account = &mut self.accounts[account];
        let Some(mass) = account.masses.get_mut(&id) else {
            return 0;
        };
        let batches = std::mem::take(&mut mass.batches);
        let people = |at: &usize| account.persons[*at].people;
        batches
            .values()
            .flat_map(|batch| &batch.persons)
            .map(people)
            .sum()
    }
}
