//! News and videos made ready for sending: `media/uploadnews`, `media/uploadvideo`, and one article's fields.
//!
//! Both calls answer with [`crate::media::UploadAnswer`], of type `news` and `video`.

use serde::{Deserialize, Serialize};

use crate::field::{Field, Flag};

/// The body of `POST /cgi-bin/media/uploadnews`, `material/add_news` and `draft/add`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct UploadNews {
    /// The articles, sent as one.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub articles: Field<Vec<Article>>,
    /// The same, as the table of 2016 spells it.
    #[serde(rename = "Articles", skip_serializing_if = "Field::is_absent")]
    pub articles_upper: Field<Vec<Article>>,
}

impl UploadNews {
    /// A request for these articles.
    pub fn new(articles: Vec<Article>) -> Self {
        Self {
            articles: articles.into(),
            ..Self::default()
        }
    }

    /// The articles under either key.
    pub fn into_articles(self) -> Field<Vec<Article>> {
        self.articles.or(self.articles_upper)
    }
}

/// One article of a news.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Article {
    /// `news`, or `newspic` in drafts; absent is `news`.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub article_type: Field<String>,
    /// The pictures of a `newspic`.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub image_info: Field<ImageInfo>,
    /// The cover.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub thumb_media_id: Field<String>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub author: Field<String>,
    /// Its title.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub title: Field<String>,
    /// Where 阅读原文 leads.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub content_source_url: Field<String>,
    /// The body, in HTML.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub content: Field<String>,
    /// The summary on the card.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub digest: Field<String>,
    /// Whether the cover is shown above the body.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub show_cover_pic: Field<Flag>,
    /// Whether readers may comment.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub need_open_comment: Field<Flag>,
    /// Whether only followers may comment.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub only_fans_can_comment: Field<Flag>,
}

/// The pictures of an article of the type `newspic`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct ImageInfo {
    /// In order; the first is the cover.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub image_list: Field<Vec<ImageRef>>,
}

impl ImageInfo {
    /// These pictures.
    pub fn new(ids: impl IntoIterator<Item = String>) -> Self {
        let list: Vec<_> = ids
            .into_iter()
            .map(|id| ImageRef {
                image_media_id: id.into(),
            })
            .collect();
        Self {
            image_list: list.into(),
        }
    }
}

/// One picture of an article of the type `newspic`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct ImageRef {
    /// A permanent picture.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub image_media_id: Field<String>,
}

/// The body of `POST /cgi-bin/media/uploadvideo`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct UploadVideo {
    /// The uploaded video.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub media_id: Field<String>,
    /// Its title.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub title: Field<String>,
    /// A text below it.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub description: Field<String>,
}

loose_object!(UploadNews, Article, ImageInfo, ImageRef, UploadVideo);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::read;

    #[test]
    fn articles_are_found_under_either_key() {
        let lower: UploadNews = read(br#"{"articles":[{"title":"a"}],"Articles":null}"#).expect("an object");
        let upper: UploadNews = read(br#"{"Articles":[{"title":"a"}]}"#).expect("an object");
        assert_eq!(lower.into_articles(), upper.into_articles());
    }

    #[test]
    fn an_article_of_wxjava_and_of_wechatpy_is_understood() {
        let request: UploadNews = read(
            br#"{"articles":[{"author":"","title":"T","digest":null,"show_cover_pic":"1","need_open_comment":0}]}"#,
        )
        .expect("an object");
        let articles = request.into_articles().present().expect("articles");
        assert_eq!(articles[0].author, Field::Absent);
        assert_eq!(articles[0].digest, Field::Absent);
        assert_eq!(articles[0].title, Field::from("T"));
        assert_eq!(articles[0].show_cover_pic, Field::Present(Flag(true)));
        assert_eq!(articles[0].need_open_comment, Field::Present(Flag(false)));
    }

    #[test]
    fn an_article_that_is_no_object_makes_the_list_malformed() {
        let request: UploadNews = read(br#"{"articles":["x"]}"#).expect("an object");
        assert_eq!(request.into_articles(), Field::Malformed);
    }
}
