//! The deliveries of one block in their order: no number twice, time never falls (I8), nobody over the month's
//! quota (I11).

use super::{
    decode,
    finding::{Finding, Table, What},
};
use crate::{
    id::{AccountId, BlockNo, MassId, Sequence},
    receipts::Receipts,
    time::{Calendar, Timestamp},
};

/// The quota that holds for a block's deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonthlyQuota {
    /// Mass sends that one follower receives a month.
    pub receipts: u8,
    /// The first mass that was accepted under it; earlier ones may have gone by another.
    pub since: MassId,
}

/// One delivery in its block's order.
#[derive(Clone, Debug)]
pub struct OrderRow {
    /// Its number.
    pub sequence: Sequence,
    /// Of which mass.
    pub mass: MassId,
    /// Whether it is a preview, which does not count.
    pub preview: bool,
    /// The month it counts in.
    pub month: i32,
    /// When it was released.
    pub released_at: Timestamp,
    /// Who got it.
    pub delivered: Vec<u8>,
}

/// Reads one block's deliveries from the first to the last.
#[derive(Debug)]
pub struct BlockOrder<'a> {
    account: AccountId,
    block: BlockNo,
    calendar: &'a Calendar,
    quota: Option<MonthlyQuota>,
    last: Option<(Sequence, Timestamp)>,
    receipts: Option<Receipts>,
    found: Vec<Finding>,
}

impl<'a> BlockOrder<'a> {
    /// Before the first delivery.
    pub fn new(
        account: AccountId,
        block: BlockNo,
        calendar: &'a Calendar,
        quota: Option<MonthlyQuota>,
    ) -> Self {
        Self {
            account,
            block,
            calendar,
            quota,
            last: None,
            receipts: None,
            found: Vec::new(),
        }
    }

    /// The next delivery.
    pub fn add(&mut self, row: &OrderRow) {
        let sequence = row.sequence;
        if let Some((last, released_at)) = self.last {
            if sequence <= last {
                self.say(row, What::SequenceTwice { sequence });
            }
            if row.released_at < released_at {
                self.say(row, What::TimeFell { sequence });
            }
        }
        self.last = Some((sequence, row.released_at));
        if self.calendar.month(row.released_at).0 != row.month {
            self.say(row, What::WrongMonth { sequence });
        }
        match decode(Table::Delivery, &row.delivered) {
            Err(what) => self.say(row, what),
            Ok(delivered) if !row.preview => self.count(row, &delivered),
            Ok(_) => {}
        }
    }

    fn count(&mut self, row: &OrderRow, delivered: &crate::block::Block) {
        let Some(quota) = self.quota else { return };
        let month = self.calendar.month(row.released_at);
        let mut receipts = self
            .receipts
            .take()
            .filter(|receipts| receipts.month == month)
            .unwrap_or_else(|| Receipts::none(month));
        let mut too_many = receipts.used_up(quota.receipts);
        too_many.intersect(delivered);
        if row.mass >= quota.since && !too_many.is_empty() {
            let (sequence, followers, quota) = (row.sequence, too_many.count(), quota.receipts);
            self.say(
                row,
                What::OverQuota {
                    sequence,
                    followers,
                    quota,
                },
            );
        }
        receipts.add(row.sequence, delivered);
        self.receipts = Some(receipts);
    }

    /// After the last delivery; `next` is what the block's head would give out.
    pub fn end(mut self, next: i64) -> Vec<Finding> {
        if let Some((last, _)) = self.last.filter(|(last, _)| last.0 >= next) {
            let what = What::HeadBehind { next, last };
            self.found.push(what.at(self.account, None, self.block));
        }
        self.found
    }

    fn say(&mut self, row: &OrderRow, what: What) {
        self.found.push(what.at(self.account, row.mass, self.block));
    }
}
