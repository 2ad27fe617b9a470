//! Publishing without a mass send: `freepublish/*`. A publication's articles come back as
//! [`crate::library::NewsAnswer`].

use serde::{Deserialize, Serialize};

use crate::{field::Field, library::NewsContent};

/// The answer of `freepublish/submit`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Submitted {
    /// Always 0.
    pub errcode: i64,
    /// Always `ok`.
    pub errmsg: String,
    /// The publication. The page's sample prints a text; the SDKs that read it (silenceper, WxJava) take a number
    /// only.
    pub publish_id: i64,
    /// The number of its frozen articles.
    pub msg_data_id: i64,
}

impl Submitted {
    /// The answer for a new publication.
    pub fn new(publish_id: i64, msg_data_id: i64) -> Self {
        Self {
            errcode: 0,
            errmsg: "ok".to_owned(),
            publish_id,
            msg_data_id,
        }
    }
}

/// The body of `freepublish/get`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Get {
    /// From `freepublish/submit`.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub publish_id: Field<i64>,
}

/// The body of `freepublish/getarticle` and `freepublish/delete`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct ArticleRef {
    /// From `freepublish/get`.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub article_id: Field<String>,
    /// Which article to delete, counted from 1; 0 or absent for all.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub index: Field<i64>,
}

/// The answer of `freepublish/get`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct GetAnswer {
    /// The publication.
    pub publish_id: i64,
    /// 0 published, 1 running, 2 originality, 3 failed, 4 refused, 5 all deleted, 6 all blocked.
    pub publish_status: u8,
    /// Its lasting name; only while it is public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article_id: Option<String>,
    /// Its pages; only while it is public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article_detail: Option<ArticleDetail>,
    /// The articles for which it failed, counted from 1.
    pub fail_idx: Vec<u8>,
}

/// The pages of a publication.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct ArticleDetail {
    /// How many.
    pub count: usize,
    /// The pages.
    pub item: Vec<ArticleUrl>,
}

impl ArticleDetail {
    /// Pages in the order of the articles.
    pub fn new(urls: Vec<String>) -> Self {
        let item: Vec<_> = (1..)
            .zip(urls)
            .map(|(idx, article_url)| ArticleUrl { idx, article_url })
            .collect();
        Self {
            count: item.len(),
            item,
        }
    }
}

/// The page of one article.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ArticleUrl {
    /// Its place, counted from 1.
    pub idx: u8,
    /// Its address.
    pub article_url: String,
}

/// A publication in a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Entry {
    /// Its lasting name.
    pub article_id: String,
    /// Its articles.
    pub content: NewsContent,
    /// When it was published, in Unix seconds.
    pub update_time: i64,
}

loose_object!(Get, ArticleRef);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::read;

    #[test]
    fn a_publish_id_is_written_as_a_number_and_read_as_either() {
        insta::assert_snapshot!(
            serde_json::to_string(&Submitted::new(100000001, 1000000007)).expect("JSON"),
            @r#"{"errcode":0,"errmsg":"ok","publish_id":100000001,"msg_data_id":1000000007}"#
        );
        for body in [
            &br#"{"publish_id":"100000001"}"#[..],
            br#"{"publish_id":100000001}"#,
        ] {
            let get: Get = read(body).expect("an object");
            assert_eq!(get.publish_id, Field::Present(100_000_001));
        }
    }

    #[test]
    fn a_published_answer_names_its_pages() {
        let answer = GetAnswer {
            publish_id: 100_000_001,
            publish_status: 0,
            article_id: Some("A".into()),
            article_detail: Some(ArticleDetail::new(vec!["https://h/s/x".into()])),
            fail_idx: Vec::new(),
        };
        insta::assert_snapshot!(
            serde_json::to_string(&answer).expect("JSON"),
            @r#"{"publish_id":100000001,"publish_status":0,"article_id":"A","article_detail":{"count":1,"item":[{"idx":1,"article_url":"https://h/s/x"}]},"fail_idx":[]}"#
        );
        let running = GetAnswer {
            publish_status: 1,
            article_id: None,
            article_detail: None,
            ..answer
        };
        insta::assert_snapshot!(
            serde_json::to_string(&running).expect("JSON"),
            @r#"{"publish_id":100000001,"publish_status":1,"fail_idx":[]}"#
        );
    }
}
