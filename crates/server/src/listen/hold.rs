//! What an answer holds of its connection: for as long as it is used, the connection is neither idle nor free.

use std::sync::Arc;

use axum::body::Body;
use http_body_util::BodyExt;
use tokio::sync::watch;

use crate::listen::{Counted, Place, patience::Serving};

/// A connection that was let in: its place among those of its source, and those who wait for its end.
pub(super) struct Entrance {
    pub(super) _place: Place,
    pub(super) _counted: Counted,
    pub(super) stopping: watch::Receiver<()>,
}

/// A connection in use, until the last clone is dropped. Every request carries one among its extensions; an answer that
/// outlives its handler, as that of a WebSocket does, keeps it.
#[derive(Clone)]
pub struct Hold(Arc<Held>);

struct Held {
    serving: Serving,
    // Where the request was forwarded from.
    _forwarded: Option<Place>,
    _entrance: Arc<Entrance>,
}

impl Hold {
    pub(super) fn new(serving: Serving, forwarded: Option<Place>, entrance: Arc<Entrance>) -> Self {
        Self(Arc::new(Held {
            serving,
            _forwarded: forwarded,
            _entrance: entrance,
        }))
    }

    /// Ends the connection at once, even when it waits for a peer that does not read.
    pub fn cut(&self) {
        self.0.serving.cut();
    }

    /// Is held until the body is gone.
    pub(super) fn until_sent(self, body: Body) -> Body {
        Body::new(body.map_frame(move |frame| {
            let _held = &self;
            frame
        }))
    }
}
