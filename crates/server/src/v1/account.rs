//! Accounts: made, listed, changed.

use axum::{Json, extract::State, http::StatusCode};
use domain::{
    account::{self, Account, AccountKind, Callback, CallbackMode},
    compat::CompatDate,
    id::AppId,
    quota::Quota,
};
use serde::{Deserialize, Deserializer, Serialize};
use store::{
    account::{AccountChange, NewAccount},
    vault,
};

use crate::{
    app::App,
    v1::{
        problem::{NativeResult, Problem},
        request::{Admin, OfAccount, Strict},
    },
};

/// What a caller may say of an account; absent keys leave what is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountBody {
    name: Option<String>,
    kind: Option<String>,
    verified: Option<bool>,
    pay_enabled: Option<bool>,
    repeat_check: Option<bool>,
    protect: Option<bool>,
    declare_original: Option<bool>,
    #[serde(deserialize_with = "given")]
    compat_date: Option<Option<String>>,
    comment_enabled: Option<bool>,
    quota: Option<QuotaBody>,
    #[serde(deserialize_with = "given")]
    callback: Option<Option<CallbackBody>>,
}

/// Q1 to Q8; `profile` names the numbers that the others change, else they change what is; `null` lifts a rule, an absent key leaves it.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct QuotaBody {
    profile: Option<QuotaProfile>,
    #[serde(deserialize_with = "given")]
    sends_per_day: Option<Option<u32>>,
    #[serde(deserialize_with = "given")]
    calls_per_day: Option<Option<u32>>,
    #[serde(deserialize_with = "given")]
    receipts_per_month: Option<Option<u8>>,
    #[serde(deserialize_with = "given")]
    history_per_day: Option<Option<u32>>,
    #[serde(deserialize_with = "given")]
    history_per_month: Option<Option<u32>>,
    #[serde(deserialize_with = "given")]
    calls_per_minute: Option<Option<u32>>,
    #[serde(deserialize_with = "given")]
    name_previews_per_day: Option<Option<u32>>,
    #[serde(deserialize_with = "given")]
    news_uploads_per_day: Option<Option<u32>>,
    #[serde(deserialize_with = "given")]
    deletes_per_day: Option<Option<u32>>,
}

/// Numbers that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum QuotaProfile {
    /// The document's for this kind of account.
    Document,
    /// The same with the daily limits of a new account (Q8).
    Strict,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallbackBody {
    url: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    aes_key: String,
    mode: Option<String>,
    verify: Option<bool>,
}

impl std::fmt::Debug for CallbackBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CallbackBody") // SEC4
    }
}

/// An account as it is shown: without any secret.
#[derive(Debug, Serialize)]
pub struct AccountShape {
    appid: String,
    original_id: String,
    name: String,
    kind: &'static str,
    verified: bool,
    pay_enabled: bool,
    repeat_check: bool,
    protect: bool,
    declare_original: bool,
    compat_date: Option<String>,
    comment_enabled: bool,
    speed: Option<u8>,
    quota: QuotaShape,
    callback: Option<CallbackShape>,
}

#[derive(Debug, Serialize)]
struct QuotaShape {
    sends_per_day: Option<u32>,
    calls_per_day: Option<u32>,
    receipts_per_month: Option<u8>,
    history_per_day: Option<u32>,
    history_per_month: Option<u32>,
    calls_per_minute: Option<u32>,
    name_previews_per_day: Option<u32>,
    news_uploads_per_day: Option<u32>,
    deletes_per_day: Option<u32>,
}

#[derive(Debug, Serialize)]
struct CallbackShape {
    url: String,
    mode: &'static str,
}

/// All accounts.
#[derive(Debug, Serialize)]
pub struct AccountList {
    accounts: Vec<AccountShape>,
}

/// A new account; the only time that its secret is shown (SEC3).
#[derive(Serialize)]
pub struct Created {
    appid: String,
    secret: String,
    original_id: String,
}

/// `GET /v1/accounts`.
pub async fn list(_: Admin, State(app): State<App>) -> NativeResult<AccountList> {
    let accounts = app.store.accounts().await?;
    Ok(Json(AccountList {
        accounts: accounts.into_iter().map(shape).collect(),
    }))
}

/// `GET /v1/accounts/{appid}`.
pub async fn get(OfAccount(account): OfAccount) -> Json<AccountShape> {
    Json(shape(account))
}

