//! How far readers have read, what they muted, and what is left: derived from the delivery rows whenever asked.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    id::{Sequence, TagId},
    position::{Membership, Position},
    time::Timestamp,
};

use crate::{
    StoreResult,
    inbox::{Entry, EntryAccount},
};

/// Entries that are counted as unread in one account, at most: what is more is told as this.
pub const UNREAD_MAX: u32 = 999;

/// How much of an account is unread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The account.
    pub account: Arc<EntryAccount>,
    /// Whether the reader muted it.
    pub muted: bool,
    /// Entries after the mark, [`UNREAD_MAX`] at most.
    pub entries: u32,
}

/// A tag as the follower who carries it sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderTag {
    /// The tag.
    pub id: TagId,
    /// Its name.
    pub name: String,
    /// Whether the follower refuses sends to it.
    pub opted_out: bool,
}

/// An account as one reader stands to it.
#[derive(Clone, Debug)]
pub struct ReaderAccount {
    /// Which follower of it the reader is.
    pub follower: Membership,
    /// The account, and how much of it is unread.
    pub unread: Unread,
    /// Whether the reader follows it now.
    pub following: bool,
    /// Whether the reader refuses all of its sends.
    pub opted_out: bool,
    /// The account's own tags that the reader carries or refuses, by number.
    pub tags: Vec<ReaderTag>,
    /// The newest entry that was read.
    pub read_up_to: Option<Sequence>,
    /// The newest entry.
    pub latest: Option<Entry>,
}

/// An entry that was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecalledEntry {
    /// Whose it was.
    pub account: Arc<EntryAccount>,
    /// Its place in the order of the follower's block.
    pub sequence: Sequence,
    /// When.
    pub recalled_at: Timestamp,
}

/// What readers say about their inboxes. Only who ever did has a row; counts are never stored, so that none can drift.
#[async_trait]
pub trait ReadingStore {
    /// How much of each account is unread, in order of accounts.
    async fn unread(&self, reader: &[Membership]) -> StoreResult<Vec<Unread>>;
    /// All accounts of a reader in order of their numbers, and the position after everything there is.
    async fn reader_accounts(&self, reader: &[Membership]) -> StoreResult<(Vec<ReaderAccount>, Position)>;
    /// Marks everything before `position` as read, in each account that it names. A mark never goes back.
    async fn mark_read(&self, reader: &[Membership], position: &Position) -> StoreResult<()>;
    /// Leaves an account out of the sum of what is unread, and out of pushes, or takes it in again.
    async fn mute(&self, reader: Membership, muted: bool) -> StoreResult<()>;
    /// The entries of a reader that were taken back since, the earliest first, about `limit` at most: all of those that
    /// were taken back in the same second as the last one are among them.
    async fn recalled_since(
        &self,
        reader: &[Membership],
        since: Timestamp,
        limit: usize,
    ) -> StoreResult<Vec<RecalledEntry>>;
}
