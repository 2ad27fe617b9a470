//! [`StatisticsStore`] on SQLite.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use crate::sql::{Connection, OptionalExtension, params};
use async_trait::async_trait;
use domain::{
    block::Block,
    id::{AccountId, BlockNo, MassId, NewsId},
    statistics::{ArticleNo, Days, Read, ReadSource, Reads},
    time::{Day, Timestamp},
};
use tokio::sync::oneshot;

use super::{
    SqlStore, columns,
    sets::{self, SetKind},
    writer::{Priority, Scope},
};
use crate::{
    StoreError, StoreResult, crash_point,
    statistics::{FollowerDay, SentNews, StatisticsStore},
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

impl Noted {
    fn add(&mut self, other: &Noted) {
        self.session += other.session;
        self.other += other.other;
        for (block, people) in &other.people {
            self.people.entry(*block).or_default().unite(people);
        }
    }
}

/// Reads that wait for the writer, or for the commit of the job that took them.
#[derive(Default)]
pub(super) struct Unwritten(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    noted: HashMap<Hour, Noted>,
    /// Whether a job is on its way to write what is noted.
    sent: bool,
    /// What jobs took and have not committed yet.
    taken: Vec<Arc<HashMap<Hour, Noted>>>,
}

/// What one job took.
type Taken = Arc<OnceLock<Arc<HashMap<Hour, Noted>>>>;

impl Unwritten {
    /// Takes a note; true when no job is on its way yet, so that one must be sent.
    fn add(&self, hour: Hour, read: &Read) -> bool {
        let mut all = self.waiting();
        let first = !std::mem::replace(&mut all.sent, true);
        let noted = all.noted.entry(hour).or_default();
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
        let mut all = self.waiting();
        all.noted.clear();
        all.taken.clear();
    }

    /// What is to be written now; it is kept until [`Self::end`] says what became of it.
    fn take(&self) -> Arc<HashMap<Hour, Noted>> {
        let mut all = self.waiting();
        all.sent = false;
        let taken = Arc::new(std::mem::take(&mut all.noted));
        all.taken.push(taken.clone());
        taken
    }

    /// Forgets what a job took, or notes it once more where it was not committed.
    fn end(&self, taken: &Arc<HashMap<Hour, Noted>>, committed: bool) {
        let mut all = self.waiting();
        let before = all.taken.len();
        all.taken.retain(|other| !Arc::ptr_eq(other, taken));
        // What was dropped meanwhile stays dropped.
        if committed || all.taken.len() == before {
            return;
        }
        for (hour, noted) in taken.iter() {
            all.noted.entry(*hour).or_default().add(noted);
        }
    }

    /// Whether something was noted that no job took.
    fn waits(&self) -> bool {
        !self.waiting().noted.is_empty()
    }

    /// Whether reads of these days may not be committed yet.
    fn any(&self, account: AccountId, days: Days) -> bool {
        let all = self.waiting();
        let mut hours = all
            .noted
            .keys()
            .chain(all.taken.iter().flat_map(|taken| taken.keys()));
        hours.any(|hour| hour.account == account && (days.first..=days.last).contains(&hour.day))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl StatisticsStore for SqlStore {
    fn note_read(&self, account: AccountId, read: Read, now: Timestamp) {
        let calendar = &self.shared.calendar;
        let hour = Hour {
            account,
            day: calendar.day(now),
            hour: calendar.hour(now),
            article: read.article,
        };
        if self.shared.reads.add(hour, &read) && self.send_noted().is_err() {
            tracing::warn!("reads were not written: the store is closed");
        }
    }

    async fn flush_reads(&self) -> StoreResult<()> {
        // Jobs are done in their order: what an earlier one took is committed when this one is. If that one failed, what it
        // took waits again, and this one may have found nothing.
        self.send_noted()?.await.map_err(|_| StoreError::Closed)??;
        if self.shared.reads.waits() {
            self.send_noted()?.await.map_err(|_| StoreError::Closed)??;
        }
        Ok(())
    }

    async fn reads_by_article(
        &self,
        account: AccountId,
        days: Days,
    ) -> StoreResult<BTreeMap<ArticleNo, Reads>> {
        let by_article = Grouping {
            order: "news, article, block",
            of: |hour: &Hour| hour.article,
            to: |hour: &Hour| hour.article,
        };
        self.reads_by((account, days, None), by_article).await
    }

    async fn reads_by_day(&self, account: AccountId, days: Days) -> StoreResult<BTreeMap<Day, Reads>> {
        let by_day = Grouping {
            order: "day, block",
            of: |hour: &Hour| hour.day,
            to: |hour: &Hour| hour.day,
        };
        self.reads_by((account, days, None), by_day).await
    }

    async fn reads_by_hour(&self, account: AccountId, day: Day) -> StoreResult<BTreeMap<u8, Reads>> {
        let by_hour = Grouping {
            order: "hour, block",
            of: |hour: &Hour| hour.hour,
            to: |hour: &Hour| hour.hour,
        };
        self.reads_by((account, Days::one(day), None), by_hour).await
    }

    async fn reads_of_news(
        &self,
        account: AccountId,
        news: &[NewsId],
        days: Days,
    ) -> StoreResult<BTreeMap<(ArticleNo, Day), Reads>> {
        let numbers: Vec<i64> = news.iter().map(|news| news.0).collect();
        let day_by_day = Grouping {
            order: "news, article, block, day",
            of: |hour: &Hour| hour.article,
            to: |hour: &Hour| (hour.article, hour.day),
        };
        let news = Some(serde_json::to_string(&numbers)?);
        self.reads_by((account, days, news), day_by_day).await
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
         ON CONFLICT (account, day) DO UPDATE SET gained = follower_change.gained + excluded.gained,
             lost = follower_change.lost + excluded.lost",
    )?
    .execute(params![account.0, day.0, gained, lost])?;
    Ok(())
}

/// Writes what was noted since the last time.
fn write_noted(db: &Connection, noted: &HashMap<Hour, Noted>) -> StoreResult<()> {
    crash_point!("reads.taken");
    for (hour, noted) in noted {
        write_times(db, *hour, ReadSource::Session, noted.session)?;
        write_times(db, *hour, ReadSource::Other, noted.other)?;
        for (block, people) in &noted.people {
            write_people(db, *hour, *block, people.clone())?;
        }
    }
    crash_point!("reads.written");
    Ok(())
}

fn write_times(db: &Connection, hour: Hour, source: ReadSource, times: u64) -> StoreResult<()> {
    if times == 0 {
        return Ok(());
    }
    let ArticleNo { news, index } = hour.article;
    db.prepare_cached(
        "INSERT INTO article_reads (account, day, hour, news, article, source, times) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (account, day, hour, news, article, source)
         DO UPDATE SET times = article_reads.times + excluded.times",
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
        "INSERT INTO article_readers (account, day, hour, news, article, block, bits)
         VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (account, day, hour, news, article, block) DO UPDATE SET bits = excluded.bits",
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

/// How reads are added up.
struct Grouping<Of, To> {
    /// Brings rows together in which the same person counts once: those of the same `of` and block.
    order: &'static str,
    of: Of,
    /// What a row is counted for.
    to: To,
}

/// Whose reads, when, and of which news; a list as JSON, or all.
type Asked = (AccountId, Days, Option<String>);

impl SqlStore {
    /// Sends a job that writes what is noted. What could not be committed is noted again, for the next one.
    fn send_noted(&self) -> StoreResult<oneshot::Receiver<StoreResult<()>>> {
        let (answer, result) = oneshot::channel();
        let (taking, ending) = (self.shared.clone(), self.shared.clone());
        let taken = Taken::default();
        let took = taken.clone();
        self.database.post_to(
            Scope::Common,
            Priority::Aside,
            move |db| write_noted(db, took.get_or_init(|| taking.reads.take())),
            move |result| {
                if let Some(taken) = taken.get() {
                    ending.reads.end(taken, result.is_ok());
                }
                // Who noted a read does not wait.
                let _ = answer.send(result);
            },
        )?;
        Ok(result)
    }

    async fn reads_by<G, K, Of, To>(
        &self,
        asked: Asked,
        grouping: Grouping<Of, To>,
    ) -> StoreResult<BTreeMap<K, Reads>>
    where
        G: PartialEq,
        K: Ord + Send + 'static,
        Of: Fn(&Hour) -> G + Send + 'static,
        To: Fn(&Hour) -> K + Send + 'static,
    {
        if self.shared.reads.any(asked.0, asked.1) {
            self.flush_reads().await?;
        }
        self.read(move |db, _| {
            let mut reads = BTreeMap::new();
            read_times(db, &asked, &grouping, &mut reads)?;
            read_people(db, &asked, &grouping, &mut reads)?;
            Ok(reads)
        })
        .await
    }
}

const ASKED: &str = "account = ?1 AND day BETWEEN ?2 AND ?3
         AND (CAST(?4 AS TEXT) IS NULL OR news IN (SELECT CAST(value AS BIGINT) FROM json_each(?4)))";

fn read_times<K: Ord, Of, To: Fn(&Hour) -> K>(
    db: &Connection,
    (account, days, news): &Asked,
    grouping: &Grouping<Of, To>,
    reads: &mut BTreeMap<K, Reads>,
) -> StoreResult<()> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT day, hour, news, article, source, times FROM article_reads WHERE {ASKED}"
    ))?;
    let mut found = statement.query(params![account.0, days.first.0, days.last.0, news])?;
    while let Some(row) = found.next()? {
        let source =
            ReadSource::from_number(row.get(4)?).ok_or_else(|| columns::damaged("a read's source"))?;
        let key = (grouping.to)(&hour_of(*account, &row)?);
        reads.entry(key).or_default().add_times(source, row.get(5)?);
    }
    Ok(())
}

/// Counts people with one block in memory: the keys come sorted, and the bits are fetched one by one.
fn read_people<G: PartialEq, K: Ord, Of: Fn(&Hour) -> G, To: Fn(&Hour) -> K>(
    db: &Connection,
    (account, days, news): &Asked,
    grouping: &Grouping<Of, To>,
    reads: &mut BTreeMap<K, Reads>,
) -> StoreResult<()> {
    let mut keys = db.prepare_cached(&format!(
        "SELECT day, hour, news, article, block FROM article_readers WHERE {ASKED} ORDER BY {}",
        grouping.order
    ))?;
    let mut bits = db.prepare_cached(
        "SELECT bits FROM article_readers
         WHERE account = ? AND day = ? AND hour = ? AND news = ? AND article = ? AND block = ?",
    )?;
    let mut place = None;
    let mut known = Block::empty();
    let mut found = keys.query(params![account.0, days.first.0, days.last.0, news])?;
    while let Some(row) = found.next()? {
        let hour = hour_of(*account, &row)?;
        let at = Some(((grouping.of)(&hour), row.get::<_, u32>(4)?));
        if at != place {
            (place, known) = (at, Block::empty());
        }
        let people: Vec<u8> = bits.query_row(
            params![
                account.0,
                hour.day.0,
                hour.hour,
                hour.article.news.0,
                hour.article.index,
                row.get::<_, u32>(4)?
            ],
            |row| row.get(0),
        )?;
        let before = known.count();
        known.unite(&Block::decode(&people)?);
        let new = u64::from(known.count().saturating_sub(before));
        reads.entry((grouping.to)(&hour)).or_default().people += new;
    }
    Ok(())
}

/// The first four columns.
fn hour_of(account: AccountId, row: &crate::sql::Row<'_>) -> crate::sql::Result<Hour> {
    Ok(Hour {
        account,
        day: Day(row.get(0)?),
        hour: row.get(1)?,
        article: ArticleNo {
            news: NewsId(row.get(2)?),
            index: row.get(3)?,
        },
    })
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

    fn open(folder: &std::path::Path) -> SqlStore {
        SqlStore::open(folder, Vault::new([1; 32]), Calendar::shanghai()).expect("opens")
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
        let reads = |session, people| Reads {
            session,
            other: 0,
            people,
        };
        let by_article = store.reads_by_article(account, days).await.expect("reads");
        assert_eq!(by_article, BTreeMap::from([(article, reads(7, 3))]));
        let by_day = store.reads_by_day(account, days).await.expect("reads");
        let both = [(day, reads(6, 2)), (day.plus(1), reads(1, 1))];
        assert_eq!(by_day, BTreeMap::from(both));
        let by_hour = store.reads_by_hour(account, day).await.expect("reads");
        assert_eq!(by_hour, BTreeMap::from([(23, reads(6, 2))]));
    }

    #[tokio::test]
    async fn people_count_once_in_each_sum_and_on_their_first_day_of_an_article() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(folder.path());
        let now = parse_rfc3339("2026-11-22T12:00:00+08:00").expect("an instant");
        let first = Day::parse("2026-11-22").expect("a day");
        let days = Days {
            first,
            last: first.plus(1),
        };
        let account = AccountId(1);
        let article = |news, index| ArticleNo {
            news: NewsId(news),
            index,
        };
        let read = |article, ordinal, hours: i64| {
            let read = Read {
                article,
                reader: Some(Ordinal(ordinal)),
                loaded: true,
            };
            store.note_read(account, read, now.plus_seconds(hours * 3_600));
        };
        for (news, index, ordinal, hours) in [
            (7, 1, 3, 0),
            (7, 1, 3, 1),
            (7, 1, 65_540, 1),
            (7, 2, 3, 1),
            (7, 1, 3, 24),
            (7, 1, 4, 24),
            (8, 1, 3, 1),
        ] {
            read(article(news, index), ordinal, hours);
        }
        let people = |reads: Vec<Reads>| reads.iter().map(|reads| reads.people).collect::<Vec<_>>();
        let by_hour = store.reads_by_hour(account, first).await.expect("reads");
        assert_eq!(people(by_hour.into_values().collect()), [1, 2]);
        let by_day = store.reads_by_day(account, days).await.expect("reads");
        assert_eq!(people(by_day.into_values().collect()), [2, 2]);
        let by_article = store.reads_by_article(account, days).await.expect("reads");
        assert_eq!(people(by_article.into_values().collect()), [3, 1, 1]);
        let of_news = store
            .reads_of_news(account, &[NewsId(7)], days)
            .await
            .expect("reads");
        let found: Vec<_> = of_news
            .into_iter()
            .map(|((article, day), reads)| (article.news.0, article.index, day, reads.people))
            .collect();
        let second = first.plus(1);
        assert_eq!(found, [(7, 1, first, 2), (7, 1, second, 1), (7, 2, first, 1)]);
    }

    #[tokio::test]
    async fn reads_whose_write_fails_are_written_by_the_next_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(folder.path());
        let now = parse_rfc3339("2026-11-22T12:00:00+08:00").expect("an instant");
        let (account, article) = (
            AccountId(1),
            ArticleNo {
                news: NewsId(7),
                index: 1,
            },
        );
        let note = |ordinal| {
            let read = Read {
                article,
                reader: Some(Ordinal(ordinal)),
                loaded: true,
            };
            store.note_read(account, read, now);
        };
        let other = rusqlite::Connection::open(store.file().expect("a file")).expect("opens");
        other
            .execute_batch(
                "CREATE TRIGGER full BEFORE INSERT ON article_readers BEGIN SELECT RAISE(ABORT, 'full'); END",
            )
            .expect("writes");
        note(3);
        assert!(store.flush_reads().await.is_err());
        note(4);
        other.execute_batch("DROP TRIGGER full").expect("writes");
        store.flush_reads().await.expect("writes");
        let days = Days::one(Day::parse("2026-11-22").expect("a day"));
        let reads = store.reads_by_article(account, days).await.expect("reads");
        let two = Reads {
            session: 2,
            other: 0,
            people: 2,
        };
        assert_eq!(reads, BTreeMap::from([(article, two)]));
    }

    #[tokio::test]
    async fn reads_of_other_days_are_not_waited_for() {
        let unwritten = Unwritten::default();
        let day = Day::parse("2026-11-22").expect("a day");
        let hour = Hour {
            account: AccountId(1),
            day,
            hour: 9,
            article: ArticleNo {
                news: NewsId(7),
                index: 1,
            },
        };
        let read = Read {
            article: hour.article,
            reader: None,
            loaded: true,
        };
        unwritten.add(hour, &read);
        assert!(unwritten.any(AccountId(1), Days::one(day)));
        assert!(!unwritten.any(AccountId(1), Days::one(day.plus(-1))));
        assert!(!unwritten.any(AccountId(2), Days::one(day)));
        let taken = unwritten.take();
        assert_eq!(taken.len(), 1);
        assert!(unwritten.any(AccountId(1), Days::one(day)), "not committed yet");
        unwritten.end(&taken, true);
        assert!(!unwritten.any(AccountId(1), Days::one(day)));
    }
}
