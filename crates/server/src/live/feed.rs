//! One reader's feed: first what came after a position, from the rows, then what the hub tells.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use axum::http::{HeaderMap, Uri};
use bytes::Bytes;
use domain::{id::Sequence, position::Position, time::Timestamp};
use serde::Serialize;
use serde_json::json;
use store::StoreResult;
use tokio::time::{Instant, timeout_at};

use crate::{
    api::query,
    app::App,
    inbox::{
        entry::EntryJson,
        reader::Reader,
        reading::{self, UnreadShape},
    },
    listen::Hold,
    live::{
        event::{Event, Kind, Outgoing},
        hub::Place,
        mailbox::{End, Mailbox},
    },
    v1::problem::Problem,
};

/// Between two signs of life.
const HEARTBEAT: Duration = Duration::from_secs(25);
/// Entries that are read at a time while a feed catches up.
const PAGE: usize = 100;

/// What a feed does next.
#[derive(Debug)]
pub enum Step {
    /// Events, to be written together.
    Events(Vec<Outgoing>),
    /// A sign of life.
    Heartbeat,
    /// Nothing more.
    End(End),
}

/// How far a feed is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It is among the online, and the hub may not know yet from where on to tell its blocks.
    Entered,
    /// It has no position, and begins at what is newest.
    Start,
    /// It has a position, and the reader was not told of it.
    Ready,
    /// There may be entries after its position that the hub does not tell.
    Behind,
    /// The hub tells everything.
    Live,
    /// Whether the token still stands, and for whom, is to be looked up.
    Checking {
        /// A sign of life is due as well.
        heartbeat: bool,
    },
}

impl Phase {
    /// Whether the feed reads its entries from the rows before it gets them from the hub.
    fn leads_to_rows(self) -> bool {
        !matches!(self, Self::Live | Self::Checking { .. })
    }
}

/// A reader who is online.
pub struct Feed {
    app: App,
    reader: Reader,
    place: Place,
    position: Position,
    phase: Phase,
    // Whether the reader named a position, and was greeted.
    resumes: bool,
    greeted: bool,
    next_heartbeat: Instant,
}

impl Feed {
    /// Lets a reader in, from the position that the request names or from now on.
    pub fn open(
        app: &App,
        reader: Reader,
        start: Option<Position>,
        hold: Option<Hold>,
        transport: &'static str,
    ) -> Result<Self, Problem> {
        let mailbox = Mailbox::new(hold);
        let place = app.live().enter(reader.memberships(), mailbox, transport);
        let expires_at = reader.is.expires_at;
        Ok(Self {
            place: place.ok_or_else(Problem::stopping)?,
            app: app.clone(),
            reader,
            resumes: start.is_some(),
            greeted: false,
            position: start.unwrap_or_default(),
            phase: Phase::Entered,
            next_heartbeat: next_heartbeat(app, expires_at),
        })
    }