/// `POST /v1/accounts`.
pub async fn create(
    _: Admin,
    State(app): State<App>,
    Strict(body): Strict<AccountBody>,
) -> Result<(StatusCode, Json<Created>), Problem> {
    let kind = kind(body.kind.as_deref())?.unwrap_or(AccountKind::Service);
    let quota = quota(kind, Quota::of(kind), body.quota)?;
    let compat_date = compat_date(body.compat_date)?;
    let callback = callback(&app, body.callback).await?;
    let secret = hex::encode(app.secrets.bytes::<16>());
    let new = NewAccount {
        app_id: AppId(format!("wx{}", hex::encode(app.ids.bytes::<8>()))),
        original_id: format!("gh_{}", hex::encode(app.ids.bytes::<6>())),
        secret_hash: vault::digest(&secret),
        name: name(body.name)?.ok_or_else(|| Problem::bad_request("name is missing"))?,
        kind,
        verified: body.verified.unwrap_or(false),
        pay_enabled: body.pay_enabled.unwrap_or(false),
        quota,
        open_id_secret: app.ids.bytes(),
    };
    let account = app.store.create_account(new, app.now()).await??;
    let rest = AccountChange {
        repeat_check: body.repeat_check,
        comment_enabled: body.comment_enabled,
        protect: body.protect,
        declare_original: body.declare_original,
        compat_date,
        callback,
        ..AccountChange::default()
    };
    app.store.change_account(account.id, rest).await?;
    let created = Created {
        appid: account.app_id.0,
        secret,
        original_id: account.original_id,
    };
    Ok((StatusCode::CREATED, Json(created)))
}

/// `PATCH /v1/accounts/{appid}`.
pub async fn change(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    Strict(body): Strict<AccountBody>,
) -> NativeResult<AccountShape> {
    let kind = kind(body.kind.as_deref())?;
    let change = AccountChange {
        name: name(body.name)?,
        kind,
        verified: body.verified,
        pay_enabled: body.pay_enabled,
        repeat_check: body.repeat_check,
        protect: body.protect,
        declare_original: body.declare_original,
        compat_date: compat_date(body.compat_date)?,
        comment_enabled: body.comment_enabled,
        quota: body
            .quota
            .map(|given| quota(kind.unwrap_or(account.kind), account.quota, Some(given)))
            .transpose()?,
        callback: callback(&app, body.callback).await?,
        secret_hash: None,
    };
    let changed = app.store.change_account(account.id, change).await?;
    changed
        .map(shape)
        .map(Json)
        .ok_or_else(|| Problem::not_found("account"))
}

fn name(name: Option<String>) -> Result<Option<String>, Problem> {
    let usable = |name: &String| !name.trim().is_empty() && name.chars().count() <= 64;
    match name {
        Some(name) if !usable(&name) => Err(Problem::bad_request("name must have 1 to 64 characters")),
        name => Ok(name),
    }
}

fn compat_date(given: Option<Option<String>>) -> Result<Option<Option<CompatDate>>, Problem> {
    let read = |text: String| {
        CompatDate::parse(&text)
            .ok_or_else(|| Problem::bad_request("compat_date must be a day, YYYY-MM-DD, or null"))
    };
    given.map(|date| date.map(read).transpose()).transpose()
}

fn kind(word: Option<&str>) -> Result<Option<AccountKind>, Problem> {
    let Some(word) = word else { return Ok(None) };
    let kind = AccountKind::from_word(word);
    kind.map(Some)
        .ok_or_else(|| Problem::bad_request("kind must be \"subscription\" or \"service\""))
}

fn quota(kind: AccountKind, base: Quota, given: Option<QuotaBody>) -> Result<Quota, Problem> {
    let given = given.unwrap_or_default();
    let base = match given.profile {
        None => base,
        Some(QuotaProfile::Document) => Quota::of(kind),
        Some(QuotaProfile::Strict) => Quota::strict(kind),
    };
    let quota = Quota {
        sends_per_day: given.sends_per_day.unwrap_or(base.sends_per_day),
        calls_per_day: given.calls_per_day.unwrap_or(base.calls_per_day),
        receipts_per_month: given.receipts_per_month.unwrap_or(base.receipts_per_month),
        history_per_day: given.history_per_day.unwrap_or(base.history_per_day),
        history_per_month: given.history_per_month.unwrap_or(base.history_per_month),
        calls_per_minute: given.calls_per_minute.unwrap_or(base.calls_per_minute),
        name_previews_per_day: given.name_previews_per_day.unwrap_or(base.name_previews_per_day),
        news_uploads_per_day: given.news_uploads_per_day.unwrap_or(base.news_uploads_per_day),
        deletes_per_day: given.deletes_per_day.unwrap_or(base.deletes_per_day),
    };
    if !quota.is_valid() {
        return Err(Problem::bad_request(
            "quota.receipts_per_month must be 0 to 7, or null",
        ));
    }
    Ok(quota)
}

