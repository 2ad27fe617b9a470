//! The sandbox's clock and what it plays to the engine. These paths exist in a sandbox only.

pub mod body;
pub mod curl;
pub mod errcode;
pub mod fault;
mod faults;
pub mod inspector;
pub mod log;
mod meaning;
pub mod observe;
mod page;
mod request;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{any, get, put},
};
use domain::{
    review::Verdict,
    time::{Timestamp, parse_rfc3339},
};
use serde::{Deserialize, Serialize};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    app::{App, SandboxControl},
    transport::PanicAnswer,
    v1::{
        problem::{NativeResult, Problem},
        request::{OfAccount, Strict},
    },
};

/// Seconds of one jump, at most: a hundred years.
const JUMP_MAX: i64 = 100 * 366 * 24 * 3_600;

/// What to do with the clock: one of the two.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockBody {
    advance_seconds: Option<i64>,
    set: Option<String>,
}

/// The time it is.
#[derive(Debug, Serialize)]
pub struct ClockShape {
    now: String,
}

/// The paths of a sandbox.
pub fn routes() -> Router<App> {
    Router::new()
        .route(
            "/sandbox/clock",
            get(read)
                .post(advance)
                .fallback(async || Problem::method_not_allowed()),
        )
        .route(
            "/sandbox/accounts/{appid}/next-verdict",
            put(next_verdict).fallback(async || Problem::method_not_allowed()),
        )
        .merge(request::routes())
        .merge(faults::routes())
        .merge(errcode::routes())
        .merge(page::routes())
        .route("/sandbox/{*path}", any(unknown))
        .layer(CatchPanicLayer::custom(PanicAnswer::Problem))
}

/// `GET /sandbox/clock`.
async fn read(State(app): State<App>) -> Json<ClockShape> {
    Json(ClockShape {
        now: app.rfc3339(app.now()),
    })
}

/// `POST /sandbox/clock`: forward only; everything that falls due on the way has run when it answers.
async fn advance(State(app): State<App>, Strict(body): Strict<ClockBody>) -> NativeResult<ClockShape> {
    let sandbox: &Arc<dyn SandboxControl> = app.sandbox.as_ref().ok_or_else(|| Problem::not_found("call"))?;
    let now = app.now();
    let target = target(&body, now).map_err(Problem::bad_request)?;
    let reached = sandbox.advance_to(target).await?;
    Ok(Json(ClockShape {
        now: app.rfc3339(reached),
    }))
}

/// What happens to an account's next mass: a review's `code`, or a technical failure. An empty object takes
/// back what was set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerdictBody {
    code: Option<u32>,
    #[serde(default)]
    send_fail: bool,
}

/// `PUT /sandbox/accounts/{appid}/next-verdict`.
async fn next_verdict(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    Strict(body): Strict<VerdictBody>,
) -> Result<StatusCode, Problem> {
    let sandbox = app.sandbox.as_ref().ok_or_else(|| Problem::not_found("call"))?;
    sandbox.set_next_verdict(account.id, verdict(&body).map_err(Problem::bad_request)?);
    Ok(StatusCode::NO_CONTENT)
}

fn verdict(body: &VerdictBody) -> Result<Option<Verdict>, &'static str> {
    match (body.code, body.send_fail) {
        (None, false) => Ok(None),
        (None, true) => Ok(Some(Verdict::Fail)),
        (Some(code), false) if (10_000..=99_999).contains(&code) => Ok(Some(Verdict::Refuse(code))),
        (Some(_), false) => Err("code must be the number of an err(…), 10000 to 99999"),
        (Some(_), true) => Err("give code or send_fail"),
    }
}

async fn unknown() -> Problem {
    Problem::not_found("call")
}

/// Where the clock is to go; no further than now for 0 seconds, which reads it.
fn target(body: &ClockBody, now: Timestamp) -> Result<Timestamp, &'static str> {
    let target = match (body.advance_seconds, body.set.as_deref()) {
        (Some(seconds), None) => now.plus_seconds(seconds),
        (None, Some(text)) => parse_rfc3339(text).ok_or("set must be an RFC 3339 instant")?,
        (None, None) | (Some(_), Some(_)) => return Err("give advance_seconds or set"),
    };
    if target < now {
        return Err("the clock only goes forward");
    }
    if target > now.plus_seconds(JUMP_MAX) {
        return Err("the clock goes a hundred years forward at most");
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: Result<i64, &'static str>) {
        let body: ClockBody = serde_json::from_str(json).expect("a body");
        let found = target(&body, Timestamp::from_seconds(1_000));
        assert_eq!(found.map(Timestamp::seconds), expected, "{json}");
    }

    #[test]
    fn the_clock_goes_forward_or_is_read() {
        check(r#"{"advance_seconds":0}"#, Ok(1_000));
        check(r#"{"advance_seconds":60}"#, Ok(1_060));
        check(r#"{"set":"1970-01-01T09:00:00+08:00"}"#, Ok(3_600));
        check(r#"{"advance_seconds":-1}"#, Err("the clock only goes forward"));
        check(
            r#"{"set":"1970-01-01T08:00:00+08:00"}"#,
            Err("the clock only goes forward"),
        );
        check(r#"{"set":"tomorrow"}"#, Err("set must be an RFC 3339 instant"));
        check(
            r#"{"advance_seconds":9223372036854775807}"#,
            Err("the clock goes a hundred years forward at most"),
        );
        check("{}", Err("give advance_seconds or set"));
        check(
            r#"{"advance_seconds":1,"set":"x"}"#,
            Err("give advance_seconds or set"),
        );
    }

    #[test]
    fn s135_a_verdict_is_a_number_or_a_failure() {
        let read = |json: &str| verdict(&serde_json::from_str(json).expect("a body"));
        assert_eq!(read(r#"{"code":10001}"#), Ok(Some(Verdict::Refuse(10001))));
        assert_eq!(read(r#"{"send_fail":true}"#), Ok(Some(Verdict::Fail)));
        assert_eq!(read("{}"), Ok(None));
        assert!(read(r#"{"code":1}"#).is_err());
        assert!(read(r#"{"code":10001,"send_fail":true}"#).is_err());
    }

    #[test]
    fn unknown_keys_and_wrong_types_are_refused() {
        for json in [
            r#"{"advance":1}"#,
            r#"{"advance_seconds":"1"}"#,
            r#"{"advance_seconds":1.5}"#,
            r#"{"set":1}"#,
        ] {
            assert!(serde_json::from_str::<ClockBody>(json).is_err(), "{json}");
        }
    }
}
