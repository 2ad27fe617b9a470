//! What is told of calls: `openapi/quota/get`, `openapi/quota/clear`, `openapi/rid/get` (`clear_quota` is in `token`).

use serde::{Deserialize, Serialize};

use crate::field::Field;

/// The body of `POST /cgi-bin/openapi/quota/get` and `openapi/quota/clear`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct OfPath {
    /// A path with its leading slash and without a host, such as `/cgi-bin/message/mass/sendall`.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub cgi_path: Field<String>,
}

/// The answer of `openapi/quota/get`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct QuotaAnswer {
    /// 0.
    pub errcode: i64,
    /// `ok`.
    pub errmsg: String,
    /// The day.
    pub quota: DayQuota,
    /// The minute, for calls that have a limit of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
}

impl QuotaAnswer {
    /// The answer with these numbers.
    pub fn new(daily_limit: i64, used: i64, calls_per_minute: Option<i64>) -> Self {
        Self {
            errcode: 0,
            errmsg: "ok".to_owned(),
            quota: DayQuota {
                daily_limit,
                used,
                remain: daily_limit.saturating_sub(used).max(0),
            },
            rate_limit: calls_per_minute.map(|call_count| RateLimit {
                call_count,
                refresh_second: 60,
            }),
        }
    }
}

/// Calls of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct DayQuota {
    /// Allowed.
    pub daily_limit: i64,
    /// Made.
    pub used: i64,
    /// Left; not below 0.
    pub remain: i64,
}

/// Calls of a short time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct RateLimit {
    /// Allowed.
    pub call_count: i64,
    /// In so many seconds.
    pub refresh_second: i64,
}

/// The body of `POST /cgi-bin/openapi/rid/get`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct OfRid {
    /// The request id of a refused call.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub rid: Field<String>,
}

/// The answer of `openapi/rid/get`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct RidAnswer {
    /// 0.
    pub errcode: i64,
    /// `ok`.
    pub errmsg: String,
    /// The call.
    pub request: RidRequest,
}

impl RidAnswer {
    /// The answer with this call.
    pub fn new(request: RidRequest) -> Self {
        Self {
            errcode: 0,
            errmsg: "ok".to_owned(),
            request,
        }
    }
}

/// A call that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct RidRequest {
    /// When, in seconds.
    pub invoke_time: i64,
    /// How long it took.
    pub cost_in_ms: i64,
    /// Its path and query, secrets masked.
    pub request_url: String,
    /// The beginning of its body.
    pub request_body: String,
    /// The answer.
    pub response_body: String,
    /// Who called; empty when that is not known.
    pub client_ip: String,
}

loose_object!(OfPath, OfRid);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_written_as_the_sample_shows_it() {
        insta::assert_snapshot!(
            serde_json::to_string(&QuotaAnswer::new(100, 1, Some(60))).expect("JSON"),
            @r#"{"errcode":0,"errmsg":"ok","quota":{"daily_limit":100,"used":1,"remain":99},"rate_limit":{"call_count":60,"refresh_second":60}}"#
        );
        assert_eq!(QuotaAnswer::new(10, 12, None).quota.remain, 0);
    }
}
