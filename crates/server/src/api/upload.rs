//! Multipart uploads. Only the bytes of the part `media` count; names, declared types and unknown parameters
//! are not looked at (clients.md §4, SEC9).

use axum::{
    extract::{FromRequest, Multipart, Request},
    http::header,
};
use bytes::Bytes;
use wire::errcode::ErrCode;

/// The name of the part that holds the file.
const PART: &str = "media";
/// Parts of one upload, at most (SEC10).
const PARTS_MAX: usize = 20;

/// Why there is no file in an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadFault {
    /// No part `media`, or the upload is broken (41005).
    Missing,
    /// More bytes than allowed.
    TooLarge,
}

impl UploadFault {
    /// The errcode, where `too_large` is the one for this kind of file.
    pub fn code(self, too_large: ErrCode) -> ErrCode {
        match self {
            UploadFault::Missing => ErrCode::MediaDataMissing,
            UploadFault::TooLarge => too_large,
        }
    }
}

/// The bytes of the part `media`, at most `max`.
pub async fn read(request: Request, max: usize) -> Result<Bytes, UploadFault> {
    // Looked at here, because a rejected request could not be read to its end any more.
    let content_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .map(|value| value.as_bytes().to_ascii_lowercase());
    let has_boundary =
        content_type.is_some_and(|value| value.windows(9).any(|window| window == b"boundary="));
    if !has_boundary {
        return Err(UploadFault::Missing);
    }
    let mut parts = Multipart::from_request(request, &())
        .await
        .map_err(|_| UploadFault::Missing)?;
    for _ in 0..PARTS_MAX {
        let Ok(Some(mut part)) = parts.next_field().await else {
            break;
        };
        if part.name() != Some(PART) {
            continue;
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = part.chunk().await.map_err(|_| UploadFault::Missing)? {
            if bytes.len() + chunk.len() > max {
                return Err(UploadFault::TooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        return Ok(bytes.into());
    }
    Err(UploadFault::Missing)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    async fn upload(content_type: &str, body: &'static [u8]) -> Result<Bytes, UploadFault> {
        let request = Request::post("/")
            .header(header::CONTENT_TYPE, content_type)
            .body(Body::from(body));
        read(request.expect("a request"), 8).await
    }

    #[tokio::test]
    async fn the_part_media_is_found_however_it_is_described() {
        let bodies: [&[u8]; 4] = [
            b"--X\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a.jpg\"\r\n\r\nbytes\r\n--X--\r\n",
            b"--X\r\nContent-Disposition: form-data; name=\"media\";filename=\"a.jpg\"; filelength=5\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\nbytes\r\n--X--",
            b"--X\r\nContent-Disposition: form-data; name=\"description\"\r\n\r\n{}\r\n--X\r\nContent-Disposition: form-data; name=media; filename=\"/home/\xe5\xbc\xa0/a.jpg\"\r\nContent-Type: nonsense\r\n\r\nbytes\r\n--X--\r\n",
            b"--X\r\nContent-Disposition: form-data; name=\"media\"; filename=\"\xff.jpg\"\r\n\r\nbytes\r\n--X--\r\n",
        ];
        for body in bodies {
            assert_eq!(
                upload("multipart/form-data; boundary=X", body).await.as_deref(),
                Ok(&b"bytes"[..])
            );
            assert_eq!(
                upload("multipart/form-data; boundary=\"X\"", body)
                    .await
                    .as_deref(),
                Ok(&b"bytes"[..])
            );
        }
    }

    #[tokio::test]
    async fn what_is_no_upload_has_no_media() {
        for (content_type, body) in [
            ("application/json", &b"{}"[..]),
            ("multipart/form-data", b""),
            ("multipart/form-data; boundary=X", b""),
            ("multipart/form-data; boundary=X", b"--X--\r\n"),
            (
                "multipart/form-data; boundary=X",
                b"--X\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nb\r\n--X--",
            ),
            (
                "multipart/form-data; boundary=X",
                b"--X\r\nContent-Disposition: form-data; name=\"media\"\r\n\r\nb",
            ),
        ] {
            assert_eq!(upload(content_type, body).await, Err(UploadFault::Missing));
        }
    }

    #[tokio::test]
    async fn a_file_over_its_limit_is_told_from_a_missing_one() {
        let body = b"--X\r\nContent-Disposition: form-data; name=\"media\"\r\n\r\n123456789\r\n--X--\r\n";
        assert_eq!(
            upload("multipart/form-data; boundary=X", body).await,
            Err(UploadFault::TooLarge)
        );
        let empty = b"--X\r\nContent-Disposition: form-data; name=\"media\"\r\n\r\n\r\n--X--\r\n";
        assert_eq!(
            upload("multipart/form-data; boundary=X", empty).await.as_deref(),
            Ok(&b""[..])
        );
    }
}
