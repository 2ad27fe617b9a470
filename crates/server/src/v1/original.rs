//! Declared originals (原创声明) and who may use them.

use std::collections::HashMap;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use domain::{
    id::{AppId, MediaId, OriginalId},
    link::LinkKind,
};
use serde::{Deserialize, Serialize};
use store::original::{DeclareRefusal, Original};

use crate::{
    app::App,
    v1::{
        problem::{NativeResult, Problem},
        request::{OfAccount, Page, Strict},
    },
};

/// Which article is an original.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    media_id: String,
    /// From 1; absent is the first.
    article_idx: Option<u8>,
    /// Whether everybody may reprint it, marked and with its source.
    #[serde(default)]
    can_reprint: bool,
}

/// A declared original's number.
#[derive(Debug, Serialize)]
pub struct Declared {
    original_id: i64,
}

/// A page of originals, newest first.
#[derive(Debug, Serialize)]
pub struct OriginalList {
    originals: Vec<OriginalShape>,
    next: Option<i64>,
}

#[derive(Debug, Serialize)]
struct OriginalShape {
    original_id: i64,
    title: String,
    url: String,
    can_reprint: bool,
    declared_at: String,
}

/// `POST /v1/accounts/{appid}/originals`.
pub async fn declare(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    Strict(declaration): Strict<Declaration>,
) -> Result<(StatusCode, Json<Declared>), Problem> {
    let OriginalId(original_id) = app
        .store
        .declare_original(
            account.id,
            &MediaId(declaration.media_id),
            declaration.article_idx.unwrap_or(1),
            declaration.can_reprint,
            app.now(),
        )
        .await??;
    Ok((StatusCode::CREATED, Json(Declared { original_id })))
}

/// `GET /v1/accounts/{appid}/originals?before=&limit=`.
pub async fn list(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    page: Page,
) -> NativeResult<OriginalList> {
    let before = page.number()?.map(OriginalId);
    let originals = app.store.originals(account.id, before, page.limit).await?;
    let next = originals
        .last()
        .filter(|_| originals.len() == page.limit)
        .map(|original| original.id.0);
    Ok(Json(OriginalList {
        originals: originals
            .into_iter()
            .map(|original| shape(&app, original))
            .collect(),
        next,
    }))
}

fn shape(app: &App, original: Original) -> OriginalShape {
    let article = original.article;
    let link = app.link(
        LinkKind::Article,
        article.account,
        article.news.0,
        article.article,
    );
    OriginalShape {
        original_id: original.id.0,
        title: original.title,
        url: app.public(&format!("/s/{link}")),
        can_reprint: original.can_reprint,
        declared_at: app.rfc3339(original.declared_at),
    }
}

/// `PUT /v1/accounts/{appid}/originals/{id}/allowed/{other}`: the other account may use it as it is.
pub async fn allow(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    Path(names): Path<HashMap<String, String>>,
) -> Result<StatusCode, Problem> {
    set_allowed(&app, &account, &names, true).await
}

/// `DELETE /v1/accounts/{appid}/originals/{id}/allowed/{other}`: no longer.
pub async fn disallow(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    Path(names): Path<HashMap<String, String>>,
) -> Result<StatusCode, Problem> {
    set_allowed(&app, &account, &names, false).await
}

async fn set_allowed(
    app: &App,
    account: &domain::account::Account,
    names: &HashMap<String, String>,
    allowed: bool,
) -> Result<StatusCode, Problem> {
    let id = names.get("id").and_then(|id| id.parse().ok()).map(OriginalId);
    let id = id.ok_or_else(|| Problem::not_found("original"))?;
    let other = AppId(names.get("other").cloned().unwrap_or_default());
    let other = app
        .store
        .account(&other)
        .await?
        .ok_or_else(|| Problem::not_found("account"))?;
    if app.store.allow_reprint(account.id, id, other.id, allowed).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("original"))
    }
}

impl From<DeclareRefusal> for Problem {
    fn from(refusal: DeclareRefusal) -> Self {
        match refusal {
            DeclareRefusal::NotAllowed => Self::conflict(refusal.to_string()),
            DeclareRefusal::MediaUnknown => Self::not_found("news"),
            DeclareRefusal::ArticleIndex | DeclareRefusal::NoText => Self::bad_request(refusal.to_string()),
        }
    }
}
