//! Refusals as errcodes. Every match lists its cases, so that a new refusal needs a chosen code.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    article::{ArticleRefusal, TextRefusal, VideoTextRefusal},
    call::{CallsUsedUp, ClearingsUsedUp},
    comment::CommentRefusal,
    library::{LibraryRefusal, PublicationRefusal},
    mass::{DeleteRefusal, Refusal},
    media::{MediaKind, MediaRefusal},
    quota::{MinuteUsedUp, QuotaRefusal},
    statistics::SpanRefusal,
    tag::TagRefusal,
};
use store::{StoreError, mass::PreviewRefusal, token::ForcesUsedUp};
use wire::{body::BodyError, errcode::ErrCode, error::ErrorReply};

use crate::{api::inflight::StillUndecided, guess::TooManyGuesses};

/// What a handler of the compatible API answers.
pub type ApiResult<T> = Result<Answer<T>, ApiError>;

/// A refused call. As a response it has no body yet: the layer around the API adds the request id and writes
/// it out with [`ApiError::answer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The errcode.
    pub code: ErrCode,
    /// A number beside it.
    pub extra: Option<(&'static str, i64)>,
}

impl ApiError {
    /// The refusal with this code.
    pub fn new(code: ErrCode) -> Self {
        Self { code, extra: None }
    }

    /// Puts a number beside the code.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: i64) -> Self {
        self.extra = Some((key, value));
        self
    }

    /// The whole response: HTTP 200 and one line of JSON (clients.md §1 rules 1, 3 and 4).
    pub fn answer(self, rid: &str) -> Response {
        json_response(self.text(rid))
    }

    /// The line of JSON.
    pub fn text(self, rid: &str) -> String {
        let mut reply = ErrorReply::new(self.code, Some(rid));
        if let Some((key, value)) = self.extra {
            reply = reply.with(key, value);
        }
        reply.to_json()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(self);
        response
    }
}

/// A successful answer in one line of JSON.
#[derive(Debug)]
pub struct Answer<T>(pub T);

impl<T: serde::Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        match serde_json::to_string(&self.0) {
            Ok(json) => json_response(json),
            Err(error) => {
                tracing::error!(%error, "an answer has no JSON form");
                ApiError::new(ErrCode::SystemError).into_response()
            }
        }
    }
}

/// One line of JSON as a response.
pub fn json_response(json: String) -> Response {
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = StatusCode::OK;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

impl From<ErrCode> for ApiError {
    fn from(code: ErrCode) -> Self {
        Self::new(code)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        Self::new(ErrCode::SystemError)
    }
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        Self::new(match error {
            BodyError::Empty => ErrCode::EmptyPostData,
            BodyError::NotJson => ErrCode::DataFormatError,
        })
    }
}

impl From<MinuteUsedUp> for ApiError {
    fn from(MinuteUsedUp: MinuteUsedUp) -> Self {
        Self::new(ErrCode::MinuteQuotaReached)
    }
}

impl From<TooManyGuesses> for ApiError {
    fn from(TooManyGuesses: TooManyGuesses) -> Self {
        Self::new(ErrCode::MinuteQuotaReached)
    }
}

impl From<ForcesUsedUp> for ApiError {
    fn from(ForcesUsedUp: ForcesUsedUp) -> Self {
        Self::new(ErrCode::DailyQuotaReached)
    }
}

impl From<StillUndecided> for ApiError {
    fn from(StillUndecided: StillUndecided) -> Self {
        Self::new(ErrCode::ClientMsgIdTooFast)
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::MediaUnknown => Self::new(ErrCode::InvalidMediaId),
            Refusal::TagUnknown => Self::new(ErrCode::InvalidGroupId),
            Refusal::NoReceiver => Self::new(ErrCode::InvalidOpenId),
            Refusal::Repeat { earlier } => Self::new(ErrCode::ClientMsgIdExists).with("msg_id", earlier.0),
            Refusal::CallsUsedUp => Self::new(ErrCode::DailyQuotaReached), // Q2
            Refusal::CardUnknown => Self::new(ErrCode::InvalidCardId),
            Refusal::OriginalNotAllowed => Self::new(ErrCode::CopyrightNotMet),
            Refusal::ConfirmationPending => Self::new(ErrCode::MassSendInApproval),
            Refusal::Quota(
                QuotaRefusal::SendsUsedUp           // Q1
                | QuotaRefusal::HistoryOfDayUsedUp  // Q4
                | QuotaRefusal::HistoryOfMonthUsedUp, // Q5
            ) => Self::new(ErrCode::NoMassSendQuota),
        }
    }
}

