//! Clocks that jump: the machine's, the database's, and nodes that are started anew between them.

use super::*;
use crate::{
    account::AccountKind,
    quota::{Charge, Quota, Usage, charge},
    time::Calendar,
};

const SECOND: i64 = 1_000;
const DAY: i64 = 24 * 3_600 * SECOND;
/// 2026-02-27, shortly before the end of a month.
const START: i64 = 1_772_150_400_000;

/// A small reproducible generator (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        number ^ (number >> 31)
    }

    fn below(&mut self, limit: i64) -> i64 {
        i64::try_from(self.next() % limit.unsigned_abs()).expect("below an i64")
    }

    /// ±1 s … ±40 days, every order of magnitude as likely.
    fn jump(&mut self) -> i64 {
        let size = [SECOND, 10 * SECOND, 3_600 * SECOND, DAY, 40 * DAY]
            [usize::try_from(self.below(5)).expect("small")];
        let size = SECOND + self.below(size);
        if self.below(2) == 0 { size } else { -size }
    }
}

fn measured(uptime: i64, database: i64) -> Measurement {
    Measurement {
        asked: Uptime(uptime - 2),
        answered: Uptime(uptime),
        database: Timestamp(database - 1),
    }
}

fn follow(uptime: i64, database: i64) -> Follow {
    Follow::starting(measured(uptime, database)).expect("a quick answer")
}

#[test]
fn i14_a_clock_that_was_set_back_goes_slower_until_the_other_has_caught_up() {
    let mut clock = Steady::starting(Timestamp(10_000), Uptime(0));
    assert_eq!(clock.show(Timestamp(4_000), Uptime(0)), Timestamp(10_000));
    assert_eq!(clock.show(Timestamp(6_000), Uptime(2_000)), Timestamp(11_000));
    // Looked at every millisecond, it loses nothing in rounding.
    for passed in 2_000..=12_000 {
        clock.show(Timestamp(4_000 + passed), Uptime(passed));
    }
    assert_eq!(clock.show(Timestamp(16_000), Uptime(12_000)), Timestamp(16_000));
    assert_eq!(clock.show(Timestamp(16_500), Uptime(12_500)), Timestamp(16_500));
}

#[test]
fn i14_small_differences_are_followed_at_once_and_a_jump_when_it_is_confirmed() {
    let mut clock = follow(0, START);
    clock.measure(measured(1_000, START + 1_000 + 4_000));
    assert_eq!(clock.show(Uptime(1_000)), Timestamp(START + 5_000));
    assert_eq!(clock.check(Uptime(1_000)), Ok(()));
    let jumped = |uptime| measured(uptime, START + 4_000 + uptime + 40 * DAY);
    clock.measure(jumped(2_000));
    assert_eq!(
        clock.check(Uptime(2_000)),
        Err(ClockDoubt::Jumped { by_ms: 40 * DAY })
    );
    assert_eq!(
        clock.show(Uptime(2_000)),
        Timestamp(START + 6_000),
        "not believed yet"
    );
    clock.measure(jumped(3_000));
    clock.measure(jumped(4_000));
    assert_eq!(clock.check(Uptime(4_000)), Ok(()));
    assert_eq!(clock.show(Uptime(4_000)), Timestamp(START + 8_000 + 40 * DAY));
}

#[test]
fn i14_one_wrong_answer_among_right_ones_moves_nothing() {
    let mut clock = follow(0, START);
    for second in 1..100 {
        let wrong = if second % 3 == 0 { 40 * DAY } else { 0 };
        clock.measure(measured(second * SECOND, START + second * SECOND + wrong));
        assert_eq!(clock.check(Uptime(second * SECOND)).is_err(), wrong > 0);
        assert_eq!(
            clock.show(Uptime(second * SECOND)),
            Timestamp(START + second * SECOND)
        );
    }
}

#[test]
fn i14_a_node_ahead_of_a_database_that_went_back_rests_until_they_agree() {
    let mut clock = follow(0, START);
    let back = 60 * SECOND;
    let mut rested_until = 0;
    for second in 1..300 {
        let uptime = second * SECOND;
        clock.measure(measured(uptime, START + uptime - back));
        match clock.check(Uptime(uptime)) {
            Ok(()) => {
                let ahead = clock.show(Uptime(uptime)).0 - (START + uptime - back);
                assert!(ahead <= APART_MAX_MS, "{ahead}");
            }
            Err(_) => rested_until = second,
        }
    }
    // At half speed a minute is made up for in two, and the last five seconds do not matter.
    assert!((100..=120).contains(&rested_until), "{rested_until}");
    assert_eq!(
        clock.show(Uptime(300 * SECOND)),
        Timestamp(START + 300 * SECOND - back)
    );
}

