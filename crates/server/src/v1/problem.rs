//! Errors of the native API: a proper HTTP status and `{"error":{"code","message"}}`.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::{account::CallbackRefusal, tag::TagRefusal};
use serde::Serialize;
use store::{StoreError, account::AccountRefusal};
use utoipa::ToSchema;
use wire::errcode::ErrCode;

use crate::{api::error::ApiError, guess::TooManyGuesses, v1::send::RefusalShape};

/// A refused native call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// A word for programs.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
    /// What the compatible API would have said, where it knows the refusal.
    pub refusal: Option<ApiError>,
}

/// What a native handler answers.
pub type NativeResult<T> = Result<Json<T>, Problem>;

/// How every error of the native API and of inboxes is written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemShape {
    error: ErrorShape,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    refusal: Option<RefusalShape>,
}

/// What is wrong.
#[derive(Debug, Serialize, ToSchema)]
struct ErrorShape {
    /// A word for programs.
    #[schema(example = "not_found")]
    code: &'static str,
    /// A sentence for people.
    message: String,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            refusal: None,
        }
    }

    /// The request does not say what it must.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// No token, or not the right one.
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "a valid token is needed: Authorization: Bearer TOKEN",
        )
    }

    /// There is no such thing.
    pub fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("there is no such {what}"),
        )
    }

    /// Something else has that name.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    /// This caller may not do that.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// The body is too large.
    pub fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "the body is too large",
        )
    }

    /// The path is served, but not by this method.
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "this path does not take this method",
        )
    }

    /// Asked too often; the next minute is another one.
    pub fn too_many() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "too many wrong tokens from your address; try again in a minute",
        )
    }

    /// The server is about to end; another one, or the next one, answers.
    pub fn stopping() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "stopping",
            "the server is about to stop; try again in a moment",
        )
    }

    /// A fault of our own.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the server could not do this; try again later",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let shape = ProblemShape {
            error: ErrorShape {
                code: self.code,
                message: self.message,
            },
            refusal: self.refusal.as_ref().map(RefusalShape::of),
        };
        (self.status, Json(shape)).into_response()
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        Self::internal()
    }
}

/// What the compatible API refuses is a conflict here, with its errcode beside it; a fault of our own stays one.
impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        if error.code == ErrCode::SystemError {
            return Self::internal();
        }
        Self {
            refusal: Some(error),
            ..Self::new(
                StatusCode::CONFLICT,
                "refused",
                format!("{} ({})", error.code.message(), error.code.code()),
            )
        }
    }
}

impl From<TooManyGuesses> for Problem {
    fn from(TooManyGuesses: TooManyGuesses) -> Self {
        Self::too_many()
    }
}

impl From<AccountRefusal> for Problem {
    fn from(refusal: AccountRefusal) -> Self {
        match refusal {
            AccountRefusal::Taken => Self::conflict(refusal.to_string()),
        }
    }
}

impl From<CallbackRefusal> for Problem {
    fn from(refusal: CallbackRefusal) -> Self {
        match refusal {
            CallbackRefusal::Url | CallbackRefusal::Token | CallbackRefusal::AesKey => {
                Self::bad_request(refusal.to_string())
            }
        }
    }
}

impl From<TagRefusal> for Problem {
    fn from(refusal: TagRefusal) -> Self {
        match refusal {
            TagRefusal::Unknown => Self::not_found("tag"),
            TagRefusal::NameInvalid
            | TagRefusal::NameTooLong
            | TagRefusal::TooMany
            | TagRefusal::Preset
            | TagRefusal::TooManyFollowers
            | TagRefusal::TooManyOnFollower
            | TagRefusal::NotFollowing => Self::bad_request(refusal.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn a_problem_has_a_status_a_word_and_a_sentence() {
        let response = Problem::not_found("account").into_response();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        let bytes = to_bytes(response.into_body(), 1000).await.expect("a body");
        insta::assert_snapshot!(
            std::str::from_utf8(&bytes).expect("UTF-8"),
            @r#"{"error":{"code":"not_found","message":"there is no such account"}}"#
        );
    }
}
