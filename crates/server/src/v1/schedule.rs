//! Schedules: listed, changed, cancelled; they are made by a site send with `send_at`.

use std::collections::HashMap;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use domain::{
    audience::Audience,
    id::ScheduleId,
    schedule::{Schedule, ScheduleRefusal, ScheduleState},
};
use serde::Serialize;

use crate::{
    api::error::ApiError,
    app::App,
    v1::{
        problem::{NativeResult, Problem},
        request::{OfAccount, Page},
        send::{RefusalShape, SiteSend, reschedule},
    },
};

/// A page of schedules, newest first.
#[derive(Debug, Serialize)]
pub struct ScheduleList {
    schedules: Vec<ScheduleShape>,
    next: Option<i64>,
}

/// One schedule.
#[derive(Debug, Serialize)]
pub struct ScheduleShape {
    schedule_id: i64,
    send_at: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    msg_id: Option<i64>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    refusal: Option<RefusalShape>,
    #[serde(rename = "type")]
    kind: &'static str,
    audience: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_id: Option<i64>,
    created_at: String,
}

/// `GET /v1/accounts/{appid}/schedules?before=&limit=`.
pub async fn list(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    page: Page,
) -> NativeResult<ScheduleList> {
    let before = page.number()?.map(ScheduleId);
    let schedules = app.store.schedules(account.id, before, page.limit).await?;
    let next = schedules
        .last()
        .filter(|_| schedules.len() == page.limit)
        .map(|schedule| schedule.id.0);
    Ok(Json(ScheduleList {
        schedules: schedules.iter().map(|schedule| shape(&app, schedule)).collect(),
        next,
    }))
}

/// `GET /v1/accounts/{appid}/schedules/{id}`.
pub async fn get(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    Path(names): Path<HashMap<String, String>>,
) -> NativeResult<ScheduleShape> {
    let found = app.store.schedule(account.id, id(&names)?).await?;
    found
        .map(|schedule| Json(shape(&app, &schedule)))
        .ok_or_else(|| ScheduleRefusal::Unknown.into())
}

/// `PATCH /v1/accounts/{appid}/schedules/{id}`.
pub async fn change(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    Path(names): Path<HashMap<String, String>>,
    body: SiteSend,
) -> NativeResult<ScheduleShape> {
    reschedule(&app, &account, id(&names)?, body).await?;
    get(OfAccount(account), State(app), Path(names)).await
}

/// `DELETE /v1/accounts/{appid}/schedules/{id}`: cancels it.
pub async fn cancel(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    Path(names): Path<HashMap<String, String>>,
) -> Result<StatusCode, Problem> {
    app.store.cancel_schedule(account.id, id(&names)?).await??;
    Ok(StatusCode::NO_CONTENT)
}

fn id(names: &HashMap<String, String>) -> Result<ScheduleId, Problem> {
    names
        .get("id")
        .and_then(|id| id.parse().ok())
        .map(ScheduleId)
        .ok_or_else(|| ScheduleRefusal::Unknown.into())
}

fn shape(app: &App, schedule: &Schedule) -> ScheduleShape {
    let (state, msg_id, refusal) = match schedule.state {
        ScheduleState::Waiting => ("waiting", None, None),
        ScheduleState::Sent(mass) => ("sent", Some(mass.0), None),
        ScheduleState::Refused(refusal) => ("refused", None, Some(RefusalShape::of(&refusal.into()))),
        ScheduleState::Cancelled => ("cancelled", None, None),
    };
    let (audience, tag_id) = match &schedule.request.audience {
        Audience::All => ("all", None),
        Audience::Tag(tag) => ("tag", Some(tag.0)),
        Audience::OpenIds(_) => ("list", None),
    };
    ScheduleShape {
        schedule_id: schedule.id.0,
        send_at: app.rfc3339(schedule.send_at),
        state,
        msg_id,
        refusal,
        kind: schedule.request.content.message_type().word(),
        audience,
        tag_id,
        created_at: app.rfc3339(schedule.created_at),
    }
}

impl From<ScheduleRefusal> for Problem {
    fn from(refusal: ScheduleRefusal) -> Self {
        match refusal {
            ScheduleRefusal::Unknown => Self::not_found("schedule"),
            ScheduleRefusal::Over => Self::conflict(refusal.to_string()),
            ScheduleRefusal::Request(refusal) => ApiError::from(refusal).into(),
        }
    }
}
