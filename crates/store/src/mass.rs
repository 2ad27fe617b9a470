//! Mass sends: counted, accepted, released, finished, deleted.

use async_trait::async_trait;
use domain::{
    content::NewContent,
    id::{AccountId, BlockNo, MassId, NewsId, Ordinal},
    mass::{Accepted, ChangeRefusal, Counts, DeleteRefusal, Mass, MassState, NewMass, Refusal},
    quota::{CallTicket, MinuteUsedUp, Usage},
    speed::SpeedLevel,
    time::Timestamp,
};

use crate::StoreResult;

/// One worker: a process, or one of its threads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WorkerId(pub String);

/// A mass that has batches left or waits to be finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub mass: MassId,
    /// When its next batch may be released; `None` when all are released and only the finish is left. While
    /// it waits for the administrator: until when.
    pub next_due: Option<Timestamp>,
    /// Whether it waits for the administrator.
    pub waiting: bool,
    /// Whether it has passed review and originality check.
    pub checked: bool,
    /// Whether it is released at a pace; else all at once.
    pub paced: bool,
}

/// What a mass send would do if it were accepted at `at`.
#[derive(Clone, Debug)]
pub struct DryRun {
    /// The instant that all of it holds for.
    pub at: Timestamp,
    /// Why it would be refused, if it would.
    pub refusal: Option<Refusal>,
    /// The outcome if everybody's block were released now; nothing when the audience is refused.
    pub counts: Counts,
    /// What the account has used.
    pub before: Usage,
    /// What it would have used.
    pub after: Usage,
    /// From the first block to the last at the mass's speed, in milliseconds.
    pub duration_ms: i64,
}

/// Batches taken by one worker.
#[derive(Clone, Debug)]
pub struct Lease {
    /// Whose mass.
    pub account: AccountId,
    /// Which mass.
    pub mass: MassId,
    /// The number under which the batches were taken; a later lease has a larger one (I16).
    pub epoch: i64,
    /// The blocks, ascending.
    pub blocks: Vec<BlockNo>,
}

/// What a release did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    /// These many blocks were committed.
    Committed {
        /// Blocks committed.
        blocks: usize,
        /// Entries created.
        delivered: u64,
    },
    /// The lease had passed to another worker; nothing was written (I16).
    LeaseLost,
}

/// What was released of a mass without a pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleasedAtOnce {
    /// Blocks committed.
    pub blocks: usize,
    /// Entries created.
    pub delivered: u64,
    /// Whether no batch was left, so that the mass is final.
    pub finished: bool,
}

/// Why a preview is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PreviewRefusal {
    /// The media or news id is unknown, expired or of another kind (40007).
    #[error("unknown media id")]
    MediaUnknown,
    /// The card is unknown (40073).
    #[error("unknown card")]
    CardUnknown,
    /// No such follower was ever seen (40003).
    #[error("unknown follower")]
    Unknown,
    /// The follower does not follow now (43004).
    #[error("does not follow")]
    NotFollowing,
    /// The follower refuses messages (48002).
    #[error("refuses messages")]
    OptedOut,
    /// The follower is blacklisted (43019).
    #[error("is blacklisted")]
    Blacklisted,
}

