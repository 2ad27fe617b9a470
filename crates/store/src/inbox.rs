//! What followers received, read back from the delivery rows.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    content::Content,
    id::{AccountId, MassId, Ordinal, Sequence},
    time::Timestamp,
};

use crate::{StoreResult, media::FrozenNews};

/// One mass in one follower's inbox.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its place in the follower's order; later ones are larger (I8).
    pub sequence: Sequence,
    /// `msg_id`.
    pub mass: MassId,
    /// Whether it is a preview.
    pub preview: bool,
    /// When its block was released.
    pub sent_at: Timestamp,
    /// What it carries.
    pub content: Content,
    /// The articles, for news.
    pub news: Option<Arc<FrozenNews>>,
}

/// A page of an inbox, newest first.
#[derive(Clone, Debug, Default)]
pub struct InboxPage {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Where the next, older page begins; `None` at the end.
    pub next: Option<Sequence>,
}

/// Inboxes.
#[async_trait]
pub trait InboxStore {
    /// Entries older than `before`, newest first.
    async fn inbox_page(
        &self,
        account: AccountId,
        ordinal: Ordinal,
        before: Option<Sequence>,
        limit: usize,
    ) -> StoreResult<InboxPage>;
}
