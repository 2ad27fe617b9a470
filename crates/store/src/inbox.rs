//! What readers received, read back from the delivery rows: over one account or many, newest first or on from a position.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use domain::{
    content::Content,
    id::{AccountId, AppId, MassId, Sequence},
    position::{Cursor, Membership, Position},
    time::Timestamp,
};
use serde_json::value::RawValue;

use crate::{StoreResult, media::FrozenNews};

/// The account that an entry came from, as its readers know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryAccount {
    /// Its number.
    pub id: AccountId,
    /// Its public name.
    pub app_id: AppId,
    /// What followers see.
    pub name: String,
}

/// One mass in one follower's inbox: the same for all followers of a block that have it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// From whom.
    pub account: Arc<EntryAccount>,
    /// Its place in the order of the follower's block; later ones are larger (I8).
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
    /// Its JSON as readers get it, once somebody asked: it is the same for all of them, and is kept as long as the entry.
    pub json: OnceLock<Arc<RawValue>>,
}

/// A page of an inbox, newest first.
#[derive(Clone, Debug, Default)]
pub struct InboxPage {
    /// The entries.
    pub entries: Vec<Arc<Entry>>,
    /// Where the next, older page begins; `None` at the end.
    pub next: Option<Cursor>,
    /// What was the newest when the first page was read: what comes later is after it.
    pub position: Position,
}

/// Entries after a position, oldest first.
#[derive(Clone, Debug, Default)]
pub struct NewEntries {
    /// The entries.
    pub entries: Vec<Arc<Entry>>,
    /// The position after them.
    pub position: Position,
    /// Whether there are more already.
    pub more: bool,
}

/// Words that an entry must have in its texts, in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search(Vec<String>);

impl Search {
    /// The search for these words; `None` for none.
    pub fn new(text: &str) -> Option<Self> {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        (!words.is_empty()).then_some(Self(words))
    }

    /// Whether each of the words stands in a title, a digest or a text of the entry.
    pub fn matches(&self, entry: &Entry) -> bool {
        let texts: Vec<String> = texts(entry).into_iter().map(str::to_lowercase).collect();
        let stands = |word: &String| texts.iter().any(|text| text.contains(word.as_str()));
        self.0.iter().all(stands)
    }
}

fn texts(entry: &Entry) -> Vec<&str> {
    match &entry.content {
        Content::Text(text) => vec![text],
        Content::Image { caption, .. } => vec![&caption.title, &caption.recommend],
        Content::Card { title, .. } => vec![title],
        Content::Video {
            title, description, ..
        } => vec![title, description],
        Content::Voice(_) | Content::Music(_) => Vec::new(),
        Content::News(_) => {
            let news = entry.news.iter().flat_map(|news| &news.news.articles);
            news.flat_map(|article| [article.article.title.as_str(), article.article.digest.as_str()])
                .collect()
        }
    }
}

/// Inboxes. A reader is its memberships: one, or one per account that knows the person.
#[async_trait]
pub trait InboxStore {
    /// Entries newest first, by the time of their release; from the newest, or from a cursor of an earlier page. Each
    /// entry stands on one page of a list, whatever is sent meanwhile (I8). A page of a search may be short: its cursor
    /// says whether there is more to look at.
    async fn inbox_page(
        &self,
        reader: &[Membership],
        from: Option<&Cursor>,
        search: Option<&Search>,
        limit: usize,
    ) -> StoreResult<InboxPage>;
    /// Entries after a position, oldest first: each once, none skipped (I8). Accounts of the position that are not among
    /// the memberships stay as they are in it. The caller has heard that there is something up to `known`, or just the
    /// position itself; the answer is no older.
    async fn entries_after(
        &self,
        reader: &[Membership],
        position: &Position,
        known: &Position,
        limit: usize,
    ) -> StoreResult<NewEntries>;
    /// The position after everything that there is now.
    async fn heads(&self, reader: &[Membership]) -> StoreResult<Position>;
    /// One entry; `None` when it was not delivered to this follower, or taken back.
    async fn inbox_entry(&self, reader: Membership, sequence: Sequence) -> StoreResult<Option<Entry>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Entry {
        Entry {
            account: Arc::new(EntryAccount {
                id: AccountId(1),
                app_id: AppId("wx1".into()),
                name: "one".into(),
            }),
            sequence: Sequence(0),
            mass: MassId(1),
            preview: false,
            sent_at: Timestamp(0),
            content: Content::Text(text.into()),
            news: None,
            json: OnceLock::new(),
        }
    }

    #[test]
    fn a_search_finds_all_its_words_in_any_order_and_case() {
        let search = Search::new(" 讲座  ABC").expect("words");
        assert!(search.matches(&text("abc 的讲座")));
        assert!(!search.matches(&text("讲座")));
        assert_eq!(Search::new("  "), None);
    }
}
