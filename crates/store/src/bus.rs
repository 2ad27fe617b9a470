//! Wake-ups between the parts of one process: hints that may be lost, repeated or reordered (I17).

use tokio::sync::broadcast;

/// Something may have changed; the rows say what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// There may be work for the engine.
    Work,
}

/// Carries hints to whoever listens.
#[derive(Clone, Debug)]
pub struct Bus {
    sender: broadcast::Sender<Hint>,
}

impl Default for Bus {
    fn default() -> Self {
        Self {
            sender: broadcast::channel(64).0,
        }
    }
}

impl Bus {
    /// Tells everybody; it is fine when nobody listens.
    pub fn publish(&self, hint: Hint) {
        let _ = self.sender.send(hint);
    }

    /// How many listen.
    pub fn listeners(&self) -> usize {
        self.sender.receiver_count()
    }

    /// Hints from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Hint> {
        self.sender.subscribe()
    }
}
