//! Access tokens: `token`, `stable_token`, and the clearing of call counters.

use serde::{Deserialize, Serialize};

use crate::field::Field;

/// The query of `GET /cgi-bin/token`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct TokenQuery {
    /// `client_credential`.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub grant_type: Field<String>,
    /// The account.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub appid: Field<String>,
    /// The account's secret.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub secret: Field<String>,
}

/// The body of `POST /cgi-bin/stable_token`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct StableToken {
    /// `client_credential`.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub grant_type: Field<String>,
    /// The account.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub appid: Field<String>,
    /// The account's secret.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub secret: Field<String>,
    /// Whether the present token is to end at once.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub force_refresh: Field<bool>,
}

/// The body of `POST /cgi-bin/clear_quota`, and of its second version, which has a secret instead of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct ClearQuota {
    /// The account.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub appid: Field<String>,
    /// The account's secret, in the second version.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub appsecret: Field<String>,
}

/// The answer of both token calls.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct TokenAnswer {
    /// The token, of characters that need no escaping in a URL.
    pub access_token: String,
    /// The seconds it still lives.
    pub expires_in: i64,
}

loose_object!(TokenQuery, StableToken, ClearQuota);
