//! Web Push: what is to be pushed to whom.

use async_trait::async_trait;
use domain::{id::Ordinal, push::Subscription, time::Timestamp};

use crate::{
    StoreResult,
    channel::{LaneLease, Release},
};

/// The SHA-256 of an endpoint.
pub type EndpointHash = [u8; 32];

/// One browser to push to.
#[derive(Clone, Debug)]
pub struct Target {
    /// Whose it is.
    pub ordinal: Ordinal,
    /// Which.
    pub hash: EndpointHash,
    /// How to reach it; `None` when its row is damaged.
    pub subscription: Option<Subscription>,
    /// Failed tries in a row.
    pub failures: u32,
    /// It asked not to be tried before.
    pub not_before: Timestamp,
}

/// The next targets of a block.
#[derive(Clone, Debug)]
pub struct PushPage {
    /// What is pushed; `None` when it was taken back or is forgotten.
    pub release: Option<Release>,
    /// To whom.
    pub targets: Vec<Target>,
    /// Where the walk goes on after them; `None` for tries that are repeated.
    pub after: Option<Cursor>,
    /// Of which delivery they are.
    pub sequence: i64,
}

/// A place in the deliveries of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The first delivery that is not wholly done.
    pub next: i64,
    /// Of it, everybody before this place is done.
    pub place: u16,
}

/// How a try went, as far as it has to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The push service took it, after failures before.
    Taken,
    /// The browser has gone.
    Gone,
    /// It is tried again then, with the newest entry that there is.
    Later {
        /// Failures in a row.
        failures: u32,
        /// Not before.
        at: Timestamp,
    },
    /// It is not tried again for this entry, and for the next one not before then.
    Failed {
        /// Failures in a row.
        failures: u32,
        /// Not before.
        at: Timestamp,
    },
}

/// The walk over subscriptions.
#[async_trait]
pub trait PushStore {
    /// Whom to push to next; `None` when nobody is left for now, or the lane has passed to another worker.
    async fn push_page(&self, lease: LaneLease, now: Timestamp) -> StoreResult<Option<PushPage>>;
    /// Keeps how a page went and goes on behind it, keeping the lane until then; false when it has passed to another worker.
    async fn report_push(
        &self,
        lease: LaneLease,
        page: (i64, Option<Cursor>),
        results: Vec<(Ordinal, EndpointHash, Pushed)>,
        until: Timestamp,
    ) -> StoreResult<bool>;
}