impl From<PreviewRefusal> for ApiError {
    fn from(refusal: PreviewRefusal) -> Self {
        Self::new(match refusal {
            PreviewRefusal::MediaUnknown => ErrCode::InvalidMediaId,
            PreviewRefusal::CardUnknown => ErrCode::InvalidCardId,
            PreviewRefusal::Unknown => ErrCode::InvalidOpenId,
            PreviewRefusal::NotFollowing => ErrCode::RequireSubscribe,
            PreviewRefusal::OptedOut => ErrCode::UserBlocksMessages,
            PreviewRefusal::Blacklisted => ErrCode::RequireRemoveBlacklist,
        })
    }
}

impl From<DeleteRefusal> for ApiError {
    fn from(refusal: DeleteRefusal) -> Self {
        Self::new(match refusal {
            DeleteRefusal::Unknown => ErrCode::InvalidMsgId,
            DeleteRefusal::MessageType => ErrCode::InvalidMessageType,
            DeleteRefusal::NotSent => ErrCode::InvalidMsgStatus,
            DeleteRefusal::ArticleIndex => ErrCode::InvalidArticleIdx,
        })
    }
}

impl From<LibraryRefusal> for ApiError {
    fn from(refusal: LibraryRefusal) -> Self {
        Self::new(match refusal {
            LibraryRefusal::Full => ErrCode::MaterialListFull,
            LibraryRefusal::Unknown => ErrCode::InvalidMediaId,
            LibraryRefusal::ArticleIndex => ErrCode::InvalidIndexValue,
        })
    }
}

impl From<PublicationRefusal> for ApiError {
    fn from(refusal: PublicationRefusal) -> Self {
        Self::new(match refusal {
            PublicationRefusal::Unknown => ErrCode::InvalidArticleId,
            PublicationRefusal::ArticleIndex => ErrCode::InvalidIndexValue,
        })
    }
}

impl From<TagRefusal> for ApiError {
    fn from(refusal: TagRefusal) -> Self {
        Self::new(match refusal {
            TagRefusal::NameInvalid => ErrCode::InvalidTagName,
            TagRefusal::NameTooLong => ErrCode::TagNameTooLong,
            TagRefusal::TooMany => ErrCode::TooManyTags,
            TagRefusal::Preset => ErrCode::CannotModifySystemTag,
            TagRefusal::TooManyFollowers => ErrCode::TagHasTooManyFollowers,
            TagRefusal::Unknown => ErrCode::InvalidTagId,
            TagRefusal::TooManyOnFollower => ErrCode::TooManyTagsOnFollower,
            TagRefusal::NotFollowing => ErrCode::UserUnsubscribed,
        })
    }
}

impl From<MediaRefusal> for ApiError {
    fn from(refusal: MediaRefusal) -> Self {
        Self::new(match refusal {
            MediaRefusal::Empty => ErrCode::EmptyMediaData,
            MediaRefusal::TooLarge(MediaKind::Image) => ErrCode::InvalidImageSize,
            MediaRefusal::TooLarge(MediaKind::Voice) => ErrCode::InvalidVoiceSize,
            MediaRefusal::TooLarge(MediaKind::Video) => ErrCode::InvalidVideoSize,
            MediaRefusal::TooLarge(MediaKind::Thumb) => ErrCode::InvalidThumbSize,
            MediaRefusal::FormatRefused => ErrCode::InvalidFileType,
            MediaRefusal::Undecodable => ErrCode::InvalidImageFormat,
            MediaRefusal::TooLong => ErrCode::PlayTimeOutOfLimit,
            MediaRefusal::PictureTooLarge => ErrCode::InvalidImageSize,
        })
    }
}

