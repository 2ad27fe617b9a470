//! Who the reader is, and logging out.

use axum::{Json, extract::State, http::StatusCode};
use domain::{follower::Follower, position::ReaderName};
use serde::Serialize;
use store::inbox_token::InboxTokenEnd;
use utoipa::ToSchema;

use crate::{
    app::App,
    inbox::reader::Reader,
    live,
    v1::problem::{NativeResult, Problem, ProblemShape},
};

/// Whom the token stands for.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// `person` over all accounts, or `follower` of one.
    #[schema(example = "person")]
    kind: &'static str,
    /// The organisation's own user id, of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    /// Of a follower.
    #[serde(skip_serializing_if = "Option::is_none")]
    openid: Option<String>,
    /// Empty when no account knows one.
    nickname: String,
    /// When the token ends.
    #[schema(format = DateTime)]
    expires_at: String,
    /// Whether this is a sandbox.
    sandbox: bool,
}

/// Whom the token stands for.
#[utoipa::path(get, path = "/inbox/me", responses(
    (status = 200, body = Me),
    (status = 401, body = ProblemShape)
))]
pub async fn me(reader: Reader, State(app): State<App>) -> NativeResult<Me> {
    let base = Me {
        kind: "person",
        external_id: None,
        openid: None,
        nickname: nickname(&app, &reader).await?,
        expires_at: app.rfc3339(reader.is.expires_at),
        sandbox: app.sandbox.is_some(),
    };
    Ok(Json(match reader.name() {
        ReaderName::Person(id) => Me {
            external_id: Some(id.0.clone()),
            ..base
        },
        ReaderName::Follower(of) => {
            let account = app.store.account_by_id(of.account).await?;
            let account = account.ok_or_else(|| Problem::not_found("account"))?;
            Me {
                kind: "follower",
                openid: Some(account.open_id_key.seal(of.ordinal).0),
                ..base
            }
        }
    }))
}

/// The first nickname that an account knows.
async fn nickname(app: &App, reader: &Reader) -> Result<String, Problem> {
    for of in reader.memberships() {
        let found = app.store.followers(of.account, &[of.ordinal]).await?;
        let mut names = found
            .into_iter()
            .flatten()
            .map(|Follower { nickname, .. }| nickname);
        if let Some(name) = names.find(|name| !name.is_empty()) {
            return Ok(name);
        }
    }
    Ok(String::new())
}

/// Ends the token that is shown: the reader logs out.
#[utoipa::path(delete, path = "/inbox/token", responses(
    (status = 204, description = "The token opens nothing any more"),
    (status = 401, body = ProblemShape)
))]
pub async fn log_out(reader: Reader, State(app): State<App>) -> Result<StatusCode, Problem> {
    live::end_tokens(&app, InboxTokenEnd::Token(reader.token)).await?;
    Ok(StatusCode::NO_CONTENT)
}
