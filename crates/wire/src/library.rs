//! The library: permanent materials (`material/*`) and drafts (`draft/*`).
//!
//! News are handed in as [`crate::article::UploadNews`]; a file comes back as its bytes, except for videos.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    article::{Article, ImageInfo},
    field::{Field, Flag, JsonText, Loose},
};

/// The query of `POST /cgi-bin/material/add_material`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct AddMaterialQuery {
    /// `image`, `voice`, `video` or `thumb`.
    #[serde(rename = "type", skip_serializing_if = "Field::is_absent")]
    pub kind: Field<String>,
    /// A video's texts as JSON, from clients that do not send them as a part of the form.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub description: Field<JsonText>,
}

/// The texts of a video, as JSON in the part `description`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct VideoDescription {
    /// Its title.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub title: Field<String>,
    /// A text below it.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub introduction: Field<String>,
}

/// The answer of `material/add_material`, `material/add_news` and `draft/add`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Added {
    /// The new id.
    pub media_id: String,
    /// Where a picture is, for use in the body of articles; pictures and covers only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The body of `material/update_news` and `draft/update`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct UpdateNews {
    /// The news or draft.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub media_id: Field<String>,
    /// Which article, counted from 0.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub index: Field<i64>,
    /// The article that takes its place.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub articles: Field<OneArticle>,
}

/// One article, in spite of the field's name; some clients put it into a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OneArticle(
    /// The article.
    pub Article,
);

impl Loose for OneArticle {
    fn loose(value: &Value) -> Option<Self> {
        let value = match value.as_array().map(Vec::as_slice) {
            Some([only]) => only,
            Some(_) => return None,
            None => value,
        };
        Article::loose(value).map(OneArticle)
    }
}

/// The body of `material/batchget_material`, `draft/batchget` and `freepublish/batchget`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct BatchGet {
    /// `image`, `voice`, `video` or `news`; of materials only.
    #[serde(rename = "type", skip_serializing_if = "Field::is_absent")]
    pub kind: Field<String>,
    /// Entries to pass over.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub offset: Field<i64>,
    /// Entries wanted, 1 to 20.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub count: Field<i64>,
    /// Whether the bodies of the articles are left out.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub no_content: Field<Flag>,
}

/// One article as it is given back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct NewsItem {
    /// `news` or `newspic`; of drafts and publications only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article_type: Option<String>,
    /// Its title.
    pub title: String,
    /// Who wrote it.
    pub author: String,
    /// The summary on the card.
    pub digest: String,
    /// The body, in HTML; left out of lists when they are asked for without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Where 阅读原文 leads.
    pub content_source_url: String,
    /// The cover.
    pub thumb_media_id: String,
    /// Whether the cover is shown above the body, 0 or 1.
    pub show_cover_pic: u8,
    /// Where the article is once it is sent or published.
    pub url: String,
    /// Where the cover is.
    pub thumb_url: String,
    /// Whether readers may comment, 0 or 1.
    pub need_open_comment: u8,
    /// Whether only followers may comment, 0 or 1.
    pub only_fans_can_comment: u8,
    /// The pictures of a `newspic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_info: Option<ImageInfo>,
    /// Whether the article was deleted; of published articles only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_deleted: Option<bool>,
}

/// The answer of `material/get_material` for news, of `draft/get` and of `freepublish/getarticle`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct NewsAnswer {
    /// The articles.
    pub news_item: Vec<NewsItem>,
    /// When it was added, in Unix seconds.
    pub create_time: i64,
    /// When it was last changed, in Unix seconds.
    pub update_time: i64,
}

/// The answer of `material/get_material` for a video.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct VideoAnswer {
    /// Its title.
    pub title: String,
    /// The text below it.
    pub description: String,
    /// Where its bytes are.
    pub down_url: String,
}

/// The answer of `material/get_materialcount`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct MaterialCount {
    /// Voices.
    pub voice_count: u64,
    /// Videos.
    pub video_count: u64,
    /// Pictures and covers.
    pub image_count: u64,
    /// News.
    pub news_count: u64,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct List<T> {
    /// Entries of the whole list.
    pub total_count: u64,
    /// Entries on this page.
    pub item_count: usize,
    /// The entries, newest first.
    pub item: Vec<T>,
}

impl<T> List<T> {
    /// One page of a list that has `total_count` entries.
    pub fn new(total_count: u64, item: Vec<T>) -> Self {
        Self {
            total_count,
            item_count: item.len(),
            item,
        }
    }
}

/// A file in a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct FileEntry {
    /// Its id.
    pub media_id: String,
    /// Its name.
    pub name: String,
    /// When it was added, in Unix seconds.
    pub update_time: i64,
    /// Where it is; of pictures and covers only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A news or draft in a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct NewsEntry {
    /// Its id.
    pub media_id: String,
    /// What it holds.
    pub content: NewsContent,
    /// When it was last changed, in Unix seconds.
    pub update_time: i64,
}

/// The articles of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct NewsContent {
    /// The articles.
    pub news_item: Vec<NewsItem>,
}

/// The answer of `draft/count`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct DraftCount {
    /// Drafts in the box.
    pub total_count: u64,
}

