//! Guessing of secrets and tokens is slow (SEC5): ten wrong ones a minute by one source for one name, then delay.
//!
//! Who guessed wrong too often waits before the next guess is even looked at, and only a few may wait at a time: the
//! others are refused unseen. Another source is not concerned, so nobody can lock the right holder out. Tokens of 256
//! bits that this server made cannot be guessed; there only the wrong answers wait, so that many readers behind one
//! address do not suffer from an expired token among them.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use store::{measure, vault};
use tokio::time::{Instant, sleep};

use crate::source::Source;

/// Wrong guesses in one window before the delay begins.
const WRONG_MAX: u32 = 10;
/// The window: a fixed minute, as that of the calls (Q6).
const WINDOW: Duration = Duration::from_secs(60);
/// Guesses of one source for one name that may wait at a time.
const WAITING_MAX: u32 = 4;
/// Pairs of name and source that are remembered; all further ones share one place.
const KEPT_MAX: usize = 65_536;

/// What is guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guessed {
    /// The secret of an account.
    AppSecret,
    /// The token of the operator.
    AdminToken,
    /// A token that opens one inbox.
    InboxToken,
}

impl Guessed {
    fn word(self) -> &'static str {
        match self {
            Guessed::AppSecret => "appsecret",
            Guessed::AdminToken => "admin_token",
            Guessed::InboxToken => "inbox_token",
        }
    }
}

/// Whose guesses are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Guesser {
    what: Guessed,
    name: [u8; 32],
    source: IpAddr,
}

impl Guesser {
    /// Somebody at `source` who says to be `name`. Of an IPv6 address its network counts: a host has a whole one.
    pub fn new(what: Guessed, name: &str, Source { address, .. }: Source) -> Self {
        Self {
            what,
            name: vault::digest(name),
            source: network(address),
        }
    }
}

/// Too many wrong guesses: this one is refused without a look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyGuesses;

/// Counts wrong guesses, in the memory of this process.
#[derive(Debug)]
pub struct Guesses {
    delay: Duration,
    counts: Mutex<Counts>,
}

#[derive(Debug)]
struct Counts {
    began: Instant,
    wrong: HashMap<Guesser, u32>,
    waiting: HashMap<Guesser, u32>,
}

/// A place among those who wait; given back when dropped.
struct Place<'a>(&'a Guesses, Guesser);

impl Guesses {
    /// Nobody has guessed yet; who does too often waits for `delay`.
    pub fn new(delay: Duration) -> Self {
        let counts = Counts {
            began: Instant::now(),
            wrong: HashMap::new(),
            waiting: HashMap::new(),
        };
        Self {
            delay,
            counts: Mutex::new(counts),
        }
    }

    /// To be awaited before a guess is looked at.
    pub async fn admit(&self, guesser: &Guesser) -> Result<(), TooManyGuesses> {
        if self.counts().of(guesser) < WRONG_MAX {
            return Ok(());
        }
        self.hold_up(guesser).await
    }

    /// A guess was wrong.
    pub fn wrong(&self, guesser: &Guesser) {
        metrics::counter!(measure::WRONG_CREDENTIALS.name, "kind" => guesser.what.word()).increment(1);
        self.counts().add(guesser);
    }

    /// A guess was wrong, and its answer may have to wait: for what cannot be guessed anyway.
    pub async fn miss(&self, guesser: &Guesser) -> Result<(), TooManyGuesses> {
        let admitted = self.admit(guesser).await;
        self.wrong(guesser);
        admitted
    }

    async fn hold_up(&self, guesser: &Guesser) -> Result<(), TooManyGuesses> {
        metrics::counter!(measure::GUESSES_HELD_UP.name, "kind" => guesser.what.word()).increment(1);
        let _place = self.enter(guesser).ok_or(TooManyGuesses)?;
        sleep(self.delay).await;
        Ok(())
    }

