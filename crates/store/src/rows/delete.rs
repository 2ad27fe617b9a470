//! Deleting what was sent: pages die, with them all sends of the same news (S104).

use crate::sql::{Connection, params};
use domain::{
    content::Content,
    id::{AccountId, MassId, NewsId},
    mass::{DeleteRefusal, MassState, Origin},
    time::Timestamp,
};

use super::{mass, media, publication, seal};
use crate::{StoreResult, crash_point};

/// Deletes the pages of one article or of all; the cards stay (S102).
pub(super) fn delete(
    db: &Connection,
    account: AccountId,
    id: MassId,
    index: u8,
    now: Timestamp,
) -> StoreResult<Result<(), DeleteRefusal>> {
    let Some(mass) = mass::by_id(db, account, id)?.filter(|mass| mass.origin != Origin::Preview) else {
        return Ok(Err(DeleteRefusal::Unknown));
    };
    if !mass.content.message_type().can_be_deleted() {
        return Ok(Err(DeleteRefusal::MessageType));
    }
    if !mass.state.may_become(MassState::Deleted) {
        return Ok(Err(DeleteRefusal::NotSent));
    }
    let Content::News(news) = mass.content else {
        if index > 1 {
            return Ok(Err(DeleteRefusal::ArticleIndex));
        }
        db.prepare_cached("UPDATE mass SET state = 4, deleted_at = ? WHERE account = ? AND id = ?")?
            .execute(params![now.0, account.0, id.0])?;
        seal::mass(db, account, id)?;
        return Ok(Ok(()));
    };
    if !articles_of_news(db, account, news, index, now)? {
        return Ok(Err(DeleteRefusal::ArticleIndex));
    }
    Ok(Ok(()))
}

/// Deletes one article of a sent or published news (`index` from 1), or all (0); false when it has no article
/// there.
pub(super) fn articles_of_news(
    db: &Connection,
    account: AccountId,
    news: NewsId,
    index: u8,
    now: Timestamp,
) -> StoreResult<bool> {
    let articles = articles(db, account, news)?;
    if usize::from(index) > articles {
        return Ok(false);
    }
    let positions = if index == 0 {
        1..=articles
    } else {
        usize::from(index)..=usize::from(index)
    };
    for position in positions {
        db.prepare_cached(
            "INSERT INTO deleted_article (account, news, article, deleted_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )?
        .execute(params![account.0, news.0, position, now.0])?;
    }
    crash_point!("delete.written");
    masses_of_dead_news(db, account, news)?;
    Ok(true)
}

fn articles(db: &Connection, account: AccountId, news: NewsId) -> StoreResult<usize> {
    let mut statement = db.prepare_cached(
        "SELECT json_array_length(json(articles)) FROM frozen_news WHERE account = ? AND id = ?",
    )?;
    Ok(statement.query_row(params![account.0, news.0], |row| row.get(0))?)
}

/// All sends and publications of a news are deleted once all of its articles are.
pub(super) fn masses_of_dead_news(db: &Connection, account: AccountId, news: NewsId) -> StoreResult<()> {
    let deleted = media::deleted_articles(db, account, news, articles(db, account, news)?)?;
    if deleted.iter().all(|deleted| *deleted) {
        let dead = db
            .prepare_cached(
                "UPDATE mass SET state = 4 WHERE account = ? AND news = ? AND state = 1 AND origin <> 2 RETURNING id",
            )?
            .query_map(params![account.0, news.0], |row| row.get(0).map(MassId))?;
        for id in dead {
            seal::mass(db, account, id?)?;
        }
        publication::news_is_dead(db, account, news)?;
    }
    Ok(())
}
