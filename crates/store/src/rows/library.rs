//! [`LibraryStore`] on SQLite.

use crate::sql::{Connection, OptionalExtension, Row, params};
use async_trait::async_trait;
use domain::{
    content::{News, NewsArticle},
    id::{AccountId, ImageId, MassId, MediaId, NewsId},
    library::{LibraryLimits, LibraryRefusal, MaterialCounts, MaterialList, Page, Shelf},
    time::Timestamp,
};

use super::{SqlStore, columns, media, sets};
use crate::{
    StoreResult,
    library::{KeptNews, LibraryStore, Material},
    media::NewMedia,
};

const NEWS_COLUMNS: &str = "id, articles, number, created_at, updated_at, digest";

#[async_trait]
impl LibraryStore for SqlStore {
    async fn add_material(
        &self,
        account: AccountId,
        media: NewMedia,
        name: String,
        limits: LibraryLimits,
        now: Timestamp,
    ) -> StoreResult<Result<Option<ImageId>, LibraryRefusal>> {
        self.write(account, move |db, _| {
            add(db, account, &media, &name, &limits, now)
        })
        .await
    }

    async fn add_made_video(
        &self,
        account: AccountId,
        source: MediaId,
        video: NewMedia,
        now: Timestamp,
    ) -> StoreResult<Result<(), LibraryRefusal>> {
        self.write(account, move |db, _| {
            if media::by_id(db, account, &source, now)?.is_none() {
                return Ok(Err(LibraryRefusal::Unknown));
            }
            media::insert_media(db, account, &video, now)?;
            db.prepare_cached("UPDATE media SET source = ? WHERE account = ? AND id = ?")?
                .execute(params![source.0, account.0, video.id.0])?;
            Ok(Ok(()))
        })
        .await
    }

