//! Wake-ups between the parts of a process, and between nodes: hints that may be lost, repeated or reordered (I17).

use tokio::sync::broadcast;

pub mod nats;

/// Hints that a listener may be behind by before it misses some.
const HINTS_MAX: usize = 64;

/// Something may have changed; the rows say what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// There may be work for the engine.
    Work,
}

impl Hint {
    /// As it is written between nodes.
    pub fn word(self) -> &'static str {
        match self {
            Hint::Work => "work",
        }
    }

    /// What another node wrote; `None` when this version does not know it.
    pub fn from_word(word: &[u8]) -> Option<Self> {
        [Hint::Work]
            .into_iter()
            .find(|hint| hint.word().as_bytes() == word)
    }
}

/// Carries hints to whoever listens.
#[derive(Clone, Debug)]
pub struct Bus {
    heard: broadcast::Sender<Hint>,
    // What was said in this process, for the other nodes.
    said: broadcast::Sender<Hint>,
}

impl Default for Bus {
    fn default() -> Self {
        Self {
            heard: broadcast::channel(HINTS_MAX).0,
            said: broadcast::channel(HINTS_MAX).0,
        }
    }
}

impl Bus {
    /// Tells everybody; it is fine when nobody listens.
    pub fn publish(&self, hint: Hint) {
        let _ = self.said.send(hint);
        self.deliver(hint);
    }

    /// How many listen.
    pub fn listeners(&self) -> usize {
        self.heard.receiver_count()
    }

    /// Hints from now on, of this process and of other nodes.
    pub fn subscribe(&self) -> broadcast::Receiver<Hint> {
        self.heard.subscribe()
    }

    /// Tells those in this process what another node said.
    fn deliver(&self, hint: Hint) {
        let _ = self.heard.send(hint);
    }

    /// What is said in this process from now on.
    fn said(&self) -> broadcast::Receiver<Hint> {
        self.said.subscribe()
    }
}
