//! Comments (留言) on sent articles: their limits, and why one is refused (spec accounts §10).
//!
//! Whether an article takes comments is said by its `need_open_comment`, until comment/open or comment/close says
//! otherwise; the account's own switch stands above both.

use crate::{
    id::{CommentId, Ordinal},
    time::Timestamp,
};

/// Characters of a comment and of a reply, at most (88007). The original does not print its number; this is the
/// limit of its comment box.
pub const TEXT_MAX: usize = 600;
/// Elected comments of one article (88003); the original does not print its number.
pub const ELECTED_MAX: usize = 100;
/// Comments that one reader may leave under one article, deleted ones included.
pub const PER_READER_MAX: usize = 100;
/// Comments on one page of comment/list (88010).
pub const PAGE_MAX: i64 = 50;

/// A comment as the account sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// `user_comment_id`.
    pub id: CommentId,
    /// Who wrote it.
    pub reader: Ordinal,
    /// What it says; plain text.
    pub content: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// Whether it is elected (精选), that is shown under the article.
    pub elected: bool,
    /// The account's reply.
    pub reply: Option<Reply>,
}

/// The account's answer to a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What it says; plain text.
    pub content: String,
    /// When it was written.
    pub created_at: Timestamp,
}

/// Which comments a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// All that are not deleted.
    All,
    /// Those that are not elected.
    Normal,
    /// The elected ones.
    Elected,
}

/// What an account does with one comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Shows it under the article.
    Elect,
    /// Hides it again.
    Unelect,
    /// Removes it for ever.
    Delete,
    /// Answers it.
    Reply(String),
    /// Takes the answer back; fine when there is none.
    DeleteReply,
}

/// Why a comment call of the account is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommentRefusal {
    /// The account has no comments (88000).
    #[error("the account has no comments")]
    Disabled,
    /// No such sent article (88001).
    #[error("no such article")]
    ArticleUnknown,
    /// No such comment (88008).
    #[error("no such comment")]
    Unknown,
    /// Its reader deleted it (88004).
    #[error("its reader deleted it")]
    DeletedByReader,
    /// The article has [`ELECTED_MAX`] elected comments (88003).
    #[error("the article has too many elected comments")]
    TooManyElected,
    /// The comment has a reply (88005).
    #[error("the comment has a reply")]
    Replied,
    /// The reply is empty or longer than [`TEXT_MAX`] (88007).
    #[error("the reply is empty or too long")]
    ReplyLength,
}

/// Why a reader's comment is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteRefusal {
    /// The reader's inbox has no such entry, or the entry no such article.
    #[error("there is no such article in this inbox")]
    ArticleUnknown,
    /// The article takes no comments: closed, deleted, or a preview's.
    #[error("this article takes no comments")]
    Closed,
    /// Only followers may comment, or the reader is blacklisted.
    #[error("only followers may comment")]
    NotFollowing,
    /// Empty, or longer than [`TEXT_MAX`].
    #[error("a comment must have 1 to 600 characters")]
    TextLength,
    /// The reader has written [`PER_READER_MAX`] comments here.
    #[error("the reader has written too many comments here")]
    TooMany,
}

/// The text of a comment or reply without white space around it; `None` when it is empty or too long.
pub fn clean_text(text: &str) -> Option<String> {
    let text = text.trim();
    (1..=TEXT_MAX)
        .contains(&text.chars().count())
        .then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_has_one_to_six_hundred_characters() {
        assert_eq!(clean_text(" 好 ").as_deref(), Some("好"));
        assert!(clean_text(&"字".repeat(600)).is_some());
        assert!(clean_text(&"字".repeat(601)).is_none());
        assert!(clean_text(" \n").is_none());
    }
}