    async fn material(&self, account: AccountId, id: &MediaId) -> StoreResult<Option<Material>> {
        let id = id.clone();
        self.read(move |db, _| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {}, name, image FROM media
                 WHERE account = ? AND id = ? AND expires_at IS NULL AND source IS NULL",
                media::COLUMNS
            ))?;
            let mut rows = statement.query(params![account.0, id.0])?;
            rows.next()?.map(|row| read_material(&row)).transpose()
        })
        .await
    }

    async fn delete_material(
        &self,
        account: AccountId,
        id: MediaId,
        now: Timestamp,
    ) -> StoreResult<Result<(), LibraryRefusal>> {
        self.write(account, move |db, _| {
            let gone =
                delete_file(db, account, &id, now)? || delete_news(db, account, Shelf::Material, &id, now)?;
            Ok(gone.then_some(()).ok_or(LibraryRefusal::Unknown))
        })
        .await
    }

    async fn material_counts(&self, account: AccountId) -> StoreResult<MaterialCounts> {
        self.read(move |db, _| {
            let count = |list| count_files(db, account, list);
            Ok(MaterialCounts {
                voices: count(MaterialList::Voice)?,
                videos: count(MaterialList::Video)?,
                images: count(MaterialList::Image)?,
                news: count_news(db, account, Shelf::Material)?,
            })
        })
        .await
    }

    async fn materials(
        &self,
        account: AccountId,
        list: MaterialList,
        page: Page,
    ) -> StoreResult<(u64, Vec<Material>)> {
        self.read(move |db, _| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {}, name, image FROM media
                 WHERE account = ? AND kind IN (SELECT CAST(value AS TEXT) FROM json_each(?)) AND expires_at IS NULL
                 ORDER BY serial DESC LIMIT ? OFFSET ?",
                media::COLUMNS
            ))?;
            let mut rows = statement.query(params![account.0, kinds(list)?, page.count, page.offset])?;
            let mut materials = Vec::new();
            while let Some(row) = rows.next()? {
                materials.push(read_material(&row)?);
            }
            Ok((count_files(db, account, list)?, materials))
        })
        .await
    }

    async fn add_kept_news(
        &self,
        account: AccountId,
        shelf: Shelf,
        (id, news): (MediaId, News),
        limits: LibraryLimits,
        now: Timestamp,
    ) -> StoreResult<Result<(), LibraryRefusal>> {
        self.write(account, move |db, _| {
            if count_news(db, account, shelf)? >= limits.of_shelf(shelf) {
                return Ok(Err(LibraryRefusal::Full));
            }
            insert_news(db, account, shelf, &id, &news, now)?;
            Ok(Ok(()))
        })
        .await
    }

    async fn kept_news(
        &self,
        account: AccountId,
        shelf: Shelf,
        id: &MediaId,
    ) -> StoreResult<Option<KeptNews>> {
        let id = id.clone();
        self.read(move |db, _| news_by_id(db, account, shelf, &id)).await
    }

    async fn replace_article(
        &self,
        account: AccountId,
        shelf: Shelf,
        (id, index): (MediaId, usize),
        article: NewsArticle,
        now: Timestamp,
    ) -> StoreResult<Result<(), LibraryRefusal>> {
        self.write(account, move |db, _| {
            let Some(mut kept) = news_by_id(db, account, shelf, &id)? else {
                return Ok(Err(LibraryRefusal::Unknown));
            };
            let Some(place) = kept.news.articles.get_mut(index) else {
                return Ok(Err(LibraryRefusal::ArticleIndex));
            };
            *place = article;
            update_news(db, account, &kept, now)?;
            Ok(Ok(()))
        })
        .await
    }

    async fn delete_draft(
        &self,
        account: AccountId,
        id: MediaId,
        now: Timestamp,
    ) -> StoreResult<Result<(), LibraryRefusal>> {
        self.write(account, move |db, _| {
            let gone = delete_news(db, account, Shelf::Draft, &id, now)?;
            Ok(gone.then_some(()).ok_or(LibraryRefusal::Unknown))
        })
        .await
    }

    async fn count_kept_news(&self, account: AccountId, shelf: Shelf) -> StoreResult<u64> {
        self.read(move |db, _| count_news(db, account, shelf)).await
    }

    async fn list_kept_news(
        &self,
        account: AccountId,
        shelf: Shelf,
        page: Page,
    ) -> StoreResult<(u64, Vec<KeptNews>)> {
        self.read(move |db, _| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {NEWS_COLUMNS} FROM news WHERE account = ? AND shelf = ? AND serial IS NOT NULL
                 ORDER BY serial DESC LIMIT ? OFFSET ?"
            ))?;
            let mut rows =
                statement.query(params![account.0, shelf_number(shelf), page.count, page.offset])?;
            let mut list = Vec::new();
            while let Some(row) = rows.next()? {
                list.push(read_news(&row)?);
            }
            Ok((count_news(db, account, shelf)?, list))
        })
        .await
    }
}

