//! What channels beside the inbox have in common: what was released, and who walks it (I9, I16, I18).
//!
//! A channel walks the deliveries of a block and keeps how far it came, so nothing is stored for a follower and a send.
//! Whoever walks holds a lease with an epoch; what it reports counts as long as nobody took the lease over.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    content::Content,
    id::{AccountId, BlockNo, MassId, Sequence},
    time::Timestamp,
};

use crate::{StoreResult, mass::WorkerId, media::FrozenNews};

/// A mass send in one block, released.
#[derive(Clone, Debug)]
pub struct Release {
    /// Its place in the block's order.
    pub sequence: Sequence,
    /// `msg_id`.
    pub mass: MassId,
    /// Whether it is a preview.
    pub preview: bool,
    /// When.
    pub sent_at: Timestamp,
    /// What it carries.
    pub content: Content,
    /// The articles, for news.
    pub news: Option<Arc<FrozenNews>>,
}

/// What one worker walks at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Web Push of one block.
    Push(AccountId, BlockNo),
    /// The webhook channel of one account.
    Bridge(AccountId),
}

impl Lane {
    /// Whose it is.
    pub fn account(self) -> AccountId {
        match self {
            Lane::Push(account, _) | Lane::Bridge(account) => account,
        }
    }
}

/// A lane that a worker has to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneLease {
    /// Which.
    pub lane: Lane,
    /// Moves with every claim.
    pub epoch: i64,
}

/// Where work is, and when the next is due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueLanes {
    /// With something to do now, and free.
    pub lanes: Vec<Lane>,
    /// When another has something to do, or is free.
    pub next: Option<Timestamp>,
}

/// Lanes of both channels.
#[async_trait]
pub trait ChannelStore {
    /// Lanes with work, without those in `busy`; a few index pages where nobody subscribed.
    async fn due_lanes(&self, busy: Vec<Lane>, worker: &WorkerId, now: Timestamp) -> StoreResult<DueLanes>;
    /// Takes a lane until then, unless another worker has it.
    async fn claim_lane(
        &self,
        lane: Lane,
        worker: &WorkerId,
        until: Timestamp,
        now: Timestamp,
    ) -> StoreResult<Option<LaneLease>>;
    /// Keeps a lane until then; false when it has passed to another worker.
    async fn keep_lane(&self, lease: LaneLease, until: Timestamp) -> StoreResult<bool>;
    /// Gives a lane back.
    async fn leave_lane(&self, lease: LaneLease) -> StoreResult<()>;
}
