//! Media, news materials, article pictures and frozen news.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    content::{MaterialKind, News, StoredBlob},
    id::{AccountId, ImageId, MediaId, NewsId},
    time::Timestamp,
};

use crate::StoreResult;

/// A material to be kept; its bytes are in the blob store already.
#[derive(Clone, Debug)]
pub struct NewMedia {
    /// Its id, unguessable.
    pub id: MediaId,
    /// What it is.
    pub kind: MaterialKind,
    /// The bytes.
    pub blob: StoredBlob,
    /// Of videos for mass sends; else empty.
    pub title: String,
    /// Of videos for mass sends; else empty.
    pub description: String,
    /// `None` is permanent.
    pub expires_at: Option<Timestamp>,
}

/// A kept material.
#[derive(Clone, Debug)]
pub struct Media {
    /// Its number in the account, for links.
    pub serial: i64,
    /// As it was given.
    pub media: NewMedia,
    /// When it was uploaded.
    pub created_at: Timestamp,
}

/// A news as it was at its first acceptance.
#[derive(Clone, Debug)]
pub struct FrozenNews {
    /// `msg_data_id`.
    pub id: NewsId,
    /// The articles.
    pub news: News,
    /// Which articles were deleted since, in order.
    pub deleted: Vec<bool>,
    /// When it was frozen.
    pub created_at: Timestamp,
    /// When it was first sent or published; `None` before.
    pub published_at: Option<Timestamp>,
    /// Whether a mass with it is running or was sent; if not, the page does not exist (any more).
    pub published: bool,
    /// Whether every mass that was sent with it was recalled.
    pub recalled: bool,
    /// Whether it is not public yet, but a mass with it waits for its administrator or for a check.
    pub waiting: bool,
}

/// Media, news and pictures of one account.
#[async_trait]
pub trait MediaStore {
    /// Keeps a material.
    async fn add_media(&self, account: AccountId, media: NewMedia, now: Timestamp) -> StoreResult<()>;
    /// A material that has not expired.
    async fn media(&self, account: AccountId, id: &MediaId, now: Timestamp) -> StoreResult<Option<Media>>;
    /// The same by its number.
    async fn media_by_serial(
        &self,
        account: AccountId,
        serial: i64,
        now: Timestamp,
    ) -> StoreResult<Option<Media>>;
    /// Keeps a news material.
    async fn add_news(
        &self,
        account: AccountId,
        id: MediaId,
        news: News,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> StoreResult<()>;
    /// A news material that has not expired.
    async fn news(&self, account: AccountId, id: &MediaId, now: Timestamp) -> StoreResult<Option<News>>;
    /// Keeps an article picture for ever.
    async fn add_image(&self, account: AccountId, blob: StoredBlob, now: Timestamp) -> StoreResult<ImageId>;
    /// An article picture; `None` also when its bytes were collected.
    async fn image(&self, account: AccountId, id: ImageId) -> StoreResult<Option<StoredBlob>>;
    /// A frozen news.
    async fn frozen_news(&self, account: AccountId, id: NewsId) -> StoreResult<Option<Arc<FrozenNews>>>;
    /// Forgets what has expired: materials, tokens, previews, used `clientmsgid`s. Returns how many rows went.
    async fn purge_expired(&self, now: Timestamp) -> StoreResult<u64>;
}
