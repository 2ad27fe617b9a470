//! The webhook channel: an account's push bridge, what it is told next, and what it did not take.

use async_trait::async_trait;
use domain::{
    id::{AccountId, BlockNo, MassId, Ordinal, Sequence},
    time::Timestamp,
    webhook::{Next, Trouble},
};

use crate::{
    StoreResult,
    channel::{LaneLease, Release},
};

/// Where a bridge is.
#[derive(Clone, PartialEq, Eq)]
pub struct BridgeAddress {
    /// http or https.
    pub url: String,
    /// What batches are signed with.
    pub secret: Vec<u8>,
}

impl std::fmt::Debug for BridgeAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BridgeAddress") // SEC4
    }
}

/// A bridge and how it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bridge {
    /// Where it is.
    pub address: BridgeAddress,
    /// When it was first set.
    pub created_at: Timestamp,
    /// What goes wrong, if anything.
    pub trouble: Trouble,
    /// When the next try is, while something goes wrong.
    pub due_at: Timestamp,
    /// Why the last try failed; empty when it did not.
    pub last_error: String,
    /// When it last took a batch.
    pub taken_at: Option<Timestamp>,
    /// Deliveries (a mass send in a block) that it was not wholly told.
    pub waiting: u64,
    /// Dead letters.
    pub dead_letters: u64,
}

/// Which followers of which delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// `msg_id`.
    pub mass: MassId,
    /// In which block.
    pub block: BlockNo,
    /// As which delivery.
    pub sequence: Sequence,
    /// From this place,
    pub from: u16,
    /// to this one, both included.
    pub to: u16,
}

/// The next batch of an account.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Where it goes.
    pub address: BridgeAddress,
    /// How the bridge does.
    pub trouble: Trouble,
    /// Whom it is about.
    pub range: Range,
    /// Whether somebody comes behind them in the same delivery.
    pub more: bool,
    /// What they got; `None` when it was taken back or is forgotten.
    pub release: Option<Release>,
    /// Who they are: those who have not muted the account, with the organisation's own ids.
    pub followers: Vec<(Ordinal, String)>,
    /// The dead letter that is sent again; `None` in the usual course.
    pub again: Option<i64>,
}

/// What a bridge did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its number in the account.
    pub id: i64,
    /// Whom it is about.
    pub range: Range,
    /// How many they are.
    pub followers: u32,
    /// Why.
    pub reason: String,
    /// When it was set aside.
    pub set_aside_at: Timestamp,
    /// Whether it is about to be sent again.
    pub resend: bool,
}

/// How a batch went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The bridge took it.
    Taken,
    /// There was nobody to tell, or nothing.
    Skipped,
    /// It was not taken.
    Failed {
        /// Why.
        error: String,
        /// How the bridge does with this failure.
        trouble: Trouble,
        /// What becomes of the batch.
        next: Next,
    },
}

/// Bridges.
#[async_trait]
pub trait BridgeStore {
    /// The account's bridge.
    async fn bridge(&self, account: AccountId) -> StoreResult<Option<Bridge>>;
    /// Sets it. A new one is told what is released from now on; one that is there goes on where it was, at once.
    async fn set_bridge(
        &self,
        account: AccountId,
        address: &BridgeAddress,
        now: Timestamp,
    ) -> StoreResult<()>;
    /// Forgets it with its dead letters; false when there was none.
    async fn remove_bridge(&self, account: AccountId) -> StoreResult<bool>;
    /// What the account's bridge is told next; `None` when it was told everything, waits for its next try, or the lane has
    /// passed to another worker.
    async fn next_letter(&self, lease: LaneLease, now: Timestamp) -> StoreResult<Option<Letter>>;
    /// Keeps how it went, keeping the lane until then; false when it has passed to another worker.
    async fn report_letter(
        &self,
        lease: LaneLease,
        letter: &Letter,
        told: Told,
        until: Timestamp,
        now: Timestamp,
    ) -> StoreResult<bool>;
    /// Dead letters of an account, newest first, with ids below `before`.
    async fn dead_letters(
        &self,
        account: AccountId,
        before: Option<i64>,
        limit: usize,
    ) -> StoreResult<Vec<DeadLetter>>;
    /// Lets a dead letter be sent again; false when there is no such one.
    async fn resend_dead_letter(&self, account: AccountId, id: i64) -> StoreResult<bool>;
}
