//! `/mp/history/{appid}`: the history list of an account (历史消息列表, spec mass-send §14.1).

use axum::{
    extract::{Path, State},
    http::{HeaderMap, Uri},
    response::{IntoResponse, Response},
};
use domain::id::{AppId, MassId};
use store::StoreResult;

use crate::{
    api::query,
    app::App,
    pages::{
        furniture::{self, AccountCard, Furniture},
        notice,
        page::{self, HistoryPage},
    },
    v1::{history::history, problem::Problem},
};

/// Messages on one page.
const PAGE: usize = 20;

/// `GET /mp/history/{appid}?before=`.
pub async fn page(
    State(app): State<App>,
    Path(app_id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let before = query::value(&uri, "before").and_then(|number| number.parse().ok());
    match find(&app, AppId(app_id), before.map(MassId), &headers).await {
        Ok(Some(response)) => response,
        Ok(None) => notice::missing(&app, &headers),
        Err(error) => Problem::from(error).into_response(),
    }
}

async fn find(
    app: &App,
    app_id: AppId,
    before: Option<MassId>,
    headers: &HeaderMap,
) -> StoreResult<Option<Response>> {
    let Some(account) = app.store.account(&app_id).await? else {
        return Ok(None);
    };
    let history = history(app, &account, before, PAGE).await?;
    let furniture = Furniture::of(headers);
    let card = AccountCard::of(&account);
    let page = HistoryPage {
        furniture,
        kind: furniture::kind(&account, furniture),
        address: app.public(&card.history),
        account: card,
        older: before.is_some(),
        items: &history.items,
        next: history.next,
    };
    Ok(Some(page::render(app, headers, &page)))
}
