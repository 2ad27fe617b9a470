//! [`CommentStore`] on SQLite.

use crate::sql::{Connection, OptionalExtension, Row, params};
use async_trait::async_trait;
use domain::{
    block::encoded_contains,
    comment::{
        Action, Comment, CommentRefusal, ELECTED_MAX, PER_READER_MAX, Reply, Shown, WriteRefusal, clean_text,
    },
    content::NewsArticle,
    id::{AccountId, CommentId, NewsId, Ordinal, Sequence},
    statistics::ArticleNo,
    time::Timestamp,
};

use super::{
    Shared, SqlStore, account, follower, media,
    sets::{self, SetKind},
};
use crate::{
    StoreResult,
    comment::{CommentPage, CommentStore, PageComment, ReaderArticle},
};

const COLUMNS: &str = "id, ordinal, content, created_at, state, reply, replied_at";
const NORMAL: i64 = 0;
const ELECTED: i64 = 1;
const WITHDRAWN: i64 = 2;
/// Deleted by the account; it stays for the count of its reader's comments.
const DELETED: i64 = 3;

#[async_trait]
impl CommentStore for SqlStore {
    async fn open_comments(
        &self,
        account: AccountId,
        article: ArticleNo,
        open: bool,
    ) -> StoreResult<Result<(), CommentRefusal>> {
        self.write(account, move |db, shared| {
            if let Err(refusal) = usable(db, shared, account, article)? {
                return Ok(Err(refusal));
            }
            db.prepare_cached(
                "INSERT INTO comment_switch (account, news, article, open) VALUES (?, ?, ?, ?)
         ON CONFLICT (account, news, article) DO UPDATE SET open = excluded.open",
            )?
            .execute(params![account.0, article.news.0, article.index, open])?;
            Ok(Ok(()))
        })
        .await
    }

    async fn comments(
        &self,
        account: AccountId,
        article: ArticleNo,
        shown: Shown,
        begin: u64,
        limit: usize,
    ) -> StoreResult<Result<CommentPage, CommentRefusal>> {
        self.read(move |db, shared| {
            if let Err(refusal) = usable(db, shared, account, article)? {
                return Ok(Err(refusal));
            }
            list(db, account, article, shown, begin, limit).map(Ok)
        })
        .await
    }

    async fn act_on_comment(
        &self,
        account: AccountId,
        article: ArticleNo,
        id: CommentId,
        action: Action,
        now: Timestamp,
    ) -> StoreResult<Result<(), CommentRefusal>> {
        self.write(account, move |db, shared| {
            if let Err(refusal) = usable(db, shared, account, article)? {
                return Ok(Err(refusal));
            }
            act(db, (account, article, id), &action, now)
        })
        .await
    }

    async fn write_comment(
        &self,
        account: AccountId,
        article: ReaderArticle,
        text: &str,
        now: Timestamp,
    ) -> StoreResult<Result<CommentId, WriteRefusal>> {
        let text = text.to_owned();
        self.write(account, move |db, shared| {
            add(db, shared, account, article, &text, now)
        })
        .await
    }

    async fn withdraw_comment(
        &self,
        account: AccountId,
        article: ReaderArticle,
        id: CommentId,
    ) -> StoreResult<bool> {
        self.write(account, move |db, shared| {
            let Some(place) = of_entry(db, shared, account, article)? else {
                return Ok(false);
            };
            let changed = db
                .prepare_cached(
                    "UPDATE comment SET state = 2, content = ''
                     WHERE account = ? AND news = ? AND article = ? AND id = ? AND ordinal = ? AND state < 2",
                )?
                .execute(params![
                    account.0,
                    place.news.0,
                    place.index,
                    id.0,
                    article.reader.0
                ])?;
            Ok(changed > 0)
        })
        .await
    }

    async fn elected_comments(
        &self,
        account: AccountId,
        article: ArticleNo,
    ) -> StoreResult<Option<Vec<PageComment>>> {
        self.read(move |db, shared| {
            let Some(content) = sent_article(db, shared, account, article)? else {
                return Ok(None);
            };
            // Most articles take no comments, and pages are loaded often: the cheap look first.
            if !is_open(db, account, article, &content)? || !comments_enabled(db, shared, account)? {
                return Ok(None);
            }
            let comments = elected(db, account, article)?.into_iter().map(|comment| {
                Ok(PageComment {
                    nickname: follower::nickname(db, account, comment.reader)?,
                    comment,
                })
            });
            comments.collect::<StoreResult<_>>().map(Some)
        })
        .await
    }

    async fn article_of_entry(
        &self,
        account: AccountId,
        article: ReaderArticle,
    ) -> StoreResult<Option<ArticleNo>> {
        self.read(move |db, shared| of_entry(db, shared, account, article))
            .await
    }
}

