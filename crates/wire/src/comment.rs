//! Comments (留言) on sent articles (spec accounts §10).

use serde::{Deserialize, Serialize};

use crate::field::Field;

/// The body of all comment calls; each of them looks at the keys it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct CommentCall {
    /// The news.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub msg_data_id: Field<i64>,
    /// Which of its articles, from 0; absent is the first.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub index: Field<i64>,
    /// The comment.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub user_comment_id: Field<i64>,
    /// The text of a reply.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub content: Field<String>,
    /// How many of the list are left out.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub begin: Field<i64>,
    /// How many of the list follow.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub count: Field<i64>,
    /// 0 all, 1 normal, 2 elected.
    #[serde(rename = "type", skip_serializing_if = "Field::is_absent")]
    pub kind: Field<i64>,
}

/// The answer of `comment/list`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ListAnswer {
    /// 0.
    pub errcode: i64,
    /// `ok`.
    pub errmsg: String,
    /// How many there are in all.
    pub total: i64,
    /// A page of them.
    pub comment: Vec<Comment>,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Comment {
    /// Its number.
    pub user_comment_id: i64,
    /// Who wrote it.
    pub openid: String,
    /// When, in seconds.
    pub create_time: i64,
    /// What it says.
    pub content: String,
    /// 1 when it is elected, else 0.
    pub comment_type: i64,
    /// The account's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Reply>,
}

/// The account's answer to a comment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Reply {
    /// What it says.
    pub content: String,
    /// When, in seconds.
    pub create_time: i64,
}

loose_object!(CommentCall);
