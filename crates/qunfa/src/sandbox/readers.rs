//! Simulated readers: followers who open the articles that arrive, after a while of virtual time.
//!
//! Whether and when somebody opens a news follows from seed, mass and ordinal alone, so all that is kept is until
//! when reads were counted: a block's readers are found again from the bitmap of those it arrived at. Reads are
//! counted as the page counts them; who forwards, comments or opens from elsewhere is not played.

use std::sync::Arc;

use domain::{
    id::{AccountId, MassId, NewsId, Ordinal},
    statistics::{ArticleNo, Read},
    time::Timestamp,
};
use store::{
    Store, StoreResult,
    media::FrozenNews,
    rows::{
        SqlStore,
        world::{NewsDelivery, Seen},
    },
};
use tokio::sync::Mutex;

use super::{dice::Dice, world::Reading};

/// Reads are counted this often, each with its own time.
const SLOT_MS: i64 = 10 * 60 * 1_000;
/// Nobody opens a news later than this.
const PATIENCE_MS: i64 = 30 * 24 * 3_600 * 1_000;
/// The share of readers of an article who go on to the next one of the same news.
const NEXT_ARTICLE: f64 = 0.4;
const UNTIL_SETTING: &str = "sandbox readers";

/// The readers of a world.
pub(super) struct Readers {
    store: Arc<dyn Store>,
    rows: Arc<SqlStore>,
    reading: Reading,
    dice: Dice,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Until when reads are counted; `None` before the first look.
    until: Option<Timestamp>,
    seen: Seen,
    waves: Vec<Wave>,
}

/// A news at one block, as long as somebody will open it.
struct Wave {
    account: AccountId,
    mass: MassId,
    news: NewsId,
    released_at: Timestamp,
    /// Who opens it how many milliseconds after it arrived; the latest first.
    openings: Vec<(u32, Ordinal)>,
}

impl Wave {
    fn next(&self) -> Option<Timestamp> {
        let (delay, _) = self.openings.last()?;
        Some(self.released_at.plus_ms(i64::from(*delay)))
    }

    /// Takes the next opening out if it is not after `to`.
    fn open_until(&mut self, to: Timestamp) -> Option<(Ordinal, Timestamp)> {
        let at = self.next().filter(|at| *at <= to)?;
        let (_, ordinal) = self.openings.pop()?;
        Some((ordinal, at))
    }
}

impl Readers {
    pub(super) fn new(store: Arc<dyn Store>, rows: Arc<SqlStore>, reading: Reading, seed: u64) -> Self {
        Self {
            store,
            rows,
            reading,
            dice: Dice::new(seed, "readers"),
            state: Mutex::default(),
        }
    }

    /// Whether anybody reads at all.
    pub(super) fn are_awake(&self) -> bool {
        self.reading.open_rate > 0.0
    }

    /// When the next reads fall due, as far as is known.
    pub(super) async fn next(&self) -> Option<Timestamp> {
        let state = self.state.lock().await;
        next_slot(&state)
    }

    /// Forgets what was learned from the store: its contents are others now.
    pub(super) async fn forget(&self) {
        *self.state.lock().await = State::default();
    }

    /// Counts the reads that are due at `now`; says when the next are.
    pub(super) async fn step(&self, now: Timestamp) -> StoreResult<Option<Timestamp>> {
        if !self.are_awake() {
            return Ok(None);
        }
        let mut state = self.state.lock().await;
        let until = match state.until {
            Some(until) => until,
            None => self.counted_until(now).await?,
        };
        state.until = Some(until);
        self.meet(&mut state, until).await?;
        let slot = slot_start(now);
        if slot > until {
            self.read_until(&mut state, slot).await?;
        }
        Ok(next_slot(&state))
    }

    async fn counted_until(&self, now: Timestamp) -> StoreResult<Timestamp> {
        let kept = self.store.setting(UNTIL_SETTING).await?;
        if let Some(until) = kept.and_then(|text| text.parse().ok()) {
            return Ok(Timestamp(until));
        }
        let until = slot_start(now);
        self.store
            .set_setting(UNTIL_SETTING, &until.0.to_string())
            .await?;
        Ok(until)
    }

    /// Takes note of what has arrived.
    async fn meet(&self, state: &mut State, until: Timestamp) -> StoreResult<()> {
        let seen = std::mem::take(&mut state.seen);
        let (seen, fresh) = self.rows.unseen_news(seen, until.plus_ms(-PATIENCE_MS)).await?;
        state.seen = seen;
        let waves = fresh.iter().map(|delivery| self.wave(delivery, until));
        state.waves.extend(waves.filter(|wave| !wave.openings.is_empty()));
        Ok(())
    }

