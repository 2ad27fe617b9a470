//! The layer in front of the router: notes every call and its answer, and lets calls go wrong as rules say.
//!
//! What lies behind it is the router of every server; nothing in there knows of this layer.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use domain::{
    account::Account,
    id::{AccountId, AppId},
    quota::Usage,
    review::Verdict,
    time::Timestamp,
};
use futures::{StreamExt, stream};
use http_body_util::BodyExt;
use serde_json::Value;
use store::{
    token::{TokenEnd, TokenHash, TokenState},
    vault,
};
use tokio::time::{Instant, sleep};
use wire::{errcode::ErrCode, error::ErrorReply};

use super::{
    body::{KeptBody, TEXT_MAX},
    fault::{Effect, Facts, Hit, TokenFault, When},
    inspector::Inspector,
    log::{Api, Call, Limits, QuotaEffect, Used},
};
use crate::{
    api::{
        error::{ApiError, json_response},
        query,
    },
    app::App,
    source::Source,
    transport,
    v1::request::bearer,
};

/// Bytes of a body that rules may look at.
const PEEK_MAX: usize = 1 << 20;
/// Bytes of a form that are looked through for its parts.
const FORM_MAX: usize = 12 << 20;
/// Between the halves of an answer, so that the first one has left.
const BETWEEN_HALVES: Duration = Duration::from_millis(50);
/// Headers that are kept.
const HEADERS: [header::HeaderName; 4] = [
    header::CONTENT_TYPE,
    header::USER_AGENT,
    header::AUTHORIZATION,
    header::HOST,
];

/// Marks a response that is never sent: the connection ends in its place.
#[derive(Clone, Copy, Debug)]
pub struct HangUp;

/// Notes the call, disturbs it where a rule says so, and notes the answer.
pub async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(inspector) = app.inspector.clone() else {
        return next.run(request).await;
    };
    let Some(api) = api_of(request.uri().path()) else {
        return next.run(request).await;
    };
    let (watched, request) = Watched::begin(app, inspector, api, request).await;
    watched.run(request, next).await
}

fn api_of(path: &str) -> Option<Api> {
    let first = path.split('/').nth(1).unwrap_or_default();
    match first {
        "cgi-bin" | "card" | "datacube" => Some(Api::Compatible),
        "v1" => Some(Api::Native),
        _ => None,
    }
}

/// A call under way.
struct Watched {
    app: App,
    inspector: Arc<Inspector>,
    began: Instant,
    at: Timestamp,
    real_at: Timestamp,
    api: Api,
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    source: Option<Source>,
    seen: Arc<Mutex<Seen>>,
    token: Option<TokenHash>,
    account: Option<Account>,
    app_id: Option<String>,
    before: Option<Used>,
    hit: Option<Hit>,
}

/// The bytes of a request that have passed.
#[derive(Debug, Default)]
struct Seen {
    kept: BytesMut,
    kept_max: usize,
    length: u64,
}

impl Watched {
    async fn begin(app: App, inspector: Arc<Inspector>, api: Api, request: Request) -> (Self, Request) {
        let uri = request.uri().clone();
        let is_form = content_type(request.headers()).is_some_and(|kind| kind.starts_with("multipart/"));
        let seen = Arc::new(Mutex::new(Seen {
            kept_max: if is_form { FORM_MAX } else { TEXT_MAX },
            ..Seen::default()
        }));
        let mut watched = Self {
            began: Instant::now(),
            at: app.now(),
            real_at: inspector.real_now(),
            api,
            method: request.method().to_string(),
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            headers: request.headers().clone(),
            source: request.extensions().get::<Source>().copied(),
            seen: seen.clone(),
            token: query::value(&uri, "access_token").map(|token| vault::digest(&token)),
            account: None,
            app_id: query::value(&uri, "appid"),
            before: None,
            hit: None,
            app,
            inspector,
        };
        watched.find_account().await;
        let mut request = request.map(|body| {
            Body::new(body.map_frame(move |frame| {
                let part = frame.data_ref().map_or(&[][..], AsRef::as_ref);
                seen.lock().unwrap_or_else(PoisonError::into_inner).saw(part);
                frame
            }))
        });
        let mut msgtype = None;
        if !is_form && watched.inspector.faults.look_at_bodies(watched.at) {
            let (parts, body) = request.into_parts();
            let (head, body) = peek(body).await;
            msgtype = string_in(&head, "msgtype");
            request = Request::from_parts(parts, body);
        }
        watched.before = watched.used().await;
        let facts = Facts {
            account: watched.app_id.as_deref(),
            path: Some(&watched.path),
            msgtype: msgtype.as_deref(),
            event: None,
        };
        watched.hit = watched.inspector.faults.strike(&facts, watched.at);
        (watched, request)
    }

