//! [`OriginalStore`] on SQLite.

use std::collections::HashMap;

use crate::sql::{Connection, OptionalExtension, params};
use async_trait::async_trait;
use domain::{
    content::{NewContent, News},
    id::{AccountId, MassId, MediaId, NewsId, OriginalId},
    originality::{self, DeclareState, Fingerprint, Hit, Likeness, Pieces, Verdict},
    time::Timestamp,
};

use super::{Shared, SqlStore, account, columns, media, sets};
use crate::{
    StoreResult,
    original::{ArticleKey, DeclareRefusal, Finding, NewsCheck, Original, OriginalStore},
};

/// Originals that an article is compared with exactly, those that share most bands first.
const CANDIDATES_MAX: usize = 64;

#[async_trait]
impl OriginalStore for SqlStore {
    async fn declare_original(
        &self,
        account: AccountId,
        media: &MediaId,
        article: u8,
        can_reprint: bool,
        now: Timestamp,
    ) -> StoreResult<Result<OriginalId, DeclareRefusal>> {
        let media = media.clone();
        self.write(account, move |db, shared| {
            declare(db, shared, account, (&media, article), can_reprint, now)
        })
        .await
    }

    async fn originals(
        &self,
        account: AccountId,
        before: Option<OriginalId>,
        limit: usize,
    ) -> StoreResult<Vec<Original>> {
        self.read(move |db, _| {
            let mut statement = db.prepare_cached(
                "SELECT id, news, article, can_reprint, declared_at,
                        (SELECT COALESCE(json(articles) -> CAST(article - 1 AS INTEGER) ->> 'title', '')
                         FROM frozen_news WHERE frozen_news.account = original.account
                             AND frozen_news.id = original.news)
                 FROM original WHERE account = ? AND id < ? ORDER BY id DESC LIMIT ?",
            )?;
            let before = before.map_or(i64::MAX, |before| before.0);
            let originals = statement.query_map(params![account.0, before, limit], |row| {
                Ok(Original {
                    id: OriginalId(row.get(0)?),
                    article: ArticleKey {
                        account,
                        news: NewsId(row.get(1)?),
                        article: row.get(2)?,
                    },
                    can_reprint: row.get(3)?,
                    declared_at: Timestamp(row.get(4)?),
                    title: row.get(5)?,
                })
            })?;
            Ok(originals.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn allow_reprint(
        &self,
        account: AccountId,
        original: OriginalId,
        other: AccountId,
        allowed: bool,
    ) -> StoreResult<bool> {
        self.write(account, move |db, _| {
            let known = db
                .prepare_cached("SELECT 1 FROM original WHERE account = ? AND id = ?")?
                .exists(params![account.0, original.0])?;
            if known {
                let change = if allowed {
                    "INSERT INTO original_allowed (account, original, allowed) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
                } else {
                    "DELETE FROM original_allowed WHERE account = ? AND original = ? AND allowed = ?"
                };
                db.prepare_cached(change)?
                    .execute(params![account.0, original.0, other.0])?;
            }
            Ok(known)
        })
        .await
    }

    async fn check_originality(
        &self,
        account: AccountId,
        news: NewsId,
        send_ignore_reprint: bool,
    ) -> StoreResult<NewsCheck> {
        self.read(move |db, _| check(db, account, news, send_ignore_reprint))
            .await
    }

    async fn record_check(
        &self,
        account: AccountId,
        mass: MassId,
        news: NewsId,
        check: NewsCheck,
    ) -> StoreResult<()> {
        self.write(account, move |db, _| record(db, account, mass, news, &check))
            .await
    }

    async fn findings(&self, account: AccountId, mass: MassId) -> StoreResult<Vec<Finding>> {
        self.read(move |db, _| {
            let mut statement = db.prepare_cached(
                "SELECT article, verdict, declared, original_account, original_news, original_article
                 FROM finding WHERE account = ? AND mass = ? ORDER BY article",
            )?;
            let mut rows = statement.query(params![account.0, mass.0])?;
            let mut findings = Vec::new();
            while let Some(row) = rows.next()? {
                findings.push(Finding {
                    article: row.get(0)?,
                    verdict: verdict(row.get(1)?).ok_or_else(|| columns::damaged("a verdict"))?,
                    declared: declare_state(row.get(2)?).ok_or_else(|| columns::damaged("a declaration"))?,
                    original: read_key(&row, 3)?,
                });
            }
            Ok(findings)
        })
        .await
    }

    async fn reprint_of(&self, article: ArticleKey) -> StoreResult<Option<ArticleKey>> {
        self.read(move |db, _| {
            let mut statement = db.prepare_cached(
                "SELECT original_account, original_news, original_article FROM reprint
                 WHERE account = ? AND news = ? AND article = ?",
            )?;
            Ok(statement
                .query_row(
                    params![article.account.0, article.news.0, article.article],
                    |row| read_key(row, 0),
                )
                .optional()?)
        })
        .await
    }
}

fn read_key(row: &crate::sql::Row<'_>, first: usize) -> crate::sql::Result<ArticleKey> {
    Ok(ArticleKey {
        account: AccountId(row.get(first)?),
        news: NewsId(row.get(first + 1)?),
        article: row.get(first + 2)?,
    })
}

/// Whether an article of this content is declared original by its own account.
pub(super) fn declares(db: &Connection, account: AccountId, content: &NewContent) -> StoreResult<bool> {
    let (column, value): (&str, &dyn crate::sql::ToSql) = match content {
        NewContent::News(media) => ("media", &media.0),
        NewContent::NewsAgain(news) => ("id", &news.0),
        _ => return Ok(false),
    };
    let mut statement = db.prepare_cached(&format!(
        "SELECT 1 FROM original WHERE account = ?1 AND news IN
             (SELECT id FROM frozen_news WHERE account = ?1 AND {column} = ?2) LIMIT 1"
    ))?;
    Ok(statement.exists(params![account.0, value])?)
}

fn declare(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    (media, article): (&MediaId, u8),
    can_reprint: bool,
    now: Timestamp,
) -> StoreResult<Result<OriginalId, DeclareRefusal>> {
    if !account::by_id(db, shared, account)?.is_some_and(|account| account.declare_original) {
        return Ok(Err(DeclareRefusal::NotAllowed));
    }
    let Some((news, digest)) = media::news_by_id(db, account, media, now)? else {
        return Ok(Err(DeclareRefusal::MediaUnknown));
    };
    let Some(html) = article_html(&news, article) else {
        return Ok(Err(DeclareRefusal::ArticleIndex));
    };
    let fingerprint = originality::fingerprint(html);
    if fingerprint.bands().next().is_none() {
        return Ok(Err(DeclareRefusal::NoText));
    }
    let news = media::freeze_news(db, account, media, &news, &digest, now)?;
    let known: Option<i64> = db
        .prepare_cached("SELECT id FROM original WHERE account = ? AND news = ? AND article = ?")?
        .query_row(params![account.0, news.0, article], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        db.prepare_cached("UPDATE original SET can_reprint = ? WHERE account = ? AND id = ?")?
            .execute(params![can_reprint, account.0, id])?;
        return Ok(Ok(OriginalId(id)));
    }
    let id = sets::take_numbers(db, account, "original", 1, 1)?;
    db.prepare_cached(
        "INSERT INTO original (account, id, news, article, can_reprint, declared_at) VALUES (?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![account.0, id, news.0, article, can_reprint, now.0])?;
    for (band, key) in fingerprint.bands() {
        db.prepare_cached("INSERT INTO original_band (band, key, account, original) VALUES (?, ?, ?, ?)")?
            .execute(params![band, key.cast_signed(), account.0, id])?;
    }
    Ok(Ok(OriginalId(id)))
}

fn article_html(news: &News, article: u8) -> Option<&str> {
    let place = usize::from(article).checked_sub(1)?;
    news.articles
        .get(place)
        .map(|found| found.article.content.as_str())
}

fn check(
    db: &Connection,
    account: AccountId,
    news: NewsId,
    send_ignore_reprint: bool,
) -> StoreResult<NewsCheck> {
    let mut verdicts = Vec::new();
    let mut findings = Vec::new();
    let frozen = frozen_news(db, account, news)?.ok_or_else(|| columns::damaged("a news"))?;
    for (position, article) in (1_u8..).zip(&frozen.articles) {
        let resembled = resembled(db, account, &article.article.content)?;
        let hits: Vec<Hit> = resembled.iter().map(|found| found.hit).collect();
        let verdict = Verdict::of(&hits, account);
        verdicts.push(verdict);
        if let Some(first) = resembled.first().filter(|_| verdict.is_listed()) {
            findings.push(Finding {
                article: position,
                verdict,
                declared: DeclareState::of(&hits, account),
                original: first.article,
            });
        }
    }
    let known = db
        .prepare_cached("SELECT 1 FROM reprint WHERE account = ? AND news = ? LIMIT 1")?
        .exists(params![account.0, news.0])?;
    Ok(NewsCheck {
        judgement: originality::judge(&verdicts, send_ignore_reprint),
        replaces: known,
        findings,
    })
}

fn frozen_news(db: &Connection, account: AccountId, news: NewsId) -> StoreResult<Option<News>> {
    let row: Option<(String, [u8; 32])> = db
        .prepare_cached("SELECT articles, digest FROM frozen_news WHERE account = ? AND id = ?")?
        .query_row(params![account.0, news.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    row.map(|(text, digest)| columns::news(&text, &digest))
        .transpose()
}

/// An original that an article resembles.
struct Resembled {
    article: ArticleKey,
    hit: Hit,
    declared_at: i64,
}

/// The originals that a text resembles, the earliest declared first.
fn resembled(db: &Connection, sender: AccountId, html: &str) -> StoreResult<Vec<Resembled>> {
    let pieces = Pieces::of_html(html);
    let mut resembled = Vec::new();
    for (author, original) in candidates(db, &Fingerprint::of(&pieces))? {
        let Some((found, text)) = load(db, sender, author, original)? else {
            continue;
        };
        if Likeness::of(&pieces, &Pieces::of_html(&text)).is_copy() {
            resembled.push(found);
        }
    }
    resembled.sort_by_key(|found| (found.declared_at, found.article));
    Ok(resembled)
}

/// The originals that share a band with the text, those that share most first, then the earliest.
fn candidates(db: &Connection, fingerprint: &Fingerprint) -> StoreResult<Vec<(AccountId, OriginalId)>> {
    let mut shared: HashMap<(AccountId, OriginalId), (usize, i64)> = HashMap::new();
    let mut statement = db.prepare_cached(
        "SELECT original.account, original.id, original.declared_at FROM original_band
         JOIN original ON original.account = original_band.account AND original.id = original_band.original
         WHERE band = ? AND key = ?",
    )?;
    for (band, key) in fingerprint.bands() {
        let mut rows = statement.query(params![band, key.cast_signed()])?;
        while let Some(row) = rows.next()? {
            let declared_at = row.get(2)?;
            shared
                .entry((AccountId(row.get(0)?), OriginalId(row.get(1)?)))
                .or_insert((0, declared_at))
                .0 += 1;
        }
    }
    let mut found: Vec<_> = shared.into_iter().collect();
    // Among equals the first declared, or many late copies would hide it.
    found.sort_by_key(|(key, (bands, declared_at))| (std::cmp::Reverse(*bands), *declared_at, *key));
    Ok(found
        .into_iter()
        .take(CANDIDATES_MAX)
        .map(|(key, _)| key)
        .collect())
}

fn load(
    db: &Connection,
    sender: AccountId,
    author: AccountId,
    original: OriginalId,
) -> StoreResult<Option<(Resembled, String)>> {
    let mut statement = db.prepare_cached(
        "SELECT news, article, can_reprint, declared_at,
                EXISTS (SELECT 1 FROM original_allowed WHERE original_allowed.account = original.account
                    AND original_allowed.original = original.id AND allowed = ?3),
                (SELECT json(articles) -> CAST(article - 1 AS INTEGER) ->> 'content' FROM frozen_news
                 WHERE frozen_news.account = original.account AND frozen_news.id = original.news)
         FROM original WHERE account = ?1 AND id = ?2",
    )?;
    Ok(statement
        .query_row(params![author.0, original.0, sender.0], |row| {
            let found = Resembled {
                article: ArticleKey {
                    account: author,
                    news: NewsId(row.get(0)?),
                    article: row.get(1)?,
                },
                hit: Hit {
                    author,
                    can_reprint: row.get(2)?,
                    sender_allowed: row.get(4)?,
                },
                declared_at: row.get(3)?,
            };
            Ok((found, row.get(5)?))
        })
        .optional()?)
}

fn record(
    db: &Connection,
    account: AccountId,
    mass: MassId,
    news: NewsId,
    check: &NewsCheck,
) -> StoreResult<()> {
    // A check made again, or for a later send of the same news, replaces what an earlier one found.
    db.prepare_cached("DELETE FROM finding WHERE account = ? AND mass = ?")?
        .execute(params![account.0, mass.0])?;
    if check.judgement.refusal.is_none() {
        db.prepare_cached("DELETE FROM reprint WHERE account = ? AND news = ?")?
            .execute(params![account.0, news.0])?;
    }
    for finding in &check.findings {
        let original = finding.original;
        db.prepare_cached(
            "INSERT INTO finding (account, mass, article, original_account, original_news,
                 original_article, verdict, declared) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (account, mass, article) DO UPDATE SET original_account = excluded.original_account, original_news = excluded.original_news, original_article = excluded.original_article, verdict = excluded.verdict, declared = excluded.declared",
        )?
        .execute(params![
            account.0,
            mass.0,
            finding.article,
            original.account.0,
            original.news.0,
            original.article,
            VERDICTS.iter().position(|known| *known == finding.verdict),
            finding.declared.number(),
        ])?;
        if check.judgement.refusal.is_none() && finding.verdict.need_replace_content() {
            db.prepare_cached(
                "INSERT INTO reprint (account, news, article, original_account, original_news,
                     original_article) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (account, news, article) DO UPDATE SET original_account = excluded.original_account, original_news = excluded.original_news, original_article = excluded.original_article",
            )?
            .execute(params![
                account.0,
                news.0,
                finding.article,
                original.account.0,
                original.news.0,
                original.article,
            ])?;
        }
    }
    Ok(())
}

/// Verdicts by their number in the column.
const VERDICTS: [Verdict; 5] = [
    Verdict::NoHit,
    Verdict::OwnOriginal,
    Verdict::Authorised,
    Verdict::Reprint,
    Verdict::Forbidden,
];

fn verdict(number: usize) -> Option<Verdict> {
    VERDICTS.get(number).copied()
}

fn declare_state(number: u8) -> Option<DeclareState> {
    [
        DeclareState::Undeclared,
        DeclareState::Original,
        DeclareState::Reprint,
    ]
    .into_iter()
    .find(|state| state.number() == number)
}
