//! The sandbox's clock and what it plays to the engine. These paths exist in a sandbox only.

pub mod body;
mod clock;
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
pub mod snapshots;

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{any, put},
};
use domain::review::Verdict;
use serde::Deserialize;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    app::App,
    transport::PanicAnswer,
    v1::{
        problem::Problem,
        request::{OfAccount, Strict},
    },
};

/// The paths of a sandbox.
pub fn routes() -> Router<App> {
    Router::new()
        .route(
            "/sandbox/accounts/{appid}/next-verdict",
            put(next_verdict).fallback(async || Problem::method_not_allowed()),
        )
        .merge(clock::routes())
        .merge(snapshots::routes())
        .merge(request::routes())
        .merge(faults::routes())
        .merge(errcode::routes())
        .merge(page::routes())
        .route("/sandbox/{*path}", any(unknown))
        .layer(CatchPanicLayer::custom(PanicAnswer::Problem))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s135_a_verdict_is_a_number_or_a_failure() {
        let read = |json: &str| verdict(&serde_json::from_str(json).expect("a body"));
        assert_eq!(read(r#"{"code":10001}"#), Ok(Some(Verdict::Refuse(10001))));
        assert_eq!(read(r#"{"send_fail":true}"#), Ok(Some(Verdict::Fail)));
        assert_eq!(read("{}"), Ok(None));
        assert!(read(r#"{"code":1}"#).is_err());
        assert!(read(r#"{"code":10001,"send_fail":true}"#).is_err());
    }
}
