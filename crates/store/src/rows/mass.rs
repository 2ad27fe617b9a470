//! [`MassStore`] on SQLite; accepting is in `accept`, releasing in `release`, deleting in `delete`.

use std::sync::Arc;

use crate::sql::{Connection, OptionalExtension, Row, Rows, params};
use async_trait::async_trait;
use domain::{
    compat::Behaviour,
    content::{Caption, Content, MessageType, NewContent},
    id::{AccountId, CardId, MassId, NewsId, Ordinal},
    mass::{Accepted, ChangeRefusal, Counts, DeleteRefusal, Mass, MassState, NewMass, Origin, Refusal},
    quota::{self, CallTicket, MinuteUsedUp, Usage},
    speed::{Pace, SpeedLevel},
    time::Timestamp,
};

use super::{
    Shared, SqlStore, accept, account, columns, content, delete, dry_run, end, library, media, outbox,
    preview, release,
    seal::{self, MASS as SEALED},
    usage,
};
use crate::{
    StoreResult, crash_point,
    mass::{DryRun, Lease, MassStore, PreviewRefusal, Released, ReleasedAtOnce, Running, WorkerId},
    outbox::EventKind,
};

/// What follows the sealed columns of a mass.
const UNSEALED: &str = "base_count, base_time, per_minute, confirm_by, \
    (SELECT COUNT(*) FROM batch WHERE batch.account = mass.account AND batch.mass = mass.id)";
const SENDING: i64 = 0;
pub(super) const SUCCEEDED: i64 = 1;
pub(super) const FAILED: i64 = 2;
pub(super) const REFUSED: i64 = 3;
pub(super) const DELETED: i64 = 4;

