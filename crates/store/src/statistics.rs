//! Who read what and when, and who came and left.

use async_trait::async_trait;
use domain::{
    id::{AccountId, MassId},
    statistics::{ArticleNo, Days, Read, Reads},
    time::{Day, Timestamp},
};

use crate::StoreResult;

/// Reads of one article in one hour.
#[derive(Clone, Debug)]
pub struct HourReads {
    /// The day.
    pub day: Day,
    /// The hour of the day, 0 to 23.
    pub hour: u8,
    /// The article.
    pub article: ArticleNo,
    /// How often, by how many.
    pub reads: Reads,
}

/// A news that was sent on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentNews {
    /// The mass.
    pub mass: MassId,
    /// What it carried.
    pub news: domain::id::NewsId,
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
    /// Reads in these days, of all articles, by hour and article.
    async fn reads(&self, account: AccountId, days: Days) -> StoreResult<Vec<HourReads>>;
    /// News sent on a day, in order of sending.
    async fn sent_news(&self, account: AccountId, day: Day) -> StoreResult<Vec<SentNews>>;
    /// Followers on each of these days. Nothing is known of days before this version of the tables; they have the
    /// number of the first known day.
    async fn follower_days(&self, account: AccountId, days: Days) -> StoreResult<Vec<FollowerDay>>;
}
