//! Groups (分组), the tags of before 2016; old clients still call them (spec accounts §8).

use serde::{Deserialize, Serialize};

use crate::field::Field;

/// The body of `groups/create`, `groups/update` and `groups/delete`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Change {
    /// The group.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub group: Field<GroupPart>,
}

/// A group as a request names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct GroupPart {
    /// Its number.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub id: Field<i64>,
    /// Its name.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub name: Field<String>,
}

/// The answer of `groups/create`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct CreateAnswer {
    /// The new group.
    pub group: CreatedGroup,
}

/// A group that was just created.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct CreatedGroup {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// The answer of `GET /cgi-bin/groups/get`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct GetAnswer {
    /// All groups, the built-in ones first.
    pub groups: Vec<Group>,
}

/// A group with its size.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Group {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// How many followers are in it.
    pub count: i64,
}

/// The body of `groups/getid`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct GetId {
    /// The follower.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub openid: Field<String>,
}

/// The answer of `groups/getid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct GetIdAnswer {
    /// The follower's group.
    pub groupid: i64,
}

/// The body of `groups/members/update` and `groups/members/batchupdate`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Move {
    /// The follower.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub openid: Field<String>,
    /// The followers.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub openid_list: Field<Vec<String>>,
    /// Where to.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub to_groupid: Field<i64>,
}

loose_object!(Change, GroupPart, GetId, Move);
