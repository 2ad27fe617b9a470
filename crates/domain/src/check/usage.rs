//! What an account has used is what its mass sends say (I12).

use std::collections::BTreeMap;

use super::finding::{Finding, Used, What};
use crate::{
    id::{AccountId, MassId},
    quota::{Quota, Usage},
    time::{Calendar, Day, Month, Timestamp},
};

/// What one mass send charged and did not get back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charged {
    /// Which.
    pub mass: MassId,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// It counts as an API send (Q1).
    pub api: bool,
    /// It counts for the history (Q4, Q5).
    pub history: bool,
}

/// An account's usage row beside its mass sends.
#[derive(Clone, Debug)]
pub struct UsageRows {
    /// Whose.
    pub account: AccountId,
    /// What it may use.
    pub quota: Quota,
    /// The first mass that was accepted under this quota.
    pub since: MassId,
    /// What is noted; `None` when nothing was used yet.
    pub usage: Option<Usage>,
    /// All mass sends that ended otherwise than before their first delivery.
    pub charged: Vec<Charged>,
}

impl UsageRows {
    /// Everything that is wrong with it.
    pub fn findings(&self, calendar: &Calendar) -> Vec<Finding> {
        let noted = self.usage.unwrap_or_else(Usage::none);
        let mut found = self.noted_as_sent(&noted, calendar);
        if self
            .charged
            .iter()
            .any(|charged| charged.accepted_at > noted.latest)
        {
            found.push(What::UsageMissing.at(self.account, None, None));
        }
        found.extend(self.within_limits(calendar));
        found
    }

    fn noted_as_sent(&self, noted: &Usage, calendar: &Calendar) -> Vec<Finding> {
        let of_day = |charged: &&Charged| calendar.day(charged.accepted_at) == noted.day;
        let of_month = |charged: &&Charged| calendar.month(charged.accepted_at) == noted.month;
        let sends = self.charged.iter().filter(of_day).filter(|charged| charged.api);
        let history_of_day = self
            .charged
            .iter()
            .filter(of_day)
            .filter(|charged| charged.history);
        let history_of_month = self
            .charged
            .iter()
            .filter(of_month)
            .filter(|charged| charged.history);
        [
            (Used::SendsOfDay, noted.sends_today, sends.count()),
            (Used::HistoryOfDay, noted.history_today, history_of_day.count()),
            (
                Used::HistoryOfMonth,
                noted.history_this_month,
                history_of_month.count(),
            ),
        ]
        .into_iter()
        .map(|(used, row, masses)| (used, u64::from(row), masses as u64))
        .filter(|(_, row, masses)| row != masses)
        .map(|(used, row, masses)| What::Used { used, row, masses }.at(self.account, None, None))
        .collect()
    }

    /// Never k + 1, on any day and in any month that the rows tell of.
    fn within_limits(&self, calendar: &Calendar) -> Vec<Finding> {
        let mut sends: BTreeMap<Day, u64> = BTreeMap::new();
        let mut history_of_day: BTreeMap<Day, u64> = BTreeMap::new();
        let mut history_of_month: BTreeMap<Month, u64> = BTreeMap::new();
        for charged in self.charged.iter().filter(|charged| charged.mass >= self.since) {
            let day = calendar.day(charged.accepted_at);
            *sends.entry(day).or_default() += u64::from(charged.api);
            *history_of_day.entry(day).or_default() += u64::from(charged.history);
            let month = calendar.month(charged.accepted_at);
            *history_of_month.entry(month).or_default() += u64::from(charged.history);
        }
        [
            (
                Used::SendsOfDay,
                sends.into_values().max(),
                self.quota.sends_per_day,
            ),
            (
                Used::HistoryOfDay,
                history_of_day.into_values().max(),
                self.quota.history_per_day,
            ),
            (
                Used::HistoryOfMonth,
                history_of_month.into_values().max(),
                self.quota.history_per_month,
            ),
        ]
        .into_iter()
        .filter_map(|(used, masses, limit)| Some((used, masses?, limit?)))
        .filter(|(_, masses, limit)| *masses > u64::from(*limit))
        .map(|(used, masses, limit)| What::TooMany { used, masses, limit }.at(self.account, None, None))
        .collect()
    }
}
