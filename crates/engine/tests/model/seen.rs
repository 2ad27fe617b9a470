//! How often what matters really happened; what never happened was not tested.

use std::{collections::BTreeMap, fmt};

use domain::{
    mass::{MassState, Refusal},
    quota::QuotaRefusal,
    schedule::ScheduleState,
};

use crate::{
    reference::{Answer, World},
    step::{Step, What},
};

const ALL: [&str; 28] = [
    "accepted",
    "audience refused",
    "blacklisted",
    "calls of day used up",
    "clock set back",
    "confirmed",
    "deleted",
    "delivered to the crowd",
    "delivered to a person",
    "failed",
    "history of day used up",
    "history of month used up",
    "lease kept while asleep",
    "lease lost while asleep",
    "left before release",
    "minute used up",
    "opted out",
    "over quota",
    "preview delivered",
    "recalled after delivery",
    "recalled between blocks",
    "refused by administrator or timeout",
    "repeat",
    "restart",
    "schedule refused",
    "schedule sent",
    "second confirmation pending",
    "sends of day used up",
];

/// A count per happening.
#[derive(Default)]
pub struct Seen(BTreeMap<&'static str, u64>);

impl Seen {
    fn count(&mut self, what: &'static str, times: u64) {
        debug_assert!(ALL.contains(&what), "{what}");
        if times > 0 {
            *self.0.entry(what).or_default() += times;
        }
    }

    pub fn add(&mut self, other: &Self) {
        for (what, times) in &other.0 {
            self.count(what, *times);
        }
    }

    /// After a step, which was answered by `world.answer`.
    pub fn note(&mut self, world: &World, step: &Step) {
        let what = match (&world.answer, step) {
            (Answer::Limited, _) => "minute used up",
            (Answer::Sent(Ok(_)), _) => "accepted",
            (Answer::Sent(Err(refusal)), _) => refusal_name(*refusal),
            (Answer::Previewed(Ok(_)), _) => "preview delivered",
            (Answer::Released(None), _) => "lease lost while asleep",
            (Answer::Released(Some(1..)), _) => "lease kept while asleep",
            (Answer::Deleted(Ok(())), _) => "deleted",
            (Answer::Changed(Ok(())), Step::Of(_, What::Confirm(..))) => "confirmed",
            (_, Step::Restart) => "restart",
            (_, Step::Advance(..0)) => "clock set back",
            _ => return,
        };
        self.count(what, 1);
    }

    /// What became of everything in a run.
    pub fn end(&mut self, world: &World) {
        for account in &world.accounts {
            for mass in account.masses.values() {
                let counts = &mass.counts;
                self.count("over quota", counts.over_quota);
                self.count("blacklisted", counts.blacklisted);
                self.count("opted out", counts.opted_out);
                self.count("left before release", counts.left);
                self.count("failed", counts.failed);
                let recalled = mass.recalled_at.is_some() && counts.delivered > 0;
                self.count(
                    "recalled after delivery",
                    u64::from(recalled && counts.failed == 0),
                );
                self.count(
                    "recalled between blocks",
                    u64::from(recalled && counts.failed > 0),
                );
                let refused = matches!(mass.state, MassState::Refused(_));
                self.count("refused by administrator or timeout", u64::from(refused));
            }
            for (_, state) in account.schedule_states() {
                match state {
                    ScheduleState::Sent(_) => self.count("schedule sent", 1),
                    ScheduleState::Refused(_) => self.count("schedule refused", 1),
                    ScheduleState::Waiting | ScheduleState::Cancelled => {}
                }
            }
            for person in &account.persons {
                let entries = person.entries.iter().filter(|entry| !entry.preview).count() as u64;
                let whose = if person.people > 1 {
                    "delivered to the crowd"
                } else {
                    "delivered to a person"
                };
                self.count(whose, entries * person.people);
            }
        }
    }

    #[track_caller]
    pub fn check_all_happened(&self) {
        let never: Vec<&str> = ALL
            .into_iter()
            .filter(|what| !self.0.contains_key(what))
            .collect();
        assert!(never.is_empty(), "never happened: {never:?}");
    }
}

fn refusal_name(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Repeat { .. } => "repeat",
        Refusal::CallsUsedUp => "calls of day used up",
        Refusal::Quota(QuotaRefusal::SendsUsedUp) => "sends of day used up",
        Refusal::Quota(QuotaRefusal::HistoryOfDayUsedUp) => "history of day used up",
        Refusal::Quota(QuotaRefusal::HistoryOfMonthUsedUp) => "history of month used up",
        Refusal::ConfirmationPending => "second confirmation pending",
        Refusal::TagUnknown | Refusal::NoReceiver => "audience refused",
        Refusal::MediaUnknown | Refusal::CardUnknown | Refusal::OriginalNotAllowed => "content refused",
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, times) in &self.0 {
            writeln!(f, "  {what:<36} {times:>12}")?;
        }
        Ok(())
    }
}
