//! Comments on sent articles: written by readers, elected and answered by the account.

use async_trait::async_trait;
use domain::{
    comment::{Action, Comment, CommentRefusal, Shown, WriteRefusal},
    id::{AccountId, CommentId, Ordinal, Sequence},
    statistics::ArticleNo,
    time::Timestamp,
};

use crate::StoreResult;

/// An article in one reader's inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderArticle {
    /// Whose inbox.
    pub reader: Ordinal,
    /// The entry.
    pub entry: Sequence,
    /// The article's position in it, from 1.
    pub index: u8,
}

/// A comment as readers of the article's page see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageComment {
    /// The writer's nickname; may be empty.
    pub nickname: String,
    /// The comment, always an elected one.
    pub comment: Comment,
}

/// A page of comments, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentPage {
    /// How many there are in all.
    pub total: u64,
    /// These.
    pub comments: Vec<Comment>,
}

/// Comments.
#[async_trait]
pub trait CommentStore {
    /// Opens an article for comments or closes it.
    async fn open_comments(
        &self,
        account: AccountId,
        article: ArticleNo,
        open: bool,
    ) -> StoreResult<Result<(), CommentRefusal>>;
    /// Comments of an article, `begin` of the newest left out.
    async fn comments(
        &self,
        account: AccountId,
        article: ArticleNo,
        shown: Shown,
        begin: u64,
        limit: usize,
    ) -> StoreResult<Result<CommentPage, CommentRefusal>>;
    /// Does something with one comment. Electing and taking back may be repeated.
    async fn act_on_comment(
        &self,
        account: AccountId,
        article: ArticleNo,
        id: CommentId,
        action: Action,
        now: Timestamp,
    ) -> StoreResult<Result<(), CommentRefusal>>;
    /// Writes a reader's comment under an article that was delivered to the reader.
    async fn write_comment(
        &self,
        account: AccountId,
        article: ReaderArticle,
        text: &str,
        now: Timestamp,
    ) -> StoreResult<Result<CommentId, WriteRefusal>>;
    /// Deletes a reader's own comment under an article in the reader's inbox; false when there is none.
    async fn withdraw_comment(
        &self,
        account: AccountId,
        article: ReaderArticle,
        id: CommentId,
    ) -> StoreResult<bool>;
    /// The elected comments below an article's page, newest first; `None` while it takes no comments.
    async fn elected_comments(
        &self,
        account: AccountId,
        article: ArticleNo,
    ) -> StoreResult<Option<Vec<PageComment>>>;
    /// The sent article at a place of an inbox entry, unless the entry is a preview.
    async fn article_of_entry(
        &self,
        account: AccountId,
        article: ReaderArticle,
    ) -> StoreResult<Option<ArticleNo>>;
}