/// Whether the account has comments and this article.
fn usable(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    article: ArticleNo,
) -> StoreResult<Result<(), CommentRefusal>> {
    if !comments_enabled(db, shared, account)? {
        return Ok(Err(CommentRefusal::Disabled));
    }
    let found = sent_article(db, shared, account, article)?;
    Ok(found.map(drop).ok_or(CommentRefusal::ArticleUnknown))
}

fn comments_enabled(db: &Connection, shared: &Shared, account: AccountId) -> StoreResult<bool> {
    let found = account::by_id(db, shared, account)?;
    Ok(found.is_some_and(|account| account.comment_enabled))
}

/// An article that was sent, also one that was deleted since.
fn sent_article(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    article: ArticleNo,
) -> StoreResult<Option<NewsArticle>> {
    let news = media::frozen(db, shared, account, article.news)?.filter(|news| news.published);
    let place = usize::from(article.index).checked_sub(1);
    Ok(news
        .zip(place)
        .and_then(|(news, place)| news.news.articles.get(place).cloned()))
}

/// What comment/open or comment/close said last, or else what the article says.
fn is_open(
    db: &Connection,
    account: AccountId,
    article: ArticleNo,
    content: &NewsArticle,
) -> StoreResult<bool> {
    let said = db
        .prepare_cached("SELECT open FROM comment_switch WHERE account = ? AND news = ? AND article = ?")?
        .query_row(params![account.0, article.news.0, article.index], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(said.unwrap_or(content.article.need_open_comment))
}

fn list(
    db: &Connection,
    account: AccountId,
    article: ArticleNo,
    shown: Shown,
    begin: u64,
    limit: usize,
) -> StoreResult<CommentPage> {
    let (first, last) = match shown {
        Shown::All => (NORMAL, ELECTED),
        Shown::Normal => (NORMAL, NORMAL),
        Shown::Elected => (ELECTED, ELECTED),
    };
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM comment
         WHERE account = ? AND news = ? AND article = ? AND state BETWEEN ? AND ?
         ORDER BY id DESC LIMIT ? OFFSET ?"
    ))?;
    let place = (account.0, article.news.0, article.index);
    let begin = i64::try_from(begin).unwrap_or(i64::MAX);
    let rows = statement.query_map(
        params![place.0, place.1, place.2, first, last, limit, begin],
        |row| read_row(row).map(|(comment, _)| comment),
    )?;
    let comments = rows.collect::<Result<_, _>>()?;
    let total = db
        .prepare_cached(
            "SELECT COUNT(*) FROM comment WHERE account = ? AND news = ? AND article = ? AND state BETWEEN ? AND ?",
        )?
        .query_row(params![place.0, place.1, place.2, first, last], |row| row.get(0))?;
    Ok(CommentPage { total, comments })
}

