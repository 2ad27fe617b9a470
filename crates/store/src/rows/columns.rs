//! How values of `domain` are written in columns that hold JSON.

use domain::{
    account::{Callback, CallbackMode},
    article::Article,
    content::{Caption, Content, Gallery, News, NewsArticle, StoredBlob},
    id::{BlobId, ImageId, MediaId},
    quota::Quota,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::seal;
use crate::{StoreError, StoreResult};

#[derive(Serialize, Deserialize)]
struct QuotaRow {
    sends_per_day: Option<u32>,
    calls_per_day: Option<u32>,
    receipts_per_month: Option<u8>,
    history_per_day: Option<u32>,
    history_per_month: Option<u32>,
    calls_per_minute: Option<u32>,
    // Absent in rows that are older than these rules.
    #[serde(default = "name_previews_by_default")]
    name_previews_per_day: Option<u32>,
    #[serde(default)]
    news_uploads_per_day: Option<u32>,
    #[serde(default)]
    deletes_per_day: Option<u32>,
}

fn name_previews_by_default() -> Option<u32> {
    Some(domain::quota::NAME_PREVIEWS_PER_DAY)
}

pub(super) fn quota_text(quota: &Quota) -> StoreResult<String> {
    let Quota {
        sends_per_day,
        calls_per_day,
        receipts_per_month,
        history_per_day,
        history_per_month,
        calls_per_minute,
        name_previews_per_day,
        news_uploads_per_day,
        deletes_per_day,
    } = *quota;
    let row = QuotaRow {
        sends_per_day,
        calls_per_day,
        receipts_per_month,
        history_per_day,
        history_per_month,
        calls_per_minute,
        name_previews_per_day,
        news_uploads_per_day,
        deletes_per_day,
    };
    Ok(serde_json::to_string(&row)?)
}

pub(crate) fn quota(text: &str) -> StoreResult<Quota> {
    let QuotaRow {
        sends_per_day,
        calls_per_day,
        receipts_per_month,
        history_per_day,
        history_per_month,
        calls_per_minute,
        name_previews_per_day,
        news_uploads_per_day,
        deletes_per_day,
    } = serde_json::from_str(text)?;
    Ok(Quota {
        sends_per_day,
        calls_per_day,
        receipts_per_month,
        history_per_day,
        history_per_month,
        calls_per_minute,
        name_previews_per_day,
        news_uploads_per_day,
        deletes_per_day,
    })
}

#[derive(Serialize, Deserialize)]
struct CallbackRow {
    url: String,
    token: String,
    aes_key: String,
    mode: String,
}

pub(super) fn callback_bytes(callback: &Callback) -> StoreResult<Vec<u8>> {
    let Callback {
        url,
        token,
        aes_key,
        mode,
    } = callback.clone();
    Ok(serde_json::to_vec(&CallbackRow {
        url,
        token,
        aes_key,
        mode: mode.word().to_owned(),
    })?)
}

pub(super) fn callback(bytes: &[u8]) -> StoreResult<Callback> {
    let CallbackRow {
        url,
        token,
        aes_key,
        mode,
    } = serde_json::from_slice(bytes)?;
    let mode = CallbackMode::from_word(&mode).ok_or_else(|| damaged("callback mode"))?;
    Ok(Callback {
        url,
        token,
        aes_key,
        mode,
    })
}

#[derive(Serialize, Deserialize)]
struct ArticleRow {
    title: String,
    author: String,
    content: String,
    content_source_url: String,
    digest: String,
    show_cover_pic: bool,
    need_open_comment: bool,
    only_fans_can_comment: bool,
    cover_media: String,
    cover: String,
    cover_type: String,
    cover_length: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cover_image: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pictures: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gallery: Option<GalleryRow>,
}

#[derive(Serialize, Deserialize)]
struct GalleryRow {
    text: String,
    pictures: Vec<String>,
}

/// The stored form of a news, and the digest that tells its versions apart.
pub(super) fn news_text(news: &News) -> StoreResult<(String, [u8; 32])> {
    let rows: Vec<ArticleRow> = news.articles.iter().cloned().map(article_row).collect();
    let text = serde_json::to_string(&rows)?;
    let digest = Sha256::digest(text.as_bytes()).into();
    Ok((text, digest))
}

/// A news out of its stored form; refused when that is not what `digest` was made of.
pub(crate) fn news(text: &str, digest: &[u8; 32]) -> StoreResult<News> {
    if <[u8; 32]>::from(Sha256::digest(text.as_bytes())) != *digest {
        return Err(seal::broken("news"));
    }
    let rows: Vec<ArticleRow> = serde_json::from_str(text)?;
    Ok(News {
        articles: rows.into_iter().map(article).collect(),
    })
}

fn article_row(from: NewsArticle) -> ArticleRow {
    let NewsArticle {
        article,
        cover_media,
        cover,
        cover_image,
        pictures,
        gallery,
    } = from;
    ArticleRow {
        title: article.title,
        author: article.author,
        content: article.content,
        content_source_url: article.content_source_url,
        digest: article.digest,
        show_cover_pic: article.show_cover_pic,
        need_open_comment: article.need_open_comment,
        only_fans_can_comment: article.only_fans_can_comment,
        cover_media: cover_media.0,
        cover: cover.id.0,
        cover_type: cover.content_type,
        cover_length: cover.length,
        cover_image: cover_image.map(|image| image.0),
        pictures: pictures.into_iter().map(|picture| picture.0).collect(),
        gallery: gallery.map(|gallery| GalleryRow {
            text: gallery.text,
            pictures: gallery.pictures.into_iter().map(|picture| picture.0).collect(),
        }),
    }
}

fn article(row: ArticleRow) -> NewsArticle {
    NewsArticle {
        article: Article {
            title: row.title,
            author: row.author,
            content: row.content,
            content_source_url: row.content_source_url,
            digest: row.digest,
            show_cover_pic: row.show_cover_pic,
            need_open_comment: row.need_open_comment,
            only_fans_can_comment: row.only_fans_can_comment,
        },
        cover_media: MediaId(row.cover_media),
        cover: StoredBlob {
            id: BlobId(row.cover),
            content_type: row.cover_type,
            length: row.cover_length,
        },
        cover_image: row.cover_image.map(ImageId),
        pictures: row.pictures.into_iter().map(BlobId).collect(),
        gallery: row.gallery.map(|gallery| Gallery {
            text: gallery.text,
            pictures: gallery.pictures.into_iter().map(MediaId).collect(),
        }),
    }
}

/// A content as the columns of a mass hold it.
pub(super) struct ContentColumns<'a> {
    /// The text, or a title.
    pub(super) text: &'a str,
    /// A video's description, or a card's id.
    pub(super) description: &'a str,
    /// The bytes; of several pictures the first.
    pub(super) blob: Option<&'a StoredBlob>,
    pub(super) news: Option<i64>,
    /// Of pictures in the form of several.
    pub(super) pictures: Option<String>,
}

