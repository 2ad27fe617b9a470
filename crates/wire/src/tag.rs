//! Tags: their names, their members, and the tags of one follower.

use serde::{Deserialize, Serialize};

use crate::field::Field;
use crate::follower::OpenIds;

/// The body of `POST /cgi-bin/tags/create`, `update` and `delete`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Change {
    /// The tag.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub tag: Field<TagPart>,
}

impl Change {
    /// A request to create a tag.
    pub fn create(name: &str) -> Self {
        Self {
            tag: TagPart {
                id: Field::Absent,
                name: name.into(),
            }
            .into(),
        }
    }

    /// A request to give a tag another name.
    pub fn update(id: i64, name: &str) -> Self {
        Self {
            tag: TagPart {
                id: id.into(),
                name: name.into(),
            }
            .into(),
        }
    }

    /// A request to delete a tag.
    pub fn delete(id: i64) -> Self {
        Self {
            tag: TagPart {
                id: id.into(),
                name: Field::Absent,
            }
            .into(),
        }
    }
}

/// A tag as a request names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct TagPart {
    /// Its number.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub id: Field<i64>,
    /// Its name.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub name: Field<String>,
}

/// The answer of `tags/create`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct CreateAnswer {
    /// The new tag.
    pub tag: CreatedTag,
}

/// A tag that was just created.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct CreatedTag {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// The answer of `GET /cgi-bin/tags/get`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct GetAnswer {
    /// All tags of the account.
    pub tags: Vec<Tag>,
}

/// A tag with its size.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Tag {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// How many followers have it.
    pub count: i64,
}

/// The body of `POST /cgi-bin/user/tag/get`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Members {
    /// The tag.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub tagid: Field<i64>,
    /// The tag, as one client spells it.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub tag_id: Field<i64>,
    /// The OpenID after which the page starts.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub next_openid: Field<String>,
}

impl Members {
    /// The tag under either key.
    pub fn tag(&self) -> Field<i64> {
        self.tagid.or(self.tag_id)
    }
}

/// The answer of `user/tag/get`; after the last follower only `count` 0.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct MembersAnswer {
    /// How many OpenIDs the page has.
    pub count: i64,
    /// The OpenIDs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<OpenIds>,
    /// The last OpenID of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_openid: Option<String>,
}

impl MembersAnswer {
    /// A page with these OpenIDs.
    pub fn page(openid: Vec<String>) -> Self {
        let next_openid = openid.last().cloned();
        let count = openid.len() as i64;
        Self {
            count,
            data: (count > 0).then_some(OpenIds { openid }),
            next_openid,
        }
    }
}

/// The body of `POST /cgi-bin/tags/members/batchtagging` and `batchuntagging`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct BatchTagging {
    /// The followers.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub openid_list: Field<Vec<String>>,
    /// The followers, as a sample of 2016 spells it.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub opened_list: Field<Vec<String>>,
    /// The tag.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub tagid: Field<i64>,
    /// The tag, as mass sends spell it.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub tag_id: Field<i64>,
}

impl BatchTagging {
    /// A request about these followers and this tag.
    pub fn new(tag: i64, openids: Vec<String>) -> Self {
        Self {
            openid_list: openids.into(),
            tagid: tag.into(),
            ..Self::default()
        }
    }

    /// The tag under either key.
    pub fn tag(&self) -> Field<i64> {
        self.tagid.or(self.tag_id)
    }

    /// The followers under either key.
    pub fn into_openids(self) -> Field<Vec<String>> {
        self.openid_list.or(self.opened_list)
    }
}

/// The refusal of a batch of which a part failed (45171).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct SomeFailed {
    /// 45171.
    pub errcode: i64,
    /// Its text.
    pub errmsg: String,
    /// The OpenIDs that were not changed.
    pub fail_openid_list: Vec<String>,
}

/// The body of `POST /cgi-bin/tags/getidlist`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct GetIdList {
    /// The follower.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub openid: Field<String>,
}

/// The answer of `tags/getidlist`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct IdListAnswer {
    /// The tags of the follower.
    pub tagid_list: Vec<i64>,
}

loose_object!(Change, TagPart, Members, BatchTagging, GetIdList);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::read;

    fn json(value: &impl Serialize) -> String {
        serde_json::to_string(value).expect("JSON")
    }

    #[test]
    fn the_tag_of_a_member_call_is_understood_under_both_keys() {
        for body in [
            r#"{"tagid":134}"#,
            r#"{"tag_id":"134","next_openid":""}"#,
            r#"{"tag_id":134,"tagid":null}"#,
        ] {
            let request: Members = read(body.as_bytes()).expect("an object");
            assert_eq!(request.tag(), Field::Present(134));
            assert_eq!(request.next_openid, Field::Absent);
        }
    }

    #[test]
    fn the_list_of_followers_is_understood_under_both_keys() {
        for body in [r#"{"openid_list":["a"]}"#, r#"{"opened_list":["a"]}"#] {
            let request: BatchTagging = read(body.as_bytes()).expect("an object");
            assert_eq!(request.into_openids(), Field::Present(vec!["a".to_owned()]));
        }
    }

    #[test]
    fn a_page_of_members_ends_with_its_last_openid() {
        insta::assert_snapshot!(
            json(&MembersAnswer::page(vec!["a".to_owned(), "b".to_owned()])),
            @r#"{"count":2,"data":{"openid":["a","b"]},"next_openid":"b"}"#
        );
        insta::assert_snapshot!(json(&MembersAnswer::page(vec![])), @r#"{"count":0}"#);
    }

    #[test]
    fn changes_are_written_as_the_samples_show_them() {
        insta::assert_snapshot!(json(&Change::create("广东")), @r#"{"tag":{"name":"广东"}}"#);
        insta::assert_snapshot!(json(&Change::update(134, "广东人")), @r#"{"tag":{"id":134,"name":"广东人"}}"#);
        insta::assert_snapshot!(json(&Change::delete(134)), @r#"{"tag":{"id":134}}"#);
    }
}
