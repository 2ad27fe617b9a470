//! Tags (标签): labels on followers, and the limits around them (spec accounts §7).

use crate::{account::Account, compat::Behaviour, id::TagId};

/// 未分组: followers without any tag.
pub const UNTAGGED: TagId = TagId(0);
/// 黑名单: the blacklist under its old group number.
pub const BLACKLIST: TagId = TagId(1);
/// 星标组: the preset that members can be put into.
pub const STARRED: TagId = TagId(2);
/// The first number of an account's own tags.
pub const FIRST_OWN_TAG: TagId = TagId(100);
/// Own tags of one account (45056).
pub const TAGS_MAX: usize = 100;
/// Tags on one follower (45059).
pub const TAGS_PER_FOLLOWER_MAX: usize = 20;
/// The same before [`Behaviour::TwentyTags`].
pub const TAGS_PER_FOLLOWER_BEFORE: usize = 3;
/// A tag with more followers cannot be deleted (45057).
pub const DELETABLE_FOLLOWERS_MAX: u64 = 100_000;
/// OpenIDs in one call of batchtagging (40032).
pub const TAGGING_BATCH_MAX: usize = 50;
/// Characters of a tag's name (45158).
pub const TAG_NAME_MAX: usize = 30;

/// A tag with its number of followers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Its number.
    pub id: TagId,
    /// Its name, unique in the account.
    pub name: String,
    /// Followers who carry it.
    pub count: u64,
}

/// Why a tag call is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagRefusal {
    /// The name is empty or taken (45157).
    #[error("the tag name is empty or taken")]
    NameInvalid,
    /// The name has more than [`TAG_NAME_MAX`] characters (45158).
    #[error("the tag name is too long")]
    NameTooLong,
    /// The account has [`TAGS_MAX`] tags (45056).
    #[error("the account has too many tags")]
    TooMany,
    /// Tags 0–2 cannot be changed (45058).
    #[error("a preset tag cannot be changed")]
    Preset,
    /// More than [`DELETABLE_FOLLOWERS_MAX`] followers carry it (45057).
    #[error("the tag has too many followers to be deleted")]
    TooManyFollowers,
    /// No such tag (45159).
    #[error("no such tag")]
    Unknown,
    /// A follower would carry more than [`per_follower_max`] tags (45059).
    #[error("a follower would carry too many tags")]
    TooManyOnFollower,
    /// One of the OpenIDs is no follower now (50005).
    #[error("an OpenID is no follower")]
    NotFollowing,
}

/// Checks a tag's name.
pub fn check_name(name: &str) -> Result<(), TagRefusal> {
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err(TagRefusal::NameInvalid);
    }
    if name.chars().count() > TAG_NAME_MAX {
        return Err(TagRefusal::NameTooLong);
    }
    Ok(())
}

/// How many tags a follower of this account may carry (45059).
pub fn per_follower_max(account: &Account) -> usize {
    if account.has(Behaviour::TwentyTags) {
        TAGS_PER_FOLLOWER_MAX
    } else {
        TAGS_PER_FOLLOWER_BEFORE
    }
}

/// Whether `tag` is one of the presets that cannot be renamed or deleted.
pub fn is_preset(tag: TagId) -> bool {
    (0..FIRST_OWN_TAG.0).contains(&tag.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l19_a_tag_name_has_one_to_thirty_characters() {
        assert_eq!(check_name("广东"), Ok(()));
        assert_eq!(check_name(&"标".repeat(30)), Ok(()));
        assert_eq!(check_name(&"标".repeat(31)), Err(TagRefusal::NameTooLong));
        assert_eq!(check_name("  "), Err(TagRefusal::NameInvalid));
        assert_eq!(check_name("a\nb"), Err(TagRefusal::NameInvalid));
    }
}
