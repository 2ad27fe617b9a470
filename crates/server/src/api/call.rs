//! What is left of the day's calls, and starting their counts anew (spec accounts §1.3, §1.4).
//!
//! Counted are the calls of Q2 (`mass/sendall` and `mass/send` together), Q7 (`mass/preview` by `towxname`) and Q8
//! (`media/uploadnews`, `mass/delete`). For every other call `openapi/quota/get` answers the documented limit, or
//! 2147483647 where no document has one, with 0 used; this server does not hold callers to those.

use axum::{
    extract::{Request, State},
    http::Uri,
};
use domain::{account::Account, call::Clearing};
use wire::{
    call::{OfPath, QuotaAnswer},
    done::Done,
    errcode::ErrCode,
    field::Field,
    token::ClearQuota,
};

use crate::{
    api::{
        body::{BodyFault, JSON_MAX, Wire, read},
        caller::Caller,
        endpoint::{self, Endpoint, Limit},
        error::{Answer, ApiResult},
        query::Query,
        token::with_secret,
    },
    app::App,
    source::Source,
};

/// `daily_limit` of a call without a daily limit: the largest number that every client's integer holds.
const NO_LIMIT: i64 = i32::MAX as i64;

/// `POST /cgi-bin/clear_quota`: ten times a month.
pub async fn clear(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<ClearQuota>,
) -> ApiResult<Done> {
    let app_id = request
        .appid
        .required_or(ErrCode::AppIdMissing, ErrCode::InvalidAppId)?;
    if app_id != account.app_id.0 {
        return Err(ErrCode::InvalidAppId.into());
    }
    clear_calls(&app, &account, Clearing::All).await
}

/// `POST /cgi-bin/clear_quota/v2`: the same with the secret instead of a token, in the body or the query.
pub async fn clear_by_secret(State(app): State<App>, request: Request) -> ApiResult<Done> {
    let uri: Uri = request.uri().clone();
    let source = Source::of(request.extensions());
    let bytes = read(request.into_body(), JSON_MAX)
        .await
        .map_err(|fault| match fault {
            BodyFault::TooLarge => ErrCode::ContentSizeOutOfLimit,
            BodyFault::Broken => ErrCode::DataFormatError,
        })?;
    let Query(query): Query<ClearQuota> = Query::of(&uri)?;
    let body = if bytes.trim_ascii().is_empty() {
        ClearQuota::default()
    } else {
        wire::body::read(&bytes)?
    };
    let account = with_secret(
        (&app, source),
        body.appid.or(query.appid),
        body.appsecret.or(query.appsecret),
    )
    .await?;
    clear_calls(&app, &account, Clearing::All).await
}

/// `POST /cgi-bin/openapi/quota/clear`: one call, fifty times a month for all of them together. The calls of one
/// count are cleared together.
pub async fn clear_one(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<OfPath>,
) -> ApiResult<Done> {
    let clearing = match of_path(request.cgi_path)?.limit {
        Limit::Sends => Clearing::Sends,
        Limit::Counted(call) => Clearing::Call(call),
        Limit::Documented(_) | Limit::None => Clearing::Nothing,
    };
    clear_calls(&app, &account, clearing).await
}

/// `POST /cgi-bin/openapi/quota/get`.
pub async fn get(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<OfPath>,
) -> ApiResult<QuotaAnswer> {
    let Endpoint { limit, needs, .. } = of_path(request.cgi_path)?;
    if !needs.met_by(&account) {
        return Err(ErrCode::CgiPathNoPermission.into());
    }
    let quota = account.quota;
    let number = |limit: Option<u32>| limit.map_or(NO_LIMIT, i64::from);
    Ok(Answer(match *limit {
        Limit::Sends => {
            let usage = app.store.usage(account.id, app.now()).await?;
            // Where Q2 does not hold, Q1 is what limits the calls.
            let (limit, used) = match (quota.calls_per_day, quota.sends_per_day) {
                (None, Some(sends)) => (Some(sends), usage.sends_today),
                (calls, _) => (calls, usage.calls_today),
            };
            let per_minute = quota.calls_per_minute.map(i64::from);
            QuotaAnswer::new(number(limit), i64::from(used), per_minute)
        }
        Limit::Counted(call) => {
            let counts = app.store.call_counts(account.id, app.now()).await?;
            QuotaAnswer::new(number(call.limit(&quota)), i64::from(counts.of(call)), None)
        }
        Limit::Documented(limit) => QuotaAnswer::new(limit, 0, None),
        Limit::None => QuotaAnswer::new(NO_LIMIT, 0, None),
    }))
}

async fn clear_calls(app: &App, account: &Account, clearing: Clearing) -> ApiResult<Done> {
    app.store.clear_calls(account.id, clearing, app.now()).await??;
    Ok(Answer(Done::default()))
}

fn of_path(path: Field<String>) -> Result<&'static Endpoint, ErrCode> {
    let path = path.required(ErrCode::CgiPathNotFound)?;
    endpoint::find(&path).ok_or(ErrCode::CgiPathNotFound)
}
