//! Query strings, read as leniently as bodies: in any order, empty values as absent, unknown keys ignored.

use axum::{
    extract::FromRequestParts,
    http::{Uri, request::Parts},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use wire::errcode::ErrCode;

use crate::api::error::ApiError;

/// The query as a shape of `wire`.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Self::of(&parts.uri)
    }
}

impl<T: DeserializeOwned> Query<T> {
    /// The query of a URI.
    pub fn of(uri: &Uri) -> Result<Self, ApiError> {
        parse(uri.query().unwrap_or_default()).map(Self)
    }
}

/// The first value of `name` that is not empty.
pub fn value(uri: &Uri, name: &str) -> Option<String> {
    let pairs = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    pairs
        .into_iter()
        .find(|(key, value)| key == name && !value.is_empty())
        .map(|(_, value)| value.into_owned())
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let mut map = Map::new();
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if !value.is_empty() {
            map.entry(key.into_owned())
                .or_insert_with(|| Value::String(value.into_owned()));
        }
    }
    serde_json::from_value(Value::Object(map)).map_err(|_| ApiError::new(ErrCode::InvalidArgsSize))
}

#[cfg(test)]
mod tests {
    use wire::{field::Field, follower::ListQuery, token::TokenQuery};

    use super::*;

    #[test]
    fn a_query_is_read_in_any_order_and_empty_means_absent() {
        let query: TokenQuery = parse("secret=s%2D1&x=y&appid=wx1&grant_type=").expect("lenient");
        assert_eq!(query.appid, Field::from("wx1"));
        assert_eq!(query.secret, Field::from("s-1"));
        assert_eq!(query.grant_type, Field::Absent);
        let query: ListQuery = parse("next_openid=&next_openid=o1&next_openid=o2&&=").expect("lenient");
        assert_eq!(query.next_openid, Field::from("o1"));
    }

    #[test]
    fn a_single_value_is_found_decoded() {
        let uri: Uri = "/cgi-bin/x?a=1&access_token=&access_token=a%5Fb"
            .parse()
            .expect("a URI");
        assert_eq!(value(&uri, "access_token").as_deref(), Some("a_b"));
        assert_eq!(value(&uri, "b"), None);
    }
}
