//! Operator-site sends (官网群发): at once, later, or as a dry run; and what an operator does to a mass.

use std::collections::HashMap;

use axum::{
    Json,
    extract::{FromRequest, Path, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::{
    account::{Account, AccountKind},
    id::{MassId, ScheduleId},
    mass::{ChangeRefusal, Origin},
    quota::{CallTicket, Usage},
    schedule::{self, SCHEDULE_AHEAD_MS},
    time::{Timestamp, parse_rfc3339},
};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use store::{bus::Hint, crash_point, mass::DryRun};
use wire::{errcode::ErrCode, mass::Accepted};

use crate::{
    api::{
        body::{JSON_MAX, read},
        error::ApiError,
        mass::{accept, new_mass, to_filter, to_list},
    },
    app::App,
    v1::{
        mass::{MassShape, Reasons, shape},
        problem::{NativeResult, Problem},
        request::{OfAccount, body_error, body_fault},
    },
};

/// A site send does not count as a call of the mass-send interface.
const NOT_A_CALL: CallTicket = CallTicket { within_day: true };

/// The body of a site send: that of sendall or send, and what is the site's own.
pub struct SiteSend {
    /// The message and its receivers; `None` when the body names neither.
    message: Option<Map<String, Value>>,
    own: Own,
}

/// Every key of a body; a misspelt one must not become a send to everybody at once.
const KEYS: [&str; 18] = [
    "send_at",
    "dry_run",
    "filter",
    "touser",
    "msgtype",
    "mpnews",
    "text",
    "voice",
    "music",
    "image",
    "images",
    "mpvideo",
    "video",
    "wxcard",
    "send_ignore_reprint",
    "clientmsgid",
    "title",
    "description",
];

#[derive(Debug, Default, Deserialize)]
struct Own {
    #[serde(default, deserialize_with = "text")]
    send_at: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

/// A text; `null` is none.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

impl<S: Send + Sync> FromRequest<S> for SiteSend {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let bytes = read(request.into_body(), JSON_MAX).await.map_err(body_fault)?;
        let mut message = wire::body::parse_object(&bytes).map_err(body_error)?;
        if let Some(unknown) = message.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(Problem::bad_request(format!("unknown key {unknown:?}")));
        }
        if message.contains_key("filter") && message.contains_key("touser") {
            return Err(Problem::bad_request("give filter or touser"));
        }
        let own = ["send_at", "dry_run"].into_iter();
        let own: Map<String, Value> = own.filter_map(|key| message.remove_entry(key)).collect();
        let own = serde_json::from_value(Value::Object(own))
            .map_err(|error| Problem::bad_request(error.to_string()))?;
        Ok(Self {
            message: (!message.is_empty()).then_some(message),
            own,
        })
    }
}

impl SiteSend {
    fn send_at(&self, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
        let Some(text) = &self.own.send_at else {
            return Ok(None);
        };
        if self.own.dry_run {
            return Err(Problem::bad_request(
                "a dry run speaks of now: give send_at or dry_run",
            ));
        }
        let at = parse_rfc3339(text)
            .ok_or_else(|| Problem::bad_request("send_at must be an RFC 3339 instant with its offset"))?;
        if at <= now || at.ms_since(now) > SCHEDULE_AHEAD_MS {
            return Err(Problem::bad_request(
                "send_at must lie in the future, at most a year ahead",
            ));
        }
        Ok(Some(at))
    }

    async fn request(&self, app: &App, account: &Account) -> Result<schedule::Request, Problem> {
        let message = self
            .message
            .clone()
            .ok_or_else(|| Problem::bad_request("the body names no message"))?;
        if !message.contains_key("touser") {
            return Ok(to_filter(app, account, lenient(message)?).await?);
        }
        match account.kind {
            AccountKind::Service => Ok(to_list(app, account, lenient(message)?).await?),
            AccountKind::Subscription => Err(ApiError::new(ErrCode::ApiUnauthorized).into()),
        }
    }
}

fn lenient<T: DeserializeOwned>(object: Map<String, Value>) -> Result<T, Problem> {
    serde_json::from_value(Value::Object(object)).map_err(|error| Problem::bad_request(error.to_string()))
}

/// What was accepted of a site send, or kept for later.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Taken {
    /// A mass send.
    Sent {
        /// `msg_id`.
        msg_id: i64,
        /// For news.
        #[serde(skip_serializing_if = "Option::is_none")]
        msg_data_id: Option<i64>,
    },
    /// A schedule.
    Scheduled {
        /// Its number.
        schedule_id: i64,
        /// When it will be accepted.
        send_at: String,
        /// `waiting`.
        state: &'static str,
    },
}

/// What a mass send would do.
#[derive(Debug, Serialize)]
pub struct DryRunShape {
    dry_run: bool,
    as_of: String,
    accepted: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    refusal: Option<RefusalShape>,
    total_count: u64,
    filter_count: u64,
    sent_count: u64,
    error_count: u64,
    reasons: Reasons,
    quota: QuotaChange,
    duration_seconds: i64,
}

/// A refusal as the compatible API would put it.
#[derive(Debug, Serialize)]
pub struct RefusalShape {
    errcode: i64,
    errmsg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    msg_id: Option<i64>,
}

impl RefusalShape {
    /// The refusal with this code.
    pub fn of(error: &ApiError) -> Self {
        Self {
            errcode: error.code.code(),
            errmsg: error.code.message(),
            msg_id: error.extra.map(|(_, number)| number),
        }
    }
}

#[derive(Debug, Serialize)]
struct QuotaChange {
    before: Used,
    after: Used,
}

