//! What a worker does: schedules that are due, batches that are due, ends, clearing away.

use domain::{
    id::{MassId, ScheduleId},
    mass::MassState,
    schedule::ScheduleState,
    time::Timestamp,
};

use super::{Account, Answer, Entry, Held, Stalled, World, calendar::month};
use crate::step::Send;

const LEASE_MS: i64 = 10_000;
/// How soon an engine looks again at batches that another worker holds.
const HELD_MS: i64 = 2_000;
const CLEAR_EVERY_MS: i64 = 3_600_000;
const PREVIEW_MS: i64 = 3 * 24 * 3_600_000;
const KEY_MS: i64 = 24 * 3_600_000;
/// `err(…)` when the administrator did not answer.
const TIMED_OUT: u32 = 40_002;
/// The worker who takes batches and falls asleep; the engines are 0 and 1.
const SLOW: u8 = 2;
/// Batches that an engine takes at once.
const MANY: usize = 256;

/// What was done for one mass.
enum Advanced {
    Worked,
    NotBefore(Timestamp),
}

impl World {
    pub(super) fn turn(&mut self, engine: u8) -> Answer {
        let (mut worked, mut next) = self.accept_schedules();
        for (account, mass) in self.running() {
            match self.advance(engine, account, mass) {
                Advanced::Worked => worked = true,
                Advanced::NotBefore(due) => next = Some(next.map_or(due, |next| due.min(next))),
            }
        }
        self.clear_away(usize::from(engine));
        Answer::Turn {
            worked,
            next_due: next.filter(|_| !worked),
        }
    }

    /// Schedules become masses of the operator's site, as if asked for now.
    fn accept_schedules(&mut self) -> (bool, Option<Timestamp>) {
        let now = self.now;
        let mut due = Vec::new();
        let mut later = None;
        for (number, account) in self.accounts.iter().enumerate() {
            for (at, schedule) in account.schedules.iter().enumerate() {
                if schedule.state != ScheduleState::Waiting {
                    continue;
                }
                if schedule.at <= now {
                    due.push((schedule.at, number, at));
                } else {
                    later = Some(later.map_or(schedule.at, |later: Timestamp| later.min(schedule.at)));
                }
            }
        }
        due.sort_unstable();
        for (_, number, at) in &due {
            let account = &mut self.accounts[*number];
            let schedule = account.schedules[*at].clone();
            let send = Send {
                to: schedule.to,
                content: schedule.content,
                key: schedule.key,
            };
            let accepted = account.accept(&send, false, account.per_minute, true, now);
            account.schedules[*at].state = match accepted {
                Ok(mass) => ScheduleState::Sent(mass),
                Err(refusal) => ScheduleState::Refused(refusal),
            };
        }
        (!due.is_empty(), later)
    }

    fn running(&self) -> Vec<(usize, MassId)> {
        let mut running: Vec<(Timestamp, usize, MassId)> = Vec::new();
        for (number, account) in self.accounts.iter().enumerate() {
            let sending = account
                .masses
                .iter()
                .filter(|(_, mass)| mass.state == MassState::Sending);
            running.extend(sending.map(|(id, mass)| (mass.accepted_at, number, *id)));
        }
        running.sort_unstable();
        running
            .into_iter()
            .map(|(_, account, mass)| (account, mass))
            .collect()
    }

    fn advance(&mut self, engine: u8, account: usize, id: MassId) -> Advanced {
        let mass = &self.accounts[account].masses[&id];
        let next = mass
            .batches
            .values()
            .next()
            .map(|batch| mass.pace.due(batch.before));
        let (waits_until, any_batch) = (mass.confirm_by, next.is_some());
        if let Some(due) = waits_until.or(next).filter(|due| *due > self.now) {
            return Advanced::NotBefore(due);
        }
        if waits_until.is_some() {
            self.end_undelivered(account, id, MassState::Refused(TIMED_OUT));
            return Advanced::Worked;
        }
        if any_batch {
            let (number, blocks) = self.lease(engine, account, id, MANY);
            if blocks.is_empty() {
                return Advanced::NotBefore(self.now.plus_ms(HELD_MS));
            }
            self.commit(account, id, number, &blocks);
        }
        if self.accounts[account].masses[&id].batches.is_empty() {
            self.succeed(account, id);
        }
        Advanced::Worked
    }