    /// From the token, or from what the path says.
    async fn find_account(&mut self) {
        if let Some(token) = self.token {
            if let Ok(TokenState::Valid(account)) = self.app.store.token_state(token, self.at).await {
                self.app_id = Some(account.app_id.0.clone());
                self.inspector.log.learn_token(token, &account.app_id.0);
                self.account = Some(*account);
            } else {
                self.app_id = self.inspector.log.holder(&token);
            }
            return;
        }
        if let Some(rest) = self.path.strip_prefix("/v1/accounts/") {
            self.app_id = rest.split('/').next().map(str::to_owned);
        }
        self.find_by_app_id().await;
    }

    async fn find_by_app_id(&mut self) {
        let Some(app_id) = self.app_id.clone() else { return };
        self.account = self.app.store.account(&AppId(app_id)).await.ok().flatten();
        if self.account.is_none() {
            self.app_id = None;
        }
    }

    async fn run(mut self, request: Request, next: Next) -> Response {
        let Some(effect) = self.hit.as_ref().map(|hit| hit.effect.clone()) else {
            let response = next.run(request).await;
            return self.end(response).await;
        };
        match effect {
            Effect::Errcode(code) => {
                transport::discard(request.into_body()).await;
                let response = self.refuse(code).await;
                self.end(response).await
            }
            Effect::DelayMs(ms) => {
                let response = next.run(request).await;
                sleep(Duration::from_millis(ms)).await;
                self.end(response).await
            }
            Effect::Drop(When::Before) => self.hang_up(None).await,
            Effect::Drop(When::After) => {
                let response = next.run(request).await;
                self.hang_up(Some(response)).await
            }
            Effect::HalfAnswer => {
                let response = next.run(request).await;
                half(self.end(response).await).await
            }
            Effect::Token(fault) => self.with_token(fault, request, next).await,
            Effect::Verdict(code) => self.with_verdict(Verdict::Refuse(code), request, next).await,
            Effect::SendFail => self.with_verdict(Verdict::Fail, request, next).await,
            // Of callbacks; the rules never give them to a call.
            Effect::Callback(_) | Effect::CallbackLateSeconds(_) => {
                let response = next.run(request).await;
                self.end(response).await
            }
        }
    }

    /// What the compatible API answers with this errcode.
    async fn refuse(&self, code: i64) -> Response {
        let code = ErrCode::from_code(code).unwrap_or(ErrCode::SystemError);
        let rid = transport::rid(&self.app);
        if let (ErrCode::IpNotInWhitelist, Some(Source { address, .. })) = (code, self.source) {
            return json_response(ErrorReply::ip_not_in_whitelist(address, Some(&rid)).to_json());
        }
        let mut error = ApiError::new(code);
        if code == ErrCode::ClientMsgIdExists
            && let Some(account) = &self.account
            && let Ok(masses) = self.app.store.masses(account.id, None, 1).await
            && let Some(mass) = masses.first()
        {
            error = error.with("msg_id", mass.id.0);
        }
        json_response(error.text(&rid))
    }

    async fn with_token(mut self, fault: TokenFault, request: Request, next: Next) -> Response {
        let ended = match (fault, self.token) {
            (TokenFault::Expired, Some(token)) => Some(TokenEnd::Expired(token)),
            (TokenFault::Revoked, Some(token)) => Some(TokenEnd::Revoked(token)),
            (TokenFault::NoOverlap, _) | (_, None) => None,
        };
        self.end_tokens(ended).await;
        let response = next.run(request).await;
        let (response, text) = read(response).await;
        let new = string_in(text.as_bytes(), "access_token");
        if fault == TokenFault::NoOverlap {
            self.learn_app_id().await;
            self.end_tokens(new.map(|token| TokenEnd::AllBut(vault::digest(&token))))
                .await;
        }
        self.end(response).await
    }

