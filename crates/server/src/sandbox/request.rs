//! `/sandbox/requests`: the calls that came in, for programs and for the inspector's page.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, Uri},
    routing::get,
};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use wire::errcode::ErrCode;

use super::{
    body::Part,
    curl, errcode,
    fault::Hit,
    inspector::Inspector,
    log::{Api, Call, CallbackTry, Filter, QuotaEffect},
    meaning::{self, Words},
};
use crate::{
    api::query,
    app::App,
    v1::{
        problem::{NativeResult, Problem},
        request::{Admin, limit},
    },
};

/// Calls of one answer, unless asked otherwise.
const LIMIT: usize = 100;
/// Calls of one answer, at most.
const LIMIT_MAX: usize = 1_000;
/// The longest wait for news, in real seconds.
const WAIT_MAX: u64 = 60;
/// Query parameters that let their holder call.
const SECRETS: [&str; 3] = ["access_token", "secret", "appsecret"];

/// The paths.
pub fn routes() -> Router<App> {
    Router::new()
        .route(
            "/sandbox/requests",
            get(list)
                .delete(clear)
                .fallback(async || Problem::method_not_allowed()),
        )
        .route(
            "/sandbox/requests/{id}",
            get(one).fallback(async || Problem::method_not_allowed()),
        )
}

/// Calls, the oldest first.
#[derive(Debug, Serialize)]
pub struct ListShape {
    requests: Vec<CallShape>,
    /// What to give as `after` for what comes next.
    next: u64,
}

/// A call as JSON.
#[derive(Debug, Serialize)]
pub struct CallShape {
    id: u64,
    at: String,
    real_at: String,
    api: Api,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<Part>,
    body_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    answer: String,
    duration_ms: f64,
    failed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    errcode: Option<i64>,
    meaning: Words,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<errcode::Explanation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    msg_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    publish_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<Hit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<QuotaEffect>,
    callbacks: Vec<CallbackShape>,
    curl: String,
}

/// One request of a callback as JSON.
#[derive(Debug, Serialize)]
pub struct CallbackShape {
    at: String,
    event: String,
    attempt: u32,
    url: String,
    query: Vec<(String, String)>,
    signature_base: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    msg_signature_base: Option<String>,
    plain: String,
    body: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<Hit>,
}

/// `GET /sandbox/requests?account=&path=&errcode=&failed=1&after=&wait_seconds=&limit=`.
async fn list(_: Admin, State(app): State<App>, uri: Uri) -> NativeResult<ListShape> {
    let inspector = inspector(&app)?;
    let filter = filter(&uri)?;
    let limit = limit(query::value(&uri, "limit").as_deref(), LIMIT, LIMIT_MAX)?;
    let wait: u64 = number(&uri, "wait_seconds")?.unwrap_or(0);
    let until = Instant::now() + Duration::from_secs(wait.min(WAIT_MAX));
    let mut changes = inspector.log.changes();
    loop {
        changes.mark_unchanged();
        let (calls, next) = inspector.log.find(&filter, limit);
        let came = async {
            tokio::select! {
                changed = changes.changed() => changed.is_ok(),
                () = inspector.closed() => false,
            }
        };
        if !calls.is_empty() || wait == 0 || !timeout_at(until, came).await.unwrap_or(false) {
            let requests = calls.into_iter().map(|call| shape(&app, call)).collect();
            return Ok(Json(ListShape { requests, next }));
        }
    }
}

/// `GET /sandbox/requests/{id}`.
async fn one(_: Admin, State(app): State<App>, Path(id): Path<String>) -> NativeResult<CallShape> {
    let call = id.parse().ok().and_then(|id| inspector(&app).ok()?.log.call(id));
    let call = call.ok_or_else(|| Problem::not_found("request"))?;
    Ok(Json(shape(&app, call)))
}

/// `DELETE /sandbox/requests`.
async fn clear(_: Admin, State(app): State<App>) -> Result<StatusCode, Problem> {
    inspector(&app)?.log.clear();
    Ok(StatusCode::NO_CONTENT)
}

/// The inspector; there is one in every sandbox.
pub fn inspector(app: &App) -> Result<&Inspector, Problem> {
    app.inspector.as_deref().ok_or_else(|| Problem::not_found("call"))
}

fn filter(uri: &Uri) -> Result<Filter, Problem> {
    Ok(Filter {
        account: query::value(uri, "account"),
        path: query::value(uri, "path"),
        errcode: number(uri, "errcode")?,
        failed: query::value(uri, "failed").is_some_and(|value| value == "1" || value == "true"),
        after: number(uri, "after")?,
    })
}

fn number<T: std::str::FromStr>(uri: &Uri, name: &str) -> Result<Option<T>, Problem> {
    let value = query::value(uri, name).map(|text| text.parse()).transpose();
    value.map_err(|_| Problem::bad_request(format!("{name} must be a number")))
}

fn shape(app: &App, call: Call) -> CallShape {
    let explanation = call
        .errcode
        .and_then(ErrCode::from_code)
        .map(errcode::Explanation::of);
    CallShape {
        id: call.id,
        at: app.rfc3339(call.at),
        real_at: app.rfc3339(call.real_at),
        meaning: meaning::of(&call),
        curl: curl::command(&call, app.settings.public_url.trim_end_matches('/')),
        failed: call.failed(),
        api: call.api,
        account: call.account,
        method: call.method,
        path: call.path,
        query: masked(&call.query),
        headers: call.headers,
        body: call.body.text,
        parts: call.body.parts,
        body_bytes: call.body.length,
        status: call.status,
        answer: call.answer,
        duration_ms: (call.took.as_secs_f64() * 1e5).round() / 100.0,
        errcode: call.errcode,
        explanation,
        msg_id: call.msg_id,
        publish_id: call.publish_id,
        fault: call.fault,
        quota: call.quota,
        callbacks: call
            .callbacks
            .into_iter()
            .map(|sent| callback(app, sent))
            .collect(),
    }
}

fn callback(app: &App, sent: CallbackTry) -> CallbackShape {
    let (answered, error) = match sent.answer {
        Ok(answer) => (Some(answer), None),
        Err(error) => (None, Some(error)),
    };
    let (status, answer) = answered.unzip();
    CallbackShape {
        at: app.rfc3339(sent.at),
        event: sent.event,
        attempt: sent.attempt,
        url: sent.url,
        query: sent.query,
        signature_base: sent.signature_base,
        msg_signature_base: sent.msg_signature_base,
        plain: sent.plain,
        body: sent.body,
        status,
        answer,
        error,
        fault: sent.fault,
    }
}

/// The query with what lets its holder call masked; everything else as it came.
fn masked(query: &str) -> String {
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((key, value)) if SECRETS.contains(&key) && !value.is_empty() => format!("{key}=***"),
        _ => pair.to_owned(),
    });
    pairs.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec04_tokens_of_the_query_are_masked() {
        assert_eq!(
            masked("access_token=T&type=image&secret=S&x"),
            "access_token=***&type=image&secret=***&x"
        );
        assert_eq!(masked(""), "");
    }
}