    /// Takes batches that are due and that nobody else holds.
    fn lease(&mut self, worker: u8, account: usize, id: MassId, limit: usize) -> (u64, Vec<u32>) {
        self.leases += 1;
        let (number, now) = (self.leases, self.now);
        let Some(mass) = self.accounts[account].masses.get_mut(&id) else {
            return (number, Vec::new());
        };
        if mass.state != MassState::Sending || mass.confirm_by.is_some() {
            return (number, Vec::new());
        }
        // The pace begins with the first batch that is taken.
        if !mass.begun {
            mass.begun = true;
            mass.pace.since = mass.pace.since.max(now);
        }
        let allowed = mass.pace.allowed(now).unwrap_or(u64::MAX);
        let due = mass.batches.iter().filter(|(_, batch)| batch.before <= allowed);
        let mut taken = Vec::new();
        for (block, _) in due {
            let held = self.held.get(&(account, id, *block));
            if held.is_none_or(|held| held.until <= now || held.worker == worker) && taken.len() < limit {
                taken.push(*block);
            }
        }
        for block in &taken {
            let held = Held {
                number,
                worker,
                until: now.plus_ms(LEASE_MS),
            };
            self.held.insert((account, id, *block), held);
        }
        (number, taken)
    }

    /// Decides what becomes of everybody in these blocks; `None` when the lease has passed on (I16).
    fn commit(&mut self, account: usize, id: MassId, number: u64, blocks: &[u32]) -> Option<u64> {
        let ours = |block: &u32| {
            self.held
                .get(&(account, id, *block))
                .is_some_and(|held| held.number == number)
        };
        if !blocks.iter().all(ours) {
            return None;
        }
        let mut delivered = 0;
        for block in blocks {
            self.held.remove(&(account, id, *block));
            delivered += self.accounts[account].release(id, *block, self.now);
        }
        Some(delivered)
    }

    /// The slow worker takes batches, and does nothing with them for now.
    pub(super) fn stall(&mut self, account: usize, mass: MassId, limit: usize) -> Answer {
        let (number, blocks) = self.lease(SLOW, account, mass, limit);
        self.stalled.push(Stalled {
            account,
            mass,
            number,
            blocks: blocks.clone(),
        });
        Answer::Leased(blocks)
    }

    /// The slow worker wakes up and wants to write.
    pub(super) fn resume(&mut self, which: usize) -> Answer {
        if self.stalled.is_empty() {
            return Answer::Done;
        }
        let stalled = self.stalled.remove(which % self.stalled.len());
        let running = self.accounts[stalled.account]
            .masses
            .get(&stalled.mass)
            .is_some_and(|mass| mass.state == MassState::Sending && mass.confirm_by.is_none());
        if !running {
            return Answer::Released(None);
        }
        let Stalled {
            account,
            mass,
            number,
            blocks,
        } = stalled;
        Answer::Released(self.commit(account, mass, number, &blocks))
    }

    /// Previews live three days, keys one.
    fn clear_away(&mut self, engine: usize) {
        let now = self.now;
        if self.clears_at[engine].is_some_and(|at| at > now) {
            return;
        }
        self.clears_at[engine] = Some(now.plus_ms(CLEAR_EVERY_MS));
        for account in &mut self.accounts {
            account.keys.retain(|_, (_, since)| since.0 > now.0 - KEY_MS);
            let previews = &mut account.previews;
            previews.retain(|_, at| at.0 > now.0 - PREVIEW_MS);
            for person in &mut account.persons {
                person
                    .entries
                    .retain(|entry| !entry.preview || previews.contains_key(&entry.mass));
            }
        }
    }
}

impl Account {
    /// Everybody of one block has an outcome (I3), by what holds now (I5).
    fn release(&mut self, id: MassId, block: u32, now: Timestamp) -> u64 {
        let at = self.release_time(block, now);
        let most = self.rules.receipts_per_month;
        let Some(mass) = self.masses.get_mut(&id) else {
            return 0;
        };
        let Some(batch) = mass.batches.remove(&block) else {
            return 0;
        };
        mass.something_released = true;
        let mut delivered = 0;
        for person in batch.persons {
            let person = &mut self.persons[person];
            let this_month = person
                .entries
                .iter()
                .filter(|entry| !entry.preview && month(entry.at) == month(at))
                .count();
            let refuses = person.opted_out || mass.tag.is_some_and(|tag| person.opted_out_of.contains(&tag));
            let outcome = if !person.follows {
                &mut mass.counts.left
            } else if person.blacklisted {
                &mut mass.counts.blacklisted
            } else if refuses {
                &mut mass.counts.opted_out
            } else if most.is_some_and(|most| this_month >= usize::from(most)) {
                &mut mass.counts.over_quota
            } else {
                delivered += person.people;
                person.entries.push(Entry {
                    mass: id,
                    preview: false,
                    at,
                });
                &mut mass.counts.delivered
            };
            *outcome += person.people;
        }
        delivered
    }

    /// Schedules by number.
    pub fn schedule_states(&self) -> impl Iterator<Item = (ScheduleId, ScheduleState)> {
        (1..)
            .map(ScheduleId)
            .zip(self.schedules.iter().map(|schedule| schedule.state))
    }
}
