//! Answers that did not change are not sent again, and nobody but their reader keeps them.

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    pages::page::{etag_of, has_already},
    v1::problem::Problem,
};

/// Bytes of an answer, at most: a page of entries is far below it.
const ANSWER_MAX: usize = 64 << 20;

/// Marks what is read with the digest of its content, and answers 304 to who has it already.
pub async fn tag(request: Request, next: Next) -> Response {
    let reads = request.method() == Method::GET;
    let given = request.headers().clone();
    let response = next.run(request).await;
    if !reads || response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, ANSWER_MAX).await else {
        return Problem::internal().into_response();
    };
    let tag = etag_of(&bytes);
    mark(&mut parts.headers, &tag);
    if !has_already(&given, &tag) {
        return Response::from_parts(parts, Body::from(bytes));
    }
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    Response::from_parts(parts, Body::empty())
}

fn mark(headers: &mut HeaderMap, tag: &str) {
    // Weak: the same content may come compressed.
    if let Ok(tag) = HeaderValue::from_str(&format!("W/{tag}")) {
        headers.insert(header::ETAG, tag);
    }
    let keep = HeaderValue::from_static("private, no-cache");
    headers.insert(header::CACHE_CONTROL, keep);
    let vary = HeaderValue::from_static("authorization");
    headers.append(header::VARY, vary);
}
