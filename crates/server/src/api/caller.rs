//! Who calls: from the `access_token` in the query to the account, with its permissions and its minute.
//!
//! The extractors stand in the order of the checks of spec mass-send §8.3: token, permission, minute limit.
//! A handler names the last one that its call needs, in front of the body.

use axum::{extract::FromRequestParts, http::request::Parts};
use domain::{
    account::{Account, AccountKind},
    quota::CallTicket,
};
use store::{token::TokenState, vault};
use wire::errcode::ErrCode;

use crate::{
    api::{error::ApiError, query, refused::SharedTrace},
    app::App,
};

/// An account with a good token.
pub struct Caller(pub Account);

/// A verified account (48001 otherwise).
pub struct VerifiedCaller(pub Account);

/// A verified account whose mass-send call was counted (Q2, Q6).
pub struct CountedCaller {
    /// The account.
    pub account: Account,
    /// The counted call.
    pub ticket: CallTicket,
}

/// The same for calls that only service accounts may make.
pub struct CountedServiceCaller {
    /// The account.
    pub account: Account,
    /// The counted call.
    pub ticket: CallTicket,
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let token = query::value(&parts.uri, "access_token").ok_or(ErrCode::AccessTokenMissing)?;
        match app.store.token_state(vault::digest(&token), app.now()).await? {
            // Reading 6: whatever its form, never 40014.
            TokenState::Unknown => Err(ErrCode::InvalidCredential.into()),
            TokenState::Expired => Err(ErrCode::AccessTokenExpired.into()),
            TokenState::Valid(account) => {
                if let Some(trace) = parts.extensions.get::<SharedTrace>() {
                    trace.is_of(account.id);
                }
                Ok(Self(*account))
            }
        }
    }
}

impl FromRequestParts<App> for VerifiedCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let Caller(account) = Caller::from_request_parts(parts, app).await?;
        if !account.verified {
            return Err(ErrCode::ApiUnauthorized.into());
        }
        Ok(Self(account))
    }
}

impl FromRequestParts<App> for CountedCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let VerifiedCaller(account) = VerifiedCaller::from_request_parts(parts, app).await?;
        let ticket = app.store.count_call(account.id, app.now()).await??;
        Ok(Self { account, ticket })
    }
}

impl FromRequestParts<App> for CountedServiceCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let VerifiedCaller(account) = VerifiedCaller::from_request_parts(parts, app).await?;
        match account.kind {
            AccountKind::Subscription => Err(ErrCode::ApiUnauthorized.into()),
            AccountKind::Service => {
                let ticket = app.store.count_call(account.id, app.now()).await??;
                Ok(Self { account, ticket })
            }
        }
    }
}
