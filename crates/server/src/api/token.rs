//! Access tokens: `token` and `stable_token` (spec accounts §1).

use axum::extract::State;
use domain::{account::Account, id::AppId};
use store::{crash_point, token::TOKEN_SECONDS, vault};
use subtle::ConstantTimeEq;
use wire::{
    errcode::ErrCode,
    field::Field,
    token::{StableToken, TokenAnswer, TokenQuery},
};

use crate::{
    api::{
        body::Wire,
        error::{Answer, ApiError, ApiResult},
        query::Query,
    },
    app::App,
};

const GRANT_TYPE: &str = "client_credential";

/// `GET /cgi-bin/token`: a new token; the one before works five minutes more.
pub async fn token(State(app): State<App>, Query(query): Query<TokenQuery>) -> ApiResult<TokenAnswer> {
    let account = authenticate(&app, query.appid, query.grant_type, query.secret).await?;
    let access_token = app.secrets.text::<32>();
    app.store
        .issue_token(account.id, vault::digest(&access_token), app.now())
        .await?;
    crash_point!("token.committed");
    Ok(Answer(TokenAnswer {
        access_token,
        expires_in: TOKEN_SECONDS,
    }))
}

/// `POST /cgi-bin/stable_token`: the same token until it nears its end.
pub async fn stable_token(
    State(app): State<App>,
    Wire(request): Wire<StableToken>,
) -> ApiResult<TokenAnswer> {
    let account = authenticate(&app, request.appid, request.grant_type, request.secret).await?;
    let force = request
        .force_refresh
        .or_malformed(ErrCode::InvalidArgsSize)?
        .unwrap_or(false);
    let now = app.now();
    let stable = app.store.stable_token(account.id, force, now).await??;
    let expires_in = stable.expires_at.ms_since(now).max(0) / 1000;
    Ok(Answer(TokenAnswer {
        access_token: stable.token,
        expires_in,
    }))
}

/// The account that names itself with its secret; the order of the checks was observed (spec accounts §1.1).
async fn authenticate(
    app: &App,
    app_id: Field<String>,
    grant_type: Field<String>,
    secret: Field<String>,
) -> Result<Account, ApiError> {
    let account = named(app, app_id).await?;
    if grant_type.present().as_deref() != Some(GRANT_TYPE) {
        return Err(ErrCode::InvalidGrantType.into());
    }
    check_secret(app, &account, secret).await?;
    Ok(account)
}

/// The account that names itself with its secret, where no grant type is asked for.
pub async fn with_secret(
    app: &App,
    app_id: Field<String>,
    secret: Field<String>,
) -> Result<Account, ApiError> {
    let account = named(app, app_id).await?;
    check_secret(app, &account, secret).await?;
    Ok(account)
}

async fn named(app: &App, app_id: Field<String>) -> Result<Account, ApiError> {
    let app_id = app_id.required_or(ErrCode::AppIdMissing, ErrCode::InvalidAppId)?;
    let account = app.store.account(&AppId(app_id)).await?;
    account.ok_or(ErrCode::InvalidAppId.into())
}

async fn check_secret(app: &App, account: &Account, secret: Field<String>) -> Result<(), ApiError> {
    let secret = secret.required_or(ErrCode::AppSecretMissing, ErrCode::InvalidAppSecret)?;
    let expected = app
        .store
        .secret_hash(account.id)
        .await?
        .ok_or(ErrCode::InvalidAppSecret)?;
    if !bool::from(vault::digest(&secret).ct_eq(&expected)) {
        return Err(ErrCode::InvalidAppSecret.into());
    }
    Ok(())
}
