//! Article statistics (图文分析) and follower statistics: `/datacube/*` (spec accounts §11).

use serde::{Deserialize, Serialize};

use crate::field::Field;

/// The `user_source` that stands for all sources together.
pub const ALL_SOURCES: i64 = 99_999_999;

/// The body of all calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Span {
    /// The first day, `2016-09-20`.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub begin_date: Field<String>,
    /// The last day.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub end_date: Field<String>,
}

/// The answer of all calls.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct List<T> {
    /// The rows.
    pub list: Vec<T>,
}

/// What all article rows count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Figures {
    /// People who read the page.
    pub int_page_read_user: i64,
    /// Times the page was read.
    pub int_page_read_count: i64,
    /// People who followed 阅读原文.
    pub ori_page_read_user: i64,
    /// Times 阅读原文 was followed.
    pub ori_page_read_count: i64,
    /// People who shared.
    pub share_user: i64,
    /// Times it was shared.
    pub share_count: i64,
    /// People who kept it.
    pub add_to_fav_user: i64,
    /// Times it was kept.
    pub add_to_fav_count: i64,
}

/// A row of `getarticlesummary`: one article on one day.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ArticleSummary {
    /// The day.
    pub ref_date: String,
    /// `<msg_data_id>_<position from 1>`.
    pub msgid: String,
    /// The article's title.
    pub title: String,
    /// Of that day.
    #[serde(flatten)]
    pub figures: Figures,
}

/// A row of `getarticletotal`: one article since it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ArticleTotal {
    /// The day it was sent.
    pub ref_date: String,
    /// `<msg_data_id>_<position from 1>`.
    pub msgid: String,
    /// The article's title.
    pub title: String,
    /// Day by day.
    pub details: Vec<ArticleDetail>,
}

/// The figures of an article up to one day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct ArticleDetail {
    /// Up to this day, with it.
    pub stat_date: String,
    /// People it was delivered to.
    pub target_user: i64,
    /// Since it was sent.
    #[serde(flatten)]
    pub figures: Figures,
    /// From the message itself.
    pub int_page_from_session_read_user: i64,
    /// From the message itself.
    pub int_page_from_session_read_count: i64,
    /// From the history page.
    pub int_page_from_hist_msg_read_user: i64,
    /// From the history page.
    pub int_page_from_hist_msg_read_count: i64,
    /// From moments.
    pub int_page_from_feed_read_user: i64,
    /// From moments.
    pub int_page_from_feed_read_count: i64,
    /// From friends.
    pub int_page_from_friends_read_user: i64,
    /// From friends.
    pub int_page_from_friends_read_count: i64,
    /// From elsewhere.
    pub int_page_from_other_read_user: i64,
    /// From elsewhere.
    pub int_page_from_other_read_count: i64,
    /// From 看一看.
    pub int_page_from_kanyikan_read_user: i64,
    /// From 看一看.
    pub int_page_from_kanyikan_read_count: i64,
    /// From 搜一搜.
    pub int_page_from_souyisou_read_user: i64,
    /// From 搜一搜.
    pub int_page_from_souyisou_read_count: i64,
    /// Shared to moments from the message.
    pub feed_share_from_session_user: i64,
    /// Shared to moments from the message.
    pub feed_share_from_session_cnt: i64,
    /// Shared to moments from moments.
    pub feed_share_from_feed_user: i64,
    /// Shared to moments from moments.
    pub feed_share_from_feed_cnt: i64,
    /// Shared to moments from elsewhere.
    pub feed_share_from_other_user: i64,
    /// Shared to moments from elsewhere.
    pub feed_share_from_other_cnt: i64,
}

/// A row of `getuserread` and `getuserreadhour`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct UserRead {
    /// The day.
    pub ref_date: String,
    /// The hour times a hundred, 0 to 2300: 1400 is from 14:00 to 15:00; by hour only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ref_hour: Option<i64>,
    /// Where readers came from; [`ALL_SOURCES`] for all together.
    pub user_source: i64,
    /// Of all articles.
    #[serde(flatten)]
    pub figures: Figures,
}

/// A row of `getusershare` and `getusersharehour`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct UserShare {
    /// The day.
    pub ref_date: String,
    /// The hour times a hundred, 0 to 2300; by hour only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ref_hour: Option<i64>,
    /// 1 friends, 2 moments, 255 elsewhere.
    pub share_scene: i64,
    /// Times.
    pub share_count: i64,
    /// People.
    pub share_user: i64,
}

/// A row of `getusersummary`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct UserSummary {
    /// The day.
    pub ref_date: String,
    /// Where they came from; 0 for everywhere else.
    pub user_source: i64,
    /// Followers who came.
    pub new_user: i64,
    /// Followers who left.
    pub cancel_user: i64,
}

/// A row of `getusercumulate`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct UserCumulate {
    /// The day.
    pub ref_date: String,
    /// Followers at its end.
    pub cumulate_user: i64,
}

loose_object!(Span);