    /// Counts the reads up to `to`.
    async fn read_until(&self, state: &mut State, to: Timestamp) -> StoreResult<()> {
        let mut counted = false;
        for wave in state.waves.iter_mut().filter(|wave| wave.next() <= Some(to)) {
            counted = true;
            let news = self.store.frozen_news(wave.account, wave.news).await?;
            let news = news.filter(|news| news.published);
            while let Some((ordinal, at)) = wave.open_until(to) {
                if let Some(news) = &news {
                    self.open(wave, news, ordinal, at);
                }
            }
        }
        state.waves.retain(|wave| !wave.openings.is_empty());
        state.until = Some(to);
        if counted {
            self.store.set_setting(UNTIL_SETTING, &to.0.to_string()).await?;
        }
        Ok(())
    }

    /// One follower opens the news: the first article, and with luck the ones behind it.
    fn open(&self, wave: &Wave, news: &FrozenNews, ordinal: Ordinal, at: Timestamp) {
        let dice = self.dice_of((wave.account, wave.mass), ordinal);
        for (index, deleted) in (1_u8..).zip(&news.deleted) {
            if index > 1 && !dice.of(1 + u64::from(index)).hits(NEXT_ARTICLE) {
                return;
            }
            if *deleted {
                continue;
            }
            let read = Read {
                article: ArticleNo {
                    news: wave.news,
                    index,
                },
                reader: Some(ordinal),
                loaded: true,
            };
            self.store.note_read(wave.account, read, at);
        }
    }

    /// Who opens the news after `until`, and when.
    fn wave(&self, delivery: &NewsDelivery, until: Timestamp) -> Wave {
        let (account, mass, released_at) = (delivery.account, delivery.mass, delivery.released_at);
        let opening = |place| {
            let ordinal = delivery.block.ordinal(place);
            let dice = self.dice_of((account, mass), ordinal);
            if !dice.of(0).hits(self.reading.open_rate) {
                return None;
            }
            let delay = delay_ms(dice.of(1).share(), self.reading);
            let seen = released_at.plus_ms(delay) <= until || delay > PATIENCE_MS;
            let delay = u32::try_from(delay).ok().filter(|_| !seen)?;
            Some((delay, ordinal))
        };
        let mut openings: Vec<_> = delivery.delivered.places().filter_map(opening).collect();
        openings.sort_unstable_by(|a, b| b.cmp(a));
        Wave {
            account,
            mass,
            news: delivery.news,
            released_at,
            openings,
        }
    }

    fn dice_of(&self, (account, mass): (AccountId, MassId), ordinal: Ordinal) -> Dice {
        let account = self.dice.of(u64::from(account.0));
        account.of(mass.0.unsigned_abs()).of(u64::from(ordinal.0))
    }
}

/// When the next reads are counted.
fn next_slot(state: &State) -> Option<Timestamp> {
    state.waves.iter().filter_map(Wave::next).min().map(slot_end)
}

/// How long it takes somebody: half of all take less than the median, half of the rest less than twice that, and
/// so on.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a rounded span; a cast of a float saturates"
)]
fn delay_ms(throw: f64, reading: Reading) -> i64 {
    let median = reading.median.as_millis() as f64;
    (-(1.0 - throw).log2() * median) as i64
}

fn slot_start(at: Timestamp) -> Timestamp {
    Timestamp(at.0.div_euclid(SLOT_MS) * SLOT_MS)
}

/// The first end of a slot at or after `at`.
fn slot_end(at: Timestamp) -> Timestamp {
    slot_start(at.plus_ms(SLOT_MS - 1))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn half_of_the_readers_come_before_the_median() {
        let reading = Reading {
            open_rate: 1.0,
            median: Duration::from_secs(600),
        };
        let dice = Dice::new(1, "test");
        let early = (0..10_000)
            .filter(|number| delay_ms(dice.of(*number).share(), reading) < 600_000)
            .count();
        assert!((4_800..5_200).contains(&early), "{early}");
    }

    #[test]
    fn slots_end_at_whole_ten_minutes() {
        assert_eq!(slot_end(Timestamp(0)), Timestamp(0));
        assert_eq!(slot_end(Timestamp(1)), Timestamp(600_000));
        assert_eq!(slot_end(Timestamp(600_000)), Timestamp(600_000));
        assert_eq!(slot_start(Timestamp(1_199_999)), Timestamp(600_000));
    }
}
