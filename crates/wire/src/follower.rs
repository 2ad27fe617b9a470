//! Followers: the list, one follower's details, remarks, and the blacklist.

use serde::{Deserialize, Serialize};

use crate::field::Field;

/// The query of `GET /cgi-bin/user/get`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct ListQuery {
    /// The OpenID after which the page starts.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub next_openid: Field<String>,
}

/// The OpenIDs of a page.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct OpenIds {
    /// In the order of the account.
    pub openid: Vec<String>,
}

/// The answer of `user/get` and `tags/members/getblacklist`; after the last follower without `data`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ListAnswer {
    /// How many there are in all.
    pub total: i64,
    /// How many OpenIDs the page has.
    pub count: i64,
    /// The OpenIDs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<OpenIds>,
    /// The last OpenID of the page, or empty.
    pub next_openid: String,
}

impl ListAnswer {
    /// A page with these OpenIDs, of `total` in all.
    pub fn page(total: i64, openid: Vec<String>) -> Self {
        let next_openid = openid.last().cloned().unwrap_or_default();
        let count = openid.len() as i64;
        Self {
            total,
            count,
            data: (count > 0).then_some(OpenIds { openid }),
            next_openid,
        }
    }
}

/// The query of `GET /cgi-bin/user/info`, and one item of `user/info/batchget`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct InfoQuery {
    /// The follower.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub openid: Field<String>,
    /// `zh_CN`, `zh_TW` or `en`.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub lang: Field<String>,
    /// The same, as one client spells it.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub language: Field<String>,
}

/// The body of `POST /cgi-bin/user/info/batchget`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct BatchGet {
    /// The followers asked for.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub user_list: Field<Vec<InfoQuery>>,
}

/// The answer of `user/info/batchget`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct BatchGetAnswer {
    /// One entry for each follower asked for, in the same order.
    pub user_info_list: Vec<Info>,
}

/// The answer of `user/info`. Of a person who left, nothing but the OpenID is told.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Info {
    /// 1 for a follower, 0 for a person who left.
    pub subscribe: i64,
    /// The person.
    pub openid: String,
    /// The follower's tags; empty for a person who left.
    #[serde(default)]
    pub tagid_list: Vec<i64>,
    /// Everything else, of followers only.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
}

impl Info {
    /// The answer for a follower.
    pub fn follower(openid: String, tagid_list: Vec<i64>, profile: Profile) -> Self {
        Self {
            subscribe: 1,
            openid,
            tagid_list,
            profile: Some(profile),
        }
    }

    /// The answer for a person who left.
    pub fn left(openid: String) -> Self {
        Self {
            subscribe: 0,
            openid,
            tagid_list: Vec::new(),
            profile: None,
        }
    }
}

/// What is told of a follower.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Profile {
    /// The name the follower chose, or empty.
    pub nickname: String,
    /// 0 unknown, 1 male, 2 female.
    pub sex: i64,
    /// The follower's language.
    pub language: String,
    /// Empty.
    pub city: String,
    /// Empty.
    pub province: String,
    /// Empty.
    pub country: String,
    /// The picture the follower chose, or empty.
    pub headimgurl: String,
    /// When the follower subscribed, in Unix seconds.
    pub subscribe_time: i64,
    /// The person across accounts, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unionid: Option<String>,
    /// The operator's remark, or empty.
    pub remark: String,
    /// The first tag, or 0: what the group was before 2016.
    pub groupid: i64,
    /// How the follower came, as one of the `ADD_SCENE_` words.
    pub subscribe_scene: String,
    /// The number of the QR code scanned, or 0.
    pub qr_scene: i64,
    /// The text of the QR code scanned, or empty.
    pub qr_scene_str: String,
}

/// The body of `POST /cgi-bin/user/info/updateremark`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct UpdateRemark {
    /// The follower.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub openid: Field<String>,
    /// The new remark; absent or empty takes it away.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub remark: Field<String>,
}

/// The body of `POST /cgi-bin/tags/members/getblacklist`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct GetBlacklist {
    /// The OpenID after which the page starts.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub begin_openid: Field<String>,
}

/// The body of `POST /cgi-bin/tags/members/batchblacklist` and `batchunblacklist`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct BatchBlacklist {
    /// The followers.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub openid_list: Field<Vec<String>>,
    /// The followers, as a sample of 2016 spells it.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub opened_list: Field<Vec<String>>,
}

impl BatchBlacklist {
    /// A request about these followers.
    pub fn new(openids: Vec<String>) -> Self {
        Self {
            openid_list: openids.into(),
            ..Self::default()
        }
    }

    /// The followers under either key.
    pub fn into_openids(self) -> Field<Vec<String>> {
        self.openid_list.or(self.opened_list)
    }
}

loose_object!(
    ListQuery,
    InfoQuery,
    BatchGet,
    UpdateRemark,
    GetBlacklist,
    BatchBlacklist
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::read;

    fn json(value: &impl Serialize) -> String {
        serde_json::to_string(value).expect("JSON")
    }

    #[test]
    fn a_page_of_followers_always_has_next_openid_and_the_last_has_no_data() {
        insta::assert_snapshot!(
            json(&ListAnswer::page(3, vec!["a".to_owned(), "b".to_owned()])),
            @r#"{"total":3,"count":2,"data":{"openid":["a","b"]},"next_openid":"b"}"#
        );
        insta::assert_snapshot!(json(&ListAnswer::page(3, vec![])), @r#"{"total":3,"count":0,"next_openid":""}"#);
    }

    #[test]
    fn a_follower_is_described_in_full() {
        let profile = Profile {
            subscribe_time: 1382694957,
            groupid: 2,
            ..Profile::default()
        };
        let info = Info::follower("o1".to_owned(), vec![2, 128], profile);
        insta::assert_snapshot!(json(&info), @r#"{"subscribe":1,"openid":"o1","tagid_list":[2,128],"nickname":"","sex":0,"language":"","city":"","province":"","country":"","headimgurl":"","subscribe_time":1382694957,"remark":"","groupid":2,"subscribe_scene":"","qr_scene":0,"qr_scene_str":""}"#);
        assert_eq!(
            serde_json::from_str::<Info>(&json(&info)).expect("an answer"),
            info
        );
    }

    #[test]
    fn of_a_person_who_left_only_the_openid_is_told() {
        let info = Info::left("o1".to_owned());
        insta::assert_snapshot!(json(&info), @r#"{"subscribe":0,"openid":"o1","tagid_list":[]}"#);
        assert_eq!(
            serde_json::from_str::<Info>(r#"{"subscribe":0,"openid":"o1"}"#).expect("an answer"),
            info
        );
    }

    #[test]
    fn batchget_items_are_understood_in_every_spelling() {
        let body = br#"{"user_list":[{"openid":"a"},{"openid":"b","lang":"zh_CN"},{"openid":"c","language":"zh-CN"}]}"#;
        let request: BatchGet = read(body).expect("an object");
        assert_eq!(request.user_list.present().expect("a list").len(), 3);
    }
}
