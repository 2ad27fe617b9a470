//! Multipart uploads. Of a file only the bytes of the part `media` count; its declared type and unknown
//! parameters are not looked at, its name is only ever shown (clients.md §4, SEC9).

use std::collections::BTreeMap;

use axum::{
    body::Body,
    extract::{
        FromRequest, Multipart, Request,
        multipart::{Field, MultipartError},
    },
    http::{HeaderMap, StatusCode, header},
};
use bytes::Bytes;
use http_body_util::Limited;
use wire::errcode::ErrCode;

/// The name of the part that holds the file.
const PART: &str = "media";
/// Parts of one upload, at most (SEC10).
const PARTS_MAX: usize = 20;
/// Bytes of a part that is a text, at most; longer ones are not looked at (SEC10).
const TEXT_BYTES_MAX: usize = 16 << 10;
/// Bytes of an upload beside its file, at most: texts, headers and boundaries. The parser keeps what it has not
/// understood yet in memory, so the whole body is held to a limit, not only its parts (SEC10).
const ROOM: usize = PARTS_MAX * (TEXT_BYTES_MAX + (8 << 10));
/// Characters of a file's name that are kept, at most.
const NAME_CHARACTERS_MAX: usize = 128;

/// A multipart form.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// The bytes of the part `media`, if there is one.
    pub media: Option<Bytes>,
    /// The last segment of the file's name; may be empty.
    pub name: String,
    /// All other parts that are texts; of those with the same name the first.
    pub texts: BTreeMap<String, String>,
}

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
    let mut parts = open(request, max).await?;
    for _ in 0..PARTS_MAX {
        let Some(part) = next_part(&mut parts).await? else {
            break;
        };
        if part.name() == Some(PART) {
            return collect(part, max).await;
        }
    }
    Err(UploadFault::Missing)
}

/// All parts of a form, with a file of at most `max` bytes. What follows a broken part is not looked at.
pub async fn read_form(request: Request, max: usize) -> Result<Form, UploadFault> {
    let mut parts = open(request, max).await?;
    let mut form = Form::default();
    for _ in 0..PARTS_MAX {
        let Some(part) = next_part(&mut parts).await? else {
            break;
        };
        let Some(name) = part.name().map(str::to_owned) else {
            continue;
        };
        if name == PART {
            if form.media.is_none() {
                form.name = last_segment(part.file_name().unwrap_or_default());
                form.media = Some(collect(part, max).await?);
            }
        } else if let Ok(bytes) = collect(part, TEXT_BYTES_MAX).await
            && let Ok(text) = String::from_utf8(bytes.into())
        {
            form.texts.entry(name).or_insert(text);
        }
    }
    Ok(form)
}

/// Whether a request says that it is a multipart form.
pub fn has_boundary(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .map(|value| value.as_bytes().to_ascii_lowercase());
    content_type.is_some_and(|value| value.windows(9).any(|window| window == b"boundary="))
}

/// The parts of a request whose file has at most `max` bytes.
async fn open(request: Request, max: usize) -> Result<Multipart, UploadFault> {
    // Looked at here, because a rejected request could not be read to its end any more.
    if !has_boundary(request.headers()) {
        return Err(UploadFault::Missing);
    }
    let request = request.map(|body| Body::new(Limited::new(body, max.saturating_add(ROOM))));
    Multipart::from_request(request, &())
        .await
        .map_err(|_| UploadFault::Missing)
}

/// The next part; `None` at the end, and where the form is broken.
async fn next_part(parts: &mut Multipart) -> Result<Option<Field<'_>>, UploadFault> {
    match parts.next_field().await {
        Ok(part) => Ok(part),
        Err(error) => match fault(&error) {
            UploadFault::TooLarge => Err(UploadFault::TooLarge),
            UploadFault::Missing => Ok(None),
        },
    }
}

fn fault(error: &MultipartError) -> UploadFault {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        UploadFault::TooLarge
    } else {
        UploadFault::Missing
    }
}

async fn collect(mut part: Field<'_>, max: usize) -> Result<Bytes, UploadFault> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.chunk().await.map_err(|error| fault(&error))? {
        if bytes.len() + chunk.len() > max {
            return Err(UploadFault::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

/// The file's own name: some clients send the whole path (clients.md §4).
fn last_segment(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    name.chars()
        .filter(|letter| !letter.is_control())
        .take(NAME_CHARACTERS_MAX)
        .collect()
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
    async fn sec10_a_body_that_never_comes_to_a_part_is_read_to_the_limit_only() {
        const CHUNK: usize = 64 << 10;
        let boundary = &b"--X\r\nContent-Disposition: form-data; name=\""[..];
        let unwanted = &b"--X\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n"[..];
        for start in [&b""[..], boundary, unwanted] {
            let taken = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
            let counted = taken.clone();
            let garbage = (0..1_024).map(move |_| {
                counted.fetch_add(CHUNK, std::sync::atomic::Ordering::Relaxed);
                Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; CHUNK]))
            });
            let chunks = std::iter::once(Ok(Bytes::from_static(start))).chain(garbage);
            let request =
                || Request::post("/").header(header::CONTENT_TYPE, "multipart/form-data; boundary=X");
            let body = Body::from_stream(futures::stream::iter(chunks));
            let request = request().body(body).expect("a request");
            let started = String::from_utf8_lossy(start);
            assert_eq!(
                read(request, 1 << 20).await,
                Err(UploadFault::TooLarge),
                "{started}"
            );
            let taken = taken.load(std::sync::atomic::Ordering::Relaxed);
            assert!(taken <= (1 << 20) + ROOM + 2 * CHUNK, "{started} {taken}");
        }
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
    async fn a_form_has_its_file_its_name_and_its_texts_in_any_order() {
        let body = "--X\r\nContent-Disposition: form-data; name=\"description\"\r\n\r\n{\"title\":\"湖\"}\r\n\
                    --X\r\nContent-Disposition: form-data; name=\"media\"; filename=\"C:\\\\tmp/湖.mp4\"\r\n\r\nbytes\r\n\
                    --X\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\nvideo\r\n--X--\r\n";
        let request = Request::post("/")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=X")
            .body(Body::from(body))
            .expect("a request");
        let form = read_form(request, 8).await.expect("a form");
        assert_eq!(form.media.as_deref(), Some(&b"bytes"[..]));
        assert_eq!(form.name, "湖.mp4");
        assert_eq!(form.texts["description"], "{\"title\":\"湖\"}");
        assert_eq!(form.texts["type"], "video");
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