#[async_trait]
impl MassStore for SqlStore {
    async fn count_call(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> StoreResult<Result<CallTicket, MinuteUsedUp>> {
        self.write_aside(account, move |db, shared| {
            let Some(found) = account::by_id(db, shared, account)? else {
                return Err(columns::damaged("an account number"));
            };
            let mut used = usage::load(db, shared, account, now)?;
            let ticket = quota::count_call(&found.call_quota(), &mut used);
            usage::save(db, account, &used)?;
            Ok(ticket)
        })
        .await
    }

    async fn usage(&self, account: AccountId, now: Timestamp) -> StoreResult<Usage> {
        self.read(move |db, shared| usage::load(db, shared, account, now))
            .await
    }

    async fn content_exists(
        &self,
        account: AccountId,
        content: &NewContent,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let content = content.clone();
        self.read(move |db, _| content::exists(db, account, &content, now))
            .await
    }

    async fn accept_mass(
        &self,
        account: AccountId,
        mass: NewMass,
        now: Timestamp,
    ) -> StoreResult<Result<Accepted, Refusal>> {
        self.write(account, move |db, shared| {
            accept::accept(db, shared, account, &mass, now)
        })
        .await
    }

    async fn dry_run(&self, account: AccountId, mass: NewMass, now: Timestamp) -> StoreResult<DryRun> {
        self.read(move |db, shared| dry_run::dry_run(db, shared, account, &mass, now))
            .await
    }

    async fn send_preview(
        &self,
        account: AccountId,
        content: NewContent,
        to: Ordinal,
        now: Timestamp,
    ) -> StoreResult<Result<MassId, PreviewRefusal>> {
        self.write(account, move |db, shared| {
            preview::send(db, shared, account, &content, to, now)
        })
        .await
    }

    async fn mass(&self, account: AccountId, id: MassId) -> StoreResult<Option<Mass>> {
        let kept = &self.shared.kept;
        if let Some(mass) = kept.masses(&(account, id)) {
            return Ok(Some((*mass).clone()));
        }
        let before = kept.before();
        let mass = self
            .read(move |db, _| Ok(by_id(db, account, id)?.filter(|mass| mass.origin != Origin::Preview)))
            .await?;
        if let Some(mass) = &mass {
            kept.keep_mass((account, id), account, before, &Arc::new(mass.clone()));
        }
        Ok(mass)
    }

    async fn preview(&self, account: AccountId, id: MassId) -> StoreResult<Option<Mass>> {
        self.read(move |db, _| Ok(by_id(db, account, id)?.filter(|mass| mass.origin == Origin::Preview)))
            .await
    }

    async fn masses(
        &self,
        account: AccountId,
        before: Option<MassId>,
        limit: usize,
    ) -> StoreResult<Vec<Mass>> {
        self.read(move |db, _| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {SEALED}, {UNSEALED} FROM mass WHERE account = ? AND id < ? AND origin <> 2 ORDER BY id DESC LIMIT ?"
            ))?;
            let before = before.map_or(i64::MAX, |before| before.0);
            read_all(db, account, statement.query(params![account.0, before, limit])?)
        })
        .await
    }

    async fn history(
        &self,
        account: AccountId,
        before: Option<MassId>,
        limit: usize,
    ) -> StoreResult<Vec<Mass>> {
        self.read(move |db, _| history(db, account, before, limit)).await
    }

    async fn confirm_mass(
        &self,
        account: AccountId,
        id: MassId,
        per_minute: Option<u32>,
        now: Timestamp,
    ) -> StoreResult<Result<(), ChangeRefusal>> {
        self.write(account, move |db, _| {
            end::confirm(db, account, id, per_minute, now)
        })
        .await
    }

    async fn refuse_waiting_mass(
        &self,
        account: AccountId,
        id: MassId,
        now: Timestamp,
    ) -> StoreResult<Result<(), ChangeRefusal>> {
        self.write(account, move |db, shared| {
            end::refuse_waiting(db, shared, account, id, now)
        })
        .await
    }

    async fn recall_mass(
        &self,
        account: AccountId,
        id: MassId,
        now: Timestamp,
    ) -> StoreResult<Result<(), ChangeRefusal>> {
        self.write(account, move |db, shared| {
            end::recall(db, shared, account, id, now)
        })
        .await
    }

    async fn end_undelivered(
        &self,
        account: AccountId,
        id: MassId,
        end: MassState,
        now: Timestamp,
    ) -> StoreResult<bool> {
        self.write(account, move |db, shared| {
            end::undelivered(db, shared, account, id, end, now)
        })
        .await
    }

    async fn delete_articles(
        &self,
        account: AccountId,
        id: MassId,
        index: u8,
        now: Timestamp,
    ) -> StoreResult<Result<(), DeleteRefusal>> {
        self.write(account, move |db, _| delete::delete(db, account, id, index, now))
            .await
    }

    async fn mass_of_news(&self, account: AccountId, news: NewsId) -> StoreResult<Option<MassId>> {
        self.read(move |db, _| {
            let mut statement = db.prepare_cached(
                "SELECT id FROM mass WHERE account = ? AND news = ? AND origin <> 2
                 ORDER BY state IN (1, 4) DESC, recalled_at IS NOT NULL, id DESC LIMIT 1",
            )?;
            let found: Option<i64> = statement
                .query_row(params![account.0, news.0], |row| row.get(0))
                .optional()?;
            Ok(found.map(MassId))
        })
        .await
    }

    async fn set_speed(
        &self,
        account: AccountId,
        level: SpeedLevel,
        per_minute: Option<u32>,
        now: Timestamp,
    ) -> StoreResult<()> {
        self.write(account, move |db, _| {
            db.prepare_cached("UPDATE account SET speed = ? WHERE id = ?")?
                .execute(params![level.number(), account.0])?;
            for mass in running(db)?
                .into_iter()
                .filter(|running| running.account == account)
            {
                change_pace(db, account, mass.mass, per_minute, now)?;
            }
            Ok(())
        })
        .await
    }

    async fn running_masses(&self) -> StoreResult<Vec<Running>> {
        self.read(|db, _| running(db)).await
    }

    async fn lease_batches(
        &self,
        account: AccountId,
        mass: MassId,
        worker: &WorkerId,
        limit: usize,
        lease_ms: i64,
        now: Timestamp,
    ) -> StoreResult<Lease> {
        let worker = worker.clone();
        self.write(account, move |db, shared| {
            release::lease(db, shared, (account, mass), &worker, limit, (now, lease_ms))
        })
        .await
    }

    async fn release_batches(&self, lease: &Lease, now: Timestamp) -> StoreResult<Released> {
        self.release(lease.clone(), now).await
    }

    async fn release_at_once(
        &self,
        account: AccountId,
        mass: MassId,
        worker: &WorkerId,
        limit: usize,
        now: Timestamp,
    ) -> StoreResult<Option<ReleasedAtOnce>> {
        self.release_unpaced((account, mass), worker.clone(), limit, now)
            .await
    }

    async fn finish_mass(&self, account: AccountId, mass: MassId, now: Timestamp) -> StoreResult<bool> {
        self.write(account, move |db, shared| finish(db, shared, account, mass, now))
            .await
    }
}