    async fn end_tokens(&self, end: Option<TokenEnd>) {
        if let (Some(account), Some(end)) = (&self.account, end)
            && let Err(error) = self.app.store.end_tokens(account.id, end, self.app.now()).await
        {
            tracing::error!(%error, "a fault rule could not end a token");
        }
    }

    async fn with_verdict(mut self, verdict: Verdict, request: Request, next: Next) -> Response {
        let account = self.account.as_ref().map(|account| account.id);
        self.set_verdict(account, Some(verdict));
        let response = next.run(request).await;
        let (response, text) = read(response).await;
        let accepted = number_in(&text, "errcode").is_none_or(|code| code == 0);
        let made = accepted && self.makes_a_mass() && number_in(&text, "msg_id").is_some();
        if !made {
            // No mass was made: the verdict is not for a later one.
            self.set_verdict(account, None);
        }
        self.end(response).await
    }

    /// Whether the call is one that a mass comes of: a preview and a dry run are none.
    fn makes_a_mass(&self) -> bool {
        matches!(
            self.path.as_str(),
            "/cgi-bin/message/mass/sendall" | "/cgi-bin/message/mass/send"
        ) || (self.path.starts_with("/v1/accounts/") && self.path.ends_with("/masses"))
    }

    fn set_verdict(&self, account: Option<AccountId>, verdict: Option<Verdict>) {
        if let (Some(sandbox), Some(account)) = (&self.app.sandbox, account) {
            sandbox.set_next_verdict(account, verdict);
        }
    }

    async fn hang_up(mut self, response: Option<Response>) -> Response {
        let text = match response {
            Some(response) => read(response).await.1,
            None => String::new(),
        };
        self.keep(None, text).await;
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(HangUp);
        response
    }

    /// Notes the answer and hands it on.
    async fn end(&mut self, response: Response) -> Response {
        let (response, text) = read(response).await;
        self.keep(Some(response.status().as_u16()), text).await;
        response
    }

    async fn keep(&mut self, status: Option<u16>, text: String) {
        self.learn_app_id().await;
        if let (Some(token), Some(app_id)) = (string_in(text.as_bytes(), "access_token"), &self.app_id) {
            self.inspector.log.learn_token(vault::digest(&token), app_id);
        }
        let after = self.used().await;
        let limits = self.account.as_ref().map(limits);
        let quota = match (self.before, after, limits) {
            (Some(before), Some(after), Some(limits)) => Some(QuotaEffect {
                before,
                after,
                limits,
            }),
            _ => None,
        };
        let errcode = number_in(&text, "errcode").or_else(|| {
            // The calls that answer with data say nothing of an errcode when they succeed.
            (self.api == Api::Compatible && status == Some(200)).then_some(0)
        });
        let made = errcode.is_none_or(|code| code == 0);
        let made = |key| number_in(&text, key).filter(|_| made);
        let call = Call {
            id: 0,
            changed: 0,
            at: self.at,
            real_at: self.real_at,
            api: self.api,
            account: self.app_id.clone(),
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.query.clone(),
            headers: kept_headers(&self.headers),
            body: self.body(),
            status,
            took: self.began.elapsed(),
            errcode,
            msg_id: made("msg_id").filter(|_| is_sending(&self.path)),
            publish_id: made("publish_id").filter(|_| self.path.ends_with("/freepublish/submit")),
            fault: self.hit.clone(),
            quota,
            callbacks: Vec::new(),
            answer: text,
        };
        self.inspector.log.keep(call);
    }

    /// The appid that `stable_token` and `clear_quota/v2` have in their bodies.
    async fn learn_app_id(&mut self) {
        if self.app_id.is_none() && self.token.is_none() && self.api == Api::Compatible {
            let body = self.seen().kept.clone().freeze();
            self.app_id = string_in(&body, "appid");
            self.find_by_app_id().await;
        }
    }

    async fn used(&self) -> Option<Used> {
        let account = self.account.as_ref().filter(|_| is_sending(&self.path))?;
        let now = self.app.now();
        let usage = self.app.store.usage(account.id, now).await.ok()?;
        Some(used(usage.at(now, &self.app.calendar)))
    }

