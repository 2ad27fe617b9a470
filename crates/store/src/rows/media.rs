//! [`MediaStore`] on SQLite.

use std::{sync::Arc, time::Instant};

use crate::sql::{Connection, OptionalExtension, Row, ToSql, params};
use async_trait::async_trait;
use domain::{
    article::Article,
    content::{MaterialKind, News, StoredBlob},
    id::{AccountId, BlobId, ImageId, MediaId, NewsId},
    time::Timestamp,
};

use super::{Shared, SqlStore, columns, import::SLICE, library, sets, writer::Scope};
use crate::{
    StoreResult,
    media::{FrozenNews, Media, MediaStore, NewMedia},
};

/// The columns that [`read_media`] reads.
pub(super) const COLUMNS: &str =
    "serial, id, kind, blob, blob_type, blob_length, title, description, created_at, expires_at";
const DAY_MS: i64 = 24 * 3_600 * 1_000;
/// Previews are kept this long (design §8).
const PREVIEW_MS: i64 = 3 * DAY_MS;
/// Rows that are removed between two looks at the watch.
const PURGE_STRIDE: usize = 32;

#[async_trait]
impl MediaStore for SqlStore {
    async fn add_media(&self, account: AccountId, media: NewMedia, now: Timestamp) -> StoreResult<()> {
        self.write(account, move |db, _| insert_media(db, account, &media, now))
            .await
    }

    async fn media(&self, account: AccountId, id: &MediaId, now: Timestamp) -> StoreResult<Option<Media>> {
        let id = id.clone();
        self.read(move |db, _| by_id(db, account, &id, now)).await
    }

    async fn media_by_serial(
        &self,
        account: AccountId,
        serial: i64,
        now: Timestamp,
    ) -> StoreResult<Option<Media>> {
        self.read(move |db, _| find(db, account, "serial", &serial, now))
            .await
    }

    async fn add_news(
        &self,
        account: AccountId,
        id: MediaId,
        news: News,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> StoreResult<()> {
        self.write(account, move |db, _| {
            let (text, digest) = columns::news_text(&news)?;
            db.prepare_cached(
                "INSERT INTO news (account, id, articles, digest, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![account.0, id.0, text, digest, now.0, expires_at.map(|at| at.0)])?;
            use_pictures(db, account, &news, &format!("news:{id}"))
        })
        .await
    }

    async fn news(&self, account: AccountId, id: &MediaId, now: Timestamp) -> StoreResult<Option<News>> {
        let id = id.clone();
        self.read(move |db, _| Ok(news_by_id(db, account, &id, now)?.map(|(news, _)| news)))
            .await
    }

    async fn add_image(&self, account: AccountId, blob: StoredBlob, now: Timestamp) -> StoreResult<ImageId> {
        self.write(account, move |db, _| insert_image(db, account, &blob, now))
            .await
    }

    async fn image(&self, account: AccountId, id: ImageId) -> StoreResult<Option<StoredBlob>> {
        self.read(move |db, _| {
            let mut statement = db.prepare_cached(
                "SELECT blob, blob_type, blob_length FROM image WHERE account = ? AND id = ?
                     AND EXISTS (SELECT 1 FROM blob WHERE blob.id = image.blob)",
            )?;
            Ok(statement
                .query_row(params![account.0, id.0], |row| read_blob(row, 0))
                .optional()?)
        })
        .await
    }

    async fn frozen_news(&self, account: AccountId, id: NewsId) -> StoreResult<Option<Arc<FrozenNews>>> {
        self.read(move |db, shared| frozen(db, shared, account, id)).await
    }

    async fn purge_expired(&self, now: Timestamp) -> StoreResult<u64> {
        let mut gone = 0;
        loop {
            let slice = self
                .write_bulk(Scope::Common, move |db, _| purge_slice(db, now))
                .await?;
            gone += slice.gone;
            if slice.finished {
                return Ok(gone);
            }
        }
    }
}

/// Keeps a material.
pub(super) fn insert_media(
    db: &Connection,
    account: AccountId,
    media: &NewMedia,
    now: Timestamp,
) -> StoreResult<()> {
    let serial = sets::take_numbers(db, account, "media", 1, 1)?;
    db.prepare_cached(&format!(
        "INSERT INTO media (account, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ))?
    .execute(params![
        account.0,
        serial,
        media.id.0,
        media.kind.word(),
        media.blob.id.0,
        media.blob.content_type,
        media.blob.length,
        media.title,
        media.description,
        now.0,
        media.expires_at.map(|at| at.0),
    ])?;
    use_blob(db, account, &media.blob.id, &format!("media:{}", media.id))
}

/// Keeps a picture with an address.
pub(super) fn insert_image(
    db: &Connection,
    account: AccountId,
    blob: &StoredBlob,
    now: Timestamp,
) -> StoreResult<ImageId> {
    let id = sets::take_numbers(db, account, "image", 1, 1)?;
    db.prepare_cached(
        "INSERT INTO image (account, id, blob, blob_type, blob_length, created_at) VALUES (?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        account.0,
        id,
        blob.id.0,
        blob.content_type,
        blob.length,
        now.0
    ])?;
    use_blob(db, account, &blob.id, &format!("image:{id}"))?;
    Ok(ImageId(id))
}

/// A material that has not expired.
pub(super) fn by_id(
    db: &Connection,
    account: AccountId,
    id: &MediaId,
    now: Timestamp,
) -> StoreResult<Option<Media>> {
    find(db, account, "id", &id.0, now)
}

fn find(
    db: &Connection,
    account: AccountId,
    column: &str,
    value: &dyn ToSql,
    now: Timestamp,
) -> StoreResult<Option<Media>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM media WHERE account = ? AND {column} = ? AND (expires_at IS NULL OR expires_at > ?)"
    ))?;
    let mut rows = statement.query(params![account.0, value, now.0])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    read_media(&row).map(Some)
}