/// A mass or preview with its numbers so far.
pub(super) fn by_id(db: &Connection, account: AccountId, id: MassId) -> StoreResult<Option<Mass>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {SEALED}, {UNSEALED} FROM mass WHERE account = ? AND id = ?"
    ))?;
    let mut rows = statement.query(params![account.0, id.0])?;
    match rows.next()? {
        Some(row) => Ok(Some(with_counts(db, read_row(&row, account)?)?)),
        None => Ok(None),
    }
}

fn read_all(db: &Connection, account: AccountId, mut rows: Rows<'_>) -> StoreResult<Vec<Mass>> {
    let mut masses = Vec::new();
    while let Some(row) = rows.next()? {
        masses.push(with_counts(db, read_row(&row, account)?)?);
    }
    Ok(masses)
}

/// The masses of the history list that ended before `before` did, newest first.
fn history(
    db: &Connection,
    account: AccountId,
    before: Option<MassId>,
    limit: usize,
) -> StoreResult<Vec<Mass>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {SEALED}, {UNSEALED} FROM mass
         WHERE account = ?1 AND charged_history = 1 AND state IN (1, 4) AND state = 1 AND recalled_at IS NULL
             AND (CAST(?2 AS BIGINT) IS NULL OR (finished_at, id) <
                 (SELECT finished_at, id FROM mass WHERE account = ?1 AND id = ?2))
         ORDER BY finished_at DESC, id DESC LIMIT ?3"
    ))?;
    read_all(
        db,
        account,
        statement.query(params![account.0, before.map(|before| before.0), limit])?,
    )
}

fn read_row(row: &Row<'_>, account: AccountId) -> StoreResult<Mass> {
    seal::check_mass(row)?;
    let finished_at: Option<i64> = row.get(17)?;
    let confirm_by: Option<i64> = row.get(31)?;
    let recalled_at: Option<i64> = row.get(25)?;
    Ok(Mass {
        account,
        id: MassId(row.get(1)?),
        origin: match row.get(2)? {
            0 => Origin::Api,
            1 => Origin::Site,
            _ => Origin::Preview,
        },
        content: read_content(row)?,
        state: state(row.get(3)?, row.get(4)?)?,
        accepted_at: Timestamp(row.get(16)?),
        finished_at: finished_at.map(Timestamp),
        counts: Counts {
            total: row.get(18)?,
            delivered: row.get(19)?,
            over_quota: row.get(20)?,
            blacklisted: row.get(21)?,
            opted_out: row.get(22)?,
            left: row.get(23)?,
            failed: row.get(24)?,
        },
        pace: read_pace(row, 28)?,
        confirm_by: confirm_by.map(Timestamp),
        recalled_at: recalled_at.map(Timestamp),
        send_ignore_reprint: row.get(26)?,
        batches_left: row.get(32)?,
    })
}

