//! One entry as followers' apps see it; what does not apply is left out.

use domain::{content::Content, id::AccountId, link::LinkKind};
use serde::Serialize;
use store::{inbox::Entry, media::FrozenNews};

use crate::app::App;

/// One mass in one follower's inbox.
#[derive(Debug, Default, Serialize)]
pub struct EntryShape {
    id: String,
    msg_id: i64,
    #[serde(rename = "type")]
    kind: &'static str,
    sent_at: String,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    cover_url: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    articles: Vec<ArticleShape>,
}

/// One article on the card of a news.
#[derive(Clone, Debug, Serialize)]
pub struct ArticleShape {
    title: String,
    digest: String,
    cover_url: String,
    url: String,
}

/// The shape of an entry.
pub fn shape(app: &App, account: AccountId, entry: &Entry) -> EntryShape {
    let base = EntryShape {
        id: app.link(LinkKind::Entry, account, entry.sequence.0, 0),
        msg_id: entry.mass.0,
        kind: entry.content.message_type().word(),
        sent_at: app.rfc3339(entry.sent_at),
        preview: entry.preview,
        ..EntryShape::default()
    };
    let media_url = || {
        Some(app.public(&format!(
            "/media/{}",
            app.link(LinkKind::MessageMedia, account, entry.mass.0, 0)
        )))
    };
    match &entry.content {
        Content::Text(text) => EntryShape {
            text: Some(text.clone()),
            ..base
        },
        Content::Image(_) | Content::Voice(_) | Content::Music(_) => EntryShape {
            media_url: media_url(),
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
            media_url: media_url(),
            ..base
        },
        Content::News(_) => {
            let articles = entry
                .news
                .as_deref()
                .map_or_else(Vec::new, |news| articles(app, account, entry, news));
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

fn articles(app: &App, account: AccountId, entry: &Entry, news: &FrozenNews) -> Vec<ArticleShape> {
    // A preview's page is another, temporary one (spec mass-send §10).
    let (kind, number) = if entry.preview {
        (LinkKind::PreviewArticle, entry.mass.0)
    } else {
        (LinkKind::Article, news.id.0)
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
