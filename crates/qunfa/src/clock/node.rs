//! The clock of a server: in a cluster the database's, else the machine's, and never behind the latest time that was
//! stored (I14). What it shows is decided in `domain::clock`; this is where it is read and measured.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use domain::{
    clock::{ClockDoubt, Follow, Measurement, ROUND_TRIP_MAX_MS, Steady, Uptime},
    time::Timestamp,
};
use store::{
    Store, StoreError, StoreResult,
    clock::Clock,
    time::{DatabaseTime, LATEST_SETTING},
};

use super::WallClock;

/// How often the database is asked for the time.
const MEASURE_EVERY: Duration = Duration::from_secs(1);
/// How often the time is stored where the database has none.
const NOTE_EVERY: Duration = Duration::from_secs(60);
/// A lead over the machine's clock that is worth a line in the log.
const LEAD_TOLD_MS: i64 = 5_000;

/// The one clock of a server's process.
#[derive(Debug)]
pub struct NodeClock {
    started: Instant,
    wall: WallClock,
    kept: Mutex<Kept>,
}

/// What it goes by.
#[derive(Debug)]
enum Kept {
    Machine(Option<Steady>),
    Database(Follow),
}

impl Default for NodeClock {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            wall: WallClock::default(),
            kept: Mutex::new(Kept::Machine(None)),
        }
    }
}

impl NodeClock {
    /// Goes by the database's clock from now on, or starts from the latest time that it holds.
    pub async fn settle(&self, store: &dyn Store) -> StoreResult<()> {
        let (measurement, time) = self.ask(store).await?;
        *self.kept() = match time {
            DatabaseTime::Clock(_) => {
                let too_slow = || StoreError::Database("it took too long to tell the time".into());
                Kept::Database(Follow::starting(measurement).ok_or_else(too_slow)?)
            }
            DatabaseTime::Latest(latest) => {
                let wall = self.wall.now();
                let lead_ms = latest.map_or(0, |latest| latest.ms_since(wall));
                if lead_ms > LEAD_TOLD_MS {
                    tracing::warn!(
                        lead_ms,
                        "the machine's clock is behind the latest time in the data; time goes on from there, \
                         at half speed until the clock has caught up"
                    );
                }
                let start = latest.map_or(wall, |latest| latest.max(wall));
                Kept::Machine(Some(Steady::starting(start, measurement.answered)))
            }
        };
        Ok(())
    }

    /// Keeps measuring, or noting where there is nothing to measure, until the future is dropped.
    pub async fn keep(&self, store: &dyn Store) {
        loop {
            if matches!(*self.kept(), Kept::Machine(_)) {
                tokio::time::sleep(NOTE_EVERY).await;
                self.note(store).await;
            } else {
                tokio::time::sleep(MEASURE_EVERY).await;
                self.measure(store).await;
            }
        }
    }

    /// Stores what it shows, for the next start, where the database has no time of its own.
    pub async fn note(&self, store: &dyn Store) {
        if matches!(*self.kept(), Kept::Database(_)) {
            return;
        }
        let now = self.now().0.to_string();
        if let Err(error) = store.set_setting(LATEST_SETTING, &now).await {
            tracing::warn!(%error, "the time could not be stored");
        }
    }

    async fn measure(&self, store: &dyn Store) {
        match self.ask(store).await {
            Ok((measurement, _)) => {
                if let Kept::Database(follow) = &mut *self.kept() {
                    follow.measure(measurement);
                }
            }
            Err(error) => tracing::debug!(%error, "the database's clock could not be read"),
        }
    }

    async fn ask(&self, store: &dyn Store) -> StoreResult<(Measurement, DatabaseTime)> {
        const PATIENCE: Duration = Duration::from_millis(ROUND_TRIP_MAX_MS.unsigned_abs());
        let asked = self.uptime();
        let time = tokio::time::timeout(PATIENCE, store.database_time()).await;
        let time = time.map_err(|_| StoreError::Database("it does not tell the time".into()))??;
        let database = match time {
            DatabaseTime::Clock(now) => now,
            DatabaseTime::Latest(latest) => latest.unwrap_or(Timestamp(0)),
        };
        let answered = self.uptime();
        Ok((
            Measurement {
                asked,
                answered,
                database,
            },
            time,
        ))
    }

    fn uptime(&self) -> Uptime {
        Uptime(i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for NodeClock {
    fn now(&self) -> Timestamp {
        let mut kept = self.kept();
        let uptime = self.uptime();
        match &mut *kept {
            Kept::Database(follow) => follow.show(uptime),
            Kept::Machine(steady) => {
                let wall = self.wall.now();
                let steady = steady.get_or_insert(Steady::starting(wall, uptime));
                steady.show(wall, uptime)
            }
        }
    }

    async fn sleep_until(&self, at: Timestamp) {
        let wait = u64::try_from(at.ms_since(self.now())).unwrap_or(0);
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }

    fn check(&self) -> Result<(), ClockDoubt> {
        match &mut *self.kept() {
            Kept::Machine(_) => Ok(()),
            Kept::Database(follow) => follow.check(self.uptime()),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::time::Calendar;
    use store::{rows::SqlStore, setting::SettingStore, vault::Vault};

    use super::*;

    const HOUR_MS: i64 = 3_600 * 1_000;

    #[tokio::test]
    async fn i14_a_machine_whose_clock_was_set_back_goes_on_from_the_latest_time_stored() {
        let folder = tempfile::tempdir().expect("a folder");
        let open =
            || SqlStore::open(folder.path(), Vault::new([1; 32]), Calendar::shanghai()).expect("opens");
        let (store, clock) = (open(), NodeClock::default());
        clock.settle(&store).await.expect("settles");
        let wall = WallClock::default().now();
        assert!(clock.now().ms_since(wall) < HOUR_MS, "nothing is stored yet");
        clock.note(&store).await;
        let stored = store
            .setting(LATEST_SETTING)
            .await
            .expect("reads")
            .expect("was noted");
        assert!(stored.parse::<i64>().expect("a number") >= wall.0);
        // The last process ran by a clock that has been set back by an hour since.
        let latest = wall.plus_ms(HOUR_MS);
        store
            .set_setting(LATEST_SETTING, &latest.0.to_string())
            .await
            .expect("notes");
        drop(store);
        let (store, clock) = (open(), NodeClock::default());
        clock.settle(&store).await.expect("settles");
        let first = clock.now();
        assert!(first >= latest && first.ms_since(latest) < HOUR_MS, "{first:?}");
        assert_eq!(clock.check(), Ok(()));
        clock.sleep_until(first.plus_ms(1)).await;
        assert!(clock.now() >= first);
    }
}