/// Removes the draft that a mass carried, once the mass has succeeded (L14); other material stays, and so does
/// a draft that was changed since.
pub(super) fn draft_was_sent(
    db: &Connection,
    account: AccountId,
    mass: MassId,
    now: Timestamp,
) -> StoreResult<()> {
    let sent: Option<(String, [u8; 32])> = db
        .prepare_cached(
            "SELECT frozen_news.media, frozen_news.digest FROM mass
             JOIN frozen_news ON frozen_news.account = mass.account AND frozen_news.id = mass.news
             WHERE mass.account = ? AND mass.id = ? AND mass.state = 1 AND mass.origin <> 2",
        )?
        .query_row(params![account.0, mass.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((id, sent)) = sent else { return Ok(()) };
    let id = MediaId(id);
    if draft(db, account, &id)?.is_some_and(|(_, present)| present == sent) {
        delete_news(db, account, Shelf::Draft, &id, now)?;
    }
    Ok(())
}

/// A draft and the digest of its content.
pub(super) fn draft(
    db: &Connection,
    account: AccountId,
    id: &MediaId,
) -> StoreResult<Option<(News, [u8; 32])>> {
    let Some(kept) = news_by_id(db, account, Shelf::Draft, id)? else {
        return Ok(None);
    };
    let (_, digest) = columns::news_text(&kept.news)?;
    Ok(Some((kept.news, digest)))
}

/// The `msg_data_id` that waits for the present version of a kept news.
pub(super) fn reserved_number(
    db: &Connection,
    account: AccountId,
    id: &MediaId,
) -> StoreResult<Option<NewsId>> {
    let number: Option<i64> = db
        .prepare_cached(
            "SELECT number FROM news WHERE account = ? AND id = ? AND number IS NOT NULL AND NOT EXISTS
                 (SELECT 1 FROM frozen_news WHERE frozen_news.account = news.account AND frozen_news.id = news.number)",
        )?
        .query_row(params![account.0, id.0], |row| row.get(0))
        .optional()?;
    Ok(number.map(NewsId))
}

/// Removes a kept news; false when it does not lie on this shelf.
pub(super) fn delete_news(
    db: &Connection,
    account: AccountId,
    shelf: Shelf,
    id: &MediaId,
    now: Timestamp,
) -> StoreResult<bool> {
    let number: Option<i64> = db
        .prepare_cached("DELETE FROM news WHERE account = ? AND shelf = ? AND id = ? RETURNING number")?
        .query_row(params![account.0, shelf_number(shelf), id.0], |row| row.get(0))
        .optional()?;
    let Some(number) = number else { return Ok(false) };
    media::release_blobs(db, account.0, &format!("news:{id}"), now)?;
    media::forget_frozen(db, account, NewsId(number), now)?;
    Ok(true)
}

fn add(
    db: &Connection,
    account: AccountId,
    media: &NewMedia,
    name: &str,
    limits: &LibraryLimits,
    now: Timestamp,
) -> StoreResult<Result<Option<ImageId>, LibraryRefusal>> {
    let list = MaterialList::of(media.kind).ok_or_else(|| columns::damaged("a material kind"))?;
    if count_files(db, account, list)? >= limits.of_list(list) {
        return Ok(Err(LibraryRefusal::Full));
    }
    let image = match list {
        MaterialList::Image => Some(media::insert_image(db, account, &media.blob, now)?),
        MaterialList::Voice | MaterialList::Video | MaterialList::News => None,
    };
    media::insert_media(db, account, media, now)?;
    db.prepare_cached("UPDATE media SET name = ?, image = ? WHERE account = ? AND id = ?")?
        .execute(params![name, image.map(|image| image.0), account.0, media.id.0])?;
    Ok(Ok(image))
}

/// Removes a permanent file and what was made from it. The row of its picture stays, so that articles find the
/// bytes that they keep; without articles the bytes go.
fn delete_file(db: &Connection, account: AccountId, id: &MediaId, now: Timestamp) -> StoreResult<bool> {
    let known: Option<Option<i64>> = db
        .prepare_cached(
            "DELETE FROM media WHERE account = ? AND id = ? AND expires_at IS NULL AND source IS NULL RETURNING image",
        )?
        .query_row(params![account.0, id.0], |row| row.get(0))
        .optional()?;
    let Some(image) = known else { return Ok(false) };
    let mut owners = vec![format!("media:{id}")];
    owners.extend(image.map(|image| format!("image:{image}")));
    let mut statement =
        db.prepare_cached("DELETE FROM media WHERE account = ? AND source = ? RETURNING id")?;
    let made = statement.query_map(params![account.0, id.0], |row| row.get::<_, String>(0))?;
    for made in made {
        owners.push(format!("media:{}", made?));
    }
    for owner in owners {
        media::release_blobs(db, account.0, &owner, now)?;
    }
    Ok(true)
}

fn kinds(list: MaterialList) -> StoreResult<String> {
    let words: Vec<&str> = list.kinds().iter().map(|kind| kind.word()).collect();
    Ok(serde_json::to_string(&words)?)
}

fn count_files(db: &Connection, account: AccountId, list: MaterialList) -> StoreResult<u64> {
    Ok(db
        .prepare_cached(
            "SELECT COUNT(*) FROM media
             WHERE account = ? AND kind IN (SELECT CAST(value AS TEXT) FROM json_each(?)) AND expires_at IS NULL",
        )?
        .query_row(params![account.0, kinds(list)?], |row| row.get(0))?)
}

fn count_news(db: &Connection, account: AccountId, shelf: Shelf) -> StoreResult<u64> {
    Ok(db
        .prepare_cached("SELECT COUNT(*) FROM news WHERE account = ? AND shelf = ? AND serial IS NOT NULL")?
        .query_row(params![account.0, shelf_number(shelf)], |row| row.get(0))?)
}

fn shelf_number(shelf: Shelf) -> i64 {
    match shelf {
        Shelf::Material => 1,
        Shelf::Draft => 2,
    }
}

fn insert_news(
    db: &Connection,
    account: AccountId,
    shelf: Shelf,
    id: &MediaId,
    news: &News,
    now: Timestamp,
) -> StoreResult<()> {
    let (text, digest) = columns::news_text(news)?;
    let serial = sets::take_numbers(db, account, "kept news", 1, 1)?;
    let number = media::take_news_number(db, account)?;
    db.prepare_cached(
        "INSERT INTO news (account, id, articles, digest, created_at, expires_at, shelf, serial, number, updated_at)
         VALUES (?, ?, ?, ?, ?, NULL, ?, ?, ?, ?)",
    )?
    .execute(params![
        account.0,
        id.0,
        text,
        digest,
        now.0,
        shelf_number(shelf),
        serial,
        number.0,
        now.0
    ])?;
    media::use_pictures(db, account, news, &format!("news:{id}"))
}

/// Writes a changed news down. A version that was sent keeps its number, so this one gets another then.
fn update_news(db: &Connection, account: AccountId, kept: &KeptNews, now: Timestamp) -> StoreResult<()> {
    let (text, digest) = columns::news_text(&kept.news)?;
    let number = match media::frozen_number(db, account, &kept.id, &digest)? {
        Some(sent) => sent,
        None => match reserved_number(db, account, &kept.id)? {
            Some(unused) => unused,
            None => media::take_news_number(db, account)?,
        },
    };
    db.prepare_cached(
        "UPDATE news SET articles = ?, digest = ?, number = ?, updated_at = ? WHERE account = ? AND id = ?",
    )?
    .execute(params![text, digest, number.0, now.0, account.0, kept.id.0])?;
    let owner = format!("news:{}", kept.id);
    media::release_blobs(db, account.0, &owner, now)?;
    media::use_pictures(db, account, &kept.news, &owner)?;
    if number != kept.number {
        media::forget_frozen(db, account, kept.number, now)?;
    }
    Ok(())
}

fn news_by_id(
    db: &Connection,
    account: AccountId,
    shelf: Shelf,
    id: &MediaId,
) -> StoreResult<Option<KeptNews>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {NEWS_COLUMNS} FROM news WHERE account = ? AND shelf = ? AND id = ?"
    ))?;
    let mut rows = statement.query(params![account.0, shelf_number(shelf), id.0])?;
    rows.next()?.map(|row| read_news(&row)).transpose()
}

fn read_news(row: &Row<'_>) -> StoreResult<KeptNews> {
    let text: String = row.get(1)?;
    Ok(KeptNews {
        id: MediaId(row.get(0)?),
        news: columns::news(&text, &row.get(5)?)?,
        number: NewsId(row.get(2)?),
        created_at: Timestamp(row.get(3)?),
        updated_at: Timestamp(row.get(4)?),
    })
}

fn read_material(row: &Row<'_>) -> StoreResult<Material> {
    let image: Option<i64> = row.get(11)?;
    Ok(Material {
        media: media::read_media(row)?,
        name: row.get(10)?,
        image: image.map(ImageId),
    })
}
