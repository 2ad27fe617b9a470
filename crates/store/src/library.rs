//! The library: permanent materials and drafts.

use async_trait::async_trait;
use domain::{
    content::{News, NewsArticle},
    id::{AccountId, ImageId, MediaId, NewsId},
    library::{LibraryLimits, LibraryRefusal, MaterialCounts, MaterialList, Page, Shelf},
    time::Timestamp,
};

use crate::{
    StoreResult,
    media::{Media, NewMedia},
};

/// A permanent material.
#[derive(Clone, Debug)]
pub struct Material {
    /// The file.
    pub media: Media,
    /// Its name, as uploaded.
    pub name: String,
    /// The picture that shows it in articles; of images and covers.
    pub image: Option<ImageId>,
}

/// A news material or a draft.
#[derive(Clone, Debug)]
pub struct KeptNews {
    /// Its `media_id`.
    pub id: MediaId,
    /// The articles.
    pub news: News,
    /// The `msg_data_id` that this version has once it is sent or published, and its links with it.
    pub number: NewsId,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The library of one account. A temporary id names nothing here.
#[async_trait]
pub trait LibraryStore {
    /// Keeps a file for ever; the picture under whose address an image can be used in articles.
    async fn add_material(
        &self,
        account: AccountId,
        media: NewMedia,
        name: String,
        limits: LibraryLimits,
        now: Timestamp,
    ) -> StoreResult<Result<Option<ImageId>, LibraryRefusal>>;
    /// Keeps a video with its texts that was made from `source`, and lives as long as that (mass-send §7).
    async fn add_made_video(
        &self,
        account: AccountId,
        source: MediaId,
        video: NewMedia,
        now: Timestamp,
    ) -> StoreResult<Result<(), LibraryRefusal>>;
    /// A permanent file.
    async fn material(&self, account: AccountId, id: &MediaId) -> StoreResult<Option<Material>>;
    /// Forgets a permanent file or a news material; what was sent keeps its own copy (U17).
    async fn delete_material(
        &self,
        account: AccountId,
        id: MediaId,
        now: Timestamp,
    ) -> StoreResult<Result<(), LibraryRefusal>>;
    /// How many materials there are.
    async fn material_counts(&self, account: AccountId) -> StoreResult<MaterialCounts>;
    /// One page of a list of files, and how many files the list has.
    async fn materials(
        &self,
        account: AccountId,
        list: MaterialList,
        page: Page,
    ) -> StoreResult<(u64, Vec<Material>)>;
    /// Keeps a news until it is deleted.
    async fn add_kept_news(
        &self,
        account: AccountId,
        shelf: Shelf,
        (id, news): (MediaId, News),
        limits: LibraryLimits,
        now: Timestamp,
    ) -> StoreResult<Result<(), LibraryRefusal>>;
    /// A kept news.
    async fn kept_news(
        &self,
        account: AccountId,
        shelf: Shelf,
        id: &MediaId,
    ) -> StoreResult<Option<KeptNews>>;
    /// Puts an article in the place of the one at `index`, counted from 0.
    async fn replace_article(
        &self,
        account: AccountId,
        shelf: Shelf,
        (id, index): (MediaId, usize),
        article: NewsArticle,
        now: Timestamp,
    ) -> StoreResult<Result<(), LibraryRefusal>>;
    /// Forgets a draft.
    async fn delete_draft(
        &self,
        account: AccountId,
        id: MediaId,
        now: Timestamp,
    ) -> StoreResult<Result<(), LibraryRefusal>>;
    /// How many news lie on a shelf.
    async fn count_kept_news(&self, account: AccountId, shelf: Shelf) -> StoreResult<u64>;
    /// One page of a shelf, and how many news lie on it.
    async fn list_kept_news(
        &self,
        account: AccountId,
        shelf: Shelf,
        page: Page,
    ) -> StoreResult<(u64, Vec<KeptNews>)>;
}