    /// What is next. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Step {
        let hub = self.place.hub().clone();
        loop {
            if self.phase.leads_to_rows() {
                self.place.mailbox().skip_entries();
            }
            let _turn = match self.phase {
                Phase::Live => None,
                _ => hub.turn().await,
            };
            // What happens seldom is boxed: else every feed that only listens would hold room for it.
            let done = match self.phase {
                Phase::Entered => Box::pin(self.begin()).await,
                Phase::Start => Box::pin(self.start()).await,
                Phase::Ready => Box::pin(self.greet()).await,
                Phase::Behind => Box::pin(self.catch_up()).await,
                Phase::Live => self.listen().await,
                Phase::Checking { heartbeat } => Box::pin(self.check(heartbeat)).await,
            };
            match done {
                Ok(Some(step)) => return step,
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "a live feed ends; its reader comes back");
                    return Step::End(End::Fault);
                }
            }
        }
    }

    /// Milliseconds after which the reader should come back when the connection ends, not all at the same time.
    pub fn retry_ms(&self) -> u64 {
        1_000 + self.app.secrets.number() % 4_000
    }

    async fn begin(&mut self) -> StoreResult<Option<Step>> {
        let hub = self.place.hub().clone();
        let unknown = hub.unknown(self.place.memberships());
        if !unknown.is_empty() {
            let heads = self.app.store.block_heads(&unknown).await?;
            hub.begin(&unknown, &heads);
        }
        self.phase = match (self.greeted, self.resumes) {
            (true, _) => Phase::Behind,
            (false, true) => Phase::Ready,
            (false, false) => Phase::Start,
        };
        Ok(None)
    }

    async fn start(&mut self) -> StoreResult<Option<Step>> {
        self.position = self.app.store.heads(self.reader.memberships()).await?;
        self.phase = Phase::Ready;
        Ok(None)
    }

    async fn greet(&mut self) -> StoreResult<Option<Step>> {
        let unread = self.app.store.unread(self.reader.memberships()).await?;
        let position = self.reader.seal(&self.app, &self.position);
        let data = json!({"position": position, "unread": reading::sum(&unread)});
        let ready = self.outgoing(Kind::Ready, text(&data));
        self.greeted = true;
        self.phase = Phase::Behind;
        Ok(Some(Step::Events(vec![ready])))
    }

    async fn catch_up(&mut self) -> StoreResult<Option<Step>> {
        let of = self.reader.memberships();
        // The hub tells nothing twice: what it told before the mailbox keeps entries must be in the answer.
        self.place.mailbox().keep_entries();
        let known = self.place.hub().heard(of);
        let new = self
            .app
            .store
            .entries_after(of, &self.position, &known, PAGE)
            .await?;
        let entries = new.entries.iter();
        let events: Vec<Outgoing> = entries
            .map(|entry| {
                let next = Sequence(entry.sequence.0 + 1);
                self.position.set(entry.account.id, next);
                self.outgoing(Kind::Entry, text(&EntryJson::of(&self.app, entry)))
            })
            .collect();
        self.position = new.position;
        if !new.more {
            self.phase = Phase::Live;
        }
        Ok((!events.is_empty()).then_some(Step::Events(events)))
    }

    async fn listen(&mut self) -> StoreResult<Option<Step>> {
        let Ok(post) = timeout_at(self.next_heartbeat, self.place.mailbox().take()).await else {
            self.phase = Phase::Checking { heartbeat: true };
            return Ok(None);
        };
        if post.look_again {
            self.phase = Phase::Checking { heartbeat: false };
        }
        let events = self.unseen(post.events);
        Ok(match post.end {
            _ if !events.is_empty() => Some(Step::Events(events)),
            end => end.map(Step::End),
        })
    }

    /// Events that the reader does not have.
    fn unseen(&mut self, events: VecDeque<Arc<Event>>) -> Vec<Outgoing> {
        let mut unseen = Vec::with_capacity(events.len());
        for event in events {
            if let Some(sequence) = event.sequence {
                if sequence < self.position.next(event.account) {
                    continue;
                }
                let next = Sequence(sequence.0 + 1);
                self.position.set(event.account, next);
            }
            unseen.push(self.outgoing(event.kind, event.data.clone()));
        }
        unseen
    }

    /// Ends the feed when its token has ended, and moves it where the token stands for other followers than before.
    async fn check(&mut self, heartbeat: bool) -> StoreResult<Option<Step>> {
        let now = self.app.now();
        let Some(is) = self.app.store.inbox_reader(self.reader.token, now).await? else {
            return Ok(Some(Step::End(End::Token)));
        };
        self.phase = Phase::Live;
        if is.memberships != self.place.memberships() {
            self.place.move_to(&is.memberships);
            self.phase = Phase::Entered;
        }
        self.next_heartbeat = next_heartbeat(&self.app, is.expires_at);
        self.reader.is = is;
        if heartbeat {
            return Ok(Some(Step::Heartbeat));
        }
        let unread = self.app.store.unread(self.reader.memberships()).await?;
        let read = self.outgoing(Kind::Read, text(&UnreadShape::of(&unread)));
        Ok(Some(Step::Events(vec![read])))
    }

    fn outgoing(&self, kind: Kind, data: Bytes) -> Outgoing {
        Outgoing {
            kind,
            id: self.reader.seal(&self.app, &self.position),
            data,
        }
    }
}

/// When a reader is heard of next: in time to see that the token has ended.
fn next_heartbeat(app: &App, expires_at: Timestamp) -> Instant {
    let left = expires_at.ms_since(app.now()).max(0).unsigned_abs();
    Instant::now() + HEARTBEAT.min(Duration::from_millis(left))
}

fn text(shape: &impl Serialize) -> Bytes {
    // Shapes of ours are JSON whatever is in them.
    Bytes::from(serde_json::to_vec(shape).unwrap_or_default())
}

/// The position that a request goes on from: `Last-Event-ID`, which a browser sends when it comes back, or `?after=`.
pub fn start(
    app: &App,
    reader: &Reader,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<Option<Position>, Problem> {
    let header = headers.get("last-event-id").map(|value| value.to_str());
    let last = match header {
        Some(Ok(text)) if !text.is_empty() => Some(text.to_owned()),
        Some(Err(_)) => return Err(Problem::bad_request("bad position")),
        _ => query::value(uri, "after"),
    };
    last.map(|text| reader.open(app, &text)).transpose()
}
