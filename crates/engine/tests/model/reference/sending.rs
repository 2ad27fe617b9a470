//! Asking for a mass: what is counted, checked, charged and frozen.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    id::{MassId, ScheduleId},
    mass::{Counts, MassState, Refusal},
    quota::QuotaRefusal,
    schedule::ScheduleState,
    time::Timestamp,
};
use store::mass::PreviewRefusal;

use super::{
    Account, Answer, BLOCK, Charge, Entry, Key, Scheduled, World,
    calendar::{day, minute, month},
};
use crate::step::{Send, To, What};

const DAY_MS: i64 = 24 * 3_600_000;
const CONFIRM_MS: i64 = 30 * 60_000;

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Content {
    Text(u8),
    /// The account's one news.
    News,
}

/// How fast: a straight line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    pub count: u64,
    pub since: Timestamp,
    pub per_minute: Option<u32>,
}

impl Pace {
    pub fn from(since: Timestamp, per_minute: Option<u32>) -> Self {
        Self {
            count: 0,
            since,
            per_minute,
        }
    }

    /// How many may have had their turn at `now`.
    pub fn allowed(&self, now: Timestamp) -> Option<u64> {
        let rate = i128::from(self.per_minute?);
        let passed = i128::from((now.0 - self.since.0).max(0));
        Some(self.count + (rate * passed / 60_000) as u64)
    }

    /// The first millisecond at which somebody with so many before has a turn.
    pub fn due(&self, before: u64) -> Timestamp {
        let Some(rate) = self.per_minute else {
            return self.since;
        };
        let missing = i128::from(before.saturating_sub(self.count)) * 60_000;
        let rate = i128::from(rate);
        self.since.plus_ms(((missing + rate - 1) / rate) as i64)
    }
}

/// Those of one block who were meant and have had no outcome yet.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Targets of the mass in earlier blocks.
    pub before: u64,
    pub persons: Vec<usize>,
}

/// An accepted mass.
#[derive(Clone, Debug)]
pub struct Mass {
    pub api: bool,
    pub content: Content,
    pub tag: Option<i64>,
    pub state: MassState,
    pub counts: Counts,
    pub batches: BTreeMap<u32, Batch>,
    pub something_released: bool,
    pub pace: Pace,
    pub begun: bool,
    pub confirm_by: Option<Timestamp>,
    pub accepted_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub recalled_at: Option<Timestamp>,
}

/// Who is meant, and how many of a list were nobody.
struct Meant {
    persons: BTreeSet<usize>,
    strangers: u64,
}

impl World {
    pub(super) fn of_account(&mut self, number: usize, what: &What) -> Answer {
        let now = self.now;
        let account = &mut self.accounts[number];
        match what {
            What::Subscribe(name) => account.subscribe(*name),
            What::Import(rows) => account.import(rows),
            What::SubscribeAgain(ordinal) => account.subscribe_again(*ordinal),
            What::Unsubscribe(ordinal) => account.unsubscribe(*ordinal),
            What::Tag(tag, ordinals, on) => account.tag(*tag, ordinals, *on),
            What::NewTag => account.new_tag(),
            What::DeleteTag(tag) => account.delete_tag(*tag),
            What::Blacklist(ordinals, on) => account.blacklist(ordinals, *on),
            What::OptOut(ordinal, tag, on) => account.opt_out(*ordinal, *tag, *on),
            What::Call(send, per_minute) => account.call(send, *per_minute, now),
            What::Site(send, per_minute) => Answer::Sent(account.accept(send, false, *per_minute, true, now)),
            What::Preview(ordinal, text) => account.preview(*ordinal, *text, now),
            What::Schedule(send, seconds) => account.schedule(send, now.plus_seconds(*seconds)),
            What::Cancel(id) => account.cancel(*id),
            What::Speed(_, per_minute) => account.speed(*per_minute, now),
            What::Confirm(mass, per_minute) => account.confirm(*mass, *per_minute, now),
            What::Refuse(mass) => self.refuse(number, *mass),
            What::Recall(mass) => self.recall(number, *mass),
            What::Delete(mass, index) => account.delete(*mass, *index),
        }
    }
}