/// A callback after its checks and, unless `verify` is false, after the handshake with its receiver.
async fn callback(
    app: &App,
    given: Option<Option<CallbackBody>>,
) -> Result<Option<Option<Callback>>, Problem> {
    let Some(body) = given else { return Ok(None) };
    let Some(body) = body else { return Ok(Some(None)) };
    let mode = CallbackMode::from_word(body.mode.as_deref().unwrap_or(CallbackMode::Plain.word()));
    let mode = mode
        .ok_or_else(|| Problem::bad_request("callback.mode must be \"plain\", \"compatible\" or \"safe\""))?;
    let callback = Callback {
        url: body.url,
        token: body.token,
        aes_key: body.aes_key,
        mode,
    };
    account::check_callback(&callback)?;
    if body.verify.unwrap_or(true) {
        let verified = app.callback_check.verify(&callback).await;
        verified
            .map_err(|reason| Problem::bad_request(format!("the callback URL was not verified: {reason}")))?;
    }
    Ok(Some(Some(callback)))
}

fn shape(account: Account) -> AccountShape {
    let quota = account.quota;
    AccountShape {
        appid: account.app_id.0,
        original_id: account.original_id,
        name: account.name,
        kind: account.kind.word(),
        verified: account.verified,
        pay_enabled: account.pay_enabled,
        repeat_check: account.repeat_check,
        protect: account.protect,
        declare_original: account.declare_original,
        compat_date: account.compat_date.map(|date| date.to_string()),
        comment_enabled: account.comment_enabled,
        speed: account.speed.map(domain::speed::SpeedLevel::number),
        quota: QuotaShape {
            sends_per_day: quota.sends_per_day,
            calls_per_day: quota.calls_per_day,
            receipts_per_month: quota.receipts_per_month,
            history_per_day: quota.history_per_day,
            history_per_month: quota.history_per_month,
            calls_per_minute: quota.calls_per_minute,
            name_previews_per_day: quota.name_previews_per_day,
            news_uploads_per_day: quota.news_uploads_per_day,
            deletes_per_day: quota.deletes_per_day,
        },
        callback: account.callback.map(|callback| CallbackShape {
            url: callback.url,
            mode: callback.mode.word(),
        }),
    }
}

/// Tells a key that is `null` from one that is absent.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(json: &str) -> Result<AccountBody, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn null_lifts_a_rule_and_an_absent_key_leaves_it() {
        let kind = AccountKind::Service;
        let base = Quota::of(kind);
        let given = body(r#"{"quota":{"calls_per_minute":null,"calls_per_day":7}}"#).expect("a body");
        let changed = quota(kind, base, given.quota).expect("valid");
        assert_eq!(
            changed,
            Quota {
                calls_per_minute: None,
                calls_per_day: Some(7),
                ..base
            }
        );
        let given = body(r#"{"quota":{"receipts_per_month":8}}"#).expect("a body");
        assert!(quota(kind, base, given.quota).is_err());
        let given = body(r#"{"quota":{"profile":"strict","deletes_per_day":null}}"#).expect("a body");
        let strict = quota(kind, base, given.quota).expect("valid");
        assert_eq!(
            (strict.news_uploads_per_day, strict.deletes_per_day),
            (Some(10), None)
        );
        assert!(body(r#"{"quota":{"profile":"lax"}}"#).is_err());
    }

    #[test]
    fn unknown_keys_and_wrong_types_are_refused_at_every_level() {
        for json in [
            r#"{"nmae":"x"}"#,
            r#"{"quota":{"sends":1}}"#,
            r#"{"quota":{"sends_per_day":-1}}"#,
            r#"{"callback":{"url":"http://a","x":1}}"#,
            r#"{"callback":{}}"#,
            r#"{"verified":"yes"}"#,
        ] {
            assert!(body(json).is_err(), "{json}");
        }
        assert!(body("{}").expect("a body").callback.is_none());
        assert!(matches!(
            body(r#"{"callback":null}"#).expect("a body").callback,
            Some(None)
        ));
    }
}
