//! An entry as channels tell it: the shape of the inbox API without what only a reader's client needs.

use domain::{
    account::Account,
    content::Content,
    link::{Link, LinkKind},
};
use serde::Serialize;
use store::channel::Release;

use super::Channels;

/// One mass in the inboxes of a block's followers; what does not apply is left out.
#[derive(Debug, Serialize)]
pub(super) struct EntryShape {
    pub(super) id: String,
    account: String,
    account_name: String,
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
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cover_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_id: Option<String>,
}

impl Channels {
    /// The shape of what was released.
    pub(super) fn entry(&self, account: &Account, release: &Release) -> EntryShape {
        let base = EntryShape {
            id: self.link(account, LinkKind::Entry, release.sequence.0, 0),
            account: account.app_id.0.clone(),
            account_name: account.name.clone(),
            msg_id: release.mass.0,
            kind: release.content.message_type().word(),
            sent_at: self.0.calendar.rfc3339(release.sent_at),
            preview: release.preview,
            title: None,
            digest: None,
            text: None,
            url: None,
            media_url: None,
            cover_url: None,
            card_id: None,
        };
        let media = || {
            let link = self.link(account, LinkKind::MessageMedia, release.mass.0, 0);
            Some(self.public(&format!("/media/{link}")))
        };
        match &release.content {
            Content::Text(text) => EntryShape {
                text: Some(text.clone()),
                ..base
            },
            Content::Image { caption, .. } => EntryShape {
                title: given(&caption.title),
                text: given(&caption.recommend),
                media_url: media(),
                ..base
            },
            Content::Voice(_) | Content::Music(_) => EntryShape {
                media_url: media(),
                ..base
            },
            Content::Video {
                title, description, ..
            } => EntryShape {
                title: Some(title.clone()),
                digest: Some(description.clone()),
                url: Some(self.page(account, LinkKind::Video, release.mass.0, 0)),
                media_url: media(),
                ..base
            },
            Content::Card { id, title } => EntryShape {
                title: Some(title.clone()),
                card_id: Some(id.0.clone()),
                ..base
            },
            Content::News(news) => {
                // A preview's page is another, temporary one (spec mass-send §10).
                let (kind, number) = match release.preview {
                    true => (LinkKind::PreviewArticle, release.mass.0),
                    false => (LinkKind::Article, news.0),
                };
                let first = release.news.as_ref().and_then(|news| news.news.articles.first());
                EntryShape {
                    title: first.map(|first| first.article.title.clone()),
                    digest: first.map(|first| first.article.digest.clone()),
                    url: first.map(|_| self.page(account, kind, number, 1)),
                    cover_url: first.map(|_| {
                        let link = self.link(account, LinkKind::Cover, news.0, 1);
                        self.public(&format!("/media/{link}"))
                    }),
                    ..base
                }
            }
        }
    }

    fn link(&self, account: &Account, kind: LinkKind, number: i64, index: u8) -> String {
        self.0.links.seal(Link {
            kind,
            account: account.id,
            number: number.unsigned_abs(),
            index,
        })
    }

    fn page(&self, account: &Account, kind: LinkKind, number: i64, index: u8) -> String {
        self.public(&format!("/s/{}", self.link(account, kind, number, index)))
    }

    /// An address of this server; `path` begins with a slash.
    pub(super) fn public(&self, path: &str) -> String {
        format!("{}{path}", self.0.settings.public_url.trim_end_matches('/'))
    }
}

fn given(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}
