//! What waits for one feed. Bounded: who lets it fill up is too slow, and resumes from the rows.
//!
//! A feed that is about to read its rows finds its entries there, however long it waits for its turn: until then none
//! are kept for it. Else a herd of readers who come back would fill the mailboxes of those at its end, who would come
//! back again.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use futures::task::AtomicWaker;

use crate::{listen::Hold, live::event::Event};

/// Events that may wait for one feed.
pub const EVENTS_MAX: usize = 256;
/// A queue that grew beyond this gives its memory back once it is empty.
const KEPT_CAPACITY: usize = 4;

/// Why a feed ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The server stops, or the world that the feed belongs to is gone.
    Restart,
    /// The reader does not keep up.
    Slow,
    /// The token has ended.
    Token,
    /// The rows could not be read.
    Fault,
}

/// What was found in a mailbox.
#[derive(Debug, Default)]
pub struct Post {
    /// Events, in their order.
    pub events: VecDeque<Arc<Event>>,
    /// Whether something about the reader changed: token, preferences, what is read.
    pub look_again: bool,
    /// Whether nothing more will come, and why.
    pub end: Option<End>,
}

impl Post {
    fn is_empty(&self) -> bool {
        self.events.is_empty() && !self.look_again && self.end.is_none()
    }
}

/// A mailbox's inside.
#[derive(Debug, Default)]
struct Inside {
    post: Post,
    // Whether entries are kept.
    keeps_entries: bool,
}

/// Between the hub and one feed.
pub struct Mailbox {
    inside: Mutex<Inside>,
    waker: AtomicWaker,
    // Where a connection is to be cut off that waits for a peer which does not read.
    hold: Option<Hold>,
}

impl Mailbox {
    /// An empty one, for a feed over this connection, which keeps no entries yet.
    pub fn new(hold: Option<Hold>) -> Self {
        Self {
            inside: Mutex::default(),
            waker: AtomicWaker::new(),
            hold,
        }
    }

    /// Puts events in; false when they do not fit, which is the feed's end.
    pub fn put(&self, events: &[Arc<Event>]) -> bool {
        let mut inside = self.lock();
        if inside.post.end.is_some() {
            return true;
        }
        let keeps_entries = inside.keeps_entries;
        let kept = events.iter().filter(|event| keeps_entries || !event.is_entry());
        inside.post.events.extend(kept.cloned());
        let fits = inside.post.events.len() <= EVENTS_MAX;
        if !fits {
            inside.post = Post {
                end: Some(End::Slow),
                ..Post::default()
            };
        }
        drop(inside);
        self.waker.wake();
        if let (false, Some(hold)) = (fits, &self.hold) {
            hold.cut();
        }
        fits
    }

    /// Forgets the entries that wait, and keeps none until [`Self::keep_entries`]: the feed is about to read its rows.
    pub fn skip_entries(&self) {
        let mut inside = self.lock();
        inside.keeps_entries = false;
        inside.post.events.retain(|event| !event.is_entry());
    }

    /// Keeps entries from now on; those before are in the rows.
    pub fn keep_entries(&self) {
        self.lock().keeps_entries = true;
    }

    /// Has the feed look at its reader again.
    pub fn look_again(&self) {
        self.lock().post.look_again = true;
        self.waker.wake();
    }

    /// Ends the feed after what waits.
    pub fn end(&self, end: End) {
        self.lock().post.end.get_or_insert(end);
        self.waker.wake();
    }

    /// Everything that waits, once there is something. Nothing is lost when the future is dropped.
    pub async fn take(&self) -> Post {
        std::future::poll_fn(|context| {
            self.waker.register(context.waker());
            let post = &mut self.lock().post;
            if post.is_empty() {
                return Poll::Pending;
            }
            Poll::Ready(Post {
                events: drained(post),
                look_again: std::mem::take(&mut post.look_again),
                end: post.end,
            })
        })
        .await
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn drained(post: &mut Post) -> VecDeque<Arc<Event>> {
    if post.events.capacity() > KEPT_CAPACITY {
        return std::mem::take(&mut post.events);
    }
    post.events.drain(..).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use domain::id::{AccountId, Sequence};
    use futures::FutureExt;

    use super::*;
    use crate::live::event::Kind;

    fn events(count: usize) -> Vec<Arc<Event>> {
        several(Kind::Recall, None, count)
    }

    fn entries(count: usize) -> Vec<Arc<Event>> {
        several(Kind::Entry, Some(Sequence(1)), count)
    }

    fn several(kind: Kind, sequence: Option<Sequence>, count: usize) -> Vec<Arc<Event>> {
        let event = Arc::new(Event {
            kind,
            account: AccountId(1),
            sequence,
            data: Bytes::from_static(b"{}"),
        });
        vec![event; count]
    }

    #[test]
    fn what_waits_is_taken_together_and_an_empty_mailbox_waits() {
        let mailbox = Mailbox::new(None);
        mailbox.keep_entries();
        assert!(mailbox.take().now_or_never().is_none());
        assert!(mailbox.put(&events(2)) && mailbox.put(&events(1)));
        mailbox.look_again();
        let post = mailbox.take().now_or_never().expect("something");
        assert_eq!((post.events.len(), post.look_again, post.end), (3, true, None));
        assert!(mailbox.take().now_or_never().is_none());
    }

    #[test]
    fn who_does_not_keep_up_is_ended_and_gets_nothing_more() {
        let mailbox = Mailbox::new(None);
        assert!(mailbox.put(&events(EVENTS_MAX)));
        assert!(!mailbox.put(&events(1)), "one too many");
        assert!(mailbox.put(&events(1)), "it was told already");
        let post = mailbox.take().now_or_never().expect("its end");
        assert_eq!((post.events.len(), post.end), (0, Some(End::Slow)));
    }

    #[test]
    fn who_waits_for_their_turn_to_read_rows_is_not_slow_and_gets_entries_from_then_on() {
        let mailbox = Mailbox::new(None);
        let kept = |mailbox: &Mailbox| mailbox.take().now_or_never().map_or(0, |post| post.events.len());
        assert!(mailbox.put(&entries(EVENTS_MAX + 1)), "before its first turn");
        assert_eq!(kept(&mailbox), 0);
        mailbox.keep_entries();
        assert!(mailbox.put(&entries(EVENTS_MAX)));
        mailbox.skip_entries();
        assert!(
            mailbox.put(&entries(EVENTS_MAX)) && mailbox.put(&events(2)),
            "before its next one"
        );
        mailbox.keep_entries();
        assert!(mailbox.put(&entries(3)));
        assert_eq!(kept(&mailbox), 5, "what is in no row, and what came since");
    }

    #[test]
    fn an_end_comes_after_what_waits_and_stays() {
        let mailbox = Mailbox::new(None);
        mailbox.put(&events(1));
        mailbox.end(End::Restart);
        mailbox.end(End::Token);
        for waited in [1, 0] {
            let post = mailbox.take().now_or_never().expect("its end");
            assert_eq!((post.events.len(), post.end), (waited, Some(End::Restart)));
        }
    }
}
