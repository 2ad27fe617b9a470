//! One entry as followers' apps see it; what does not apply is left out.

use std::sync::Arc;

use domain::{
    content::Content,
    id::{AccountId, MassId, Sequence},
    link::LinkKind,
};
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use store::{inbox::Entry, media::FrozenNews};
use utoipa::ToSchema;

use crate::app::App;

/// One mass in a reader's inbox; what does not apply to its type is left out.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Entry)]
pub struct EntryShape {
    /// The same in every answer and event.
    id: String,
    /// The appid of the account that sent it.
    account: String,
    account_name: String,
    /// The account's number of this mass send.
    msg_id: i64,
    /// `text`, `image`, `voice`, `music`, `mpvideo`, `mpnews` or `wxcard`.
    #[serde(rename = "type")]
    kind: &'static str,
    #[schema(format = DateTime)]
    sent_at: String,
    /// Present and true for a preview.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    preview: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_url: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    media_urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    need_open_comment: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    only_fans_can_comment: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cover_url: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    articles: Vec<ArticleShape>,
}

/// One article on the card of a news.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = EntryArticle)]
pub struct ArticleShape {
    pub(crate) title: String,
    pub(crate) digest: String,
    pub(crate) cover_url: String,
    pub(crate) url: String,
}

/// The JSON of an [`EntryShape`], made once for all who read the entry.
#[derive(Clone, Debug)]
pub struct EntryJson(Arc<RawValue>);

impl EntryJson {
    /// The JSON of an entry; out of memory where somebody asked for it before.
    pub fn of(app: &App, entry: &Entry) -> Self {
        let json = entry.json.get_or_init(|| {
            // A shape of texts and numbers always has one.
            let json = to_raw_value(&shape(app, entry)).unwrap_or_else(|_| RawValue::NULL.to_owned());
            json.into()
        });
        Self(Arc::clone(json))
    }

    /// How long its text is.
    pub fn bytes(&self) -> usize {
        self.0.get().len()
    }

    /// All of these.
    pub fn all(app: &App, entries: &[Arc<Entry>]) -> Vec<Self> {
        entries.iter().map(|entry| Self::of(app, entry)).collect()
    }
}

impl Serialize for EntryJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// The name of an entry, the same in every answer and event.
pub fn id(app: &App, account: AccountId, sequence: Sequence) -> String {
    app.link(LinkKind::Entry, account, sequence.0, 0)
}

/// The shape of an entry: nothing in it depends on who reads it.
fn shape(app: &App, entry: &Entry) -> EntryShape {
    let account = entry.account.id;
    let base = EntryShape {
        id: id(app, account, entry.sequence),
        account: entry.account.app_id.0.clone(),
        account_name: entry.account.name.clone(),
        msg_id: entry.mass.0,
        kind: entry.content.message_type().word(),
        sent_at: app.rfc3339(entry.sent_at),
        preview: entry.preview,
        ..EntryShape::default()
    };
    let media = |index| media_url(app, account, entry.mass, index);
    match &entry.content {
        Content::Text(text) => EntryShape {
            text: Some(text.clone()),
            ..base
        },
        Content::Image { pictures, caption } if pictures.len() > 1 || !caption.recommend.is_empty() => {
            EntryShape {
                media_url: Some(media(0)),
                media_urls: (0..).zip(pictures).map(|(index, _)| media(index)).collect(),
                title: Some(caption.title.clone()).filter(|title| !title.is_empty()),
                text: Some(caption.recommend.clone()),
                need_open_comment: Some(caption.need_open_comment),
                only_fans_can_comment: Some(caption.only_fans_can_comment),
                ..base
            }
        }
        Content::Image { .. } | Content::Voice(_) | Content::Music(_) => EntryShape {
            media_url: Some(media(0)),
            ..base
        },
        Content::Card { id, title } => EntryShape {
            title: Some(title.clone()),
            card_id: Some(id.0.clone()),
            ..base
        },
        Content::Video {
            title, description, ..
        } => EntryShape {
            title: Some(title.clone()),
            digest: Some(description.clone()),
            url: Some(app.public(&format!(
                "/s/{}",
                app.link(LinkKind::Video, account, entry.mass.0, 0)
            ))),
            media_url: Some(media(0)),
            ..base
        },
        Content::News(_) => {
            // A preview's page is another, temporary one (spec mass-send §10).
            let pages = if entry.preview {
                Pages::Preview(entry.mass)
            } else {
                Pages::Sent
            };
            let articles = entry
                .news
                .as_deref()
                .map_or_else(Vec::new, |news| articles(app, account, pages, news));
            let first = articles.first().cloned();
            EntryShape {
                title: first.as_ref().map(|article| article.title.clone()),
                digest: first.as_ref().map(|article| article.digest.clone()),
                url: first.as_ref().map(|article| article.url.clone()),
                cover_url: first.map(|article| article.cover_url),
                articles,
                ..base
            }
        }
    }
}

/// Where the bytes of a message are; `index` counts its pictures from 0.
pub fn media_url(app: &App, account: AccountId, mass: MassId, index: u8) -> String {
    let link = app.link(LinkKind::MessageMedia, account, mass.0, index);
    app.public(&format!("/media/{link}"))
}

/// Which pages the articles of a card lead to.
#[derive(Clone, Copy, Debug)]
pub enum Pages {
    /// Those of the sent news.
    Sent,
    /// Those of this preview.
    Preview(MassId),
}

/// The articles of a news as its card shows them.
pub fn articles(app: &App, account: AccountId, pages: Pages, news: &FrozenNews) -> Vec<ArticleShape> {
    let (kind, number) = match pages {
        Pages::Preview(preview) => (LinkKind::PreviewArticle, preview.0),
        Pages::Sent => (LinkKind::Article, news.id.0),
    };
    let places = news.news.articles.iter().zip(1_u8..);
    places
        .map(|(article, index)| ArticleShape {
            title: article.article.title.clone(),
            digest: article.article.digest.clone(),
            cover_url: app.public(&format!(
                "/media/{}",
                app.link(LinkKind::Cover, account, news.id.0, index)
            )),
            url: app.public(&format!("/s/{}", app.link(kind, account, number, index))),
        })
        .collect()
}
