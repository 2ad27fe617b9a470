//! The history list (历史消息列表) as data: what stands on `/mp/history/{appid}` (spec mass-send §14.1).

use std::sync::Arc;

use axum::{Json, extract::State};
use domain::{
    account::Account,
    content::Content,
    id::{AccountId, MassId},
    link::LinkKind,
    mass::{Mass, MassState},
};
use serde::Serialize;
use store::{StoreResult, media::FrozenNews};

use crate::{
    app::App,
    inbox::entry::{ArticleShape, Pages, articles, media_url},
    v1::{
        problem::NativeResult,
        request::{OfAccount, Page},
    },
};

/// A page of the history, newest first.
#[derive(Debug, Serialize)]
pub struct History {
    pub(crate) items: Vec<Item>,
    pub(crate) next: Option<i64>,
}

/// One message of the history.
#[derive(Debug, Default, Serialize)]
pub struct Item {
    pub(crate) msg_id: i64,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) sent_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) media_urls: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) articles: Vec<ArticleShape>,
    /// Whether browsers play its sound; for the page alone.
    #[serde(skip)]
    pub(crate) playable: bool,
}

/// `GET /v1/accounts/{appid}/history?before=&limit=`.
pub async fn list(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    page: Page,
) -> NativeResult<History> {
    let before = page.number()?.map(MassId);
    Ok(Json(history(&app, &account, before, page.limit).await?))
}

/// A page of an account's history.
pub async fn history(
    app: &App,
    account: &Account,
    before: Option<MassId>,
    limit: usize,
) -> StoreResult<History> {
    let masses = app.store.history(account.id, before, limit).await?;
    let next = masses
        .last()
        .filter(|_| masses.len() == limit)
        .map(|mass| mass.id.0);
    let mut items = Vec::new();
    for mass in &masses {
        items.extend(item(app, account.id, mass).await?);
    }
    Ok(History { items, next })
}

/// A message as the history shows it; `None` when nothing of it is left. Deleted articles have no place in it.
async fn item(app: &App, account: AccountId, mass: &Mass) -> StoreResult<Option<Item>> {
    let base = Item {
        msg_id: mass.id.0,
        kind: mass.content.message_type().word(),
        sent_at: app.rfc3339(mass.finished_at.unwrap_or(mass.accepted_at)),
        ..Item::default()
    };
    let media = |index| media_url(app, account, mass.id, index);
    Ok(match &mass.content {
        _ if mass.state == MassState::Deleted => None,
        Content::Text(text) => Some(Item {
            text: Some(text.clone()),
            ..base
        }),
        Content::Image { pictures, caption } => Some(Item {
            media_urls: (0..).zip(pictures).map(|(index, _)| media(index)).collect(),
            title: Some(caption.title.clone()).filter(|title| !title.is_empty()),
            text: Some(caption.recommend.clone()).filter(|text| !text.is_empty()),
            ..base
        }),
        Content::Voice(sound) | Content::Music(sound) => Some(Item {
            media_urls: vec![media(0)],
            playable: !sound.content_type.starts_with("audio/amr"),
            ..base
        }),
        Content::Video { title, .. } => Some(Item {
            title: Some(title.clone()),
            url: Some(app.public(&format!(
                "/s/{}",
                app.link(LinkKind::Video, account, mass.id.0, 0)
            ))),
            ..base
        }),
        Content::Card { title, .. } => Some(Item {
            title: Some(title.clone()),
            ..base
        }),
        Content::News(news) => {
            let news = app.store.frozen_news(account, *news).await?;
            let articles = news.map_or_else(Vec::new, |news| standing(app, account, &news));
            let first = articles.first().cloned();
            first.map(|first| Item {
                title: Some(first.title),
                url: Some(first.url),
                articles,
                ..base
            })
        }
    })
}

/// The articles that were not deleted.
fn standing(app: &App, account: AccountId, news: &Arc<FrozenNews>) -> Vec<ArticleShape> {
    let all = articles(app, account, Pages::Sent, news);
    let deleted = news.deleted.iter().chain(std::iter::repeat(&false));
    all.into_iter()
        .zip(deleted)
        .filter(|(_, deleted)| !**deleted)
        .map(|(article, _)| article)
        .collect()
}