impl Account {
    /// A call of the API: counted first, whatever becomes of it (Q2, Q6).
    fn call(&mut self, send: &Send, per_minute: Option<u32>, now: Timestamp) -> Answer {
        self.latest = self.latest.max(now);
        let (this_minute, today) = (minute(self.latest), day(self.latest));
        let in_minute = self
            .calls
            .iter()
            .filter(|(at, _)| minute(*at) == this_minute)
            .count();
        if self
            .rules
            .calls_per_minute
            .is_some_and(|most| in_minute as u64 >= u64::from(most))
        {
            return Answer::Limited;
        }
        let within_day = self
            .rules
            .calls_per_day
            .is_none_or(|most| self.calls_on(today) < most);
        self.calls.push((self.latest, within_day));
        Answer::Sent(self.accept(send, true, per_minute, within_day, now))
    }

    /// Counted calls of a day; those beyond the day's number are not.
    pub fn calls_on(&self, today: i64) -> u32 {
        self.calls
            .iter()
            .filter(|(at, within)| *within && day(*at) == today)
            .count() as u32
    }

    /// Calls of a minute.
    pub fn calls_in(&self, this_minute: i64) -> u32 {
        self.calls
            .iter()
            .filter(|(at, _)| minute(*at) == this_minute)
            .count() as u32
    }

    /// Charges that still hold.
    pub fn charged(&self, which: impl Fn(&Charge) -> bool) -> u32 {
        self.charges.values().filter(|charge| which(charge)).count() as u32
    }

    /// Accepts a mass or says why not, in the documented order; what is refused leaves nothing behind.
    pub(super) fn accept(
        &mut self,
        send: &Send,
        api: bool,
        per_minute: Option<u32>,
        within_day: bool,
        now: Timestamp,
    ) -> Result<MassId, Refusal> {
        let at = self.latest.max(now);
        let meant = self.meant(&send.to)?;
        let key = match send.key {
            Some(key) => Key::Given(key),
            None => Key::Same(send.to.clone(), send.content.clone()),
        };
        if (send.key.is_some() || (api && self.rules.repeat_check))
            && let Some((earlier, since)) = self.keys.get(&key)
            && at.0 - since.0 < DAY_MS
        {
            return Err(Refusal::Repeat { earlier: *earlier });
        }
        if !within_day {
            return Err(Refusal::CallsUsedUp);
        }
        let charge = Charge {
            at,
            api,
            history: !api || send.to == To::All,
        };
        self.check_quota(charge)?;
        let waits = self.rules.protect && api && send.to == To::All;
        if waits
            && self
                .masses
                .values()
                .any(|mass| mass.state == MassState::Sending && mass.confirm_by.is_some())
        {
            return Err(Refusal::ConfirmationPending);
        }
        self.latest = at;
        let id = self.take_mass_number();
        self.charges.insert(id, charge);
        let batches = self.batches(&meant.persons);
        let total = meant
            .persons
            .iter()
            .map(|person| self.persons[*person].people)
            .sum::<u64>()
            + meant.strangers;
        self.masses.insert(
            id,
            Mass {
                api,
                content: send.content.clone(),
                tag: match send.to {
                    To::Tag(tag) => Some(tag),
                    To::All | To::List(..) => None,
                },
                state: MassState::Sending,
                counts: Counts {
                    total,
                    ..Counts::default()
                },
                batches,
                something_released: false,
                pace: Pace::from(now, per_minute),
                begun: false,
                confirm_by: waits.then(|| now.plus_ms(CONFIRM_MS)),
                accepted_at: at,
                finished_at: None,
                recalled_at: None,
            },
        );
        if api || send.key.is_some() {
            self.keys.insert(key, (id, at));
        }
        Ok(id)
    }

    fn check_quota(&self, charge: Charge) -> Result<(), QuotaRefusal> {
        let (today, this_month) = (day(charge.at), month(charge.at));
        let full = |most: Option<u32>, used: u32| most.is_some_and(|most| used >= most);
        let rules = &self.rules;
        if charge.api && full(rules.sends_per_day, self.charged(|c| c.api && day(c.at) == today)) {
            return Err(QuotaRefusal::SendsUsedUp);
        }
        if charge.history
            && full(
                rules.history_per_day,
                self.charged(|c| c.history && day(c.at) == today),
            )
        {
            return Err(QuotaRefusal::HistoryOfDayUsedUp);
        }
        let of_month = self.charged(|c| c.history && month(c.at) == this_month);
        if charge.history && full(rules.history_per_month, of_month) {
            return Err(QuotaRefusal::HistoryOfMonthUsedUp);
        }
        Ok(())
    }