    fn enter(&self, guesser: &Guesser) -> Option<Place<'_>> {
        let mut counts = self.counts();
        let waiting = counts.waiting.entry(*guesser).or_default();
        if *waiting >= WAITING_MAX {
            return None;
        }
        *waiting += 1;
        Some(Place(self, *guesser))
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.began.elapsed() >= WINDOW {
            counts.began = Instant::now();
            counts.wrong = HashMap::new();
        }
        counts
    }
}

impl Counts {
    fn of(&self, guesser: &Guesser) -> u32 {
        let kept = self.wrong.get(guesser);
        let shared = || self.wrong.get(&shared(guesser));
        kept.or_else(shared).copied().unwrap_or_default()
    }

    fn add(&mut self, guesser: &Guesser) {
        let full = self.wrong.len() >= KEPT_MAX && !self.wrong.contains_key(guesser);
        let place = if full { shared(guesser) } else { *guesser };
        *self.wrong.entry(place).or_default() += 1;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Self(guesses, guesser) = self;
        let mut counts = guesses.counts();
        if let Some(waiting) = counts.waiting.get_mut(guesser) {
            *waiting -= 1;
            if *waiting == 0 {
                counts.waiting.remove(guesser);
            }
        }
    }
}

/// The place of all for whom there was no other left.
fn shared(guesser: &Guesser) -> Guesser {
    Guesser {
        name: [0; 32],
        source: IpAddr::from([0; 4]),
        ..*guesser
    }
}

/// The address, or the network of 64 bits that an IPv6 host has for itself.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_secs(3);

    fn at(address: IpAddr) -> Source {
        Source {
            address,
            doubtful: false,
        }
    }

    fn guesser(name: &str, source: &str) -> Guesser {
        Guesser::new(Guessed::AppSecret, name, at(source.parse().expect("an address")))
    }

    /// How long one more guess waits.
    async fn waits(guesses: &Guesses, guesser: &Guesser) -> Result<Duration, TooManyGuesses> {
        let began = Instant::now();
        guesses.admit(guesser).await.map(|()| began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn sec05_ten_wrong_guesses_a_minute_are_free_then_each_waits() {
        let guesses = Guesses::new(DELAY);
        let here = guesser("a", "198.51.100.1");
        for _ in 0..WRONG_MAX {
            assert_eq!(waits(&guesses, &here).await, Ok(Duration::ZERO));
            guesses.wrong(&here);
        }
        assert_eq!(waits(&guesses, &here).await, Ok(DELAY));
        for other in [guesser("b", "198.51.100.1"), guesser("a", "198.51.100.2")] {
            assert_eq!(waits(&guesses, &other).await, Ok(Duration::ZERO));
        }
        sleep(WINDOW).await;
        assert_eq!(waits(&guesses, &here).await, Ok(Duration::ZERO), "a new minute");
    }

    #[tokio::test(start_paused = true)]
    async fn sec05_few_wait_at_a_time_and_the_others_are_refused_unseen() {
        let guesses = Guesses::new(DELAY);
        let here = guesser("a", "2001:db8::1");
        (0..WRONG_MAX).for_each(|_| guesses.wrong(&here));
        let neighbour = guesser("a", "2001:db8::2");
        let all = futures::future::join_all((0..10).map(|_| guesses.admit(&neighbour))).await;
        let refused = all.iter().filter(|one| one.is_err()).count();
        assert_eq!(refused, 10 - WAITING_MAX as usize, "one network is one source");
        assert_eq!(
            waits(&guesses, &here).await,
            Ok(DELAY),
            "the places are free again"
        );
        assert!(guesses.counts().waiting.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn sec05_memory_is_bounded_whatever_names_and_sources_are_tried() {
        let guesses = Guesses::new(DELAY);
        for number in 0..(KEPT_MAX as u32 + 1_000) {
            guesses.wrong(&Guesser::new(
                Guessed::AppSecret,
                "a",
                at(IpAddr::from(number.to_be_bytes())),
            ));
        }
        assert_eq!(guesses.counts().wrong.len(), KEPT_MAX + 1);
        let newcomer = guesser("new", "198.51.100.1");
        assert_eq!(
            waits(&guesses, &newcomer).await,
            Ok(DELAY),
            "late, and not locked out"
        );
    }
}
