//! Events: how far each came, and sending one again (I19).

use std::collections::HashMap;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use domain::account::Account;
use serde::Serialize;
use store::{
    bus::Hint,
    outbox::{Event, EventKind, EventState},
};

use crate::{
    app::App,
    v1::{
        problem::{NativeResult, Problem},
        request::{OfAccount, Page},
    },
};

/// A page of events, newest first.
#[derive(Debug, Serialize)]
pub struct EventList {
    events: Vec<EventShape>,
    next: Option<i64>,
}

/// An event without its content.
#[derive(Debug, Serialize)]
pub struct EventShape {
    id: i64,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    msg_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    openid: Option<String>,
    create_time: i64,
    state: &'static str,
    attempts: u32,
    first_try_at: Option<String>,
    last_error: String,
}

/// `GET /v1/accounts/{appid}/events?before=&limit=`.
pub async fn list(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    page: Page,
) -> NativeResult<EventList> {
    let events = app.store.events(account.id, page.number()?, page.limit).await?;
    let next = events
        .last()
        .filter(|_| events.len() == page.limit)
        .map(|event| event.id);
    let events = events
        .into_iter()
        .map(|event| shape(&app, &account, event))
        .collect();
    Ok(Json(EventList { events, next }))
}

/// `POST /v1/accounts/{appid}/events/{id}/resend`.
pub async fn resend(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    Path(names): Path<HashMap<String, String>>,
) -> Result<StatusCode, Problem> {
    let unknown = || Problem::not_found("event");
    let id = names
        .get("id")
        .and_then(|id| id.parse().ok())
        .ok_or_else(unknown)?;
    if !app.store.resend_event(account.id, id, app.now()).await? {
        return Err(unknown());
    }
    app.bus.publish(Hint::Work);
    Ok(StatusCode::ACCEPTED)
}

fn shape(app: &App, account: &Account, event: Event) -> EventShape {
    let (word, msg_id, ordinal) = match event.kind {
        EventKind::MassFinished(mass) => ("MASSSENDJOBFINISH", Some(mass.0), None),
        EventKind::Subscribed(ordinal) => ("subscribe", None, Some(ordinal)),
        EventKind::Unsubscribed(ordinal) => ("unsubscribe", None, Some(ordinal)),
        EventKind::Published(_) => ("PUBLISHJOBFINISH", None, None),
    };
    let state = match event.state {
        EventState::Pending => "pending",
        EventState::Delivered => "delivered",
        EventState::Failed => "failed",
        EventState::NoReceiver => "no_receiver",
    };
    EventShape {
        id: event.id,
        event: word,
        msg_id,
        openid: ordinal.map(|ordinal| account.open_id_key.seal(ordinal).0),
        create_time: event.create_time,
        state,
        attempts: event.attempts,
        first_try_at: event.first_try_at.map(|at| app.rfc3339(at)),
        last_error: event.last_error,
    }
}
