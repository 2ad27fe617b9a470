//! The ledger: what was sent, how far it is, who did not get it and why; and what of the quota is used.

use std::collections::HashMap;

use axum::{
    Json,
    extract::{Path, State},
};
use domain::{
    id::MassId,
    mass::{Counts, Mass, MassState, Origin},
};
use serde::Serialize;

use crate::{
    app::App,
    v1::{
        problem::{NativeResult, Problem},
        request::{OfAccount, Page},
        send::mass_id,
    },
};

/// A page of masses, newest first.
#[derive(Debug, Serialize)]
pub struct MassList {
    masses: Vec<MassShape>,
    next: Option<i64>,
}

/// A mass with its counts.
#[derive(Debug, Serialize)]
pub struct MassShape {
    msg_id: i64,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<u32>,
    origin: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    accepted_at: String,
    finished_at: Option<String>,
    total_count: u64,
    filter_count: u64,
    sent_count: u64,
    error_count: u64,
    reasons: Reasons,
    batches_left: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_for: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recalled_at: Option<String>,
}

/// Why followers did not get a mass.
#[derive(Debug, Serialize)]
pub struct Reasons {
    over_quota: u64,
    blacklisted: u64,
    opted_out: u64,
    left: u64,
    failed: u64,
}

impl Reasons {
    /// The reasons among these counts.
    pub fn of(counts: &Counts) -> Self {
        Self {
            over_quota: counts.over_quota,
            blacklisted: counts.blacklisted,
            opted_out: counts.opted_out,
            left: counts.left,
            failed: counts.failed,
        }
    }
}

/// What an account has used of its quota.
#[derive(Debug, Serialize)]
pub struct UsageShape {
    at: String,
    sends_today: u32,
    calls_today: u32,
    history_today: u32,
    history_this_month: u32,
    calls_this_minute: u32,
    name_previews_today: u32,
    news_uploads_today: u32,
    deletes_today: u32,
}

/// `GET /v1/accounts/{appid}/masses?before=&limit=`.
pub async fn list(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    page: Page,
) -> NativeResult<MassList> {
    let masses = app
        .store
        .masses(account.id, page.number()?.map(MassId), page.limit)
        .await?;
    let next = masses
        .last()
        .filter(|_| masses.len() == page.limit)
        .map(|mass| mass.id.0);
    Ok(Json(MassList {
        masses: masses.iter().map(|mass| shape(&app, mass)).collect(),
        next,
    }))
}

/// `GET /v1/accounts/{appid}/masses/{msg_id}`.
pub async fn get(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    Path(names): Path<HashMap<String, String>>,
) -> NativeResult<MassShape> {
    let mass = app.store.mass(account.id, mass_id(&names)?).await?;
    let mass = mass.ok_or_else(|| Problem::not_found("mass"))?;
    Ok(Json(shape(&app, &mass)))
}

/// `GET /v1/accounts/{appid}/usage`.
pub async fn usage(OfAccount(account): OfAccount, State(app): State<App>) -> NativeResult<UsageShape> {
    let now = app.now();
    let usage = app.store.usage(account.id, now).await?;
    let calls = app.store.call_counts(account.id, now).await?;
    Ok(Json(UsageShape {
        at: app.rfc3339(usage.latest),
        sends_today: usage.sends_today,
        calls_today: usage.calls_today,
        history_today: usage.history_today,
        history_this_month: usage.history_this_month,
        calls_this_minute: usage.calls_this_minute,
        name_previews_today: calls.name_previews,
        news_uploads_today: calls.news_uploads,
        deletes_today: calls.deletes,
    }))
}

/// A mass as it is shown.
pub fn shape(app: &App, mass: &Mass) -> MassShape {
    let (state, error) = match mass.state {
        _ if mass.recalled_at.is_some() => ("recalled", None),
        MassState::Sending => ("sending", None),
        MassState::Succeeded => ("succeeded", None),
        MassState::Failed => ("failed", None),
        MassState::Refused(number) => ("refused", Some(number)),
        MassState::Deleted => ("deleted", None),
    };
    let origin = match mass.origin {
        Origin::Api => "api",
        Origin::Site => "site",
        Origin::Preview => "preview",
    };
    let counts = &mass.counts;
    MassShape {
        msg_id: mass.id.0,
        state,
        error,
        origin,
        kind: mass.content.message_type().word(),
        accepted_at: app.rfc3339(mass.accepted_at),
        finished_at: mass.finished_at.map(|at| app.rfc3339(at)),
        total_count: counts.total,
        filter_count: counts.after_filters(),
        sent_count: counts.sent(),
        error_count: counts.errors(),
        reasons: Reasons::of(counts),
        batches_left: mass.batches_left,
        waiting_for: mass.confirm_by.map(|_| "confirmation"),
        confirm_by: mass.confirm_by.map(|at| app.rfc3339(at)),
        recalled_at: mass.recalled_at.map(|at| app.rfc3339(at)),
    }
}
