//! A dry run: everything that accepting and releasing would decide, read and not written.

use crate::sql::Connection;
use domain::{
    account::Account,
    block::Block,
    id::AccountId,
    mass::{Counts, NewMass},
    speed::Pace,
    time::Timestamp,
};

use super::{Shared, accept, account, columns, release, usage};
use crate::{StoreResult, mass::DryRun};

/// Blocks whose sets are in memory at a time.
const BLOCKS_AT_ONCE: usize = 256;

/// What `mass` would do.
pub(super) fn dry_run(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    mass: &NewMass,
    now: Timestamp,
) -> StoreResult<DryRun> {
    let Some(account) = account::by_id(db, shared, account)? else {
        return Err(columns::damaged("an account number"));
    };
    let before = usage::load(db, shared, account.id, now)?;
    let at = before.latest;
    let mut run = DryRun {
        at,
        refusal: None,
        counts: Counts::default(),
        before,
        after: before,
        duration_ms: 0,
    };
    let frozen = match accept::examine(db, &account, mass, at)? {
        Ok(frozen) => frozen,
        Err(refusal) => {
            run.refusal = Some(refusal);
            return Ok(run);
        }
    };
    let mut after = before;
    match accept::admit(db, &account, mass, &mut after)? {
        Ok(_) => run.after = after,
        Err(refusal) => run.refusal = Some(refusal),
    }
    run.counts = outcome(db, shared, &account, mass, &frozen, at)?;
    let last = frozen.targets.last().map_or(0, |target| target.count);
    let before_last = frozen.targets.iter().map(|target| target.count).sum::<u64>() - last;
    run.duration_ms = Pace::starting(at, mass.per_minute).due(before_last).ms_since(at);
    Ok(run)
}

fn outcome(
    db: &Connection,
    shared: &Shared,
    account: &Account,
    mass: &NewMass,
    frozen: &accept::Frozen,
    at: Timestamp,
) -> StoreResult<Counts> {
    let rules = release::Rules {
        account: account.id,
        tag: accept::audience_tag(&mass.audience),
        receipts_per_month: account.quota.receipts_per_month,
    };
    let month = shared.calendar.month(at);
    let mut counts = Counts {
        total: frozen.total(),
        ..Counts::default()
    };
    for targets in frozen.targets.chunks(BLOCKS_AT_ONCE) {
        let blocks: Vec<_> = targets.iter().map(|target| target.block).collect();
        let sets = release::Sets::read(db, &rules, &blocks)?;
        for target in targets {
            let bits = Block::decode(&target.bits)?;
            let outcomes = release::foresee(db, shared, &rules, &sets, (target.block, month), &bits)?;
            counts.add(&outcomes.counts());
        }
    }
    Ok(counts)
}
