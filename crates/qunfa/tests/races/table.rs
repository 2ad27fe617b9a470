//! How many rounds, and what a race prints.

use std::fmt;

/// Rounds in which every order is to be expected.
const ENOUGH: usize = 50;

/// Rounds of each race.
pub fn rounds() -> usize {
    let Some(given) = std::env::var_os("QUNFA_RACES_ROUNDS") else {
        return 200;
    };
    let rounds = given.to_str().and_then(|text| text.parse().ok());
    rounds
        .filter(|rounds| *rounds > 0)
        .expect("QUNFA_RACES_ROUNDS is a number from 1")
}

/// The numbers of one race.
#[derive(Default)]
pub struct Row {
    pub race: &'static str,
    pub rounds: usize,
    /// Calls that met.
    pub calls: usize,
    pub accepted: usize,
    pub refused: usize,
    /// Each possible order, and in how many rounds it happened.
    pub orders: Vec<(&'static str, usize)>,
}

impl Row {
    pub fn new(race: &'static str, orders: &[&'static str]) -> Self {
        Self {
            race,
            orders: orders.iter().map(|order| (*order, 0)).collect(),
            ..Self::default()
        }
    }

    /// Notes that this order happened.
    pub fn saw(&mut self, order: &str) {
        let (_, count) = self
            .orders
            .iter_mut()
            .find(|(name, _)| *name == order)
            .unwrap_or_else(|| panic!("{order} is no order of {}", self.race));
        *count += 1;
    }

    /// Prints the row; fails when an order never happened, though there were rounds enough for each.
    #[track_caller]
    pub fn print(&self) {
        println!("{self}");
        for (order, count) in &self.orders {
            assert!(
                *count > 0 || self.rounds < ENOUGH,
                "{}: never in {} rounds: {order}",
                self.race,
                self.rounds
            );
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            race,
            rounds,
            calls,
            accepted,
            refused,
            orders,
        } = self;
        write!(
            f,
            "race {race:<34} rounds {rounds:>5}  calls {calls:>6}  accepted {accepted:>6}  refused {refused:>6}"
        )?;
        for (order, count) in orders {
            write!(f, "  {order} {count}")?;
        }
        Ok(())
    }
}