/// The content in a row of [`seal::MASS`]: its type, text, description, three of the blob, news, pictures.
pub(super) fn read_content(row: &Row<'_>) -> StoreResult<Content> {
    let (kind, first): (String, usize) = (row.get(5)?, 6);
    let kind = MessageType::from_word(&kind).ok_or_else(|| columns::damaged("a message type"))?;
    Ok(match kind {
        MessageType::Text => Content::Text(row.get(first)?),
        MessageType::Image => match row.get::<_, Option<String>>(first + 6)? {
            Some(text) => columns::pictures(&text, row.get(first)?, row.get(first + 1)?)?,
            None => Content::Image {
                pictures: vec![media::read_blob(row, first + 2)?],
                caption: Caption::default(),
            },
        },
        MessageType::Voice => Content::Voice(media::read_blob(row, first + 2)?),
        MessageType::Music => Content::Music(media::read_blob(row, first + 2)?),
        MessageType::Video => Content::Video {
            blob: media::read_blob(row, first + 2)?,
            title: row.get(first)?,
            description: row.get(first + 1)?,
        },
        MessageType::News => Content::News(NewsId(row.get(first + 5)?)),
        MessageType::Card => Content::Card {
            id: CardId(row.get(first + 1)?),
            title: row.get(first)?,
        },
    })
}

fn read_pace(row: &Row<'_>, first: usize) -> crate::sql::Result<Pace> {
    Ok(Pace {
        base_count: row.get(first)?,
        base_time: Timestamp(row.get(first + 1)?),
        per_minute: row.get(first + 2)?,
    })
}

fn state(number: i64, refused: u32) -> StoreResult<MassState> {
    match number {
        SENDING => Ok(MassState::Sending),
        SUCCEEDED => Ok(MassState::Succeeded),
        FAILED => Ok(MassState::Failed),
        REFUSED => Ok(MassState::Refused(refused)),
        DELETED => Ok(MassState::Deleted),
        _ => Err(columns::damaged("a mass state")),
    }
}

/// While a mass runs, its numbers are the sum of what was released so far.
fn with_counts(db: &Connection, mut mass: Mass) -> StoreResult<Mass> {
    if mass.state == MassState::Sending {
        mass.counts = Counts {
            total: mass.counts.total,
            ..sum(db, mass.account, mass.id)?
        };
    }
    Ok(mass)
}

/// The outcome written so far (I4): read from the delivery rows and nowhere else.
pub(super) fn sum(db: &Connection, account: AccountId, mass: MassId) -> StoreResult<Counts> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {} FROM delivery WHERE account = ? AND mass = ?",
        seal::DELIVERY
    ))?;
    let mut rows = statement.query(params![account.0, mass.0])?;
    let mut counts = Counts::default();
    while let Some(row) = rows.next()? {
        counts.add(&seal::delivery(&row)?.counts);
    }
    Ok(counts)
}

