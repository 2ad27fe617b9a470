//! [`ScheduleStore`] on SQLite.

use crate::sql::{Connection, Row, params};
use async_trait::async_trait;
use domain::{
    audience::{Audience, FollowerList},
    content::{Caption, NewContent},
    id::{AccountId, CardId, MassId, MediaId, NewsId, Ordinal, ScheduleId, TagId},
    mass::{NewMass, Origin, Refusal},
    quota::{CallTicket, QuotaRefusal},
    schedule::{Request, Schedule, ScheduleRefusal, ScheduleState},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{Shared, SqlStore, accept, columns, sets};
use crate::{StoreResult, schedule::ScheduleStore};

const COLUMNS: &str = "id, send_at, request, state, mass, refusal, created_at";
const WAITING: i64 = 0;
/// What a schedule names lives at least this long after its time.
const GRACE_MS: i64 = 24 * 3_600 * 1_000;

#[async_trait]
impl ScheduleStore for SqlStore {
    async fn add_schedule(
        &self,
        account: AccountId,
        request: Request,
        send_at: Timestamp,
        now: Timestamp,
    ) -> StoreResult<Result<ScheduleId, Refusal>> {
        self.write(account, move |db, _| {
            if !super::content::exists(db, account, &request.content, now)? {
                return Ok(Err(super::content::unknown(&request.content)));
            }
            let id = sets::take_numbers(db, account, "schedule", 1, 1)?;
            db.prepare_cached(
                "INSERT INTO schedule (account, id, send_at, request, state, created_at) VALUES (?, ?, ?, ?, 0, ?)",
            )?
            .execute(params![account.0, id, send_at.0, request_text(&request)?, now.0])?;
            keep_alive(db, account, &request, send_at)?;
            Ok(Ok(ScheduleId(id)))
        })
        .await
    }

    async fn schedule(&self, account: AccountId, id: ScheduleId) -> StoreResult<Option<Schedule>> {
        self.read(move |db, _| by_id(db, account, id)).await
    }

    async fn schedules(
        &self,
        account: AccountId,
        before: Option<ScheduleId>,
        limit: usize,
    ) -> StoreResult<Vec<Schedule>> {
        self.read(move |db, _| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM schedule WHERE account = ? AND id < ? ORDER BY id DESC LIMIT ?"
            ))?;
            let before = before.map_or(i64::MAX, |before| before.0);
            let mut rows = statement.query(params![account.0, before, limit])?;
            let mut schedules = Vec::new();
            while let Some(row) = rows.next()? {
                schedules.push(read_row(&row)?);
            }
            Ok(schedules)
        })
        .await
    }

    async fn change_schedule(
        &self,
        account: AccountId,
        id: ScheduleId,
        request: Option<Request>,
        send_at: Option<Timestamp>,
        now: Timestamp,
    ) -> StoreResult<Result<(), ScheduleRefusal>> {
        self.write(account, move |db, _| {
            let mut schedule = match waiting(db, account, id)? {
                Ok(schedule) => schedule,
                Err(refusal) => return Ok(Err(refusal)),
            };
            schedule.request = request.unwrap_or(schedule.request);
            schedule.send_at = send_at.unwrap_or(schedule.send_at);
            if !super::content::exists(db, account, &schedule.request.content, now)? {
                let unknown = super::content::unknown(&schedule.request.content);
                return Ok(Err(ScheduleRefusal::Request(unknown)));
            }
            db.prepare_cached("UPDATE schedule SET request = ?, send_at = ? WHERE account = ? AND id = ?")?
                .execute(params![
                    request_text(&schedule.request)?,
                    schedule.send_at.0,
                    account.0,
                    id.0
                ])?;
            keep_alive(db, account, &schedule.request, schedule.send_at)?;
            Ok(Ok(()))
        })
        .await
    }

    async fn cancel_schedule(
        &self,
        account: AccountId,
        id: ScheduleId,
    ) -> StoreResult<Result<(), ScheduleRefusal>> {
        self.write(account, move |db, _| {
            if let Err(refusal) = waiting(db, account, id)? {
                return Ok(Err(refusal));
            }
            end(db, account, id, ScheduleState::Cancelled)?;
            Ok(Ok(()))
        })
        .await
    }

    async fn due_schedules(&self, now: Timestamp, limit: usize) -> StoreResult<Vec<(AccountId, ScheduleId)>> {
        self.read(move |db, _| {
            let mut statement = db.prepare_cached(
                "SELECT account, id FROM schedule WHERE state = 0 AND send_at <= ?
                 ORDER BY send_at, account, id LIMIT ?",
            )?;
            let due = statement.query_map(params![now.0, limit], |row| {
                Ok((AccountId(row.get(0)?), ScheduleId(row.get(1)?)))
            })?;
            Ok(due.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn next_schedule_due(&self, after: Timestamp) -> StoreResult<Option<Timestamp>> {
        self.read(move |db, _| {
            let due: Option<i64> = db
                .prepare_cached("SELECT MIN(send_at) FROM schedule WHERE state = 0 AND send_at > ?")?
                .query_row([after.0], |row| row.get(0))?;
            Ok(due.map(Timestamp))
        })
        .await
    }

    async fn accept_schedule(
        &self,
        account: AccountId,
        id: ScheduleId,
        per_minute: Option<u32>,
        now: Timestamp,
    ) -> StoreResult<Option<Schedule>> {
        self.write(account, move |db, shared| {
            accept_one(db, shared, account, id, per_minute, now)
        })
        .await
    }
}

fn accept_one(
    db: &Connection,
    shared: &Shared,
    account: AccountId,
    id: ScheduleId,
    per_minute: Option<u32>,
    now: Timestamp,
) -> StoreResult<Option<Schedule>> {
    let Ok(schedule) = waiting(db, account, id)? else {
        return Ok(None);
    };
    let request = schedule.request.clone();
    let mass = NewMass {
        content: request.content,
        audience: request.audience,
        client_msg_id: request.client_msg_id,
        send_ignore_reprint: request.send_ignore_reprint,
        ticket: CallTicket { within_day: true },
        origin: Origin::Site,
        per_minute,
    };
    let state = match accept::accept(db, shared, account, &mass, now)? {
        Ok(accepted) => ScheduleState::Sent(accepted.id),
        Err(refusal) => ScheduleState::Refused(refusal),
    };
    end(db, account, id, state)?;
    Ok(Some(Schedule { state, ..schedule }))
}

fn by_id(db: &Connection, account: AccountId, id: ScheduleId) -> StoreResult<Option<Schedule>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM schedule WHERE account = ? AND id = ?"
    ))?;
    let mut rows = statement.query(params![account.0, id.0])?;
    rows.next()?.map(|row| read_row(&row)).transpose()
}

