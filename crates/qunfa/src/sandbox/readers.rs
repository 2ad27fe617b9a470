//! Simulated readers: followers who open the articles that arrive, after a while of virtual time.
//!
//! Nobody's reads are planned: whether and when somebody opens a news follows from seed, mass and ordinal alone,
//! so a block's readers of the last minutes are found by looking through the bitmap of those it arrived at. All
//! that is remembered is until when reads were counted. Reads are counted as the page counts them; who forwards,
//! comments or opens from elsewhere is not played.

use std::sync::Arc;

use domain::{
    block::Block,
    id::Ordinal,
    statistics::{ArticleNo, Read},
    time::Timestamp,
};
use store::{
    Store, StoreResult,
    media::FrozenNews,
    sqlite::{
        SqliteStore,
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
    sqlite: Arc<SqliteStore>,
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
    delivery: NewsDelivery,
    next: Timestamp,
}

impl Readers {
    pub(super) fn new(store: Arc<dyn Store>, sqlite: Arc<SqliteStore>, reading: Reading, seed: u64) -> Self {
        Self {
            store,
            sqlite,
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
        state.waves.iter().map(|wave| slot_end(wave.next)).min()
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
            self.read_until(&mut state, until, slot).await?;
        }
        let next = state.waves.iter().map(|wave| wave.next).min();
        Ok(next.map(slot_end))
    }

    async fn counted_until(&self, now: Timestamp) -> StoreResult<Timestamp> {
        let kept = self.store.setting(UNTIL_SETTING).await?;
        let kept = kept.and_then(|text| text.parse().ok()).map(Timestamp);
        Ok(kept.unwrap_or_else(|| slot_start(now)))
    }

    /// Takes note of what has arrived.
    async fn meet(&self, state: &mut State, until: Timestamp) -> StoreResult<()> {
        let seen = std::mem::take(&mut state.seen);
        let (seen, fresh) = self.sqlite.unseen_news(seen, until.plus_ms(-PATIENCE_MS)).await?;
        state.seen = seen;
        for delivery in fresh {
            let next = self
                .openings(&delivery)
                .map(|(_, at)| at)
                .filter(|at| *at > until)
                .min();
            state.waves.extend(next.map(|next| Wave { delivery, next }));
        }
        Ok(())
    }

    /// Counts the reads after `from` up to `to`.
    async fn read_until(&self, state: &mut State, from: Timestamp, to: Timestamp) -> StoreResult<()> {
        let mut counted = false;
        let mut waves = std::mem::take(&mut state.waves);
        for wave in waves.iter_mut().filter(|wave| wave.next <= to) {
            counted = true;
            let NewsDelivery { account, news, .. } = wave.delivery;
            let news = self.store.frozen_news(account, news).await?;
            wave.next = self.read_wave(&wave.delivery, news.as_deref(), from, to);
        }
        waves.retain(|wave| wave.next.0 != i64::MAX);
        state.waves = waves;
        state.until = Some(to);
        if counted {
            self.store.set_setting(UNTIL_SETTING, &to.0.to_string()).await?;
        }
        Ok(())
    }

    /// Counts one wave's reads; says when the next is, or the end of time.
    fn read_wave(
        &self,
        delivery: &NewsDelivery,
        news: Option<&FrozenNews>,
        from: Timestamp,
        to: Timestamp,
    ) -> Timestamp {
        let mut next = Timestamp(i64::MAX);
        for (ordinal, at) in self.openings(delivery) {
            if at > to {
                next = next.min(at);
            } else if at > from
                && let Some(news) = news.filter(|news| news.published)
            {
                self.open(delivery, news, ordinal, at);
            }
        }
        next
    }

    /// One follower opens the news: the first article, and with luck the ones behind it.
    fn open(&self, delivery: &NewsDelivery, news: &FrozenNews, ordinal: Ordinal, at: Timestamp) {
        let dice = self.dice_of(delivery, ordinal);
        for (index, deleted) in (1_u8..).zip(&news.deleted) {
            if index > 1 && !dice.of(1 + u64::from(index)).hits(NEXT_ARTICLE) {
                return;
            }
            if *deleted {
                continue;
            }
            let read = Read {
                article: ArticleNo {
                    news: delivery.news,
                    index,
                },
                reader: Some(ordinal),
                loaded: true,
            };
            self.store.note_read(delivery.account, read, at);
        }
    }

    /// Who opens the news, and when.
    fn openings(&self, delivery: &NewsDelivery) -> impl Iterator<Item = (Ordinal, Timestamp)> {
        let delivered: &Block = &delivery.delivered;
        delivered.places().filter_map(move |place| {
            let ordinal = delivery.block.ordinal(place);
            let dice = self.dice_of(delivery, ordinal);
            if !dice.of(0).hits(self.reading.open_rate) {
                return None;
            }
            let delay = delay_ms(dice.of(1).share(), self.reading);
            (delay <= PATIENCE_MS).then(|| (ordinal, delivery.released_at.plus_ms(delay)))
        })
    }

    fn dice_of(&self, delivery: &NewsDelivery, ordinal: Ordinal) -> Dice {
        let account = self.dice.of(u64::from(delivery.account.0));
        account
            .of(delivery.mass.0.unsigned_abs())
            .of(u64::from(ordinal.0))
    }
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