    fn body(&self) -> KeptBody {
        let seen = self.seen();
        KeptBody::of(content_type(&self.headers), &seen.kept, seen.length)
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn saw(&mut self, part: &[u8]) {
        self.length += part.len() as u64;
        let room = self.kept_max.saturating_sub(self.kept.len()).min(part.len());
        self.kept.extend_from_slice(part.get(..room).unwrap_or_default());
    }
}

/// Whether the path is of a call that sends to many.
fn is_sending(path: &str) -> bool {
    matches!(
        path,
        "/cgi-bin/message/mass/sendall" | "/cgi-bin/message/mass/send" | "/cgi-bin/message/mass/preview"
    ) || (path.starts_with("/v1/accounts/") && (path.ends_with("/sends") || path.ends_with("/masses")))
}

fn used(usage: Usage) -> Used {
    Used {
        sends_today: usage.sends_today,
        calls_today: usage.calls_today,
        history_today: usage.history_today,
        history_this_month: usage.history_this_month,
        calls_this_minute: usage.calls_this_minute,
    }
}

fn limits(account: &Account) -> Limits {
    let quota = &account.quota;
    Limits {
        sends_today: quota.sends_per_day,
        calls_today: quota.calls_per_day,
        history_today: quota.history_per_day,
        history_this_month: quota.history_per_month,
        calls_this_minute: quota.calls_per_minute,
    }
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::CONTENT_TYPE)?.to_str().ok()
}

fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let bearer = bearer(headers).is_some();
    HEADERS
        .iter()
        .filter(|name| *name != header::AUTHORIZATION || bearer)
        .filter_map(|name| {
            let value = headers.get(name)?.to_str().ok()?;
            Some((name.to_string(), value.chars().take(512).collect()))
        })
        .collect()
}

fn string_in(json: &[u8], key: &str) -> Option<String> {
    let value: Value = serde_json::from_slice(json).ok()?;
    Some(value.get(key)?.as_str()?.to_owned())
}

fn number_in(json: &str, key: &str) -> Option<i64> {
    let value: Value = serde_json::from_str(json).ok()?;
    value.get(key)?.as_i64()
}

/// The beginning of a body, and the body as if nobody had looked.
async fn peek(mut body: Body) -> (Bytes, Body) {
    let mut head = BytesMut::new();
    while head.len() < PEEK_MAX {
        match body.frame().await {
            Some(Ok(frame)) => head.extend_from_slice(frame.data_ref().map_or(&[][..], AsRef::as_ref)),
            Some(Err(error)) => {
                let head = head.freeze();
                let parts = stream::iter([Ok(head.clone()), Err(error)]);
                return (head, Body::from_stream(parts));
            }
            None => {
                let head = head.freeze();
                return (head.clone(), Body::from(head));
            }
        }
    }
    let head = head.freeze();
    let first = stream::iter([Ok::<_, axum::Error>(head.clone())]);
    (head, Body::from_stream(first.chain(body.into_data_stream())))
}

/// The text of an answer, or what it is, and the answer as if nobody had looked.
async fn read(response: Response) -> (Response, String) {
    let (parts, body) = response.into_parts();
    let kind = content_type(&parts.headers).unwrap_or_default().to_owned();
    if !transport::is_text(&parts.headers) {
        let length = http_body_length(&body, &parts.headers);
        let length = length.map_or_else(String::new, |length| format!(", {length} bytes"));
        let text = if kind.is_empty() {
            String::new()
        } else {
            format!("({kind}{length})")
        };
        return (Response::from_parts(parts, body), text);
    }
    match body.collect().await {
        Ok(collected) => {
            let bytes = collected.to_bytes();
            let text = String::from_utf8_lossy(bytes.get(..bytes.len().min(TEXT_MAX)).unwrap_or_default());
            let text = text.into_owned();
            (Response::from_parts(parts, Body::from(bytes)), text)
        }
        Err(error) => {
            tracing::error!(%error, "an answer broke off");
            (ApiError::new(ErrCode::SystemError).into_response(), String::new())
        }
    }
}

fn http_body_length(body: &Body, headers: &HeaderMap) -> Option<u64> {
    let named = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    hyper::body::Body::size_hint(body).exact().or(named)
}

/// The first half of an answer that says it is whole.
async fn half(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(collected) = body.collect().await else {
        return Response::from_parts(parts, Body::empty());
    };
    let bytes = collected.to_bytes();
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    let first = bytes.slice(..bytes.len() / 2);
    let cut = async {
        sleep(BETWEEN_HALVES).await;
        Err(io::Error::other("cut off by a fault rule"))
    };
    let body = stream::iter([Ok(first)]).chain(stream::once(cut));
    Response::from_parts(parts, Body::from_stream(body))
}