/// The elected comments of an article, newest first; the index `comment_elected` holds nothing else.
fn elected(db: &Connection, account: AccountId, article: ArticleNo) -> StoreResult<Vec<Comment>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM comment
         WHERE account = ? AND news = ? AND article = ? AND state = 1 ORDER BY id DESC LIMIT ?"
    ))?;
    let rows = statement.query_map(
        params![account.0, article.news.0, article.index, ELECTED_MAX],
        |row| read_row(row).map(|(comment, _)| comment),
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read_row(row: &Row<'_>) -> crate::sql::Result<(Comment, i64)> {
    let state: i64 = row.get(4)?;
    let reply: Option<String> = row.get(5)?;
    let replied_at: Option<i64> = row.get(6)?;
    let comment = Comment {
        id: CommentId(row.get(0)?),
        reader: Ordinal(row.get(1)?),
        content: row.get(2)?,
        created_at: Timestamp(row.get(3)?),
        elected: state == ELECTED,
        reply: reply.zip(replied_at).map(|(content, at)| Reply {
            content,
            created_at: Timestamp(at),
        }),
    };
    Ok((comment, state))
}

fn act(
    db: &Connection,
    (account, article, id): (AccountId, ArticleNo, CommentId),
    action: &Action,
    now: Timestamp,
) -> StoreResult<Result<(), CommentRefusal>> {
    const PLACE: &str = "account = ?1 AND news = ?2 AND article = ?3 AND id = ?4";
    let found = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM comment WHERE {PLACE}"))?
        .query_row(params![account.0, article.news.0, article.index, id.0], read_row)
        .optional()?;
    let comment = match found {
        None | Some((_, DELETED)) => return Ok(Err(CommentRefusal::Unknown)),
        Some((_, WITHDRAWN)) => return Ok(Err(CommentRefusal::DeletedByReader)),
        Some((comment, _)) => comment,
    };
    let (change, text) = match action {
        Action::Elect if comment.elected => return Ok(Ok(())),
        Action::Elect if elected_count(db, account, article)? >= ELECTED_MAX => {
            return Ok(Err(CommentRefusal::TooManyElected));
        }
        Action::Elect => ("UPDATE comment SET state = 1", None),
        Action::Unelect => ("UPDATE comment SET state = 0", None),
        Action::Delete => (
            "UPDATE comment SET state = 3, content = '', reply = NULL, replied_at = NULL",
            None,
        ),
        Action::Reply(_) if comment.reply.is_some() => return Ok(Err(CommentRefusal::Replied)),
        Action::Reply(text) => match clean_text(text) {
            Some(text) => ("UPDATE comment SET reply = ?5, replied_at = ?6", Some(text)),
            None => return Ok(Err(CommentRefusal::ReplyLength)),
        },
        Action::DeleteReply => ("UPDATE comment SET reply = NULL, replied_at = NULL", None),
    };
    let mut statement = db.prepare_cached(&format!("{change} WHERE {PLACE}"))?;
    match text {
        Some(text) => statement.execute(params![
            account.0,
            article.news.0,
            article.index,
            id.0,
            text,
            now.0
        ])?,
        None => statement.execute(params![account.0, article.news.0, article.index, id.0])?,
    };
    Ok(Ok(()))
}

fn elected_count(db: &Connection, account: AccountId, article: ArticleNo) -> StoreResult<usize> {
    let mut statement = db.prepare_cached(
        "SELECT COUNT(*) FROM comment WHERE account = ? AND news = ? AND article = ? AND state = 1",
    )?;
    Ok(
        statement.query_row(params![account.0, article.news.0, article.index], |row| {
            row.get(0)
        })?,
    )
}

/// The sent article at a place of an entry of the reader's inbox.
fn of_entry(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    article: ReaderArticle,
) -> StoreResult<Option<ArticleNo>> {
    let ReaderArticle {
        reader,
        entry: Sequence(sequence),
        index,
    } = article;
    let mut statement = db.prepare_cached(
        "SELECT delivery.delivered, mass.news FROM delivery
         JOIN mass ON mass.account = delivery.account AND mass.id = delivery.mass
         WHERE delivery.account = ? AND delivery.block = ? AND delivery.sequence = ? AND delivery.preview = 0
             AND mass.news IS NOT NULL AND mass.recalled_at IS NULL",
    )?;
    let mut rows = statement.query(params![account.0, reader.block().0, sequence])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let delivered = row.blob(0)?;
    if !encoded_contains(delivered, reader.place())? {
        return Ok(None);
    }
    let article = ArticleNo {
        news: NewsId(row.get(1)?),
        index,
    };
    let found = sent_article(db, shared, account, article)?;
    Ok(found.map(|_| article))
}

fn add(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    at: ReaderArticle,
    text: &str,
    now: Timestamp,
) -> StoreResult<Result<CommentId, WriteRefusal>> {
    let Some(article) = of_entry(db, shared, account, at)? else {
        return Ok(Err(WriteRefusal::ArticleUnknown));
    };
    let Some(text) = clean_text(text) else {
        return Ok(Err(WriteRefusal::TextLength));
    };
    if let Err(refusal) = may_write(db, shared, account, article, at.reader)? {
        return Ok(Err(refusal));
    }
    let id = sets::take_numbers(db, account, "comment", 1, 1)?;
    db.prepare_cached(
        "INSERT INTO comment (account, news, article, id, ordinal, content, created_at, state)
         VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
    )?
    .execute(params![
        account.0,
        article.news.0,
        article.index,
        id,
        at.reader.0,
        text,
        now.0
    ])?;
    Ok(Ok(CommentId(id)))
}

fn may_write(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    article: ArticleNo,
    reader: Ordinal,
) -> StoreResult<Result<(), WriteRefusal>> {
    let Some(content) = sent_article(db, shared, account, article)? else {
        return Ok(Err(WriteRefusal::ArticleUnknown));
    };
    let place = usize::from(article.index).saturating_sub(1);
    let deleted = media::deleted_articles(db, account, article.news, place + 1)?;
    let gone = deleted.get(place).copied().unwrap_or(true);
    if gone || !comments_enabled(db, shared, account)? || !is_open(db, account, article, &content)? {
        return Ok(Err(WriteRefusal::Closed));
    }
    let is_in = |kind| sets::contains(db, account, kind, reader);
    let follows = is_in(SetKind::Subscribed)?;
    if (content.article.only_fans_can_comment && !follows) || is_in(SetKind::Blacklisted)? {
        return Ok(Err(WriteRefusal::NotFollowing));
    }
    let written: usize = db
        .prepare_cached(
            "SELECT COUNT(*) FROM comment WHERE account = ? AND news = ? AND article = ? AND ordinal = ?",
        )?
        .query_row(
            params![account.0, article.news.0, article.index, reader.0],
            |row| row.get(0),
        )?;
    Ok(if written >= PER_READER_MAX {
        Err(WriteRefusal::TooMany)
    } else {
        Ok(())
    })
}