fn waiting(
    db: &Connection,
    account: AccountId,
    id: ScheduleId,
) -> StoreResult<Result<Schedule, ScheduleRefusal>> {
    Ok(match by_id(db, account, id)? {
        None => Err(ScheduleRefusal::Unknown),
        Some(schedule) if schedule.state == ScheduleState::Waiting => Ok(schedule),
        Some(_) => Err(ScheduleRefusal::Over),
    })
}

fn end(db: &Connection, account: AccountId, id: ScheduleId, state: ScheduleState) -> StoreResult<()> {
    let (number, mass, refusal) = match state {
        ScheduleState::Waiting => (WAITING, None, None),
        ScheduleState::Sent(mass) => (1, Some(mass.0), None),
        ScheduleState::Refused(Refusal::Repeat { earlier }) => (2, Some(earlier.0), Some("repeat")),
        ScheduleState::Refused(refusal) => (2, None, Some(refusal_word(refusal))),
        ScheduleState::Cancelled => (3, None, None),
    };
    db.prepare_cached("UPDATE schedule SET state = ?, mass = ?, refusal = ? WHERE account = ? AND id = ?")?
        .execute(params![number, mass, refusal, account.0, id.0])?;
    Ok(())
}

fn read_row(row: &Row<'_>) -> StoreResult<Schedule> {
    let (text, mass, refusal): (String, Option<i64>, Option<String>) =
        (row.get(2)?, row.get(4)?, row.get(5)?);
    let mass = mass.map(MassId);
    let state = match (row.get(3)?, mass, refusal.as_deref()) {
        (WAITING, ..) => ScheduleState::Waiting,
        (1, Some(mass), _) => ScheduleState::Sent(mass),
        (2, Some(earlier), Some("repeat")) => ScheduleState::Refused(Refusal::Repeat { earlier }),
        (2, _, Some(word)) => ScheduleState::Refused(
            refusal_of(word).ok_or_else(|| columns::damaged("the refusal of a schedule"))?,
        ),
        (3, ..) => ScheduleState::Cancelled,
        _ => return Err(columns::damaged("the state of a schedule")),
    };
    Ok(Schedule {
        id: ScheduleId(row.get(0)?),
        send_at: Timestamp(row.get(1)?),
        request: request(&text)?,
        state,
        created_at: Timestamp(row.get(6)?),
    })
}

