//! JSON bodies of the compatible API. The Content-Type is never looked at (clients.md §1 rule 2).

use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use bytes::Bytes;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use wire::errcode::ErrCode;

use crate::api::error::ApiError;

/// Bytes of a JSON body, at most (SEC10).
pub const JSON_MAX: usize = 1 << 20;
/// Bytes of the body of a call with articles, at most (SEC10).
pub const ARTICLES_MAX: usize = 10 << 20;
/// A body of at most `MAX` bytes, as a shape of `wire`.
pub struct Wire<T, const MAX: usize = JSON_MAX>(pub T);

impl<T: DeserializeOwned, S: Send + Sync, const MAX: usize> FromRequest<S> for Wire<T, MAX> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let bytes = read_whole(request.into_body(), MAX).await?;
        Ok(Self(wire::body::read(&bytes)?))
    }
}

/// All bytes of a body of at most `max`, or the errcode.
pub async fn read_whole(body: Body, max: usize) -> Result<Bytes, ApiError> {
    read(body, max).await.map_err(|fault| {
        ApiError::new(match fault {
            BodyFault::TooLarge => ErrCode::ContentSizeOutOfLimit,
            BodyFault::Broken => ErrCode::DataFormatError,
        })
    })
}

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// More bytes than allowed.
    TooLarge,
    /// It stopped before its end.
    Broken,
}

/// All bytes of a body. What follows the limit is left; the layer around the API throws it away before it
/// answers.
pub async fn read(mut body: Body, max: usize) -> Result<Bytes, BodyFault> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| BodyFault::Broken)?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > max {
            return Err(BodyFault::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use axum::http::header;
    use wire::{field::Field, mass::Get};

    use super::*;

    async fn get(content_type: Option<&str>, body: impl Into<Body>) -> Result<Get, ApiError> {
        let mut request = Request::post("/cgi-bin/message/mass/get");
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let request = request.body(body.into()).expect("a request");
        Wire::<Get>::from_request(request, &())
            .await
            .map(|Wire(request)| request)
    }

    #[tokio::test]
    async fn json_is_json_whatever_its_content_type_says() {
        let types = [
            "application/json",
            "application/octet-stream",
            "text/xml",
            "multipart/form-data",
        ];
        for content_type in [None].into_iter().chain(types.map(Some)) {
            let request = get(content_type, "\u{feff}{\"msg_id\":\"12\",\"x\":[]}\n")
                .await
                .expect("an object");
            assert_eq!(request.msg_id, Field::Present(12));
        }
    }

    #[tokio::test]
    async fn a_bad_body_has_its_errcode() {
        let code = |result: Result<Get, ApiError>| result.expect_err("refused").code;
        assert_eq!(code(get(None, "").await), ErrCode::EmptyPostData);
        assert_eq!(code(get(None, "[]").await), ErrCode::DataFormatError);
        assert_eq!(code(get(None, "{").await), ErrCode::DataFormatError);
        assert_eq!(
            code(get(None, "{\"a\":\"\u{0}\"}").await),
            ErrCode::DataFormatError
        );
        assert_eq!(
            code(get(None, "x".repeat(JSON_MAX + 1)).await),
            ErrCode::ContentSizeOutOfLimit
        );
        assert!(get(None, "{}").await.is_ok());
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_malformed() {
        let parts = [Ok("{\"msg_id\":"), Err(std::io::Error::other("gone"))];
        let body = Body::from_stream(futures::stream::iter(parts));
        assert_eq!(
            get(None, body).await.expect_err("refused").code,
            ErrCode::DataFormatError
        );
    }
}
