//! `/sandbox/clock`: what the virtual clock shows, moving it, and how it goes by itself.

use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::get};
use domain::time::{Calendar, Timestamp, parse_rfc3339};
use serde::{Deserialize, Serialize};
use store::clock::ClockMode;

use crate::{
    app::{App, SandboxControl, WorldControl},
    v1::{
        problem::{NativeResult, Problem},
        request::Strict,
    },
};

/// Seconds of one jump, at most: a hundred years.
const JUMP_MAX: i64 = 100 * 366 * 24 * 3_600;

/// What to do with the clock: at most one jump, and how it goes from then on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockBody {
    advance_seconds: Option<i64>,
    set: Option<String>,
    next: Option<Turn>,
    mode: Option<Mode>,
    rate: Option<f64>,
}

/// The next of these, in the deployment's zone.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Turn {
    Day,
    Month,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Frozen,
    Running,
}

/// The time it is, and what comes.
#[derive(Debug, Serialize)]
pub(super) struct ClockShape {
    now: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<Mode>,
    /// Of a running clock: its seconds in one of the machine's.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<f64>,
    /// When the next thing falls due.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_due: Option<String>,
}

/// The paths of the clock.
pub(super) fn routes() -> Router<App> {
    Router::new().route(
        "/sandbox/clock",
        get(read)
            .post(change)
            .fallback(async || Problem::method_not_allowed()),
    )
}

/// `GET /sandbox/clock`.
async fn read(State(app): State<App>) -> NativeResult<ClockShape> {
    Ok(Json(shape(&app).await?))
}

/// `POST /sandbox/clock`: forward only; everything that falls due on the way has run when it answers.
async fn change(State(app): State<App>, Strict(body): Strict<ClockBody>) -> NativeResult<ClockShape> {
    let sandbox: &Arc<dyn SandboxControl> = app.sandbox.as_ref().ok_or_else(|| Problem::not_found("call"))?;
    let now = app.now();
    let target = target(&body, now, &app.calendar).map_err(Problem::bad_request)?;
    let mode = mode(&body).map_err(Problem::bad_request)?;
    if target.is_none() && mode.is_none() {
        return Err(Problem::bad_request(
            "give advance_seconds, set, next, mode or rate",
        ));
    }
    if let Some(target) = target {
        sandbox.advance_to(target).await?;
    }
    if let Some(mode) = mode {
        world(&app)?.set_clock_mode(mode).await?;
    }
    Ok(Json(shape(&app).await?))
}

fn world(app: &App) -> Result<&Arc<dyn WorldControl>, Problem> {
    app.world.as_ref().ok_or_else(|| Problem::not_found("call"))
}

/// What the clock shows.
pub(super) async fn shape(app: &App) -> Result<ClockShape, Problem> {
    let mut shape = ClockShape {
        now: app.rfc3339(app.now()),
        mode: None,
        rate: None,
        next_due: None,
    };
    if let Some(world) = &app.world {
        match world.clock_mode() {
            ClockMode::Frozen => shape.mode = Some(Mode::Frozen),
            ClockMode::Running { rate } => {
                shape.mode = Some(Mode::Running);
                shape.rate = Some(rate);
            }
        }
        shape.next_due = world.next_due().await?.map(|due| app.rfc3339(due));
    }
    Ok(shape)
}

/// Where the clock is to go, if it is to jump; no further than now for 0 seconds, which lets everything happen
/// that is due.
fn target(body: &ClockBody, now: Timestamp, calendar: &Calendar) -> Result<Option<Timestamp>, &'static str> {
    let target = match (body.advance_seconds, body.set.as_deref(), body.next) {
        (Some(seconds), None, None) => now.plus_seconds(seconds),
        (None, Some(text), None) => parse_rfc3339(text).ok_or("set must be an RFC 3339 instant")?,
        (None, None, Some(Turn::Day)) => calendar.next_day(now),
        (None, None, Some(Turn::Month)) => calendar.next_month(now),
        (None, None, None) => return Ok(None),
        _ => return Err("give one of advance_seconds, set and next"),
    };
    if target < now {
        return Err("the clock only goes forward");
    }
    if target > now.plus_seconds(JUMP_MAX) {
        return Err("the clock goes a hundred years forward at most");
    }
    Ok(Some(target))
}

/// How the clock is to go; a rate alone lets it run.
fn mode(body: &ClockBody) -> Result<Option<ClockMode>, &'static str> {
    match (body.mode, body.rate) {
        (None, None) => Ok(None),
        (Some(Mode::Frozen), None) => Ok(Some(ClockMode::Frozen)),
        (Some(Mode::Frozen), Some(_)) => Err("a frozen clock has no rate"),
        (Some(Mode::Running), None) => Ok(Some(ClockMode::REAL)),
        (Some(Mode::Running) | None, Some(rate)) => ClockMode::running(rate)
            .map(Some)
            .ok_or("rate must be from 0.1 to 100000 virtual seconds in a second"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(json: &str) -> ClockBody {
        serde_json::from_str(json).expect("a body")
    }

    fn check(json: &str, expected: Result<Option<i64>, &'static str>) {
        let found = target(&body(json), Timestamp::from_seconds(1_000), &Calendar::shanghai());
        assert_eq!(
            found.map(|target| target.map(Timestamp::seconds)),
            expected,
            "{json}"
        );
    }

    #[test]
    fn the_clock_goes_forward_or_is_left_alone() {
        check(r#"{"advance_seconds":0}"#, Ok(Some(1_000)));
        check(r#"{"advance_seconds":60}"#, Ok(Some(1_060)));
        check(r#"{"set":"1970-01-01T09:00:00+08:00"}"#, Ok(Some(3_600)));
        check(r#"{"next":"day"}"#, Ok(Some(16 * 3_600)));
        check(r#"{"next":"month"}"#, Ok(Some((31 * 24 - 8) * 3_600)));
        check(r#"{"mode":"frozen"}"#, Ok(None));
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
        check(
            r#"{"advance_seconds":1,"set":"x"}"#,
            Err("give one of advance_seconds, set and next"),
        );
    }

    #[test]
    fn a_clock_is_frozen_or_runs_at_a_rate() {
        let check = |json: &str, expected: Option<Option<ClockMode>>| {
            assert_eq!(mode(&body(json)).ok(), expected, "{json}");
        };
        check(r#"{"mode":"frozen"}"#, Some(Some(ClockMode::Frozen)));
        check(r#"{"mode":"running"}"#, Some(Some(ClockMode::REAL)));
        check(
            r#"{"mode":"running","rate":60}"#,
            Some(Some(ClockMode::Running { rate: 60.0 })),
        );
        check(r#"{"rate":0.1}"#, Some(Some(ClockMode::Running { rate: 0.1 })));
        check("{}", Some(None));
        for bad in [
            r#"{"mode":"frozen","rate":1}"#,
            r#"{"rate":0}"#,
            r#"{"rate":0.09}"#,
            r#"{"rate":-1}"#,
            r#"{"rate":100001}"#,
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn unknown_keys_and_wrong_types_are_refused() {
        for json in [
            r#"{"advance":1}"#,
            r#"{"advance_seconds":"1"}"#,
            r#"{"advance_seconds":1.5}"#,
            r#"{"set":1}"#,
            r#"{"next":"year"}"#,
            r#"{"mode":"fast"}"#,
            r#"{"rate":"60"}"#,
        ] {
            assert!(serde_json::from_str::<ClockBody>(json).is_err(), "{json}");
        }
    }
}
