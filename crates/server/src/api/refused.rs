//! Refused calls, found again by the request id in their answers (spec accounts §1.4).
//!
//! A few of each account, in the memory of this process, so that an operator can see what a client really sent.
//! Calls that were not refused have no request id and are not kept; neither are calls without an account.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use axum::{extract::State, http::Uri};
use domain::{id::AccountId, time::Timestamp};
use wire::{
    call::{OfRid, RidAnswer, RidRequest},
    errcode::ErrCode,
};

use crate::{
    api::{
        body::Wire,
        caller::Caller,
        error::{Answer, ApiResult},
    },
    app::App,
};

/// Calls kept of one account.
const KEPT: usize = 100;
/// How long they are kept.
const LIFE_SECONDS: i64 = 7 * 24 * 3_600;
/// Bytes kept of a request's body.
const BODY_BYTES: usize = 1_024;
/// Bytes kept of a request's path and query.
const URL_BYTES: usize = 1_024;
/// Stands for what nobody may read (SEC4).
const MASK: &str = "***";
/// Query parameters that let their holder call.
const SECRETS: [&str; 3] = ["access_token", "secret", "appsecret"];

/// What is learned of a call while it runs.
#[derive(Default)]
pub struct Trace {
    account: OnceLock<AccountId>,
    body: Mutex<Vec<u8>>,
}

/// A refused call.
#[derive(Clone, Debug)]
pub struct RefusedCall {
    /// The request id of its answer.
    pub rid: String,
    /// When it was answered.
    pub at: Timestamp,
    /// How long that took.
    pub took: Duration,
    /// Path and query, without secrets.
    pub url: String,
    /// The beginning of its body, without secrets.
    pub request_body: String,
    /// The answer.
    pub response_body: String,
    /// Who called.
    pub source: Option<IpAddr>,
}

/// The refused calls of this process.
#[derive(Default)]
pub struct Refused(Mutex<HashMap<AccountId, VecDeque<RefusedCall>>>);

impl Trace {
    /// The call was made by this account.
    pub fn is_of(&self, account: AccountId) {
        let _ = self.account.set(account);
    }

    /// The account that called, once it is known.
    pub fn account(&self) -> Option<AccountId> {
        self.account.get().copied()
    }

    /// Takes a note of a part of the body.
    pub fn saw(&self, part: &[u8]) {
        let mut body = self.body();
        let room = BODY_BYTES.saturating_sub(body.len()).min(part.len());
        body.extend(part.iter().take(room));
    }

    /// The beginning of the body as text; nothing of one that speaks of a secret.
    pub fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.body()).into_owned();
        if text.to_ascii_lowercase().contains("secret") {
            return MASK.to_owned();
        }
        text
    }

    fn body(&self) -> MutexGuard<'_, Vec<u8>> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Refused {
    /// Keeps a call; the account's oldest ones go when they are too old or too many.
    pub fn keep(&self, account: AccountId, call: RefusedCall) {
        let mut all = self.all();
        let calls = all.entry(account).or_default();
        calls.retain(|kept| call.at.seconds().saturating_sub(kept.at.seconds()) <= LIFE_SECONDS);
        calls.push_back(call);
        if calls.len() > KEPT {
            calls.pop_front();
        }
    }

    fn find(&self, account: AccountId, rid: &str) -> Option<RefusedCall> {
        let all = self.all();
        let calls = all.get(&account)?;
        calls.iter().find(|call| call.rid == rid).cloned()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<AccountId, VecDeque<RefusedCall>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Path and query with their secrets masked; the beginning of a long one.
pub fn masked(uri: &Uri) -> String {
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let pairs: Vec<String> = query
        .map(|(key, value)| {
            let value = if SECRETS.contains(&key.as_ref()) {
                MASK
            } else {
                &value
            };
            format!("{key}={value}")
        })
        .collect();
    let mut text = uri.path().to_owned();
    if !pairs.is_empty() {
        text = format!("{text}?{}", pairs.join("&"));
    }
    text.truncate(text.floor_char_boundary(URL_BYTES));
    text.shrink_to_fit();
    text
}

/// `POST /cgi-bin/openapi/rid/get`: one of the account's own refused calls; another account's is unknown.
pub async fn get(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<OfRid>,
) -> ApiResult<RidAnswer> {
    let rid = request.rid.required(ErrCode::InvalidRid)?;
    let at = wire::error::rid_seconds(&rid).ok_or(ErrCode::InvalidRid)?;
    let at = i64::try_from(at).map_err(|_| ErrCode::InvalidRid)?;
    if app.now().seconds().saturating_sub(at) > LIFE_SECONDS {
        return Err(ErrCode::RidExpired.into());
    }
    let call = app.refused().find(account.id, &rid).ok_or(ErrCode::RidNotFound)?;
    Ok(Answer(RidAnswer::new(RidRequest {
        invoke_time: call.at.seconds(),
        cost_in_ms: i64::try_from(call.took.as_millis()).unwrap_or(i64::MAX),
        request_url: call.url,
        request_body: call.request_body,
        response_body: call.response_body,
        client_ip: call.source.map_or_else(String::new, |source| source.to_string()),
    })))
}

/// A trace as requests carry it.
pub type SharedTrace = Arc<Trace>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec04_a_kept_call_has_no_secrets() {
        let uri = "/cgi-bin/x?a=1&access_token=TOKEN&secret=S&appsecret=A"
            .parse()
            .expect("a URI");
        assert_eq!(
            masked(&uri),
            "/cgi-bin/x?a=1&access_token=***&secret=***&appsecret=***"
        );
        let long = format!("/cgi-bin/xy?a={}", "%E6%B9%96".repeat(600));
        assert_eq!(masked(&long.parse().expect("a URI")).len(), 1_022);
        let trace = Trace::default();
        trace.saw(br#"{"a":1,"AppSecret":"#);
        trace.saw(br#""x"}"#);
        assert_eq!(trace.text(), "***");
    }

    #[test]
    fn the_beginning_of_a_body_and_the_last_calls_are_kept() {
        let trace = Trace::default();
        trace.saw(&[b'x'; 1_000]);
        trace.saw(&[b'y'; 1_000]);
        assert_eq!(trace.text(), format!("{}{}", "x".repeat(1_000), "y".repeat(24)));
        let refused = Refused::default();
        let call = |rid: String, seconds: i64| RefusedCall {
            rid,
            at: Timestamp(seconds * 1_000),
            took: Duration::ZERO,
            url: String::new(),
            request_body: String::new(),
            response_body: String::new(),
            source: None,
        };
        for number in 0..=KEPT {
            refused.keep(AccountId(1), call(number.to_string(), 0));
        }
        assert!(refused.find(AccountId(1), "0").is_none());
        assert!(refused.find(AccountId(1), "1").is_some());
        assert!(refused.find(AccountId(2), "1").is_none());
        refused.keep(AccountId(1), call("later".into(), LIFE_SECONDS + 1));
        assert!(refused.find(AccountId(1), "1").is_none());
        assert!(refused.find(AccountId(1), "later").is_some());
    }
}
