//! Uploaded bytes (SEC9, SEC10).

use std::time::{Duration, Instant};

use axum::{body::Body, extract::Request, http::header::CONTENT_TYPE};
use domain::media::{MediaKind, check_article_image, check_material, check_upload};
use futures::{executor::block_on, stream};
use server::api::upload::{Form, UploadFault, read_form};

/// The longest that a look at a file may take; generous, as tests share their machine.
const PATIENCE: Duration = Duration::from_secs(10);
const FILE_MAX: usize = 4_096;

/// A file is judged by its bytes, in bounded time; what is kept of it is judged the same.
pub fn media(data: &[u8]) {
    let started = Instant::now();
    for kind in MediaKind::ALL {
        if let Ok(checked) = check_upload(kind, data) {
            assert!(checked.length <= data.len() && data.len() <= kind.bytes_max());
            assert!(kind.formats().contains(&checked.format));
            let pixels = u64::from(checked.width.unwrap_or(1)) * u64::from(checked.height.unwrap_or(1));
            assert!(pixels <= 25_000_000, "{checked:?}");
            let kept = &data[..checked.length];
            assert_eq!(
                check_upload(kind, kept),
                Ok(checked),
                "what is kept is the same file"
            );
        }
        let _ = check_material(kind, data);
    }
    let _ = check_article_image(data);
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

/// A form is the same however its bytes arrive, and within its limits.
pub fn multipart(data: &[u8]) {
    let whole = read(data, data.len().max(1));
    let stride = usize::from(data.first().copied().unwrap_or(1)).max(1);
    assert_eq!(read(data, stride), whole, "in pieces of {stride}");
    if let Ok(form) = whole {
        assert!(form.media.is_none_or(|media| media.len() <= FILE_MAX));
        assert!(
            !form.name.contains(['/', '\\']) && form.name.chars().count() <= 128,
            "{:?}",
            form.name
        );
        assert!(form.texts.len() < 20 && form.texts.values().all(|text| text.len() <= 16 << 10));
    }
}

fn read(data: &[u8], stride: usize) -> Result<Form, UploadFault> {
    let pieces: Vec<Result<Vec<u8>, std::convert::Infallible>> =
        data.chunks(stride).map(|piece| Ok(piece.to_vec())).collect();
    let request = Request::post("/")
        .header(CONTENT_TYPE, "multipart/form-data; boundary=X")
        .body(Body::from_stream(stream::iter(pieces)))
        .expect("a request");
    block_on(read_form(request, FILE_MAX))
}