/// The refusals without a number, and their words.
const REFUSALS: [(Refusal, &str); 10] = [
    (Refusal::MediaUnknown, "media unknown"),
    (Refusal::CardUnknown, "card unknown"),
    (Refusal::OriginalNotAllowed, "original not allowed"),
    (Refusal::TagUnknown, "tag unknown"),
    (Refusal::NoReceiver, "no receiver"),
    (Refusal::CallsUsedUp, "calls used up"),
    (Refusal::ConfirmationPending, "confirmation pending"),
    (Refusal::Quota(QuotaRefusal::SendsUsedUp), "sends used up"),
    (
        Refusal::Quota(QuotaRefusal::HistoryOfDayUsedUp),
        "history of day used up",
    ),
    (
        Refusal::Quota(QuotaRefusal::HistoryOfMonthUsedUp),
        "history of month used up",
    ),
];

fn refusal_word(refusal: Refusal) -> &'static str {
    REFUSALS
        .iter()
        .find(|(known, _)| *known == refusal)
        .map_or("unknown", |(_, word)| word)
}

fn refusal_of(word: &str) -> Option<Refusal> {
    REFUSALS
        .iter()
        .find(|(_, known)| *known == word)
        .map(|(refusal, _)| *refusal)
}

/// Lets the materials that a request names live until it is accepted.
fn keep_alive(db: &Connection, account: AccountId, request: &Request, send_at: Timestamp) -> StoreResult<()> {
    let ids: Vec<&str> = match &request.content {
        NewContent::Image { media, .. } => media.iter().map(|id| id.0.as_str()).collect(),
        NewContent::Voice(id)
        | NewContent::Music(id)
        | NewContent::News(id)
        | NewContent::Video { media: id, .. } => vec![&id.0],
        NewContent::Text(_) | NewContent::NewsAgain(_) | NewContent::Card(_) => return Ok(()),
    };
    let ids = serde_json::to_string(&ids)?;
    for table in ["media", "news"] {
        db.prepare_cached(&format!(
            "UPDATE {table} SET expires_at = CASE WHEN expires_at > ?1 THEN expires_at ELSE ?1 END
             WHERE account = ?2 AND expires_at IS NOT NULL AND id IN (SELECT CAST(value AS TEXT) FROM json_each(?3))"
        ))?
        .execute(params![send_at.plus_ms(GRACE_MS).0, account.0, ids])?;
    }
    Ok(())
}

