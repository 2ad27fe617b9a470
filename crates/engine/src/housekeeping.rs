//! Clearing away what has expired and what nothing refers to any more.

use domain::time::Timestamp;
use store::{Store, StoreResult, blob::Blobs};

/// How often it is done.
pub(crate) const INTERVAL_MS: i64 = 3_600 * 1_000;
/// Bytes stay this long after the last reference (design §8).
const UNUSED_BLOB_MS: i64 = 24 * 3_600 * 1_000;
/// Blobs that are given up in one transaction.
const BLOBS_AT_ONCE: usize = 64;

/// Forgets expired rows and deletes unused blobs; where only so many `months` are kept, also who got what before.
pub(crate) async fn clear_up(
    store: &dyn Store,
    blobs: &Blobs,
    months: Option<u32>,
    now: Timestamp,
) -> StoreResult<()> {
    let rows = store.purge_expired(now).await?;
    let mut unused = 0;
    loop {
        let before = now.plus_ms(-UNUSED_BLOB_MS);
        let collected = blobs.collect(store, before, BLOBS_AT_ONCE, now).await?;
        unused += collected.deleted;
        if !collected.more {
            break;
        }
    }
    if let Some(months) = months {
        let deliveries = store.drop_deliveries(months, now).await?;
        if deliveries > 0 {
            tracing::info!(deliveries, months, "deliveries of old mass sends were dropped");
        }
    }
    if rows > 0 || unused > 0 {
        tracing::info!(rows, blobs = unused, "expired data was cleared away");
    }
    Ok(())
}