/// The answer of `draft/switch`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct DraftSwitch {
    /// Always 0.
    pub errcode: i64,
    /// Always `ok`.
    pub errmsg: String,
    /// Always 1: the draft box is open.
    pub is_open: u8,
}

impl Default for DraftSwitch {
    fn default() -> Self {
        Self {
            errcode: 0,
            errmsg: "ok".to_owned(),
            is_open: 1,
        }
    }
}

loose_object!(VideoDescription, UpdateNews, BatchGet);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::read;

    fn json(value: &impl Serialize) -> String {
        serde_json::to_string(value).expect("JSON")
    }

    fn item() -> NewsItem {
        NewsItem {
            title: "春天".into(),
            content: Some("<p>a/b</p>".into()),
            thumb_media_id: "T".into(),
            show_cover_pic: 1,
            url: "https://h/s/x".into(),
            thumb_url: "https://h/mmbiz_jpg/x/0".into(),
            ..NewsItem::default()
        }
    }

    #[test]
    fn only_pictures_have_an_address() {
        insta::assert_snapshot!(
            json(&Added { media_id: "M".into(), url: None }),
            @r#"{"media_id":"M"}"#
        );
        insta::assert_snapshot!(
            json(&Added { media_id: "M".into(), url: Some("https://h/mmbiz_png/x/0".into()) }),
            @r#"{"media_id":"M","url":"https://h/mmbiz_png/x/0"}"#
        );
    }

    #[test]
    fn an_article_comes_back_with_numbers_for_its_switches() {
        insta::assert_snapshot!(
            json(&NewsAnswer { news_item: vec![item()], create_time: 1, update_time: 2 }),
            @r#"{"news_item":[{"title":"春天","author":"","digest":"","content":"<p>a/b</p>","content_source_url":"","thumb_media_id":"T","show_cover_pic":1,"url":"https://h/s/x","thumb_url":"https://h/mmbiz_jpg/x/0","need_open_comment":0,"only_fans_can_comment":0}],"create_time":1,"update_time":2}"#
        );
    }

    #[test]
    fn lists_count_themselves_and_leave_out_what_was_not_asked_for() {
        let entry = NewsEntry {
            media_id: "M".into(),
            content: NewsContent {
                news_item: vec![NewsItem {
                    content: None,
                    ..item()
                }],
            },
            update_time: 3,
        };
        insta::assert_snapshot!(
            json(&List::new(7, vec![entry])),
            @r#"{"total_count":7,"item_count":1,"item":[{"media_id":"M","content":{"news_item":[{"title":"春天","author":"","digest":"","content_source_url":"","thumb_media_id":"T","show_cover_pic":1,"url":"https://h/s/x","thumb_url":"https://h/mmbiz_jpg/x/0","need_open_comment":0,"only_fans_can_comment":0}]},"update_time":3}]}"#
        );
        let file = FileEntry {
            media_id: "M".into(),
            name: "a.amr".into(),
            update_time: 3,
            url: None,
        };
        insta::assert_snapshot!(
            json(&List::new(1, vec![file])),
            @r#"{"total_count":1,"item_count":1,"item":[{"media_id":"M","name":"a.amr","update_time":3}]}"#
        );
    }

    #[test]
    fn the_small_answers_are_as_documented() {
        insta::assert_snapshot!(
            json(&MaterialCount { voice_count: 1, video_count: 2, image_count: 3, news_count: 4 }),
            @r#"{"voice_count":1,"video_count":2,"image_count":3,"news_count":4}"#
        );
        insta::assert_snapshot!(json(&DraftCount { total_count: 0 }), @r#"{"total_count":0}"#);
        insta::assert_snapshot!(json(&DraftSwitch::default()), @r#"{"errcode":0,"errmsg":"ok","is_open":1}"#);
        insta::assert_snapshot!(
            json(&VideoAnswer { title: "T".into(), description: "D".into(), down_url: "https://h/media/x".into() }),
            @r#"{"title":"T","description":"D","down_url":"https://h/media/x"}"#
        );
    }

    #[test]
    fn requests_are_read_in_every_spelling() {
        let update: UpdateNews =
            read(br#"{"media_id":"M","index":"0","articles":{"title":"T"}}"#).expect("an object");
        assert_eq!(update.index, Field::Present(0));
        let title = |update: UpdateNews| update.articles.map(|OneArticle(article)| article.title);
        assert_eq!(title(update), Field::Present(Field::from("T")));
        let listed: UpdateNews = read(br#"{"articles":[{"title":"T"}]}"#).expect("an object");
        assert_eq!(title(listed), Field::Present(Field::from("T")));
        for articles in [
            &br#"{"articles":[]}"#[..],
            br#"{"articles":[{},{}]}"#,
            br#"{"articles":1}"#,
        ] {
            assert_eq!(title(read(articles).expect("an object")), Field::Malformed);
        }
        let page: BatchGet =
            read(br#"{"type":"image","offset":"0","count":20.0,"no_content":"1"}"#).expect("an object");
        assert_eq!((page.offset, page.count), (Field::Present(0), Field::Present(20)));
        assert_eq!(page.no_content, Field::Present(Flag(true)));
    }
}
