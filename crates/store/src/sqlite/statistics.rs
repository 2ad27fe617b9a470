//! [`StatisticsStore`] on SQLite.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use domain::{
    block::Block,
    id::{AccountId, BlockNo, MassId, NewsId},
    statistics::{ArticleNo, Days, Read, ReadSource, Reads},
    time::{Day, Timestamp},
};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Shared, SqliteStore, rows,
    sets::{self, SetKind},
    writer::Priority,
};
use crate::{
    StoreResult,
    statistics::{FollowerDay, HourReads, SentNews, StatisticsStore},
};

/// One hour of one article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Hour {
    account: AccountId,
    day: Day,
    hour: u8,
    article: ArticleNo,
}

/// Reads of one hour that are not written yet.
#[derive(Default)]
struct Noted {
    session: u64,
    other: u64,
    people: BTreeMap<BlockNo, Block>,
}

/// Reads that wait for the writer; while some wait, one job is on its way to write them.
#[derive(Default)]
pub(super) struct Unwritten(Mutex<HashMap<Hour, Noted>>);

impl Unwritten {
    /// Takes a note; true when it is the first one, so that a job must be sent.
    fn add(&self, hour: Hour, read: &Read) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = all.is_empty();
        let noted = all.entry(hour).or_default();
        let loads = u64::from(read.loaded);
        match read.source() {
            ReadSource::Session => noted.session += loads,
            ReadSource::Other => noted.other += loads,
        }
        if let Some(reader) = read.reader {
            noted
                .people
                .entry(reader.block())
                .or_default()
                .insert(reader.place());
        }
        first
    }

    /// Drops what was noted and not written.
    pub(super) fn forget(&self) {
        drop(self.take());
    }

    fn take(&self) -> HashMap<Hour, Noted> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl StatisticsStore for SqliteStore {
    fn note_read(&self, account: AccountId, read: Read, now: Timestamp) {
        let calendar = &self.shared.calendar;
        let hour = Hour {
            account,
            day: calendar.day(now),
            hour: calendar.hour(now),
            article: read.article,
        };
        if self.shared.reads.add(hour, &read) {
            let shared = self.shared.clone();
            let job = move |db: &Connection| write_noted(db, &shared);
            if self.writer.post(Priority::Bulk, job).is_err() {
                tracing::warn!("reads were not written: the store is closed");
            }
        }
    }

    async fn reads(&self, account: AccountId, days: Days) -> StoreResult<Vec<HourReads>> {
        self.write_bulk(write_noted).await?;
        self.read(move |db, _| read_hours(db, account, days)).await
    }

    async fn sent_news(&self, account: AccountId, day: Day) -> StoreResult<Vec<SentNews>> {
        self.read(move |db, shared| {
            let (from, to) = (
                shared.calendar.day_start(day),
                shared.calendar.day_start(day.plus(1)),
            );
            let mut statement = db.prepare_cached(
                "SELECT id, news, delivered FROM mass
                 WHERE account = ? AND news IS NOT NULL AND origin <> 2 AND state IN (0, 1, 4)
                     AND accepted_at >= ? AND accepted_at < ? ORDER BY id",
            )?;
            let sent = statement.query_map(params![account.0, from.0, to.0], |row| {
                Ok(SentNews {
                    mass: MassId(row.get(0)?),
                    news: NewsId(row.get(1)?),
                    delivered: row.get(2)?,
                })
            })?;
            Ok(sent.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn follower_days(&self, account: AccountId, days: Days) -> StoreResult<Vec<FollowerDay>> {
        self.read(move |db, _| follower_days(db, account, days)).await
    }
}

/// Counts subscriptions that began and ended on a day.
pub(super) fn count_followers(
    db: &Connection,
    account: AccountId,
    day: Day,
    gained: u64,
    lost: u64,
) -> StoreResult<()> {
    if gained == 0 && lost == 0 {
        return Ok(());
    }
    db.prepare_cached(
        "INSERT INTO follower_change (account, day, gained, lost) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET gained = gained + excluded.gained, lost = lost + excluded.lost",
    )?
    .execute(params![account.0, day.0, gained, lost])?;
    Ok(())
}

/// Writes what was noted since the last time.
pub(super) fn write_noted(db: &Connection, shared: &Shared) -> StoreResult<()> {
    for (hour, noted) in shared.reads.take() {
        write_times(db, hour, ReadSource::Session, noted.session)?;
        write_times(db, hour, ReadSource::Other, noted.other)?;
        for (block, people) in noted.people {
            write_people(db, hour, block, people)?;
        }
    }
    Ok(())
}

fn write_times(db: &Connection, hour: Hour, source: ReadSource, times: u64) -> StoreResult<()> {
    if times == 0 {
        return Ok(());
    }
    let ArticleNo { news, index } = hour.article;
    db.prepare_cached(
        "INSERT INTO article_reads (account, day, hour, news, article, source, times) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET times = times + excluded.times",
    )?
    .execute(params![
        hour.account.0,
        hour.day.0,
        hour.hour,
        news.0,
        index,
        source.number(),
        times
    ])?;
    Ok(())
}

fn write_people(db: &Connection, hour: Hour, block: BlockNo, mut people: Block) -> StoreResult<()> {
    let ArticleNo { news, index } = hour.article;
    let known: Option<Vec<u8>> = db
        .prepare_cached(
            "SELECT bits FROM article_readers
             WHERE account = ? AND day = ? AND hour = ? AND news = ? AND article = ? AND block = ?",
        )?
        .query_row(
            params![hour.account.0, hour.day.0, hour.hour, news.0, index, block.0],
            |row| row.get(0),
        )
        .optional()?;
    if let Some(known) = known {
        people.unite(&Block::decode(&known)?);
    }
    db.prepare_cached(
        "INSERT OR REPLACE INTO article_readers (account, day, hour, news, article, block, bits)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        hour.account.0,
        hour.day.0,
        hour.hour,
        news.0,
        index,
        block.0,
        people.encode()
    ])?;
    Ok(())
}

fn read_hours(db: &Connection, account: AccountId, days: Days) -> StoreResult<Vec<HourReads>> {
    let mut hours: BTreeMap<Hour, Reads> = BTreeMap::new();
    let hour_of = |row: &rusqlite::Row<'_>| -> rusqlite::Result<Hour> {
        Ok(Hour {
            account,
            day: Day(row.get(0)?),
            hour: row.get(1)?,
            article: ArticleNo {
                news: NewsId(row.get(2)?),
                index: row.get(3)?,
            },
        })
    };
    let mut statement = db.prepare_cached(
        "SELECT day, hour, news, article, source, times FROM article_reads
         WHERE account = ? AND day BETWEEN ? AND ?",
    )?;
    let mut found = statement.query(params![account.0, days.first.0, days.last.0])?;
    while let Some(row) = found.next()? {
        let source = ReadSource::from_number(row.get(4)?).ok_or_else(|| rows::damaged("a read's source"))?;
        hours
            .entry(hour_of(row)?)
            .or_default()
            .add_times(source, row.get(5)?);
    }
    let mut statement = db.prepare_cached(
        "SELECT day, hour, news, article, block, bits FROM article_readers
         WHERE account = ? AND day BETWEEN ? AND ?",
    )?;
    let mut found = statement.query(params![account.0, days.first.0, days.last.0])?;
    while let Some(row) = found.next()? {
        let people = Block::decode(row.get_ref(5)?.as_blob().map_err(rusqlite::Error::from)?)?;
        hours
            .entry(hour_of(row)?)
            .or_default()
            .add_people(BlockNo(row.get(4)?), &people);
    }
    let hours = hours.into_iter().map(|(hour, reads)| HourReads {
        day: hour.day,
        hour: hour.hour,
        article: hour.article,
        reads,
    });
    Ok(hours.collect())
}

/// Backwards from the followers of now, day by day.
fn follower_days(db: &Connection, account: AccountId, days: Days) -> StoreResult<Vec<FollowerDay>> {
    let mut total = sets::total(db, account, SetKind::Subscribed)?;
    let mut statement = db.prepare_cached(
        "SELECT day, gained, lost FROM follower_change WHERE account = ? AND day >= ? ORDER BY day DESC",
    )?;
    let changes = statement.query_map(params![account.0, days.first.0], |row| {
        Ok((Day(row.get(0)?), row.get(1)?, row.get(2)?))
    })?;
    let changes: Vec<(Day, u64, u64)> = changes.collect::<Result<_, _>>()?;
    let mut found = Vec::new();
    let mut changes = changes.into_iter().peekable();
    while let Some((_, gained, lost)) = changes.next_if(|(day, ..)| *day > days.last) {
        total = (total + lost).saturating_sub(gained);
    }
    let mut backwards: Vec<Day> = days.each().collect();
    backwards.reverse();
    for day in backwards {
        let (_, gained, lost) = changes.next_if(|(of, ..)| *of == day).unwrap_or((day, 0, 0));
        found.push(FollowerDay {
            day,
            gained,
            lost,
            total,
        });
        total = (total + lost).saturating_sub(gained);
    }
    found.reverse();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use domain::{
        id::Ordinal,
        time::{Calendar, parse_rfc3339},
    };

    use super::*;
    use crate::vault::Vault;

    fn open(folder: &std::path::Path) -> SqliteStore {
        SqliteStore::open(folder, Vault::new([1; 32]), Calendar::shanghai()).expect("opens")
    }

    #[tokio::test]
    async fn reads_that_were_noted_are_there_after_a_restart_and_add_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let now = parse_rfc3339("2026-11-22T23:59:59+08:00").expect("an instant");
        let account = AccountId(1);
        let article = ArticleNo {
            news: NewsId(7),
            index: 1,
        };
        let read = |ordinal: u32| Read {
            article,
            reader: Some(Ordinal(ordinal)),
            loaded: true,
        };
        for _ in 0..2 {
            let store = open(folder.path());
            for ordinal in [3, 65_536 + 3, 3] {
                store.note_read(account, read(ordinal), now);
            }
            store.note_read(AccountId(2), read(9), now);
        }
        let store = open(folder.path());
        store.note_read(account, read(4), now.plus_seconds(1));
        let day = Day::parse("2026-11-22").expect("a day");
        let days = Days {
            first: day,
            last: day.plus(1),
        };
        let hours = store.reads(account, days).await.expect("reads");
        let found: Vec<_> = hours
            .iter()
            .map(|hour| (hour.day, hour.hour, hour.reads.times(), hour.reads.people()))
            .collect();
        assert_eq!(found, [(day, 23, 6, 2), (day.plus(1), 0, 1, 1)]);
    }
}
