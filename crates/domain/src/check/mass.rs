//! One mass send and all of its rows: nobody twice (I2), everybody once (I3), the counts are the rows (I4).

use std::collections::BTreeMap;

use super::{
    decode,
    finding::{Finding, Number, Table, What},
};
use crate::{
    block::Block,
    id::{AccountId, BlockNo, MassId, NewsId},
    mass::{Counts, MassState},
};

/// Entries of a list that were no followers, at most: as long as a list may be.
const STRANGERS_MAX: u64 = 10_000;

/// A mass send or preview as its rows say.
#[derive(Clone, Debug)]
pub struct MassRows {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub id: MassId,
    /// Whether it is a preview to one follower.
    pub preview: bool,
    /// Where it is; `None` when the row says nothing that exists.
    pub state: Option<MassState>,
    /// Its numbers; while it runs only the total is written.
    pub counts: Counts,
    /// Whether its total may hold entries of a list that were no followers.
    pub list: bool,
    /// Whether its deliveries may have been dropped by retention.
    pub droppable: bool,
    /// What was not released.
    pub batches: Vec<BatchRow>,
    /// What was released.
    pub deliveries: Vec<DeliveryRow>,
    /// Its finish events in the outbox.
    pub finish_events: u64,
    /// The frozen articles that should be there and are not.
    pub missing_news: Option<NewsId>,
}

/// One block that waits.
#[derive(Clone, Debug)]
pub struct BatchRow {
    /// Which.
    pub block: BlockNo,
    /// Followers of its mass in earlier blocks.
    pub before: u64,
    /// Who is meant.
    pub target: Vec<u8>,
}

/// One released block; outcomes in the order delivered, over quota, blacklisted, opted out, left.
#[derive(Clone, Debug)]
pub struct DeliveryRow {
    /// Which.
    pub block: BlockNo,
    /// What its columns say.
    pub counts: [u64; 5],
    /// The sets; `None` stands for nobody.
    pub sets: [Option<Vec<u8>>; 5],
}

const OUTCOMES: [Number; 5] = [
    Number::Delivered,
    Number::OverQuota,
    Number::Blacklisted,
    Number::OptedOut,
    Number::Left,
];

impl MassRows {
    /// Everything that is wrong with it.
    pub fn findings(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut say = |block: Option<BlockNo>, what: What| found.push(what.at(self.account, self.id, block));
        let mut sizes: BTreeMap<BlockNo, u64> = BTreeMap::new();
        for row in &self.deliveries {
            let mut size = 0;
            row.check(&mut |what| say(Some(row.block), what), &mut size);
            if sizes.insert(row.block, size).is_some() {
                say(Some(row.block), What::ReleasedTwice);
            }
        }
        for row in &self.batches {
            match decode(Table::Batch, &row.target) {
                Err(what) => say(Some(row.block), what),
                Ok(target) => {
                    if sizes.insert(row.block, u64::from(target.count())).is_some() {
                        say(Some(row.block), What::ReleasedAndWaiting);
                    }
                }
            }
        }
        if let Some(news) = self.missing_news {
            say(None, What::ContentMissing { news });
        }
        let Some(state) = self.state else {
            say(None, What::Unreadable { table: Table::Mass });
            return found;
        };
        if self.preview {
            self.preview_is_one(&mut |what| say(None, what));
            return found;
        }
        if state == MassState::Sending {
            self.batches_are_in_order(&sizes, &mut say);
        } else {
            for row in &self.batches {
                say(Some(row.block), What::LeftInBatch);
            }
        }
        self.totals(state, sizes.values().sum(), &mut |what| say(None, what));
        let expected = u64::from(state != MassState::Sending);
        if self.finish_events != expected {
            let found = self.finish_events;
            say(None, What::FinishEvents { expected, found });
        }
        found
    }

    fn preview_is_one(&self, say: &mut impl FnMut(What)) {
        let one = matches!(&self.deliveries[..], [row] if row.counts == [1, 0, 0, 0, 0]);
        if !one || !self.batches.is_empty() || self.finish_events != 0 {
            say(What::Preview);
        }
    }

    /// Blocks ascending, a batch knows how many stand before it.
    fn batches_are_in_order(
        &self,
        sizes: &BTreeMap<BlockNo, u64>,
        say: &mut impl FnMut(Option<BlockNo>, What),
    ) {
        for row in &self.batches {
            let found = sizes.range(..row.block).map(|(_, size)| size).sum();
            if row.before != found {
                let before = row.before;
                say(Some(row.block), What::BatchOrder { before, found });
            }
        }
    }

    fn totals(&self, state: MassState, in_rows: u64, say: &mut impl FnMut(What)) {
        let counts = &self.counts;
        let columns = [
            counts.delivered,
            counts.over_quota,
            counts.blacklisted,
            counts.opted_out,
            counts.left,
        ];
        let dropped = self.droppable && self.deliveries.is_empty();
        if state != MassState::Sending && !dropped {
            for (place, number) in OUTCOMES.into_iter().enumerate() {
                let rows = self.deliveries.iter().map(|row| row.counts[place]).sum();
                let column = columns[place];
                if column != rows {
                    say(What::Total { number, column, rows });
                }
            }
        }
        let undelivered = matches!(state, MassState::Failed | MassState::Refused(_));
        if undelivered && !self.deliveries.is_empty() {
            say(What::DeliveredAndUndelivered);
        }
        if matches!(state, MassState::Refused(_)) && (counts.total, counts.failed) != (0, 0) {
            let column = counts.total.max(counts.failed);
            say(What::Total {
                number: Number::Total,
                column,
                rows: 0,
            });
        }
        let found = match state {
            MassState::Sending => in_rows,
            _ if dropped => columns.iter().sum::<u64>() + counts.failed,
            _ => in_rows + counts.failed,
        };
        let strangers = if self.list { STRANGERS_MAX } else { 0 };
        if !(found..=found + strangers).contains(&counts.total) {
            let audience = counts.total;
            say(What::NotEverybody { audience, found });
        }
    }
}

impl DeliveryRow {
    /// Outcomes do not overlap, and the columns count them; `size` becomes how many followers they hold.
    fn check(&self, say: &mut impl FnMut(What), size: &mut u64) {
        let (mut all, mut twice) = (Block::empty(), 0);
        for ((bytes, column), number) in self.sets.iter().zip(self.counts).zip(OUTCOMES) {
            let set = match bytes.as_ref().map(|bytes| decode(Table::Delivery, bytes)) {
                None => Block::empty(),
                Some(Ok(set)) => set,
                Some(Err(what)) => {
                    say(what);
                    continue;
                }
            };
            let bits = u64::from(set.count());
            if bits != column {
                say(What::RowCount { number, column, bits });
            }
            let mut both = set.clone();
            both.intersect(&all);
            twice += both.count();
            all.unite(&set);
        }
        if twice > 0 {
            say(What::TwoOutcomes { followers: twice });
        }
        *size = u64::from(all.count());
    }
}
