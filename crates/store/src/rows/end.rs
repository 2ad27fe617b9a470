//! How a mass ends other than by its last batch: confirmed late, refused, failed, recalled (I12, I15).

use crate::sql::{Connection, params};
use domain::{
    block::Block,
    id::{AccountId, MassId},
    mass::{ChangeRefusal, Counts, Mass, MassState, Origin, REFUSED_BY_ADMINISTRATOR},
    quota::{self, Charge},
    speed::Pace,
    time::Timestamp,
};

use super::{Shared, mass, outbox, seal, usage};
use crate::{StoreResult, crash_point, outbox::EventKind};

/// Lets a waiting mass go; its pace starts now.
pub(super) fn confirm(
    db: &Connection,
    account: AccountId,
    id: MassId,
    per_minute: Option<u32>,
    now: Timestamp,
) -> StoreResult<Result<(), ChangeRefusal>> {
    if let Err(refusal) = waiting(db, account, id, now)? {
        return Ok(Err(refusal));
    }
    db.prepare_cached("UPDATE mass SET confirm_by = NULL WHERE account = ? AND id = ?")?
        .execute(params![account.0, id.0])?;
    mass::write_pace(db, account, id, &Pace::starting(now, per_minute))?;
    Ok(Ok(()))
}

/// Refuses a waiting mass.
pub(super) fn refuse_waiting(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    id: MassId,
    now: Timestamp,
) -> StoreResult<Result<(), ChangeRefusal>> {
    if let Err(refusal) = waiting(db, account, id, now)? {
        return Ok(Err(refusal));
    }
    undelivered(
        db,
        shared,
        account,
        id,
        MassState::Refused(REFUSED_BY_ADMINISTRATOR),
        now,
    )?;
    Ok(Ok(()))
}

fn waiting(
    db: &Connection,
    account: AccountId,
    id: MassId,
    now: Timestamp,
) -> StoreResult<Result<(), ChangeRefusal>> {
    let Some(mass) = sent(db, account, id)? else {
        return Ok(Err(ChangeRefusal::Unknown));
    };
    // Its time may be over before the engine has seen it.
    let waits = mass.state == MassState::Sending && mass.confirm_by.is_some_and(|by| by > now);
    Ok(if waits {
        Ok(())
    } else {
        Err(ChangeRefusal::NotWaiting)
    })
}

fn sent(db: &Connection, account: AccountId, id: MassId) -> StoreResult<Option<Mass>> {
    Ok(mass::by_id(db, account, id)?.filter(|mass| mass.origin != Origin::Preview))
}

/// Takes a mass back, in any state.
pub(super) fn recall(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    id: MassId,
    now: Timestamp,
) -> StoreResult<Result<(), ChangeRefusal>> {
    let Some(mass) = sent(db, account, id)? else {
        return Ok(Err(ChangeRefusal::Unknown));
    };
    // What ended before its first delivery has nothing to take back, and keeps its reason.
    db.prepare_cached(
        "UPDATE mass SET recalled_at = COALESCE(recalled_at, ?) WHERE account = ? AND id = ? AND state IN (0, 1, 4)",
    )?
    .execute(params![now.0, account.0, id.0])?;
    seal::mass(db, account, id)?;
    crash_point!("recall.written");
    if mass.state == MassState::Sending && !undelivered(db, shared, account, id, MassState::Failed, now)? {
        stop(db, shared, account, &mass, now)?;
    }
    Ok(Ok(()))
}

/// Ends a mass after its first delivery: what was not released is never released.
fn stop(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    mass: &Mass,
    now: Timestamp,
) -> StoreResult<()> {
    let counts = Counts {
        failed: drop_batches(db, shared, account, mass.id)?,
        ..mass::sum(db, account, mass.id)?
    };
    mass::succeed(db, shared, (account, mass.id), &counts, now)
}

/// Ends a running mass of which nothing was released; false when there is none.
pub(super) fn undelivered(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    id: MassId,
    end: MassState,
    now: Timestamp,
) -> StoreResult<bool> {
    let Some(mass) = sent(db, account, id)?.filter(|mass| mass.state.may_become(end)) else {
        return Ok(false);
    };
    if db
        .prepare_cached("SELECT 1 FROM delivery WHERE account = ? AND mass = ? LIMIT 1")?
        .exists(params![account.0, id.0])?
    {
        return Ok(false);
    }
    let unreleased = drop_batches(db, shared, account, id)?;
    // After `err(…)` all counts are 0; after `send fail` everybody failed (I4).
    let (state, number, total, failed) = match end {
        MassState::Refused(number) => (mass::REFUSED, number, 0, 0),
        _ => (mass::FAILED, 0, mass.counts.total, unreleased),
    };
    db.prepare_cached(
        "UPDATE mass SET state = ?, refused = ?, finished_at = ?, total = ?, failed = ?, confirm_by = NULL
         WHERE account = ? AND id = ?",
    )?
    .execute(params![state, number, now.0, total, failed, account.0, id.0])?;
    seal::mass(db, account, id)?;
    crash_point!("end.written");
    give_back(db, shared, &mass, now)?;
    db.prepare_cached("DELETE FROM repeat WHERE account = ? AND mass = ?")?
        .execute(params![account.0, id.0])?;
    outbox::add(db, account, EventKind::MassFinished(id), now)?;
    Ok(true)
}

/// Gives back what the mass had charged, in the day and month of its acceptance (I12).
fn give_back(db: &Connection, shared: &Shared, mass: &Mass, now: Timestamp) -> StoreResult<()> {
    let charge = db
        .prepare_cached("SELECT charged_api, charged_history FROM mass WHERE account = ? AND id = ?")?
        .query_row(params![mass.account.0, mass.id.0], |row| {
            Ok(Charge {
                api: row.get(0)?,
                history: row.get(1)?,
            })
        })?;
    let mut used = usage::load(db, shared, mass.account, now)?;
    let (day, month) = (
        shared.calendar.day(mass.accepted_at),
        shared.calendar.month(mass.accepted_at),
    );
    quota::give_back(&mut used, charge, day, month);
    usage::save(db, mass.account, &used)
}

/// Removes what was not released; returns how many followers that were.
fn drop_batches(db: &Connection, shared: &Shared, account: AccountId, mass: MassId) -> StoreResult<u64> {
    shared.leases.forget_mass(db, account, mass)?;
    let mut statement =
        db.prepare_cached("DELETE FROM batch WHERE account = ? AND mass = ? RETURNING target")?;
    let mut rows = statement.query(params![account.0, mass.0])?;
    let mut followers = 0;
    while let Some(row) = rows.next()? {
        let target = Block::decode(row.blob(0)?)?;
        followers += u64::from(target.count());
    }
    Ok(followers)
}
