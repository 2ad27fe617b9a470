//! What becomes of each follower of one batch, decided when its block is released (I5).

use crate::{block::Block, mass::Counts};

/// The facts about one block at the moment of its release.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Who was meant when the mass was accepted.
    pub target: &'a Block,
    /// Who follows now.
    pub subscribed: &'a Block,
    /// Whom the account blacklisted.
    pub blacklisted: &'a Block,
    /// Who refuses mass sends of this account, or of the tag that this one goes to.
    pub opted_out: &'a Block,
    /// Who has used up this month's receipts (Q3); empty where the account has no such rule.
    pub used_up: &'a Block,
}

/// A set per outcome. The five are disjoint and together they are the target (I3).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcomes {
    /// Has the entry in the inbox (SentCount).
    pub delivered: Block,
    /// Had received the month's quota (filtered).
    pub over_quota: Block,
    /// Was blacklisted (filtered).
    pub blacklisted: Block,
    /// Refused (filtered).
    pub opted_out: Block,
    /// Followed at acceptance and no more at release (ErrorCount).
    pub left: Block,
}

impl Outcomes {
    /// How many had which outcome; the total is left to the caller.
    pub fn counts(&self) -> Counts {
        Counts {
            total: 0,
            delivered: u64::from(self.delivered.count()),
            over_quota: u64::from(self.over_quota.count()),
            blacklisted: u64::from(self.blacklisted.count()),
            opted_out: u64::from(self.opted_out.count()),
            left: u64::from(self.left.count()),
            failed: 0,
        }
    }
}

/// Decides the outcome of every follower in `facts.target`.
///
/// Who left counts as left whatever else holds; a blacklist beats an opt-out, both beat the quota, so that
/// every follower has one reason (spec mass-send §14.7).
pub fn release(facts: &Facts<'_>) -> Outcomes {
    let mut delivered = facts.target.clone();
    delivered.intersect(facts.subscribed);
    let mut left = facts.target.clone();
    left.subtract(facts.subscribed);
    let blacklisted = delivered.take(facts.blacklisted);
    let opted_out = delivered.take(facts.opted_out);
    let over_quota = delivered.take(facts.used_up);
    Outcomes {
        delivered,
        over_quota,
        blacklisted,
        opted_out,
        left,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn block() -> impl Strategy<Value = Block> {
        prop::collection::vec(0..64_u16, 0..64).prop_map(Block::from_iter)
    }

    proptest! {
        #[test]
        fn i03_every_target_has_exactly_one_outcome(
            target in block(), subscribed in block(), blacklisted in block(), opted_out in block(), used_up in block(),
        ) {
            let facts = Facts { target: &target, subscribed: &subscribed, blacklisted: &blacklisted, opted_out: &opted_out, used_up: &used_up };
            let outcomes = release(&facts);
            let sets = [&outcomes.delivered, &outcomes.over_quota, &outcomes.blacklisted, &outcomes.opted_out, &outcomes.left];
            for place in 0..64 {
                let expected = match place {
                    p if !target.contains(p) => None,
                    p if !subscribed.contains(p) => Some(4),
                    p if blacklisted.contains(p) => Some(2),
                    p if opted_out.contains(p) => Some(3),
                    p if used_up.contains(p) => Some(1),
                    _ => Some(0),
                };
                for (index, set) in sets.iter().enumerate() {
                    prop_assert_eq!(set.contains(place), expected == Some(index));
                }
            }
        }
    }
}