/// Mass sends and their batches. Every method is one transaction; any number of nodes may call at once.
#[async_trait]
pub trait MassStore {
    /// Counts one mass-send call (Q2, Q6).
    async fn count_call(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> StoreResult<Result<CallTicket, MinuteUsedUp>>;
    /// What the account has used of its quota at `now`.
    async fn usage(&self, account: AccountId, now: Timestamp) -> StoreResult<Usage>;
    /// Whether everything that `content` names exists and is of the right kind.
    async fn content_exists(
        &self,
        account: AccountId,
        content: &NewContent,
        now: Timestamp,
    ) -> StoreResult<bool>;
    /// Admits `mass` under the account's quota, charges it, freezes content and audience, and leaves its
    /// batches for the engine. Nothing is written when it is refused (I1, I5, I6, I10, I12).
    async fn accept_mass(
        &self,
        account: AccountId,
        mass: NewMass,
        now: Timestamp,
    ) -> StoreResult<Result<Accepted, Refusal>>;
    /// What `mass` would do, exactly, as of now; nothing is written.
    async fn dry_run(&self, account: AccountId, mass: NewMass, now: Timestamp) -> StoreResult<DryRun>;
    /// Delivers to one follower at once; no quota, no count, no event (spec mass-send §10).
    async fn send_preview(
        &self,
        account: AccountId,
        content: NewContent,
        to: Ordinal,
        now: Timestamp,
    ) -> StoreResult<Result<MassId, PreviewRefusal>>;
    /// A mass, not a preview.
    async fn mass(&self, account: AccountId, id: MassId) -> StoreResult<Option<Mass>>;
    /// A preview that is still kept.
    async fn preview(&self, account: AccountId, id: MassId) -> StoreResult<Option<Mass>>;
    /// Masses of an account, newest first, with ids below `before`.
    async fn masses(
        &self,
        account: AccountId,
        before: Option<MassId>,
        limit: usize,
    ) -> StoreResult<Vec<Mass>>;
    /// The history list, newest first: sends to all and operator-site sends that succeeded, as far as they
    /// were not recalled, those that ended before `before` ended (spec mass-send §14.1).
    async fn history(
        &self,
        account: AccountId,
        before: Option<MassId>,
        limit: usize,
    ) -> StoreResult<Vec<Mass>>;
    /// Lets a mass go that waited for the administrator, at this speed.
    async fn confirm_mass(
        &self,
        account: AccountId,
        id: MassId,
        per_minute: Option<u32>,
        now: Timestamp,
    ) -> StoreResult<Result<(), ChangeRefusal>>;
    /// Refuses a mass that waits for the administrator: `err(40001)`.
    async fn refuse_waiting_mass(
        &self,
        account: AccountId,
        id: MassId,
        now: Timestamp,
    ) -> StoreResult<Result<(), ChangeRefusal>>;
    /// Takes a mass back, in any state (I15): its entries and pages are gone, what was not released never
    /// starts and counts as failed. Before the first delivery it ends as failed, and its quota is given back.
    /// Repeating it is fine.
    async fn recall_mass(
        &self,
        account: AccountId,
        id: MassId,
        now: Timestamp,
    ) -> StoreResult<Result<(), ChangeRefusal>>;
    /// Ends a running mass before its first delivery, as `Failed` or `Refused`: quota and key are given back
    /// (I10, I12), the event is written. False when it was final before or something was delivered.
    async fn end_undelivered(
        &self,
        account: AccountId,
        id: MassId,
        end: MassState,
        now: Timestamp,
    ) -> StoreResult<bool>;
    /// Deletes the pages of one article (`index` from 1) or of all (0). A news that was sent several times
    /// dies in all of its sends (S104). Repeating it is fine.
    async fn delete_articles(
        &self,
        account: AccountId,
        id: MassId,
        index: u8,
        now: Timestamp,
    ) -> StoreResult<Result<(), DeleteRefusal>>;
    /// The mass that carried this news: one that was sent before one that was not, then the newest.
    async fn mass_of_news(&self, account: AccountId, news: NewsId) -> StoreResult<Option<MassId>>;
    /// Sets the account's speed, also for what is running.
    async fn set_speed(
        &self,
        account: AccountId,
        level: SpeedLevel,
        per_minute: Option<u32>,
        now: Timestamp,
    ) -> StoreResult<()>;
    /// All masses that are not final, oldest first.
    async fn running_masses(&self) -> StoreResult<Vec<Running>>;
    /// Takes up to `limit` due batches of one mass for `lease_ms`; an empty lease when none is due and free.
    /// Only for masses that have passed review and originality check: the first lease notes it.
    async fn lease_batches(
        &self,
        account: AccountId,
        mass: MassId,
        worker: &WorkerId,
        limit: usize,
        lease_ms: i64,
        now: Timestamp,
    ) -> StoreResult<Lease>;
    /// Decides and writes the outcome of every leased block, or nothing at all (I2, I3, I5, I8, I11, I16).
    async fn release_batches(&self, lease: &Lease, now: Timestamp) -> StoreResult<Released>;
    /// Releases up to `limit` blocks of a mass without a pace, and makes it final when no batch is left, in one commit.
    /// Nothing is leased: the transaction has the account to itself. `None` when the mass has a pace, may not be released
    /// now, or others hold what is left. Only for masses that have passed review and originality check.
    async fn release_at_once(
        &self,
        account: AccountId,
        mass: MassId,
        worker: &WorkerId,
        limit: usize,
        now: Timestamp,
    ) -> StoreResult<Option<ReleasedAtOnce>>;
    /// Makes a mass final if no batch is left: totals, state and event in one transaction (I4, I19). False
    /// when batches are left or it was final before.
    async fn finish_mass(&self, account: AccountId, mass: MassId, now: Timestamp) -> StoreResult<bool>;
}
