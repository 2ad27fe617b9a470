//! Calls that are counted on their own (Q7, Q8), and the clearing of counts.

use async_trait::async_trait;
use domain::{
    call::{CallCounts, CallsUsedUp, Clearing, ClearingsUsedUp, CountedCall},
    id::AccountId,
    time::Timestamp,
};

use crate::StoreResult;

/// Counted calls. Any number may count at once: of the last `k` exactly `k` pass.
#[async_trait]
pub trait CallStore {
    /// Counts one call of the account's day, or refuses it.
    async fn count(
        &self,
        account: AccountId,
        call: CountedCall,
        now: Timestamp,
    ) -> StoreResult<Result<(), CallsUsedUp>>;
    /// What was counted in the account's day.
    async fn call_counts(&self, account: AccountId, now: Timestamp) -> StoreResult<CallCounts>;
    /// Starts counts of the day anew, if the account may do that once more this month.
    async fn clear_calls(
        &self,
        account: AccountId,
        clearing: Clearing,
        now: Timestamp,
    ) -> StoreResult<Result<(), ClearingsUsedUp>>;
}
