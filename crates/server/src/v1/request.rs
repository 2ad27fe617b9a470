//! What native calls have in common: the admin token, the account in the path, strict bodies and queries.

use std::collections::HashMap;

use axum::{
    RequestPartsExt,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, header, request::Parts},
};
use domain::{account::Account, id::AppId};
use serde::de::DeserializeOwned;
use store::vault;
use subtle::ConstantTimeEq;
use wire::body::BodyError;

use crate::{
    api::{
        body::{BodyFault, JSON_MAX, read},
        refused::SharedTrace,
    },
    app::App,
    guess::{Guessed, Guesser},
    source::Source,
    v1::problem::Problem,
};

/// Items on one page of a native list, unless asked otherwise.
pub const PAGE: usize = 100;
/// Items on one page of a native list, at most.
pub const PAGE_MAX: usize = 1_000;

/// A caller with the admin token.
pub struct Admin;

/// The account that the path names, for a caller with the admin token.
pub struct OfAccount(pub Account);

/// A JSON body without unknown keys.
pub struct Strict<T>(pub T);

/// `after` or `before`, and `limit`.
pub struct Page {
    /// Where the page starts; absent for the first one.
    pub from: Option<String>,
    /// How many items.
    pub limit: usize,
}

impl FromRequestParts<App> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let token = bearer(&parts.headers).ok_or_else(Problem::unauthorized)?;
        let guesser = Guesser::new(Guessed::AdminToken, "", Source::of(&parts.extensions));
        app.guesses().admit(&guesser).await?;
        if !bool::from(vault::digest(token).ct_eq(&app.settings.admin_token_hash)) {
            app.guesses().wrong(&guesser);
            return Err(Problem::unauthorized());
        }
        Ok(Self)
    }
}

impl FromRequestParts<App> for OfAccount {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Admin::from_request_parts(parts, app).await?;
        let names: Path<HashMap<String, String>> =
            parts.extract().await.map_err(|_| Problem::not_found("account"))?;
        let app_id = names.get("appid").ok_or_else(|| Problem::not_found("account"))?;
        let account = app.store.account(&AppId(app_id.clone())).await?;
        let account = account.ok_or_else(|| Problem::not_found("account"))?;
        if let Some(trace) = parts.extensions.get::<SharedTrace>() {
            trace.is_of(account.id);
        }
        Ok(Self(account))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Strict<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let bytes = read(request.into_body(), JSON_MAX).await.map_err(body_fault)?;
        let object = wire::body::parse_object(&bytes).map_err(body_error)?;
        let read = serde_json::from_value(serde_json::Value::Object(object));
        read.map(Self)
            .map_err(|error| Problem::bad_request(error.to_string()))
    }
}

/// A body that did not arrive.
pub fn body_fault(fault: BodyFault) -> Problem {
    match fault {
        BodyFault::TooLarge => Problem::too_large(),
        BodyFault::Broken => Problem::bad_request("the body broke off"),
    }
}

/// A body that is no JSON object.
pub fn body_error(error: BodyError) -> Problem {
    match error {
        BodyError::Empty | BodyError::NotJson => Problem::bad_request(error.to_string()),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let value = |name| crate::api::query::value(&parts.uri, name);
        Ok(Self {
            from: value("after")
                .or_else(|| value("before"))
                .or_else(|| value("cursor")),
            limit: limit(value("limit").as_deref(), PAGE, PAGE_MAX)?,
        })
    }
}

impl Page {
    /// The number at which the page starts; 400 when it is none.
    pub fn number(&self) -> Result<Option<i64>, Problem> {
        let number = self.from.as_deref().map(str::parse).transpose();
        number.map_err(|_| Problem::bad_request("the page must start at a number"))
    }
}

/// A `limit` of the query: `default` when absent, never more than `max`.
pub fn limit(text: Option<&str>, default: usize, max: usize) -> Result<usize, Problem> {
    let Some(text) = text else { return Ok(default) };
    match text.parse::<usize>() {
        Ok(limit) if limit > 0 => Ok(limit.min(max)),
        _ => Err(Problem::bad_request("limit must be a number from 1 upward")),
    }
}

/// The token of an `Authorization: Bearer` header.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_bearer_token_is_read_from_its_header_only() {
        let token = |value: &'static str| {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(value))]);
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(token("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(token("bearer  abc ").as_deref(), Some("abc"));
        for other in ["", "abc", "Basic abc", "Bearer", "Bearer "] {
            assert_eq!(token(other), None);
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }

    #[test]
    fn a_limit_has_a_default_and_an_end() {
        assert_eq!(limit(None, 20, 100), Ok(20));
        assert_eq!(limit(Some("1"), 20, 100), Ok(1));
        assert_eq!(limit(Some("101"), 20, 100), Ok(100));
        for bad in ["0", "-1", "x", "1.5", "99999999999999999999999"] {
            assert!(limit(Some(bad), 20, 100).is_err(), "{bad}");
        }
    }
}
