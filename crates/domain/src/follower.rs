//! Followers (粉丝) of one account, as they come in and as they are known.

use crate::{
    id::{ExternalId, Ordinal},
    tag,
    time::Timestamp,
};

/// Characters of an external id, at most.
pub const EXTERNAL_ID_MAX: usize = 128;
/// Characters of a nickname, at most.
pub const NICKNAME_MAX: usize = 64;
/// A remark has fewer characters than this (40092).
pub const REMARK_LIMIT: usize = 30;
/// Characters of a language tag, at most.
pub const LANGUAGE_MAX: usize = 16;

/// One row of an import, or one subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewFollower {
    /// The organisation's own user id.
    pub external_id: String,
    /// `None` leaves what is known.
    pub nickname: Option<String>,
    /// The account's remark about the follower; `None` leaves what is known.
    pub remark: Option<String>,
    /// Such as `zh_CN`; `None` leaves what is known.
    pub language: Option<String>,
    /// Names of tags; new ones are made.
    pub tags: Vec<String>,
    /// When the subscription began; `None` is now.
    pub subscribed_at: Option<Timestamp>,
}

/// What is known of a follower.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follower {
    /// The number in the account.
    pub ordinal: Ordinal,
    /// The organisation's own user id.
    pub external_id: ExternalId,
    /// Empty when not set.
    pub nickname: String,
    /// Picture URL; empty when not set.
    pub head_image: String,
    /// Empty when not set.
    pub remark: String,
    /// Empty when not set.
    pub language: String,
    /// When the present or last subscription began.
    pub subscribed_at: Timestamp,
    /// Whether the follower follows now.
    pub subscribed: bool,
}

/// Why a follower's row is refused; the texts are for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FollowerRefusal {
    /// No external id.
    #[error("external_id is missing")]
    ExternalIdMissing,
    /// Too long an external id.
    #[error("external_id has more than 128 characters")]
    ExternalIdTooLong,
    /// An external id with control characters.
    #[error("external_id holds control characters")]
    ExternalIdControl,
    /// Too long a nickname.
    #[error("nickname has more than 64 characters")]
    NicknameTooLong,
    /// Too long a remark (40092).
    #[error("remark must have fewer than 30 characters")]
    RemarkTooLong,
    /// Too long a language.
    #[error("language has more than 16 characters")]
    LanguageTooLong,
    /// A tag name that no tag could have.
    #[error("a tag name is empty or has more than 30 characters")]
    TagName,
    /// More tags than one follower can carry.
    #[error("more than 20 tags")]
    TooManyTags,
}

/// Checks one row.
pub fn check(follower: &NewFollower) -> Result<(), FollowerRefusal> {
    let longer = |text: &str, limit: usize| text.len() > limit && text.chars().count() > limit;
    let optional =
        |text: &Option<String>, limit: usize| text.as_deref().is_some_and(|text| longer(text, limit));
    if follower.external_id.trim().is_empty() {
        return Err(FollowerRefusal::ExternalIdMissing);
    }
    if longer(&follower.external_id, EXTERNAL_ID_MAX) {
        return Err(FollowerRefusal::ExternalIdTooLong);
    }
    if follower.external_id.chars().any(char::is_control) {
        return Err(FollowerRefusal::ExternalIdControl);
    }
    if optional(&follower.nickname, NICKNAME_MAX) {
        return Err(FollowerRefusal::NicknameTooLong);
    }
    if optional(&follower.remark, REMARK_LIMIT - 1) {
        return Err(FollowerRefusal::RemarkTooLong);
    }
    if optional(&follower.language, LANGUAGE_MAX) {
        return Err(FollowerRefusal::LanguageTooLong);
    }
    if follower.tags.len() > tag::TAGS_PER_FOLLOWER_MAX {
        return Err(FollowerRefusal::TooManyTags);
    }
    if follower.tags.iter().any(|name| tag::check_name(name).is_err()) {
        return Err(FollowerRefusal::TagName);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_refused_for_its_first_fault() {
        let row = |external_id: &str| NewFollower {
            external_id: external_id.into(),
            ..NewFollower::default()
        };
        assert_eq!(check(&row("user-1")), Ok(()));
        assert_eq!(check(&row(" ")), Err(FollowerRefusal::ExternalIdMissing));
        assert_eq!(
            check(&row(&"长".repeat(129))),
            Err(FollowerRefusal::ExternalIdTooLong)
        );
        assert_eq!(check(&row("a\u{0}b")), Err(FollowerRefusal::ExternalIdControl));
        let remark = NewFollower {
            remark: Some("注".repeat(30)),
            ..row("a")
        };
        assert_eq!(check(&remark), Err(FollowerRefusal::RemarkTooLong));
        let tags = NewFollower {
            tags: vec![String::new()],
            ..row("a")
        };
        assert_eq!(check(&tags), Err(FollowerRefusal::TagName));
    }
}
