//! Releasing a mass without a pace: what is due and, after its last block, its end, in one commit.
//!
//! A lease keeps others away between two transactions. Here there is only one, and it has the account to itself, on either
//! database: whoever was stopped in it wrote nothing, and nobody could begin meanwhile (I16). For the same reason the last
//! block and the end may be one commit: no other transaction of the account is under way that could hold a batch.

use domain::{
    id::{AccountId, MassId},
    time::Timestamp,
};

use super::{SqlStore, lease::Wish, mass, release};
use crate::{
    StoreResult, crash_point,
    mass::{ReleasedAtOnce, WorkerId},
};

impl SqlStore {
    /// Releases up to `limit` blocks, and ends the mass when none is left. Receipts are read ahead on a reader, so that
    /// the writer only adds what was released since.
    pub(super) async fn release_unpaced(
        &self,
        (account, mass): (AccountId, MassId),
        worker: WorkerId,
        limit: usize,
        now: Timestamp,
    ) -> StoreResult<Option<ReleasedAtOnce>> {
        let ahead = worker.clone();
        self.read(move |db, shared| {
            let blocks = shared
                .leases
                .free(db, &everything((account, mass), &ahead, limit, now))?;
            release::warm_receipts(db, shared, account, &blocks, now)
        })
        .await?;
        let done = self.write(account, move |db, shared| {
            if mass::pace(db, account, mass)?.is_none_or(|pace| pace.per_minute.is_some()) {
                return Ok(None);
            }
            let blocks = shared
                .leases
                .free(db, &everything((account, mass), &worker, limit, now))?;
            if blocks.is_empty() {
                return Ok(None);
            }
            crash_point!("lease.taken");
            release::note_checked(db, (account, mass), now)?;
            let (delivered, fresh) = release::release_blocks(db, shared, (account, mass), &blocks, now)?;
            crash_point!("finish.before");
            let released = ReleasedAtOnce {
                blocks: blocks.len(),
                delivered,
                finished: mass::finish(db, shared, account, mass, now)?,
            };
            Ok(Some((released, fresh)))
        });
        let Some((released, fresh)) = done.await? else {
            return Ok(None);
        };
        self.keep_receipts((account, fresh));
        Ok(Some(released))
    }
}

/// Whatever is left of a mass, up to `limit` blocks.
fn everything(
    (account, mass): (AccountId, MassId),
    worker: &WorkerId,
    limit: usize,
    now: Timestamp,
) -> Wish<'_> {
    Wish {
        account,
        mass,
        worker,
        limit,
        allowed: i64::MAX,
        now,
        until: now,
    }
}