fn running(db: &Connection) -> StoreResult<Vec<Running>> {
    let mut statement = db.prepare_cached(
        "SELECT account, id, base_count, base_time, per_minute,
                (SELECT before FROM batch WHERE batch.account = mass.account AND batch.mass = mass.id
                 ORDER BY block LIMIT 1), confirm_by, checked
         FROM mass WHERE state = 0 ORDER BY accepted_at, account, id",
    )?;
    let rows = statement.query_map([], |row| {
        let pace = read_pace(row, 2)?;
        let before: Option<u64> = row.get(5)?;
        let confirm_by: Option<i64> = row.get(6)?;
        Ok(Running {
            account: AccountId(row.get(0)?),
            mass: MassId(row.get(1)?),
            next_due: confirm_by
                .map(Timestamp)
                .or(before.map(|before| pace.due(before))),
            waiting: confirm_by.is_some(),
            checked: row.get(7)?,
            paced: pace.per_minute.is_some(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The pace of a mass that may be released; `None` when it is final or waits for the administrator.
pub(super) fn pace(db: &Connection, account: AccountId, mass: MassId) -> StoreResult<Option<Pace>> {
    let mut statement = db.prepare_cached(
        "SELECT base_count, base_time, per_minute FROM mass
         WHERE account = ? AND id = ? AND state = 0 AND confirm_by IS NULL",
    )?;
    Ok(statement
        .query_row(params![account.0, mass.0], |row| read_pace(row, 0))
        .optional()?)
}

fn change_pace(
    db: &Connection,
    account: AccountId,
    mass: MassId,
    per_minute: Option<u32>,
    now: Timestamp,
) -> StoreResult<()> {
    let Some(pace) = pace(db, account, mass)? else {
        return Ok(());
    };
    let counts = sum(db, account, mass)?;
    let released = counts.delivered + counts.over_quota + counts.blacklisted + counts.opted_out + counts.left;
    write_pace(db, account, mass, &pace.changed(now, per_minute, released))
}

/// Writes the pace of a mass.
pub(super) fn write_pace(db: &Connection, account: AccountId, mass: MassId, pace: &Pace) -> StoreResult<()> {
    db.prepare_cached(
        "UPDATE mass SET base_count = ?, base_time = ?, per_minute = ? WHERE account = ? AND id = ?",
    )?
    .execute(params![
        pace.base_count,
        pace.base_time.0,
        pace.per_minute,
        account.0,
        mass.0
    ])?;
    Ok(())
}

/// Makes a mass final once its last batch is released.
pub(super) fn finish(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    mass: MassId,
    now: Timestamp,
) -> StoreResult<bool> {
    let unfinished = db
        .prepare_cached("SELECT 1 FROM batch WHERE account = ? AND mass = ? LIMIT 1")?
        .exists(params![account.0, mass.0])?;
    if unfinished || pace(db, account, mass)?.is_none() {
        return Ok(false);
    }
    let counts = sum(db, account, mass)?;
    succeed(db, shared, (account, mass), &counts, now)?;
    Ok(true)
}

/// Writes the success of a mass with its final counts, and its event (I4, I19).
pub(super) fn succeed(
    db: &Connection,
    shared: &Shared,
    (account, mass): (AccountId, MassId),
    counts: &Counts,
    now: Timestamp,
) -> StoreResult<()> {
    db.prepare_cached(
        "UPDATE mass SET state = 1, finished_at = ?, delivered = ?, over_quota = ?, blacklisted = ?, opted_out = ?,
             left_since = ?, failed = ?
         WHERE account = ? AND id = ? AND state = 0",
    )?
    .execute(params![
        now.0,
        counts.delivered,
        counts.over_quota,
        counts.blacklisted,
        counts.opted_out,
        counts.left,
        counts.failed,
        account.0,
        mass.0,
    ])?;
    seal::mass(db, account, mass)?;
    crash_point!("finish.written");
    outbox::add(db, account, EventKind::MassFinished(mass), now)?;
    if account::by_id(db, shared, account)?.is_some_and(|account| account.has(Behaviour::DraftDies)) {
        library::draft_was_sent(db, account, mass, now)?;
    }
    // Its news may have been deleted through another send of it while this one ran (S104).
    if let Some(news) = news_of(db, account, mass)? {
        delete::masses_of_dead_news(db, account, news)?;
    }
    Ok(())
}

fn news_of(db: &Connection, account: AccountId, mass: MassId) -> StoreResult<Option<NewsId>> {
    let mut statement = db.prepare_cached("SELECT news FROM mass WHERE account = ? AND id = ?")?;
    let news: Option<i64> = statement.query_row(params![account.0, mass.0], |row| row.get(0))?;
    Ok(news.map(NewsId))
}