/// The columns of a material.
pub(super) fn read_media(row: &Row<'_>) -> StoreResult<Media> {
    let kind: String = row.get(2)?;
    let expires_at: Option<i64> = row.get(9)?;
    Ok(Media {
        serial: row.get(0)?,
        media: NewMedia {
            id: MediaId(row.get(1)?),
            kind: MaterialKind::from_word(&kind).ok_or_else(|| columns::damaged("a material kind"))?,
            blob: read_blob(row, 3)?,
            title: row.get(6)?,
            description: row.get(7)?,
            expires_at: expires_at.map(Timestamp),
        },
        created_at: Timestamp(row.get(8)?),
    })
}

/// Three columns of a blob, from `first`.
pub(super) fn read_blob(row: &Row<'_>, first: usize) -> crate::sql::Result<StoredBlob> {
    Ok(StoredBlob {
        id: BlobId(row.get(first)?),
        content_type: row.get(first + 1)?,
        length: row.get(first + 2)?,
    })
}

/// A news material that has not expired, and the digest of its content.
pub(super) fn news_by_id(
    db: &Connection,
    account: AccountId,
    id: &MediaId,
    now: Timestamp,
) -> StoreResult<Option<(News, [u8; 32])>> {
    let mut statement = db.prepare_cached(
        "SELECT articles, digest FROM news WHERE account = ? AND id = ? AND (expires_at IS NULL OR expires_at > ?)",
    )?;
    let row: Option<(String, [u8; 32])> = statement
        .query_row(params![account.0, id.0, now.0], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    row.map(|(text, digest)| Ok((columns::news(&text, &digest)?, digest)))
        .transpose()
}

/// Whether there is such a news material that has not expired.
pub(super) fn news_exists(
    db: &Connection,
    account: AccountId,
    id: &MediaId,
    now: Timestamp,
) -> StoreResult<bool> {
    let mut statement = db.prepare_cached(
        "SELECT 1 FROM news WHERE account = ? AND id = ? AND (expires_at IS NULL OR expires_at > ?)",
    )?;
    Ok(statement.exists(params![account.0, id.0, now.0])?)
}

/// The number of this version of a news: the one it has, or a new one (S29).
pub(super) fn freeze_news(
    db: &Connection,
    account: AccountId,
    media: &MediaId,
    news: &News,
    digest: &[u8; 32],
    now: Timestamp,
) -> StoreResult<NewsId> {
    if let Some(known) = frozen_number(db, account, media, digest)? {
        return Ok(known);
    }
    let id = match library::reserved_number(db, account, media)? {
        Some(reserved) => reserved.0,
        None => take_news_number(db, account)?.0,
    };
    let (text, _) = columns::news_text(news)?;
    db.prepare_cached(
        "INSERT INTO frozen_news (account, id, media, digest, articles, created_at) VALUES (?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![account.0, id, media.0, digest, text, now.0])?;
    use_pictures(db, account, news, &format!("frozen:{id}"))?;
    Ok(NewsId(id))
}

/// The number of this version of a news, if it was sent before.
pub(super) fn frozen_number(
    db: &Connection,
    account: AccountId,
    media: &MediaId,
    digest: &[u8; 32],
) -> StoreResult<Option<NewsId>> {
    let known: Option<i64> = db
        .prepare_cached("SELECT id FROM frozen_news WHERE account = ? AND media = ? AND digest = ?")?
        .query_row(params![account.0, media.0, digest], |row| row.get(0))
        .optional()?;
    Ok(known.map(NewsId))
}

/// The next free `msg_data_id`.
pub(super) fn take_news_number(db: &Connection, account: AccountId) -> StoreResult<NewsId> {
    sets::take_numbers(db, account, "news", domain::id::MESSAGE_ID_BASE + 1, 1).map(NewsId)
}

/// Removes a frozen news that was only previewed, once no preview is left and nobody can ask for its number.
pub(super) fn forget_frozen(
    db: &Connection,
    account: AccountId,
    id: NewsId,
    now: Timestamp,
) -> StoreResult<()> {
    let gone = db
        .prepare_cached(
            "DELETE FROM frozen_news WHERE account = ?1 AND id = ?2
                 AND NOT EXISTS (SELECT 1 FROM mass WHERE account = ?1 AND news = ?2)
                 AND NOT EXISTS (SELECT 1 FROM publication WHERE account = ?1 AND news = ?2)
                 AND NOT EXISTS (SELECT 1 FROM original WHERE account = ?1 AND news = ?2)
                 AND NOT EXISTS (SELECT 1 FROM news WHERE account = ?1 AND number = ?2)",
        )?
        .execute(params![account.0, id.0])?;
    if gone > 0 {
        release_blobs(db, account.0, &format!("frozen:{id}"), now)?;
    }
    Ok(())
}

/// A frozen news, from memory where possible; what was deleted is always read.
pub(super) fn frozen(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    id: NewsId,
) -> StoreResult<Option<Arc<FrozenNews>>> {
    let key = (account.0, id.0);
    let known = shared.news.get(&key);
    let (news, created_at) = match &known {
        Some(known) => (None, known.created_at),
        None => {
            let row: Option<(String, [u8; 32], i64)> = db
                .prepare_cached(
                    "SELECT articles, digest, created_at FROM frozen_news WHERE account = ? AND id = ?",
                )?
                .query_row(params![account.0, id.0], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .optional()?;
            let Some((text, digest, created_at)) = row else {
                return Ok(None);
            };
            (Some(columns::news(&text, &digest)?), Timestamp(created_at))
        }
    };
    let articles = news
        .as_ref()
        .or(known.as_ref().map(|known| &known.news))
        .map_or(0, |news| news.articles.len());
    let deleted = deleted_articles(db, account, id, articles)?;
    let publicity = publicity(db, account, id)?;
    match (known, news) {
        (Some(known), _)
            if known.deleted == deleted
                && known.published == publicity.published
                && known.recalled == publicity.recalled
                && known.published_at == publicity.since =>
        {
            Ok(Some(known))
        }
        (known, news) => {
            let news = news
                .or_else(|| known.map(|known| known.news.clone()))
                .unwrap_or(News { articles: Vec::new() });
            let fresh = Arc::new(FrozenNews {
                id,
                news,
                deleted,
                created_at,
                published: publicity.published,
                recalled: publicity.recalled,
                published_at: publicity.since,
            });
            shared.news.insert(key, fresh.clone());
            Ok(Some(fresh))
        }
    }
}

/// About how many bytes a frozen news takes in memory.
pub(super) fn weight(news: &Arc<FrozenNews>) -> u32 {
    const ROW: usize = 512;
    let articles = news.news.articles.iter().map(|kept| {
        let Article {
            title,
            author,
            content,
            content_source_url,
            digest,
            ..
        } = &kept.article;
        let texts = [title, author, content, content_source_url, digest];
        ROW + texts.iter().map(|text| text.len()).sum::<usize>() + kept.pictures.len() * size_of::<[u8; 96]>()
    });
    u32::try_from(ROW + articles.sum::<usize>()).unwrap_or(u32::MAX)
}

/// How a news is public.
#[derive(Default)]
struct Publicity {
    /// By a mass that was sent, or is being sent after all checks, or by a publication.
    published: bool,
    /// It was, and all of its masses were recalled.
    recalled: bool,
    /// Since when.
    since: Option<Timestamp>,
}

/// How this news is public. What waits for its administrator, its review or the originality check is not yet.
fn publicity(db: &Connection, account: AccountId, news: NewsId) -> StoreResult<Publicity> {
    let mut statement = db.prepare_cached(
        "SELECT COUNT(*) FILTER (WHERE recalled_at IS NULL), COUNT(*) FILTER (WHERE recalled_at IS NOT NULL),
                MIN(accepted_at)
         FROM mass WHERE account = ? AND news = ? AND origin <> 2
             AND (state IN (1, 4) OR (state = 0 AND checked = 1 AND confirm_by IS NULL))",
    )?;
    let (mut standing, recalled, mut since): (u64, u64, Option<i64>) = statement
        .query_row(params![account.0, news.0], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    let mut publications = db.prepare_cached(
        "SELECT COUNT(*), MIN(published_at) FROM publication WHERE account = ? AND news = ? AND state IN (0, 5)",
    )?;
    let (published, published_at): (u64, Option<i64>) =
        publications.query_row(params![account.0, news.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    standing += published;
    since = since.into_iter().chain(published_at).min();
    Ok(Publicity {
        published: standing > 0,
        recalled: standing == 0 && recalled > 0,
        since: since.map(Timestamp),
    })
}

/// Which articles of a news were deleted.
pub(super) fn deleted_articles(
    db: &Connection,
    account: AccountId,
    news: NewsId,
    articles: usize,
) -> StoreResult<Vec<bool>> {
    let mut deleted = vec![false; articles];
    let mut statement =
        db.prepare_cached("SELECT article FROM deleted_article WHERE account = ? AND news = ?")?;
    let mut rows = statement.query(params![account.0, news.0])?;
    while let Some(row) = rows.next()? {
        let position: usize = row.get(0)?;
        if let Some(flag) = position.checked_sub(1).and_then(|index| deleted.get_mut(index)) {
            *flag = true;
        }
    }
    Ok(deleted)
}

/// `owner` refers to these bytes from now on.
pub(super) fn use_blob(db: &Connection, account: AccountId, blob: &BlobId, owner: &str) -> StoreResult<()> {
    db.prepare_cached("INSERT INTO blob_use (blob, account, owner) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")?
        .execute(params![blob.0, account.0, owner])?;
    Ok(())
}

/// `owner` refers to the covers and pictures of a news from now on.
pub(super) fn use_pictures(db: &Connection, account: AccountId, news: &News, owner: &str) -> StoreResult<()> {
    for article in &news.articles {
        use_blob(db, account, &article.cover.id, owner)?;
        for picture in &article.pictures {
            use_blob(db, account, picture, owner)?;
        }
    }
    Ok(())
}

/// `owner` refers to nothing any more.
pub(super) fn release_blobs(db: &Connection, account: u32, owner: &str, now: Timestamp) -> StoreResult<()> {
    db.prepare_cached(
        "UPDATE blob SET used_until = ?3
         WHERE used_until < ?3 AND id IN (SELECT blob FROM blob_use WHERE account = ?1 AND owner = ?2)",
    )?
    .execute(params![account, owner, now.0])?;
    db.prepare_cached("DELETE FROM blob_use WHERE account = ? AND owner = ?")?
        .execute(params![account, owner])?;
    Ok(())
}

/// What one transaction of clearing away did.
struct PurgeSlice {
    gone: u64,
    finished: bool,
}

/// Clears away what has expired for as long as a bulk transaction may take.
fn purge_slice(db: &Connection, now: Timestamp) -> StoreResult<PurgeSlice> {
    let started = Instant::now();
    let strides = [
        |db: &Connection, now| purge_expiring(db, "media", now),
        |db: &Connection, now| purge_expiring(db, "news", now),
        purge_previews,
        // Expired tokens are told from unknown ones for a day (spec errors §1).
        |db: &Connection, now: Timestamp| {
            purge_old(db, ("access_token", "hash", "expires_at"), now.0 - DAY_MS)
        },
        |db: &Connection, now: Timestamp| purge_old(db, ("inbox_token", "hash", "expires_at"), now.0),
        |db: &Connection, now: Timestamp| purge_old(db, ("person_token", "hash", "expires_at"), now.0),
        |db: &Connection, now: Timestamp| {
            let before = now.0 - domain::mass::REPEAT_WINDOW_MS;
            purge_old(db, ("repeat", "account, key", "accepted_at"), before)
        },
    ];
    let mut gone = 0;
    for stride in strides {
        loop {
            let removed = stride(db, now)?;
            gone += removed as u64;
            if removed == 0 {
                break;
            }
            if started.elapsed() >= SLICE {
                return Ok(PurgeSlice {
                    gone,
                    finished: false,
                });
            }
        }
    }
    Ok(PurgeSlice { gone, finished: true })
}

/// Removes some expired rows of `media` or `news`.
fn purge_expiring(db: &Connection, table: &str, now: Timestamp) -> StoreResult<usize> {
    let mut statement = db.prepare_cached(&format!(
        "DELETE FROM {table} WHERE (account, id) IN
             (SELECT account, id FROM {table} WHERE expires_at <= ? LIMIT ?) RETURNING account, id"
    ))?;
    let expired: Vec<(u32, String)> = statement
        .query_map(params![now.0, PURGE_STRIDE], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (account, id) in &expired {
        release_blobs(db, *account, &format!("{table}:{id}"), now)?;
    }
    Ok(expired.len())
}

/// Removes some old previews with what was delivered by them.
fn purge_previews(db: &Connection, now: Timestamp) -> StoreResult<usize> {
    let mut statement = db.prepare_cached(
        "DELETE FROM mass WHERE (account, id) IN
             (SELECT account, id FROM mass WHERE origin = 2 AND accepted_at <= ? LIMIT ?)
         RETURNING account, id, news",
    )?;
    let previews: Vec<(u32, i64, Option<i64>)> = statement
        .query_map(params![now.0 - PREVIEW_MS, PURGE_STRIDE], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<Result<_, _>>()?;
    for (account, id, news) in &previews {
        db.prepare_cached("DELETE FROM delivery WHERE account = ? AND mass = ?")?
            .execute(params![account, id])?;
        release_blobs(db, *account, &format!("mass:{id}"), now)?;
        if let Some(news) = news {
            forget_frozen(db, AccountId(*account), NewsId(*news), now)?;
        }
    }
    Ok(previews.len())
}

/// Removes some rows of a table that are not younger than `before`.
fn purge_old(db: &Connection, (table, key, age): (&str, &str, &str), before: i64) -> StoreResult<usize> {
    let mut statement = db.prepare_cached(&format!(
        "DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {age} <= ? LIMIT ?)"
    ))?;
    Ok(statement.execute(params![before, PURGE_STRIDE])?)
}