/// The columns of a content.
pub(super) fn content_columns(content: &Content) -> StoreResult<ContentColumns<'_>> {
    let none = ContentColumns {
        text: "",
        description: "",
        blob: None,
        news: None,
        pictures: None,
    };
    Ok(match content {
        Content::Text(text) => ContentColumns { text, ..none },
        Content::Image { pictures, caption } => ContentColumns {
            text: &caption.title,
            description: &caption.recommend,
            blob: pictures.first(),
            pictures: pictures_text(pictures, caption)?,
            ..none
        },
        Content::Voice(blob) | Content::Music(blob) => ContentColumns {
            blob: Some(blob),
            ..none
        },
        Content::Video {
            blob,
            title,
            description,
        } => ContentColumns {
            text: title,
            description,
            blob: Some(blob),
            ..none
        },
        Content::News(news) => ContentColumns {
            news: Some(news.0),
            ..none
        },
        Content::Card { id, title } => ContentColumns {
            text: title,
            description: &id.0,
            ..none
        },
    })
}

#[derive(Serialize, Deserialize)]
struct PicturesRow {
    pictures: Vec<BlobRow>,
    need_open_comment: bool,
    only_fans_can_comment: bool,
}

#[derive(Serialize, Deserialize)]
struct BlobRow {
    id: String,
    content_type: String,
    length: u64,
}

fn pictures_text(pictures: &[StoredBlob], caption: &Caption) -> StoreResult<Option<String>> {
    if pictures.len() == 1 && *caption == Caption::default() {
        return Ok(None);
    }
    let row = PicturesRow {
        pictures: pictures
            .iter()
            .map(|blob| BlobRow {
                id: blob.id.0.clone(),
                content_type: blob.content_type.clone(),
                length: blob.length,
            })
            .collect(),
        need_open_comment: caption.need_open_comment,
        only_fans_can_comment: caption.only_fans_can_comment,
    };
    Ok(Some(serde_json::to_string(&row)?))
}

/// The pictures of a message in the form of several; `title` and `recommend` have columns of their own.
pub(super) fn pictures(text: &str, title: String, recommend: String) -> StoreResult<Content> {
    let row: PicturesRow = serde_json::from_str(text)?;
    let pictures = row.pictures.into_iter().map(|blob| StoredBlob {
        id: BlobId(blob.id),
        content_type: blob.content_type,
        length: blob.length,
    });
    Ok(Content::Image {
        pictures: pictures.collect(),
        caption: Caption {
            title,
            recommend,
            need_open_comment: row.need_open_comment,
            only_fans_can_comment: row.only_fans_can_comment,
        },
    })
}

pub(super) fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(format!("{what} makes no sense"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_of_before_its_newer_rules_is_still_read() {
        let old = r#"{"sends_per_day":1,"calls_per_day":null,"receipts_per_month":4,"history_per_day":1,
            "history_per_month":null,"calls_per_minute":60}"#;
        let read = quota(old).expect("a quota");
        assert_eq!((read.sends_per_day, read.calls_per_minute), (Some(1), Some(60)));
        assert_eq!(read.name_previews_per_day, Some(100));
        assert_eq!((read.news_uploads_per_day, read.deletes_per_day), (None, None));
        let lifted = Quota {
            name_previews_per_day: None,
            deletes_per_day: Some(10),
            ..read
        };
        assert_eq!(
            quota(&quota_text(&lifted).expect("a text")).expect("a quota"),
            lifted
        );
    }
}
