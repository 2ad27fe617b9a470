//! The live feed as server-sent events.

use std::convert::Infallible;

use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderMap, Uri, header},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures::stream;

use crate::{
    app::App,
    inbox::reader::Reader,
    listen::Hold,
    live::{
        feed::{self, Feed, Step},
        mailbox::End,
    },
    v1::problem::{Problem, ProblemShape},
};

/// The live feed as server-sent events: `ready` first, then `entry`, `recall`, `change` and `read` as they come. It goes on
/// after `Last-Event-ID` or the position `after`, or begins now.
#[utoipa::path(get, path = "/inbox/live", params(
    ("after" = Option<String>, Query, description = "A position of the inbox, or the id of an event"),
    ("Last-Event-ID" = Option<String>, Header, description = "The same, from who comes back; it wins"),
), responses(
    (status = 200, description = "Events, until one side ends", content_type = "text/event-stream", body = String),
    (status = 400, description = "No position of this reader", body = ProblemShape),
    (status = 401, body = ProblemShape),
    (status = 503, description = "The server is about to stop", body = ProblemShape)
))]
pub async fn live(
    reader: Reader,
    State(app): State<App>,
    hold: Option<Extension<Hold>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let start = feed::start(&app, &reader, &headers, &uri)?;
    let feed = Feed::open(&app, reader, start, hold.map(|Extension(hold)| hold), "sse")?;
    let told = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // nginx would keep events until its buffer is full.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    let mut first = BytesMut::new();
    write_retry(&mut first, &feed);
    let body = stream::unfold(Some((feed, first)), step);
    Ok((told, Body::from_stream(body)).into_response())
}

/// One write of a feed.
async fn step(
    open: Option<(Feed, BytesMut)>,
) -> Option<(Result<Bytes, Infallible>, Option<(Feed, BytesMut)>)> {
    let (mut feed, mut text) = open?;
    match feed.next().await {
        Step::Events(events) => {
            for event in events {
                event.write_sse(&mut text);
            }
        }
        Step::Heartbeat => text.extend_from_slice(b":\n\n"),
        Step::End(end) => {
            if end == End::Token {
                // The browser comes back once and is told 401, which ends it.
                text.extend_from_slice(b": the token has ended\n");
            }
            write_retry(&mut text, &feed);
            text.extend_from_slice(b"\n");
            return Some((Ok(text.freeze()), None));
        }
    }
    Some((Ok(text.freeze()), Some((feed, BytesMut::new()))))
}

fn write_retry(to: &mut BytesMut, feed: &Feed) {
    to.extend_from_slice(format!("retry: {}\n", feed.retry_ms()).as_bytes());
}
