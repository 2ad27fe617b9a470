//! Snapshots of a sandbox's world: taken, listed, restored, removed; and the reset to its beginning.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::StatusCode,
    middleware::Next,
    response::Response,
    routing::{delete, get, post},
};
use serde::{Deserialize, Serialize};

use super::clock::{ClockShape, shape};
use crate::{
    app::{App, Snapshot, WorldControl},
    v1::{
        problem::{NativeResult, Problem},
        request::{Admin, Strict},
    },
};

/// Characters of a name, at most.
const NAME_MAX: usize = 64;
const NAME_RULE: &str =
    "a name has 1 to 64 letters, digits, dots, hyphens and underscores and begins with a letter or digit";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SnapshotBody {
    name: String,
}

#[derive(Debug, Serialize)]
struct SnapshotShape {
    name: String,
    /// What the clock showed.
    now: String,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct SnapshotsShape {
    snapshots: Vec<SnapshotShape>,
}

/// The paths of the snapshots.
pub(super) fn routes() -> Router<App> {
    let other = async || Problem::method_not_allowed();
    Router::new()
        .route("/sandbox/snapshots", get(list).post(take).fallback(other))
        .route("/sandbox/snapshots/{name}", delete(remove).fallback(other))
        .route("/sandbox/snapshots/{name}/restore", post(restore).fallback(other))
        .route("/sandbox/reset", post(reset).fallback(other))
}

/// Lets a call in while nobody exchanges the world, so that no call sees two of them.
pub async fn gate(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(world) = &app.world else {
        return next.run(request).await;
    };
    let gate = world.gate();
    let _inside = gate.read().await;
    next.run(request).await
}

/// `GET /sandbox/snapshots`.
async fn list(_: Admin, State(app): State<App>) -> NativeResult<SnapshotsShape> {
    let all = world(&app)?.snapshots().await?;
    Ok(Json(SnapshotsShape {
        snapshots: all.iter().map(|one| snapshot(&app, one)).collect(),
    }))
}

/// `POST /sandbox/snapshots`: an earlier one of this name is replaced.
async fn take(
    _: Admin,
    State(app): State<App>,
    Strict(body): Strict<SnapshotBody>,
) -> Result<(StatusCode, Json<SnapshotShape>), Problem> {
    let taken = world(&app)?.take_snapshot(named(&body.name)?).await?;
    Ok((StatusCode::CREATED, Json(snapshot(&app, &taken))))
}

/// `POST /sandbox/snapshots/{name}/restore`: everything is as it was, the clock too.
async fn restore(_: Admin, State(app): State<App>, Path(name): Path<String>) -> NativeResult<ClockShape> {
    if !world(&app)?.restore_snapshot(named(&name)?).await? {
        return Err(Problem::not_found("snapshot"));
    }
    Ok(Json(shape(&app).await?))
}

/// `DELETE /sandbox/snapshots/{name}`.
async fn remove(_: Admin, State(app): State<App>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    match world(&app)?.remove_snapshot(named(&name)?).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found("snapshot")),
    }
}

/// `POST /sandbox/reset`: everything is as it was right after the start.
async fn reset(_: Admin, State(app): State<App>) -> NativeResult<ClockShape> {
    if !world(&app)?.reset().await? {
        return Err(Problem::not_found("beginning of this world"));
    }
    Ok(Json(shape(&app).await?))
}

fn world(app: &App) -> Result<&Arc<dyn WorldControl>, Problem> {
    app.world.as_ref().ok_or_else(|| Problem::not_found("call"))
}

fn snapshot(app: &App, snapshot: &Snapshot) -> SnapshotShape {
    SnapshotShape {
        name: snapshot.name.clone(),
        now: app.rfc3339(snapshot.now),
        bytes: snapshot.bytes,
    }
}

/// A name that is safe as a file's.
fn named(name: &str) -> Result<&str, Problem> {
    let first = name
        .chars()
        .next()
        .is_some_and(|first| first.is_ascii_alphanumeric());
    let all = name
        .chars()
        .all(|each| each.is_ascii_alphanumeric() || ".-_".contains(each));
    match first && all && name.len() <= NAME_MAX {
        true => Ok(name),
        false => Err(Problem::bad_request(NAME_RULE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere_else() {
        for good in ["a", "before-send", "v1.2_3", "2026-12-01"] {
            assert!(named(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            ".start",
            "a/b",
            "../a",
            "a\\b",
            "a b",
            "快照",
            &"a".repeat(65),
        ] {
            assert!(named(bad).is_err(), "{bad}");
        }
    }
}