#[derive(Debug, Serialize)]
struct Used {
    sends_today: u32,
    calls_today: u32,
    history_today: u32,
    history_this_month: u32,
}

impl From<Usage> for Used {
    fn from(usage: Usage) -> Self {
        Self {
            sends_today: usage.sends_today,
            calls_today: usage.calls_today,
            history_today: usage.history_today,
            history_this_month: usage.history_this_month,
        }
    }
}

/// `POST /v1/accounts/{appid}/masses`.
pub async fn send(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    body: SiteSend,
) -> Result<Response, Problem> {
    let send_at = body.send_at(app.now())?;
    let request = body.request(&app, &account).await?;
    if body.own.dry_run {
        let mass = new_mass(&app, &account, request, NOT_A_CALL, Origin::Site);
        let run = app.store.dry_run(account.id, mass, app.now()).await?;
        return Ok(Json(dry_run(&app, &run)).into_response());
    }
    let taken = match send_at {
        Some(send_at) => later(&app, &account, request, send_at).await?,
        None => {
            let mass = new_mass(&app, &account, request, NOT_A_CALL, Origin::Site);
            let Accepted {
                msg_id, msg_data_id, ..
            } = accept(&app, &account, mass).await?;
            Taken::Sent { msg_id, msg_data_id }
        }
    };
    Ok((StatusCode::CREATED, Json(taken)).into_response())
}

async fn later(
    app: &App,
    account: &Account,
    request: schedule::Request,
    send_at: Timestamp,
) -> Result<Taken, Problem> {
    let ScheduleId(schedule_id) = app
        .store
        .add_schedule(account.id, request, send_at, app.now())
        .await?
        .map_err(|refusal| Problem::from(ApiError::from(refusal)))?;
    crash_point!("schedule.added");
    app.bus.publish(Hint::Work);
    Ok(Taken::Scheduled {
        schedule_id,
        send_at: app.rfc3339(send_at),
        state: "waiting",
    })
}

fn dry_run(app: &App, run: &DryRun) -> DryRunShape {
    DryRunShape {
        dry_run: true,
        as_of: app.rfc3339(run.at),
        accepted: run.refusal.is_none(),
        refusal: run.refusal.map(|refusal| RefusalShape::of(&refusal.into())),
        total_count: run.counts.total,
        filter_count: run.counts.after_filters(),
        sent_count: run.counts.sent(),
        error_count: run.counts.errors(),
        reasons: Reasons::of(&run.counts),
        quota: QuotaChange {
            before: run.before.into(),
            after: run.after.into(),
        },
        duration_seconds: run.duration_ms.div_euclid(1_000),
    }
}

/// `PATCH /v1/accounts/{appid}/schedules/{id}`: another time, another message, or both.
pub async fn reschedule(app: &App, account: &Account, id: ScheduleId, body: SiteSend) -> Result<(), Problem> {
    let send_at = body.send_at(app.now())?;
    if body.own.dry_run || (send_at.is_none() && body.message.is_none()) {
        return Err(Problem::bad_request("give send_at, a message, or both"));
    }
    let request = match &body.message {
        Some(_) => Some(body.request(app, account).await?),
        None => None,
    };
    app.store
        .change_schedule(account.id, id, request, send_at, app.now())
        .await??;
    app.bus.publish(Hint::Work);
    Ok(())
}

/// `POST /v1/accounts/{appid}/masses/{msg_id}/confirm`: the administrator lets a waiting mass go.
pub async fn confirm(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    Path(names): Path<HashMap<String, String>>,
) -> NativeResult<MassShape> {
    let id = mass_id(&names)?;
    let per_minute = app.settings.speeds.of(account.speed);
    app.store
        .confirm_mass(account.id, id, per_minute, app.now())
        .await??;
    changed(&app, &account, id).await
}

/// `POST /v1/accounts/{appid}/masses/{msg_id}/refuse`: the administrator refuses it, `err(40001)`.
pub async fn refuse(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    Path(names): Path<HashMap<String, String>>,
) -> NativeResult<MassShape> {
    let id = mass_id(&names)?;
    app.store.refuse_waiting_mass(account.id, id, app.now()).await??;
    changed(&app, &account, id).await
}

/// `POST /v1/accounts/{appid}/masses/{msg_id}/recall`: entries and pages are gone, the rest never starts (I15).
pub async fn recall(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    Path(names): Path<HashMap<String, String>>,
) -> NativeResult<MassShape> {
    let id = mass_id(&names)?;
    crash_point!("recall.before");
    app.store.recall_mass(account.id, id, app.now()).await??;
    crash_point!("recall.committed");
    app.bus.publish(Hint::Changed(account.id, id));
    changed(&app, &account, id).await
}

async fn changed(app: &App, account: &Account, id: MassId) -> NativeResult<MassShape> {
    app.bus.publish(Hint::Work);
    let mass = app.store.mass(account.id, id).await?;
    mass.map(|mass| Json(shape(app, &mass)))
        .ok_or_else(|| Problem::not_found("mass"))
}

/// The mass that the path names.
pub fn mass_id(names: &HashMap<String, String>) -> Result<MassId, Problem> {
    names
        .get("msg_id")
        .and_then(|id| id.parse().ok())
        .map(MassId)
        .ok_or_else(|| Problem::not_found("mass"))
}

impl From<ChangeRefusal> for Problem {
    fn from(refusal: ChangeRefusal) -> Self {
        match refusal {
            ChangeRefusal::Unknown => Self::not_found("mass"),
            ChangeRefusal::NotWaiting => Self::conflict(refusal.to_string()),
        }
    }
}
