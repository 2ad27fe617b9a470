//! Who read what and when, and who came and left.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{
    id::{AccountId, MassId, NewsId},
    statistics::{ArticleNo, Days, Read, Reads},
    time::{Day, Timestamp},
};

use crate::StoreResult;

/// A news that was sent on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentNews {
    /// The mass.
    pub mass: MassId,
    /// What it carried.
    pub news: NewsId,
    /// Entries created.
    pub delivered: u64,
}

/// Followers of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowerDay {
    /// The day.
    pub day: Day,
    /// Subscriptions that began.
    pub gained: u64,
    /// Subscriptions that ended.
    pub lost: u64,
    /// Followers at its end.
    pub total: u64,
}

/// Statistics. Reads are kept in memory for a moment and written together, so that no reader waits: a crash may
/// lose the last of them.
#[async_trait]
pub trait StatisticsStore {
    /// Counts a read; returns at once.
    fn note_read(&self, account: AccountId, read: Read, now: Timestamp);
    /// Returns when every read that was noted so far is committed.
    async fn flush_reads(&self) -> StoreResult<()>;
    /// Reads in these days by article.
    async fn reads_by_article(
        &self,
        account: AccountId,
        days: Days,
    ) -> StoreResult<BTreeMap<ArticleNo, Reads>>;
    /// Reads in these days, of all articles, by day.
    async fn reads_by_day(&self, account: AccountId, days: Days) -> StoreResult<BTreeMap<Day, Reads>>;
    /// Reads on a day, of all articles, by hour of the day, 0 to 23.
    async fn reads_by_hour(&self, account: AccountId, day: Day) -> StoreResult<BTreeMap<u8, Reads>>;
    /// Reads in these days of the articles of some news, by article and day. People are counted on the first of
    /// these days on which they read the article, so that days may be added up.
    async fn reads_of_news(
        &self,
        account: AccountId,
        news: &[NewsId],
        days: Days,
    ) -> StoreResult<BTreeMap<(ArticleNo, Day), Reads>>;
    /// News sent on a day, in order of sending.
    async fn sent_news(&self, account: AccountId, day: Day) -> StoreResult<Vec<SentNews>>;
    /// Followers on each of these days. Nothing is known of days before this version of the tables; they have the
    /// number of the first known day.
    async fn follower_days(&self, account: AccountId, days: Days) -> StoreResult<Vec<FollowerDay>>;
}
