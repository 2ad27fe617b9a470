//! Addresses of this server, and whether an account's receiver can be reached (spec accounts §2).

use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::extract::State;
use domain::id::AccountId;
use futures::future::join_all;
use wire::{
    errcode::ErrCode,
    network::{CallbackCheck, CallbackCheckAnswer, IpList, Pinged, Resolved},
};

use crate::{
    api::{
        body::Wire,
        caller::Caller,
        error::{Answer, ApiResult},
    },
    app::App,
};

/// Nobody here knows whose network an address is in.
const UNKNOWN_OPERATOR: &str = "DEFAULT";
const OPERATORS: [&str; 4] = ["CHINANET", "UNICOM", "CAP", UNKNOWN_OPERATOR];
/// Addresses of one receiver that are tried.
const ADDRESSES_MAX: usize = 8;

/// The accounts whose receivers are being checked; each has one check at a time.
#[derive(Debug, Default)]
pub struct Checks(Mutex<BTreeSet<AccountId>>);

impl Checks {
    /// Begins the account's check, which lasts until the answer is dropped; `None` while another one runs.
    fn begin(&self, account: AccountId) -> Option<Check<'_>> {
        let begun = self.all().insert(account);
        begun.then_some(Check {
            checks: self,
            account,
        })
    }

    fn all(&self) -> MutexGuard<'_, BTreeSet<AccountId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Check<'a> {
    checks: &'a Checks,
    account: AccountId,
}

impl Drop for Check<'_> {
    fn drop(&mut self) {
        self.checks.all().remove(&self.account);
    }
}

/// `GET /cgi-bin/getcallbackip` and `GET /cgi-bin/get_api_domain_ip`: where events come from, and where calls go.
pub async fn addresses(State(app): State<App>, Caller(_): Caller) -> ApiResult<IpList> {
    Ok(Answer(IpList {
        ip_list: app.settings.addresses.clone(),
    }))
}

/// `POST /cgi-bin/callback/check`: resolves the name of the account's receiver, and connects to its addresses. An
/// address that callbacks may not go to is neither told nor tried (SEC6). One at a time for each account, else 45011.
pub async fn check(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<CallbackCheck>,
) -> ApiResult<CallbackCheckAnswer> {
    let action = request.action.required(ErrCode::InvalidAction)?;
    let (dns, ping) = match action.as_str() {
        "dns" => (true, false),
        "ping" => (false, true),
        "all" => (true, true),
        _ => return Err(ErrCode::InvalidAction.into()),
    };
    let operator = request
        .check_operator
        .or_malformed(ErrCode::InvalidCheckOperator)?
        .unwrap_or_else(|| UNKNOWN_OPERATOR.to_owned());
    if !OPERATORS.contains(&operator.as_str()) {
        return Err(ErrCode::InvalidCheckOperator.into());
    }
    let callback = account.callback.ok_or(ErrCode::InvalidCallbackUrl)?;
    let checks = app.callback_checks();
    let _check = checks.begin(account.id).ok_or(ErrCode::MinuteQuotaReached)?;
    let mut found = app.callback_check.resolve(&callback).await;
    found.truncate(ADDRESSES_MAX);
    let pings = ping.then(|| {
        let times = found.iter().map(async |address| {
            let time = app.callback_check.connect_time(&callback, *address).await;
            pinged(*address, &operator, time)
        });
        join_all(times)
    });
    let pings = match pings {
        Some(pings) => Some(pings.await),
        None => None,
    };
    Ok(Answer(CallbackCheckAnswer {
        dns: dns.then(|| found.iter().map(|address| resolved(*address)).collect()),
        ping: pings,
    }))
}

fn resolved(address: IpAddr) -> Resolved {
    Resolved {
        ip: address.to_string(),
        real_operator: UNKNOWN_OPERATOR.to_owned(),
    }
}

fn pinged(address: IpAddr, operator: &str, time: Option<Duration>) -> Pinged {
    let time = time.map(|time| format!("{:.3}ms", time.as_secs_f64() * 1_000.0));
    Pinged {
        ip: address.to_string(),
        from_operator: operator.to_owned(),
        package_loss: if time.is_some() { "0%" } else { "100%" }.to_owned(),
        time: time.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec10_an_account_has_one_check_at_a_time() {
        let checks = Checks::default();
        let first = checks.begin(AccountId(1));
        assert!(first.is_some());
        assert!(checks.begin(AccountId(1)).is_none());
        assert!(checks.begin(AccountId(2)).is_some());
        drop(first);
        assert!(checks.begin(AccountId(1)).is_some());
    }
}