impl From<ArticleRefusal> for ApiError {
    fn from(refusal: ArticleRefusal) -> Self {
        Self::new(match refusal {
            ArticleRefusal::TitleEmpty => ErrCode::TitleEmpty,
            ArticleRefusal::TitleTooLong => ErrCode::TitleSizeOutOfLimit,
            ArticleRefusal::AuthorTooLong => ErrCode::InvalidAuthor,
            ArticleRefusal::ContentEmpty => ErrCode::EmptyContent,
            ArticleRefusal::ContentTooLong => ErrCode::ContentSizeOutOfLimit,
            ArticleRefusal::SourceUrlInvalid => ErrCode::InvalidContentSourceUrl,
            ArticleRefusal::SourceUrlTooLong => ErrCode::UrlSizeOutOfLimit,
            ArticleRefusal::DigestTooLong => ErrCode::DescriptionSizeOutOfLimit,
        })
    }
}

impl From<TextRefusal> for ApiError {
    fn from(refusal: TextRefusal) -> Self {
        Self::new(match refusal {
            TextRefusal::Empty => ErrCode::EmptyContent,
            TextRefusal::TooLong => ErrCode::ContentSizeOutOfLimit,
        })
    }
}

impl From<VideoTextRefusal> for ApiError {
    fn from(refusal: VideoTextRefusal) -> Self {
        Self::new(match refusal {
            VideoTextRefusal::TitleEmpty => ErrCode::TitleEmpty,
            VideoTextRefusal::TitleTooLong => ErrCode::TitleSizeOutOfLimit,
            VideoTextRefusal::DescriptionTooLong => ErrCode::DescriptionSizeOutOfLimit,
        })
    }
}

impl From<CallsUsedUp> for ApiError {
    fn from(CallsUsedUp: CallsUsedUp) -> Self {
        Self::new(ErrCode::DailyQuotaReached) // Q7, Q8
    }
}

impl From<ClearingsUsedUp> for ApiError {
    fn from(ClearingsUsedUp: ClearingsUsedUp) -> Self {
        Self::new(ErrCode::ClearQuotaForbidden)
    }
}

impl From<CommentRefusal> for ApiError {
    fn from(refusal: CommentRefusal) -> Self {
        Self::new(match refusal {
            CommentRefusal::Disabled => ErrCode::NoCommentPrivilege,
            CommentRefusal::ArticleUnknown => ErrCode::MsgDataNotFound,
            CommentRefusal::Unknown => ErrCode::CommentNotFound,
            CommentRefusal::DeletedByReader => ErrCode::CommentDeletedByUser,
            CommentRefusal::TooManyElected => ErrCode::ElectedCommentLimit,
            CommentRefusal::Replied => ErrCode::AlreadyReplied,
            CommentRefusal::ReplyLength => ErrCode::InvalidReplyLength,
        })
    }
}

impl From<SpanRefusal> for ApiError {
    fn from(refusal: SpanRefusal) -> Self {
        Self::new(match refusal {
            SpanRefusal::Format => ErrCode::DateFormatError,
            SpanRefusal::Range => ErrCode::DateRangeError,
            SpanRefusal::NotReady => ErrCode::DataNotReady,
        })
    }
}

/// The same refusals where tags are called groups: older codes (spec accounts §8).
pub fn group_refusal(refusal: TagRefusal) -> ApiError {
    ApiError::new(match refusal {
        TagRefusal::NameInvalid => ErrCode::InvalidGroupName,
        TagRefusal::NameTooLong => ErrCode::GroupNameTooLong,
        TagRefusal::TooMany => ErrCode::TooManyGroups,
        TagRefusal::Preset => ErrCode::CannotModifySystemGroup,
        TagRefusal::TooManyFollowers => ErrCode::TagHasTooManyFollowers,
        TagRefusal::Unknown => ErrCode::InvalidGroupId,
        TagRefusal::TooManyOnFollower => ErrCode::TooManyTagsOnFollower,
        TagRefusal::NotFollowing => ErrCode::UserUnsubscribed,
    })
}

#[cfg(test)]
mod tests;
