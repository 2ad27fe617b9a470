//! The live feed over a WebSocket.

use axum::{
    Extension,
    extract::{
        State,
        ws::{
            CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection,
        },
    },
    http::{HeaderMap, Uri},
    response::Response,
};
use bytes::Bytes;
use futures::SinkExt;

use crate::{
    app::App,
    inbox::reader::Reader,
    listen::Hold,
    live::{
        event::Outgoing,
        feed::{self, Feed, Step},
        mailbox::End,
    },
    v1::problem::{Problem, ProblemShape},
};

/// What is read at a time: readers only answer pings.
const READ_BYTES: usize = 128;
/// The longest message of a reader; none means anything.
const MESSAGE_BYTES_MAX: usize = 1_024;
/// Events that wait together are written together, up to so many bytes at a time.
const WRITE_BYTES: usize = 16 << 10;

/// The live feed over a WebSocket: messages `{"event","id","data"}` with the same events.
#[utoipa::path(get, path = "/inbox/ws", params(
    ("after" = Option<String>, Query, description = "A position of the inbox, or the id of an event"),
), responses(
    (status = 101, description = "The feed, until one side closes it"),
    (status = 400, description = "No WebSocket, or no position of this reader", body = ProblemShape),
    (status = 401, body = ProblemShape),
    (status = 503, description = "The server is about to stop", body = ProblemShape)
))]
pub async fn live(
    reader: Reader,
    State(app): State<App>,
    hold: Option<Extension<Hold>>,
    headers: HeaderMap,
    uri: Uri,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|error| Problem::bad_request(error.body_text()))?;
    let start = feed::start(&app, &reader, &headers, &uri)?;
    let hold = hold.map(|Extension(hold)| hold);
    let feed = Feed::open(&app, reader, start, hold, "ws")?;
    Ok(upgrade
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(WRITE_BYTES)
        .max_message_size(MESSAGE_BYTES_MAX)
        .max_frame_size(MESSAGE_BYTES_MAX)
        .on_upgrade(move |socket| serve(socket, feed)))
}

/// Writes what a feed tells until one side ends.
async fn serve(mut socket: WebSocket, mut feed: Feed) {
    let mut answered = true;
    loop {
        let step = tokio::select! {
            step = feed.next() => step,
            incoming = socket.recv() => match incoming {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {
                    answered = true;
                    continue;
                }
            },
        };
        let written = match step {
            Step::Events(events) => write(&mut socket, &events).await,
            // Who did not answer the last ping is gone.
            Step::Heartbeat if !answered => return,
            Step::Heartbeat => {
                answered = false;
                socket.send(Message::Ping(Bytes::new())).await
            }
            Step::End(end) => {
                let _ = socket.send(Message::Close(Some(farewell(end)))).await;
                return;
            }
        };
        if written.is_err() {
            return;
        }
    }
}

async fn write(socket: &mut WebSocket, events: &[Outgoing]) -> Result<(), axum::Error> {
    for event in events {
        // What is made of JSON texts is text.
        let text = Utf8Bytes::try_from(event.message()).map_err(axum::Error::new)?;
        socket.feed(Message::Text(text)).await?;
    }
    socket.flush().await
}

/// How a WebSocket is closed.
fn farewell(end: End) -> CloseFrame {
    let (code, reason) = match end {
        End::Restart => (1012, "come back with the last id, after a moment by chance"),
        End::Slow => (1013, "too slow; come back with the last id"),
        End::Token => (4401, "the token has ended"),
        End::Fault => (1011, "a fault; come back with the last id"),
    };
    CloseFrame {
        code,
        reason: Utf8Bytes::from_static(reason),
    }
}