#[test]
fn i14_who_cannot_measure_for_long_or_only_slowly_rests() {
    let mut clock = follow(0, START);
    assert_eq!(clock.check(Uptime(UNMEASURED_MAX_MS)), Ok(()));
    let late = UNMEASURED_MAX_MS + 1;
    let unmeasured = Err(ClockDoubt::Unmeasured { for_ms: late });
    assert_eq!(clock.check(Uptime(late)), unmeasured);
    let slow = Measurement {
        asked: Uptime(late - ROUND_TRIP_MAX_MS - 1),
        answered: Uptime(late),
        database: Timestamp(START + late),
    };
    clock.measure(slow);
    assert!(Follow::starting(slow).is_none());
    assert_eq!(clock.check(Uptime(late)), unmeasured);
    clock.measure(measured(late, START + late));
    assert_eq!(clock.check(Uptime(late)), Ok(()));
}

/// Two nodes, the database's clock, and the usage of one account in the database.
struct World {
    dice: Dice,
    calendar: Calendar,
    real: i64,
    database: i64,
    nodes: [Node; 2],
    usage: Usage,
    sent: std::collections::BTreeMap<(i32, i32), u32>,
}

/// A node: its machine's uptime against real time, and its clock.
struct Node {
    booted: i64,
    clock: Follow,
    shown: Timestamp,
}

impl Node {
    fn start(real: i64, database: i64) -> Self {
        let mut clock = follow(0, database);
        Self {
            booted: real,
            shown: clock.show(Uptime(0)),
            clock,
        }
    }
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            dice: Dice(seed),
            calendar: Calendar::shanghai(),
            real: 0,
            database: START,
            nodes: [Node::start(0, START), Node::start(0, START)],
            usage: Usage::none(),
            sent: std::collections::BTreeMap::new(),
        }
    }

    fn turn(&mut self) {
        let passed = 1 + self.dice.below(3 * SECOND);
        self.real += passed;
        self.database += passed;
        for at in 0..self.nodes.len() {
            let uptime = Uptime(self.real - self.nodes[at].booted);
            let node = &mut self.nodes[at];
            node.clock.measure(measured(uptime.0, self.database));
            let now = node.clock.show(uptime);
            assert!(now >= node.shown, "a node's clock went back");
            node.shown = now;
            if node.clock.check(uptime).is_ok() {
                let apart = now.0.abs_diff(self.database);
                assert!(apart <= APART_MAX_MS.unsigned_abs(), "works {apart} ms apart");
            }
            self.send(now);
        }
    }

    /// What the store does with a send at a node's time, whether or not the node should rest.
    fn send(&mut self, now: Timestamp) {
        let mut usage = self.usage.at(now, &self.calendar);
        assert!(
            usage.latest >= self.usage.latest
                && usage.day >= self.usage.day
                && usage.month >= self.usage.month
        );
        let quota = Quota::of(AccountKind::Subscription);
        let fits = charge(
            &quota,
            &mut usage,
            Charge {
                api: true,
                history: true,
            },
        )
        .is_ok();
        if fits {
            let sends = self.sent.entry((usage.day.0, usage.month.0)).or_default();
            *sends += 1;
            assert_eq!(*sends, 1, "a day was opened again");
        }
        self.usage = usage;
    }
}

#[test]
fn i14_ten_thousand_jumps_of_all_clocks_open_no_day_and_no_month_again() {
    let (mut jumps, mut days) = (0, 0);
    for seed in 0..100 {
        let mut world = World::new(seed);
        for _ in 0..120 {
            for _ in 0..world.dice.below(6) {
                world.turn();
            }
            let at = usize::try_from(world.dice.below(2)).expect("small");
            match world.dice.below(3) {
                // The database's machine.
                0 => world.database += world.dice.jump(),
                // A node's machine slept: its uptime stood still.
                1 => {
                    let slept = world.dice.jump().abs();
                    world.real += slept;
                    world.database += slept;
                    world.nodes[at].booted += slept;
                }
                // A node that starts anew, believing the database.
                _ => world.nodes[at] = Node::start(world.real, world.database),
            }
            jumps += 1;
            world.turn();
        }
        days += world.sent.len();
    }
    assert!(jumps >= 10_000 && days >= 1_000, "{jumps} jumps, {days} days");
}

#[test]
fn i14_a_wall_clock_that_jumps_ten_thousand_times_shows_no_earlier_time() {
    let mut dice = Dice(7);
    let (mut wall, mut uptime, mut shown) = (START, 0, Timestamp(START));
    let mut clock = Steady::starting(shown, Uptime(0));
    for _ in 0..10_000 {
        wall += dice.jump();
        for _ in 0..dice.below(4) {
            let passed = dice.below(2 * SECOND);
            (wall, uptime) = (wall + passed, uptime + passed);
            let now = clock.show(Timestamp(wall), Uptime(uptime));
            assert!(now >= shown && now.0 >= wall);
            shown = now;
            if dice.below(10) == 0 {
                // The process starts again from the last time that it stored.
                clock = Steady::starting(shown, Uptime(uptime));
            }
        }
    }
}
