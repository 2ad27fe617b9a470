//! Inbox tokens: each reads one follower's inbox (SEC2).

use axum::{Json, extract::State, http::StatusCode};
use domain::{
    account::Account,
    id::{ExternalId, Ordinal},
};
use serde::{Deserialize, Serialize};
use store::{crash_point, token::TOKEN_SECONDS, vault};

use crate::{
    app::App,
    v1::{
        problem::Problem,
        request::{OfAccount, Strict},
    },
};

/// Seconds that an inbox token may live at most.
const SECONDS_MAX: i64 = 30 * 24 * 3_600;

/// Whose inbox, and for how long.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    openid: Option<String>,
    external_id: Option<String>,
    expires_in: Option<i64>,
}

/// A new token; shown once.
#[derive(Serialize)]
pub struct Issued {
    token: String,
    expires_in: i64,
}

/// `POST /v1/accounts/{appid}/inbox-tokens`.
pub async fn issue(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    Strict(new): Strict<NewToken>,
) -> Result<(StatusCode, Json<Issued>), Problem> {
    let expires_in = new.expires_in.unwrap_or(TOKEN_SECONDS);
    if !(1..=SECONDS_MAX).contains(&expires_in) {
        return Err(Problem::bad_request(format!(
            "expires_in must be 1 to {SECONDS_MAX}"
        )));
    }
    let ordinal = reader(&app, &account, new.openid, new.external_id).await?;
    let token = app.secrets.text::<32>();
    let expires_at = app.now().plus_seconds(expires_in);
    app.store
        .issue_inbox_token(account.id, ordinal, vault::digest(&token), expires_at)
        .await?;
    crash_point!("inbox-token.committed");
    Ok((StatusCode::CREATED, Json(Issued { token, expires_in })))
}

async fn reader(
    app: &App,
    account: &Account,
    open_id: Option<String>,
    external_id: Option<String>,
) -> Result<Ordinal, Problem> {
    let unknown = || Problem::not_found("follower");
    match (open_id, external_id) {
        (Some(open_id), None) => super::follower::known(app, account, &open_id).await,
        (None, Some(id)) => app
            .store
            .follower_by_external_id(account.id, &ExternalId(id))
            .await?
            .ok_or_else(unknown),
        (None, None) | (Some(_), Some(_)) => Err(Problem::bad_request("give openid or external_id")),
    }
}
