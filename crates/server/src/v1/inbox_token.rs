//! Inbox tokens: each reads the inbox of one follower, or of one person over all accounts (SEC2).

use axum::{Json, extract::State, http::StatusCode};
use domain::{account::Account, id::ExternalId, position::Membership, time::Timestamp};
use serde::{Deserialize, Serialize};
use store::{crash_point, inbox_token::InboxTokenEnd, token::TOKEN_SECONDS, vault};
use utoipa::ToSchema;

use crate::{
    app::App,
    live,
    v1::{
        problem::{Problem, ProblemShape},
        request::{Admin, OfAccount, Strict},
    },
};

/// Seconds that an inbox token may live at most.
const SECONDS_MAX: i64 = 30 * 24 * 3_600;

/// Whose inbox, and for how long.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// The follower by its OpenID; this or the external id.
    openid: Option<String>,
    /// The follower by the organisation's own user id.
    external_id: Option<String>,
    /// Seconds: 1 to 2592000, 7200 when left out.
    expires_in: Option<i64>,
}

/// A new token; shown once.
#[derive(Serialize, ToSchema)]
pub struct Issued {
    token: String,
    /// Seconds.
    expires_in: i64,
}

/// Whose inbox over all accounts, and for how long.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPersonToken {
    /// The organisation's own user id, of somebody whom an account knows.
    external_id: String,
    /// Seconds: 1 to 2592000, 7200 when left out.
    expires_in: Option<i64>,
}

/// Which tokens end: one, or all of a follower.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    token: Option<String>,
    openid: Option<String>,
    external_id: Option<String>,
}

/// Which tokens end: one, or all of a person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndedPerson {
    token: Option<String>,
    external_id: Option<String>,
}

/// Issues a token of one follower.
#[utoipa::path(post, path = "/v1/accounts/{appid}/inbox-tokens", params(("appid" = String, Path)),
    request_body = NewToken,
    security(("admin" = [])),
    responses(
        (status = 201, body = Issued),
        (status = 400, body = ProblemShape),
        (status = 401, body = ProblemShape),
        (status = 404, description = "No such account or follower", body = ProblemShape)
    )
)]
pub async fn issue(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    Strict(new): Strict<NewToken>,
) -> Result<(StatusCode, Json<Issued>), Problem> {
    let (fresh, expires_at) = fresh(&app, new.expires_in)?;
    let follower = follower(&app, &account, new.openid, new.external_id).await?;
    app.store
        .issue_inbox_token(follower, vault::digest(&fresh.token), expires_at)
        .await?;
    crash_point!("inbox-token.committed");
    Ok((StatusCode::CREATED, Json(fresh)))
}

/// Issues a token of one person over all accounts: the operator's admin token alone can (SEC2).
#[utoipa::path(post, path = "/v1/inbox-tokens", request_body = NewPersonToken,
    security(("admin" = [])),
    responses(
        (status = 201, body = Issued),
        (status = 400, body = ProblemShape),
        (status = 401, body = ProblemShape),
        (status = 404, description = "No account knows this person", body = ProblemShape)
    )
)]
pub async fn issue_to_person(
    _: Admin,
    State(app): State<App>,
    Strict(new): Strict<NewPersonToken>,
) -> Result<(StatusCode, Json<Issued>), Problem> {
    let (fresh, expires_at) = fresh(&app, new.expires_in)?;
    let person = ExternalId(new.external_id);
    let known = app
        .store
        .issue_person_token(&person, vault::digest(&fresh.token), expires_at)
        .await?;
    if !known {
        return Err(Problem::not_found("person"));
    }
    Ok((StatusCode::CREATED, Json(fresh)))
}

/// Ends one token, or all of one of the account's followers. A token that the account never issued is as good as ended.
#[utoipa::path(delete, path = "/v1/accounts/{appid}/inbox-tokens", params(("appid" = String, Path)),
    request_body = Ended,
    security(("admin" = [])),
    responses(
        (status = 204, description = "They open nothing any more"),
        (status = 400, body = ProblemShape),
        (status = 401, body = ProblemShape),
        (status = 404, description = "No such account or follower", body = ProblemShape)
    )
)]
pub async fn end(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    Strict(ended): Strict<Ended>,
) -> Result<StatusCode, Problem> {
    let end = match ended {
        Ended {
            token: Some(token),
            openid: None,
            external_id: None,
        } => InboxTokenEnd::TokenOf(account.id, vault::digest(&token)),
        Ended {
            token: None,
            openid,
            external_id,
        } => InboxTokenEnd::Follower(follower(&app, &account, openid, external_id).await?),
        Ended { .. } => return Err(Problem::bad_request("give token, openid or external_id")),
    };
    live::end_tokens(&app, end).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends any one inbox token, or all that a person has over all accounts.
#[utoipa::path(delete, path = "/v1/inbox-tokens", request_body = EndedPerson,
    security(("admin" = [])),
    responses(
        (status = 204, description = "They open nothing any more"),
        (status = 400, body = ProblemShape),
        (status = 401, body = ProblemShape)
    )
)]
pub async fn end_of_person(
    _: Admin,
    State(app): State<App>,
    Strict(ended): Strict<EndedPerson>,
) -> Result<StatusCode, Problem> {
    let end = match (ended.token, ended.external_id) {
        (Some(token), None) => InboxTokenEnd::Token(vault::digest(&token)),
        (None, Some(id)) => InboxTokenEnd::Person(ExternalId(id)),
        (None, None) | (Some(_), Some(_)) => {
            return Err(Problem::bad_request("give token or external_id"));
        }
    };
    live::end_tokens(&app, end).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A token that nobody has yet, and when it ends.
fn fresh(app: &App, expires_in: Option<i64>) -> Result<(Issued, Timestamp), Problem> {
    let expires_in = expires_in.unwrap_or(TOKEN_SECONDS);
    if !(1..=SECONDS_MAX).contains(&expires_in) {
        return Err(Problem::bad_request(format!(
            "expires_in must be 1 to {SECONDS_MAX}"
        )));
    }
    let token = app.secrets.text::<32>();
    Ok((Issued { token, expires_in }, app.now().plus_seconds(expires_in)))
}

async fn follower(
    app: &App,
    account: &Account,
    open_id: Option<String>,
    external_id: Option<String>,
) -> Result<Membership, Problem> {
    let unknown = || Problem::not_found("follower");
    let ordinal = match (open_id, external_id) {
        (Some(open_id), None) => super::follower::known(app, account, &open_id).await?,
        (None, Some(id)) => app
            .store
            .follower_by_external_id(account.id, &ExternalId(id))
            .await?
            .ok_or_else(unknown)?,
        (None, None) | (Some(_), Some(_)) => {
            return Err(Problem::bad_request("give openid or external_id"));
        }
    };
    Ok(Membership {
        account: account.id,
        ordinal,
    })
}
