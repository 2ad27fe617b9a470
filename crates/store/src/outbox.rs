//! Events on their way to the accounts' servers (I19).

use async_trait::async_trait;
use domain::{
    id::{AccountId, MassId, Ordinal, PublishId},
    time::Timestamp,
};

use crate::StoreResult;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// MASSSENDJOBFINISH.
    MassFinished(MassId),
    /// subscribe.
    Subscribed(Ordinal),
    /// unsubscribe.
    Unsubscribed(Ordinal),
    /// PUBLISHJOBFINISH.
    Published(PublishId),
}

/// How far an event has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventState {
    /// To be tried, or tried again.
    Pending,
    /// The receiver answered.
    Delivered,
    /// No more tries; kept, and can be sent again.
    Failed,
    /// No callback URL was configured when it happened.
    NoReceiver,
}

/// An event in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number in the account.
    pub id: i64,
    /// Whose.
    pub account: AccountId,
    /// What happened.
    pub kind: EventKind,
    /// `CreateTime` in seconds; unique among the account's events, the same at every try.
    pub create_time: i64,
    /// How far it has come.
    pub state: EventState,
    /// Tries so far.
    pub attempts: u32,
    /// When the first try began.
    pub first_try_at: Option<Timestamp>,
    /// Why the last try failed; empty when none did.
    pub last_error: String,
}

/// The outbox.
#[async_trait]
pub trait OutboxStore {
    /// Takes pending events that are due, each for `claim_ms`: if nobody reports how it went, it falls due
    /// again. Accounts in `busy` are left out, so that one slow receiver delays nobody else.
    async fn claim_events(
        &self,
        busy: Vec<AccountId>,
        limit: usize,
        claim_ms: i64,
        now: Timestamp,
    ) -> StoreResult<Vec<Event>>;
    /// When the next pending event of an account not in `busy` falls due.
    async fn next_event_due(&self, busy: Vec<AccountId>) -> StoreResult<Option<Timestamp>>;
    /// The receiver answered.
    async fn event_delivered(&self, account: AccountId, id: i64) -> StoreResult<()>;
    /// The try of `event`, as it was claimed, failed; the next one is at `retry_at`, or there is none. If the
    /// event was set to be sent again meanwhile, that holds.
    async fn event_failed(&self, event: &Event, error: &str, retry_at: Option<Timestamp>) -> StoreResult<()>;
    /// Events of an account, newest first, with ids below `before`.
    async fn events(&self, account: AccountId, before: Option<i64>, limit: usize) -> StoreResult<Vec<Event>>;
    /// Lets a kept event be tried again from the beginning; false when there is no such event.
    async fn resend_event(&self, account: AccountId, id: i64, now: Timestamp) -> StoreResult<bool>;
}
