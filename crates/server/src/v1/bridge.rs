//! The webhook channel: an account's push bridge and what it did not take.

use std::collections::HashMap;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use store::{
    bridge::{Bridge, BridgeAddress, DeadLetter},
    bus::Hint,
};
use wire::webhook::Secret;

use crate::{
    app::App,
    v1::{
        problem::{NativeResult, Problem},
        request::{OfAccount, Page, Strict},
    },
};

/// Bytes of a bridge's URL, at most.
const URL_BYTES_MAX: usize = 1_024;

/// Where batches go.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BridgeBody {
    url: String,
    secret: Option<String>,
}

/// A bridge and how it does.
#[derive(Debug, Serialize)]
pub struct BridgeShape {
    url: String,
    /// Shown once, when it was made here.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// `ok`, `retrying`, or `failing` once something was set aside.
    state: &'static str,
    created_at: String,
    last_taken_at: Option<String>,
    failing_since: Option<String>,
    attempts: u32,
    next_try_at: Option<String>,
    last_error: String,
    waiting: u64,
    dead_letters: u64,
}

/// A page of dead letters, newest first.
#[derive(Debug, Serialize)]
pub struct DeadLetterList {
    dead_letters: Vec<DeadLetterShape>,
    next: Option<i64>,
}

/// What a bridge did not take.
#[derive(Debug, Serialize)]
pub struct DeadLetterShape {
    id: i64,
    msg_id: i64,
    block: u32,
    first_place: u16,
    last_place: u16,
    followers: u32,
    reason: String,
    set_aside_at: String,
    resend: bool,
}

/// How a test call went.
#[derive(Debug, Serialize)]
pub struct TestAnswer {
    taken: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// `GET /v1/accounts/{appid}/push-bridge`.
pub async fn get(OfAccount(account): OfAccount, State(app): State<App>) -> NativeResult<BridgeShape> {
    let bridge = app.store.bridge(account.id).await?;
    let bridge = bridge.ok_or_else(|| Problem::not_found("push bridge"))?;
    Ok(Json(shape(&app, bridge, None)))
}

/// `PUT /v1/accounts/{appid}/push-bridge`.
pub async fn put(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    Strict(body): Strict<BridgeBody>,
) -> Result<(StatusCode, Json<BridgeShape>), Problem> {
    if body.url.len() > URL_BYTES_MAX {
        return Err(Problem::bad_request(format!(
            "url must have at most {URL_BYTES_MAX} bytes"
        )));
    }
    app.channels
        .check_bridge(&body.url)
        .map_err(|reason| Problem::bad_request(format!("url cannot be used: {reason}")))?;
    let known = app.store.bridge(account.id).await?;
    let (secret, made) = match (body.secret, &known) {
        (Some(text), _) => {
            let secret = Secret::parse(&text).map_err(|error| Problem::bad_request(error.to_string()))?;
            (secret.bytes().to_vec(), None)
        }
        (None, Some(known)) => (known.address.secret.clone(), None),
        (None, None) => {
            let secret = app.secrets.bytes::<32>();
            let made = Secret::from_bytes(&secret).map_err(|_| Problem::internal())?;
            (secret.to_vec(), Some(made.text()))
        }
    };
    let address = BridgeAddress {
        url: body.url,
        secret,
    };
    app.store.set_bridge(account.id, &address, app.now()).await?;
    app.bus.publish(Hint::Work);
    let bridge = app.store.bridge(account.id).await?;
    let bridge = bridge.ok_or_else(|| Problem::not_found("push bridge"))?;
    let status = if known.is_some() {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok((status, Json(shape(&app, bridge, made))))
}

/// `DELETE /v1/accounts/{appid}/push-bridge`.
pub async fn delete(OfAccount(account): OfAccount, State(app): State<App>) -> Result<StatusCode, Problem> {
    if app.store.remove_bridge(account.id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("push bridge"))
    }
}

/// `POST /v1/accounts/{appid}/push-bridge/test`.
pub async fn test(OfAccount(account): OfAccount, State(app): State<App>) -> NativeResult<TestAnswer> {
    let bridge = app.store.bridge(account.id).await?;
    let bridge = bridge.ok_or_else(|| Problem::not_found("push bridge"))?;
    let told = app.channels.test_bridge(&account, &bridge.address).await;
    Ok(Json(TestAnswer {
        taken: told.is_ok(),
        error: told.err(),
    }))
}

/// `GET /v1/accounts/{appid}/push-bridge/dead-letters?cursor=&limit=`.
pub async fn dead_letters(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    page: Page,
) -> NativeResult<DeadLetterList> {
    let found = app
        .store
        .dead_letters(account.id, page.number()?, page.limit)
        .await?;
    let next = found
        .last()
        .filter(|_| found.len() == page.limit)
        .map(|letter| letter.id);
    let dead_letters = found
        .into_iter()
        .map(|letter| dead_letter(&app, letter))
        .collect();
    Ok(Json(DeadLetterList { dead_letters, next }))
}

/// `POST /v1/accounts/{appid}/push-bridge/dead-letters/{id}/resend`.
pub async fn resend(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    Path(names): Path<HashMap<String, String>>,
) -> Result<StatusCode, Problem> {
    let unknown = || Problem::not_found("dead letter");
    let id = names
        .get("id")
        .and_then(|id| id.parse().ok())
        .ok_or_else(unknown)?;
    if !app.store.resend_dead_letter(account.id, id).await? {
        return Err(unknown());
    }
    app.bus.publish(Hint::Work);
    Ok(StatusCode::ACCEPTED)
}

fn shape(app: &App, bridge: Bridge, secret: Option<String>) -> BridgeShape {
    let trouble = bridge.trouble;
    let failing = trouble.failing_since.is_some();
    BridgeShape {
        url: bridge.address.url,
        secret,
        state: match (failing, trouble.set_aside) {
            (false, _) => "ok",
            (true, 0) => "retrying",
            (true, _) => "failing",
        },
        created_at: app.rfc3339(bridge.created_at),
        last_taken_at: bridge.taken_at.map(|at| app.rfc3339(at)),
        failing_since: trouble.failing_since.map(|at| app.rfc3339(at)),
        attempts: trouble.attempts,
        next_try_at: (trouble.attempts > 0).then(|| app.rfc3339(bridge.due_at)),
        last_error: bridge.last_error,
        waiting: bridge.waiting,
        dead_letters: bridge.dead_letters,
    }
}

fn dead_letter(app: &App, letter: DeadLetter) -> DeadLetterShape {
    DeadLetterShape {
        id: letter.id,
        msg_id: letter.range.mass.0,
        block: letter.range.block.0,
        first_place: letter.range.from,
        last_place: letter.range.to,
        followers: letter.followers,
        reason: letter.reason,
        set_aside_at: app.rfc3339(letter.set_aside_at),
        resend: letter.resend,
    }
}
