//! Mass sends to be accepted later.

use async_trait::async_trait;
use domain::{
    id::{AccountId, ScheduleId},
    mass::Refusal,
    schedule::{Request, Schedule, ScheduleRefusal},
    time::Timestamp,
};

use crate::StoreResult;

/// Schedules. What a waiting one names does not expire before its time (design §8).
#[async_trait]
pub trait ScheduleStore {
    /// Keeps a request until `send_at`, if what it names exists.
    async fn add_schedule(
        &self,
        account: AccountId,
        request: Request,
        send_at: Timestamp,
        now: Timestamp,
    ) -> StoreResult<Result<ScheduleId, Refusal>>;
    /// One schedule.
    async fn schedule(&self, account: AccountId, id: ScheduleId) -> StoreResult<Option<Schedule>>;
    /// Schedules of an account, newest first, with ids below `before`.
    async fn schedules(
        &self,
        account: AccountId,
        before: Option<ScheduleId>,
        limit: usize,
    ) -> StoreResult<Vec<Schedule>>;
    /// Gives a waiting schedule another request, another time, or both.
    async fn change_schedule(
        &self,
        account: AccountId,
        id: ScheduleId,
        request: Option<Request>,
        send_at: Option<Timestamp>,
        now: Timestamp,
    ) -> StoreResult<Result<(), ScheduleRefusal>>;
    /// Cancels a waiting schedule.
    async fn cancel_schedule(
        &self,
        account: AccountId,
        id: ScheduleId,
    ) -> StoreResult<Result<(), ScheduleRefusal>>;
    /// Schedules whose time has come, the earliest first, at most `limit`.
    async fn due_schedules(&self, now: Timestamp, limit: usize) -> StoreResult<Vec<(AccountId, ScheduleId)>>;
    /// When the next waiting schedule is due, of those whose time is later than `after`.
    async fn next_schedule_due(&self, after: Timestamp) -> StoreResult<Option<Timestamp>>;
    /// Accepts a waiting schedule as an operator-site send, with the audience, content and quota of `now`, or
    /// notes why it was refused. `None` when it did not wait (any more).
    async fn accept_schedule(
        &self,
        account: AccountId,
        id: ScheduleId,
        per_minute: Option<u32>,
        now: Timestamp,
    ) -> StoreResult<Option<Schedule>>;
}
