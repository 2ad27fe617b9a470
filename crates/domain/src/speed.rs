//! 群发速度: how fast a mass send is released (spec mass-send §13).

use crate::time::Timestamp;

/// The level that `speed/set` takes, 0…4; larger is slower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpeedLevel(u8);

impl SpeedLevel {
    /// The level of a number on the wire; `None` outside 0…4 (45083).
    pub fn new(level: i64) -> Option<Self> {
        u8::try_from(level).ok().filter(|level| *level <= 4).map(Self)
    }

    /// The number on the wire.
    pub fn number(self) -> u8 {
        self.0
    }

    /// `realspeed`: ten thousand followers a minute, by the document's table.
    pub fn real_speed(self) -> u32 {
        [80, 60, 45, 30, 10][usize::from(self.0)]
    }

    /// Followers a minute, by the document's table.
    pub fn per_minute(self) -> u32 {
        self.real_speed() * 10_000
    }
}

/// Followers a minute of each level; `None` is without limit. The server's own, the document's by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeedTable {
    /// Until `speed/set` is called.
    pub default_per_minute: Option<u32>,
    /// Of the levels 0 to 4.
    pub per_minute: [Option<u32>; 5],
}

impl SpeedTable {
    /// The document's table, with level 0 as the default.
    pub fn document() -> Self {
        let per_minute = [0, 1, 2, 3, 4].map(|level| SpeedLevel::new(level).map(SpeedLevel::per_minute));
        Self {
            default_per_minute: per_minute[0],
            per_minute,
        }
    }

    /// The document's levels, and no pace for who set none.
    pub fn unpaced() -> Self {
        Self {
            default_per_minute: None,
            ..Self::document()
        }
    }

    /// How fast this level is.
    pub fn of_level(&self, level: SpeedLevel) -> Option<u32> {
        self.per_minute
            .get(usize::from(level.number()))
            .copied()
            .flatten()
    }

    /// How fast the mass sends of an account with this level go; `None` until `speed/set` is called.
    pub fn of(&self, level: Option<SpeedLevel>) -> Option<u32> {
        level.map_or(self.default_per_minute, |level| self.of_level(level))
    }
}

/// How far a mass may have been released at an instant: a straight line from a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Targets allowed at the base instant.
    pub base_count: u64,
    /// The base instant.
    pub base_time: Timestamp,
    /// Followers a minute; `None` is without limit.
    pub per_minute: Option<u32>,
}

impl Pace {
    /// The pace of a mass that starts now.
    pub fn starting(now: Timestamp, per_minute: Option<u32>) -> Self {
        Self {
            base_count: 0,
            base_time: now,
            per_minute,
        }
    }

    /// How many targets may stand before a batch that is due at `now`; `None` is without limit.
    pub fn allowed(&self, now: Timestamp) -> Option<u64> {
        let rate = u64::from(self.per_minute?);
        let elapsed = now.ms_since(self.base_time).max(0) as u64;
        Some(self.base_count + (u128::from(rate) * u128::from(elapsed) / 60_000) as u64)
    }

    /// When a batch with `before` targets of its mass standing before it is due.
    pub fn due(&self, before: u64) -> Timestamp {
        let Some(rate) = self.per_minute else {
            return self.base_time;
        };
        let missing = u128::from(before.saturating_sub(self.base_count));
        let wait = (missing * 60_000).div_ceil(u128::from(rate.max(1)));
        self.base_time.plus_ms(i64::try_from(wait).unwrap_or(i64::MAX))
    }

    /// The same mass at another speed from `now` on: what was allowed until now stays allowed.
    pub fn changed(&self, now: Timestamp, per_minute: Option<u32>, released: u64) -> Self {
        let base_count = self.allowed(now).unwrap_or(released);
        Self {
            base_count,
            base_time: now,
            per_minute,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l10_without_settings_the_documents_speeds_hold() {
        let speeds = SpeedTable::document();
        assert_eq!(
            speeds.per_minute,
            [800_000, 600_000, 450_000, 300_000, 100_000].map(Some)
        );
        assert_eq!(speeds.of(SpeedLevel::new(4)), Some(100_000));
        assert_eq!(speeds.of(None), Some(800_000));
    }

    #[test]
    fn l10_levels_have_the_documents_speeds() {
        let speeds: Vec<u32> = (0..5)
            .filter_map(SpeedLevel::new)
            .map(SpeedLevel::real_speed)
            .collect();
        assert_eq!(speeds, [80, 60, 45, 30, 10]);
        assert_eq!(SpeedLevel::new(5), None);
        assert_eq!(SpeedLevel::new(-1), None);
    }

    #[test]
    fn a_batch_is_due_when_the_line_reaches_it_and_not_a_moment_before() {
        let pace = Pace::starting(Timestamp(1_000), Some(100_000));
        for before in [0, 1, 65_536, 1_000_000, 99_999_999] {
            let due = pace.due(before);
            assert!(
                pace.allowed(due).is_some_and(|allowed| allowed >= before),
                "{before}"
            );
            if before > 0 {
                assert!(
                    pace.allowed(due.plus_ms(-1))
                        .is_some_and(|allowed| allowed < before),
                    "{before}"
                );
            }
        }
    }

    #[test]
    fn a_new_speed_goes_on_from_where_the_old_one_was() {
        let pace = Pace::starting(Timestamp(0), Some(600_000));
        let slower = pace.changed(Timestamp(60_000), Some(100_000), 600_000);
        assert_eq!(slower.allowed(Timestamp(60_000)), Some(600_000));
        assert_eq!(slower.allowed(Timestamp(120_000)), Some(700_000));
        let unlimited = slower.changed(Timestamp(120_000), None, 700_000);
        assert_eq!(unlimited.allowed(Timestamp(120_000)), None);
        let again = unlimited.changed(Timestamp(120_000), Some(100_000), 710_000);
        assert_eq!(again.allowed(Timestamp(120_000)), Some(710_000));
    }
}