#[derive(Serialize, Deserialize)]
struct RequestRow {
    content: ContentRow,
    audience: AudienceRow,
    client_msg_id: Option<String>,
    send_ignore_reprint: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ContentRow {
    Text(String),
    Image {
        media: Vec<String>,
        title: String,
        recommend: String,
        need_open_comment: bool,
        only_fans_can_comment: bool,
    },
    Voice(String),
    Music(String),
    Video {
        media: String,
        title: String,
        description: String,
    },
    News(String),
    NewsAgain(i64),
    Card(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AudienceRow {
    All,
    Tag(i64),
    OpenIds { ordinals: Vec<u32>, strangers: u32 },
}

fn request_text(request: &Request) -> StoreResult<String> {
    let Request {
        content,
        audience,
        client_msg_id,
        send_ignore_reprint,
    } = request.clone();
    Ok(serde_json::to_string(&RequestRow {
        content: content_row(content),
        audience: audience_row(audience),
        client_msg_id,
        send_ignore_reprint,
    })?)
}

fn request(text: &str) -> StoreResult<Request> {
    let RequestRow {
        content: what,
        audience: whom,
        client_msg_id,
        send_ignore_reprint,
    } = serde_json::from_str(text)?;
    Ok(Request {
        content: content(what),
        audience: audience(whom),
        client_msg_id,
        send_ignore_reprint,
    })
}

fn content_row(content: NewContent) -> ContentRow {
    match content {
        NewContent::Text(text) => ContentRow::Text(text),
        NewContent::Image { media, caption } => ContentRow::Image {
            media: media.into_iter().map(|id| id.0).collect(),
            title: caption.title,
            recommend: caption.recommend,
            need_open_comment: caption.need_open_comment,
            only_fans_can_comment: caption.only_fans_can_comment,
        },
        NewContent::Voice(id) => ContentRow::Voice(id.0),
        NewContent::Music(id) => ContentRow::Music(id.0),
        NewContent::Video {
            media,
            title,
            description,
        } => ContentRow::Video {
            media: media.0,
            title,
            description,
        },
        NewContent::News(id) => ContentRow::News(id.0),
        NewContent::NewsAgain(id) => ContentRow::NewsAgain(id.0),
        NewContent::Card(id) => ContentRow::Card(id.0),
    }
}

fn content(row: ContentRow) -> NewContent {
    match row {
        ContentRow::Text(text) => NewContent::Text(text),
        ContentRow::Image {
            media,
            title,
            recommend,
            need_open_comment,
            only_fans_can_comment,
        } => NewContent::Image {
            media: media.into_iter().map(MediaId).collect(),
            caption: Caption {
                title,
                recommend,
                need_open_comment,
                only_fans_can_comment,
            },
        },
        ContentRow::Voice(id) => NewContent::Voice(MediaId(id)),
        ContentRow::Music(id) => NewContent::Music(MediaId(id)),
        ContentRow::Video {
            media,
            title,
            description,
        } => NewContent::Video {
            media: MediaId(media),
            title,
            description,
        },
        ContentRow::News(id) => NewContent::News(MediaId(id)),
        ContentRow::NewsAgain(id) => NewContent::NewsAgain(NewsId(id)),
        ContentRow::Card(id) => NewContent::Card(CardId(id)),
    }
}

fn audience_row(audience: Audience) -> AudienceRow {
    match audience {
        Audience::All => AudienceRow::All,
        Audience::Tag(tag) => AudienceRow::Tag(tag.0),
        Audience::OpenIds(list) => AudienceRow::OpenIds {
            ordinals: list.ordinals.into_iter().map(|ordinal| ordinal.0).collect(),
            strangers: list.strangers,
        },
    }
}

fn audience(row: AudienceRow) -> Audience {
    match row {
        AudienceRow::All => Audience::All,
        AudienceRow::Tag(tag) => Audience::Tag(TagId(tag)),
        AudienceRow::OpenIds { ordinals, strangers } => Audience::OpenIds(FollowerList {
            ordinals: ordinals.into_iter().map(Ordinal).collect(),
            strangers,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_comes_back_as_it_was_kept() {
        let id = || MediaId("m".into());
        let contents = [
            NewContent::Text("文".into()),
            NewContent::Image {
                media: vec![id(), MediaId("n".into())],
                caption: Caption {
                    title: "t".into(),
                    recommend: "r".into(),
                    need_open_comment: true,
                    only_fans_can_comment: false,
                },
            },
            NewContent::Voice(id()),
            NewContent::Music(id()),
            NewContent::Video {
                media: id(),
                title: "t".into(),
                description: "d".into(),
            },
            NewContent::News(id()),
            NewContent::NewsAgain(NewsId(7)),
            NewContent::Card(CardId("c".into())),
        ];
        let audiences = [
            Audience::All,
            Audience::Tag(TagId(101)),
            Audience::OpenIds(FollowerList {
                ordinals: vec![Ordinal(1), Ordinal(70_000)],
                strangers: 2,
            }),
        ];
        for content in contents {
            for audience in audiences.clone() {
                let kept = Request {
                    content: content.clone(),
                    audience,
                    client_msg_id: Some("k".into()),
                    send_ignore_reprint: true,
                };
                let text = request_text(&kept).expect("JSON");
                assert_eq!(request(&text).expect("reads"), kept);
            }
        }
    }

    #[test]
    fn every_refusal_has_a_word() {
        for (refusal, word) in REFUSALS {
            assert_eq!(refusal_of(word), Some(refusal));
            assert_eq!(refusal_word(refusal), word);
        }
    }
}
