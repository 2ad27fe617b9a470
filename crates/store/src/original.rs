//! Declared originals, and the check of news against them (原创校验, spec mass-send §14.5).

use async_trait::async_trait;
use domain::{
    id::{AccountId, MassId, MediaId, NewsId, OriginalId},
    originality::{DeclareState, Judgement, Verdict},
    time::Timestamp,
};

use crate::StoreResult;

/// One article of one frozen news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArticleKey {
    /// Whose.
    pub account: AccountId,
    /// Of which news.
    pub news: NewsId,
    /// Its position, from 1.
    pub article: u8,
}

/// An article that an account declared original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// Its number in the account.
    pub id: OriginalId,
    /// The article as it was when it was declared.
    pub article: ArticleKey,
    /// Its headline.
    pub title: String,
    /// Whether everybody may reprint it.
    pub can_reprint: bool,
    /// When it was declared.
    pub declared_at: Timestamp,
}

/// Why an article is not declared original.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeclareRefusal {
    /// The account has not the right to.
    #[error("this account may not declare articles original")]
    NotAllowed,
    /// No such news.
    #[error("there is no such news")]
    MediaUnknown,
    /// No such article in it.
    #[error("there is no such article in this news")]
    ArticleIndex,
    /// The article has no words that a copy could be told by.
    #[error("this article has no text")]
    NoText,
}

/// What the check found out about one article that resembles an original of another account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its position in the news, from 1.
    pub article: u8,
    /// What follows from it.
    pub verdict: Verdict,
    /// What its sender declared it to be.
    pub declared: DeclareState,
    /// The original.
    pub original: ArticleKey,
}

/// The check of a whole news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewsCheck {
    /// What becomes of it.
    pub judgement: Judgement,
    /// Whether an earlier send of the same news left reprints that no longer hold.
    pub replaces: bool,
    /// The articles that are listed in the event, in order.
    pub findings: Vec<Finding>,
}

/// The library of declared originals. The one area that looks beyond an account's wall: an article is compared
/// with everybody's originals, and what comes back names the original found and nothing else of its account.
#[async_trait]
pub trait OriginalStore {
    /// Declares an article of a news material original. Repeating it only changes `can_reprint`.
    async fn declare_original(
        &self,
        account: AccountId,
        media: &MediaId,
        article: u8,
        can_reprint: bool,
        now: Timestamp,
    ) -> StoreResult<Result<OriginalId, DeclareRefusal>>;
    /// Declared originals of an account, newest first, with ids below `before`.
    async fn originals(
        &self,
        account: AccountId,
        before: Option<OriginalId>,
        limit: usize,
    ) -> StoreResult<Vec<Original>>;
    /// Puts another account on the white list of an original, or takes it off; false when there is no such
    /// original.
    async fn allow_reprint(
        &self,
        account: AccountId,
        original: OriginalId,
        other: AccountId,
        allowed: bool,
    ) -> StoreResult<bool>;
    /// Compares the articles of a frozen news with all declared originals.
    async fn check_originality(
        &self,
        account: AccountId,
        news: NewsId,
        send_ignore_reprint: bool,
    ) -> StoreResult<NewsCheck>;
    /// Keeps what a check found for the event of a mass and, unless it may not be sent, for the pages of its news.
    async fn record_check(
        &self,
        account: AccountId,
        mass: MassId,
        news: NewsId,
        check: NewsCheck,
    ) -> StoreResult<()>;
    /// What the check of a mass found.
    async fn findings(&self, account: AccountId, mass: MassId) -> StoreResult<Vec<Finding>>;
    /// The original that the page of this article shows in its place.
    async fn reprint_of(&self, article: ArticleKey) -> StoreResult<Option<ArticleKey>>;
}
