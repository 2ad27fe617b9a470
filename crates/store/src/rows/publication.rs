//! [`PublicationStore`] on SQLite.

use crate::sql::{Connection, Row, params};
use async_trait::async_trait;
use domain::{
    id::{AccountId, MediaId, NewsId, PublishId},
    library::{PUBLISH_ID_FIRST, Page, Publication, PublicationRefusal, PublishStatus, Shelf},
    time::Timestamp,
};

use super::{SqlStore, columns, delete, library, media, outbox, sets};
use crate::{StoreResult, outbox::EventKind, publication::PublicationStore};

const COLUMNS: &str = "id, news, state, published_at";
// The numbers of `PublishStatus::Published` and `PublishStatus::Deleted`, for SQL.
const PUBLISHED: i64 = 0;
const DELETED: i64 = 5;

#[async_trait]
impl PublicationStore for SqlStore {
    async fn publish_draft(
        &self,
        account: AccountId,
        draft: MediaId,
        now: Timestamp,
    ) -> StoreResult<Option<Publication>> {
        self.write(account, move |db, _| publish(db, account, &draft, now))
            .await
    }

    async fn publication(&self, account: AccountId, id: PublishId) -> StoreResult<Option<Publication>> {
        self.read(move |db, _| by_id(db, account, id)).await
    }

    async fn publications(&self, account: AccountId, page: Page) -> StoreResult<(u64, Vec<Publication>)> {
        self.read(move |db, _| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM publication WHERE account = ? AND state = ? ORDER BY id DESC LIMIT ? OFFSET ?"
            ))?;
            let mut rows = statement.query(params![account.0, PUBLISHED, page.count, page.offset])?;
            let mut list = Vec::new();
            while let Some(row) = rows.next()? {
                list.push(read_row(&row)?);
            }
            let total = db
                .prepare_cached("SELECT COUNT(*) FROM publication WHERE account = ? AND state = ?")?
                .query_row(params![account.0, PUBLISHED], |row| row.get(0))?;
            Ok((total, list))
        })
        .await
    }

    async fn delete_publication(
        &self,
        account: AccountId,
        id: PublishId,
        index: u8,
        now: Timestamp,
    ) -> StoreResult<Result<(), PublicationRefusal>> {
        self.write(account, move |db, _| {
            let Some(publication) = by_id(db, account, id)?.filter(|found| found.status.was_public()) else {
                return Ok(Err(PublicationRefusal::Unknown));
            };
            if !delete::articles_of_news(db, account, publication.news, index, now)? {
                return Ok(Err(PublicationRefusal::ArticleIndex));
            }
            Ok(Ok(()))
        })
        .await
    }
}

/// The publications of a news end with its last article.
pub(super) fn news_is_dead(db: &Connection, account: AccountId, news: NewsId) -> StoreResult<()> {
    db.prepare_cached("UPDATE publication SET state = ? WHERE account = ? AND news = ? AND state = ?")?
        .execute(params![DELETED, account.0, news.0, PUBLISHED])?;
    Ok(())
}

fn publish(
    db: &Connection,
    account: AccountId,
    draft: &MediaId,
    now: Timestamp,
) -> StoreResult<Option<Publication>> {
    let Some((news, digest)) = library::draft(db, account, draft)? else {
        return Ok(None);
    };
    let news = media::freeze_news(db, account, draft, &news, &digest, now)?;
    let publication = Publication {
        id: PublishId(sets::take_numbers(
            db,
            account,
            "publication",
            PUBLISH_ID_FIRST,
            1,
        )?),
        news,
        status: PublishStatus::Published,
        published_at: now,
    };
    db.prepare_cached(
        "INSERT INTO publication (account, id, news, state, published_at) VALUES (?, ?, ?, ?, ?)",
    )?
    .execute(params![
        account.0,
        publication.id.0,
        news.0,
        publication.status.number(),
        now.0
    ])?;
    library::delete_news(db, account, Shelf::Draft, draft, now)?;
    outbox::add(db, account, EventKind::Published(publication.id), now)?;
    Ok(Some(publication))
}

fn by_id(db: &Connection, account: AccountId, id: PublishId) -> StoreResult<Option<Publication>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM publication WHERE account = ? AND id = ?"
    ))?;
    let mut rows = statement.query(params![account.0, id.0])?;
    rows.next()?.map(|row| read_row(&row)).transpose()
}

fn read_row(row: &Row<'_>) -> StoreResult<Publication> {
    Ok(Publication {
        id: PublishId(row.get(0)?),
        news: NewsId(row.get(1)?),
        status: PublishStatus::from_number(row.get(2)?)
            .ok_or_else(|| columns::damaged("a publish status"))?,
        published_at: Timestamp(row.get(3)?),
    })
}