    /// Who is meant by an audience at this moment (I5).
    fn meant(&self, to: &To) -> Result<Meant, Refusal> {
        let those = |who: &dyn Fn(usize) -> bool| (0..self.persons.len()).filter(|at| who(*at)).collect();
        let persons: BTreeSet<usize> = match to {
            To::All => those(&|at| self.persons[at].follows),
            To::Tag(0) => those(&|at| self.persons[at].follows && self.persons[at].tags.is_empty()),
            To::Tag(1) => those(&|at| self.persons[at].follows && self.persons[at].blacklisted),
            To::Tag(tag) if self.tag_exists(*tag) => those(&|at| self.persons[at].tags.contains(tag)),
            To::Tag(_) => return Err(Refusal::TagUnknown),
            To::List(ordinals, strangers) => {
                let persons: BTreeSet<usize> = those(&|at| {
                    self.persons[at].follows && ordinals.contains(&self.persons[at].first_ordinal)
                });
                if persons.is_empty() {
                    return Err(Refusal::NoReceiver);
                }
                let strangers = (ordinals.len() - persons.len()) as u64 + u64::from(*strangers);
                return Ok(Meant { persons, strangers });
            }
        };
        Ok(Meant {
            persons,
            strangers: 0,
        })
    }

    fn batches(&self, persons: &BTreeSet<usize>) -> BTreeMap<u32, Batch> {
        let mut batches: BTreeMap<u32, Batch> = BTreeMap::new();
        let mut before = 0;
        for at in persons {
            let person = &self.persons[*at];
            let batch = batches
                .entry(person.first_ordinal / BLOCK)
                .or_insert_with(|| Batch {
                    before,
                    persons: Vec::new(),
                });
            batch.persons.push(*at);
            before += person.people;
        }
        batches
    }

    /// To one follower at once, with no quota, count or event.
    fn preview(&mut self, ordinal: u32, _text: u8, now: Timestamp) -> Answer {
        let Some(person) = self.person(ordinal) else {
            return Answer::Previewed(Err(PreviewRefusal::Unknown));
        };
        let refusal = if !person.follows {
            Some(PreviewRefusal::NotFollowing)
        } else if person.blacklisted {
            Some(PreviewRefusal::Blacklisted)
        } else if person.opted_out {
            Some(PreviewRefusal::OptedOut)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            return Answer::Previewed(Err(refusal));
        }
        let id = self.take_mass_number();
        self.previews.insert(id, now);
        let at = self.release_time(ordinal / BLOCK, now);
        if let Some(person) = self.person(ordinal) {
            person.entries.push(Entry {
                mass: id,
                preview: true,
                at,
            });
        }
        Answer::Previewed(Ok(id))
    }

    /// When a block released now is released: time never goes back within one.
    pub(super) fn release_time(&mut self, block: u32, now: Timestamp) -> Timestamp {
        let last = self.released.entry(block).or_insert(now);
        *last = now.max(*last);
        *last
    }

    fn schedule(&mut self, send: &Send, at: Timestamp) -> Answer {
        self.schedules.push(Scheduled {
            at,
            to: send.to.clone(),
            content: send.content.clone(),
            key: send.key,
            state: ScheduleState::Waiting,
        });
        Answer::Scheduled(ScheduleId(self.schedules.len() as i64))
    }

    fn cancel(&mut self, id: ScheduleId) -> Answer {
        let waiting = usize::try_from(id.0 - 1)
            .ok()
            .and_then(|at| self.schedules.get_mut(at))
            .filter(|schedule| schedule.state == ScheduleState::Waiting);
        let Some(schedule) = waiting else {
            return Answer::Cancelled(false);
        };
        schedule.state = ScheduleState::Cancelled;
        Answer::Cancelled(true)
    }
}
