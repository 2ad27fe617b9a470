//! Wake-ups between the parts of a process, and between nodes: hints that may be lost, repeated or reordered (I17).

use domain::id::{AccountId, MassId, Ordinal};
use tokio::sync::broadcast;

pub mod nats;

/// Hints that a listener may be behind by before it misses some.
const HINTS_MAX: usize = 1_024;

/// Something may have changed; the rows say what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hint {
    /// There may be work for the engine.
    Work,
    /// Blocks of this account may have new deliveries.
    Released(AccountId),
    /// A mass was recalled, or pages of it were deleted.
    Changed(AccountId, MassId),
    /// What is kept about one follower changed: read marks, preferences, inbox tokens.
    Reader(AccountId, Ordinal),
}

impl Hint {
    /// As it is written between nodes.
    pub fn word(self) -> String {
        match self {
            Hint::Work => "work".to_owned(),
            Hint::Released(account) => format!("released {account}"),
            Hint::Changed(account, mass) => format!("changed {account} {mass}"),
            Hint::Reader(account, ordinal) => format!("reader {account} {ordinal}"),
        }
    }

    /// What another node wrote; `None` when this version does not know it.
    pub fn from_word(word: &[u8]) -> Option<Self> {
        let mut parts = std::str::from_utf8(word).ok()?.split(' ');
        let kind = parts.next()?;
        let mut number = || parts.next()?.parse::<u32>().ok();
        let hint = match kind {
            "work" => Hint::Work,
            "released" => Hint::Released(AccountId(number()?)),
            "changed" => Hint::Changed(AccountId(number()?), MassId(number()?.into())),
            "reader" => Hint::Reader(AccountId(number()?), Ordinal(number()?)),
            _ => return None,
        };
        parts.next().is_none().then_some(hint)
    }

    /// Whether it wakes the engine; all others are for live feeds.
    fn is_work(self) -> bool {
        self == Hint::Work
    }
}

/// Carries hints to whoever listens.
#[derive(Clone, Debug)]
pub struct Bus {
    work: broadcast::Sender<Hint>,
    live: broadcast::Sender<Hint>,
    // What was said in this process, for the other nodes.
    said: broadcast::Sender<Hint>,
}

impl Default for Bus {
    fn default() -> Self {
        let channel = || broadcast::channel(HINTS_MAX).0;
        Self {
            work: channel(),
            live: channel(),
            said: channel(),
        }
    }
}

impl Bus {
    /// Tells everybody; it is fine when nobody listens.
    pub fn publish(&self, hint: Hint) {
        let _ = self.said.send(hint);
        self.deliver(hint);
    }

    /// How many listen for work.
    pub fn listeners(&self) -> usize {
        self.work.receiver_count()
    }

    /// Hints that there is work, from now on, of this process and of other nodes.
    pub fn subscribe(&self) -> broadcast::Receiver<Hint> {
        self.work.subscribe()
    }

    /// All other hints, from now on, of this process and of other nodes.
    pub fn subscribe_live(&self) -> broadcast::Receiver<Hint> {
        self.live.subscribe()
    }

    /// Tells those in this process what another node said.
    fn deliver(&self, hint: Hint) {
        let channel = if hint.is_work() { &self.work } else { &self.live };
        let _ = channel.send(hint);
    }

    /// What is said in this process from now on.
    fn said(&self) -> broadcast::Receiver<Hint> {
        self.said.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i17_a_hint_is_read_as_it_was_written_and_an_unknown_word_is_none() {
        let account = AccountId(u32::MAX);
        for hint in [
            Hint::Work,
            Hint::Released(account),
            Hint::Changed(account, MassId(i64::from(i32::MAX))),
            Hint::Reader(account, Ordinal(u32::MAX)),
        ] {
            let word = hint.word();
            assert!(word.len() <= nats::HINT_BYTES_MAX, "{word}");
            assert_eq!(Hint::from_word(word.as_bytes()), Some(hint));
        }
        for unknown in [
            "",
            " ",
            "work ",
            "work 1",
            "released",
            "released x",
            "released 1 2",
            "reader 1",
            "changed 1 -1",
            "sleep",
        ] {
            assert_eq!(Hint::from_word(unknown.as_bytes()), None, "{unknown}");
        }
    }

    #[test]
    fn work_wakes_the_engine_and_nothing_else_does() {
        let bus = Bus::default();
        let (mut work, mut live) = (bus.subscribe(), bus.subscribe_live());
        bus.publish(Hint::Released(AccountId(1)));
        bus.publish(Hint::Work);
        assert_eq!(work.try_recv(), Ok(Hint::Work));
        assert!(work.try_recv().is_err());
        assert_eq!(live.try_recv(), Ok(Hint::Released(AccountId(1))));
        assert!(live.try_recv().is_err());
    }
}
