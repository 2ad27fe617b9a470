//! Numbers of a measurement, for people and for machines.

use std::path::PathBuf;

use serde::Serialize;

use super::{
    BenchResult,
    neighbours::Cluster,
    place::{Ground, Place},
};

/// What every measurement is asked.
#[derive(Clone, Debug)]
pub struct Common {
    /// Which store.
    pub place: Place,
    /// How many nodes.
    pub cluster: Cluster,
    /// Where the numbers go as JSON, besides the table.
    pub json: Option<PathBuf>,
}

/// A measurement with the circumstances it was made in.
#[derive(Serialize)]
struct Record<'a, T> {
    bench: &'a str,
    store: &'a str,
    /// Nodes that worked, this process's own included.
    nodes: usize,
    version: &'a str,
    processors: usize,
    processor: String,
    /// Processes that wanted to run, mean of the last minute, when the measurement ended; its own included.
    load: f64,
    #[serde(flatten)]
    measured: &'a T,
}

impl Common {
    /// A ground of its own to measure on.
    pub(super) async fn ground(&self) -> BenchResult<Ground> {
        self.place.ground(&self.cluster).await
    }

    /// Writes the numbers where they were asked for.
    pub(super) fn write<T: Serialize>(&self, bench: &str, measured: &T) -> BenchResult<()> {
        let Some(path) = &self.json else { return Ok(()) };
        let record = Record {
            bench,
            store: self.place.name(),
            nodes: self.cluster.nodes.max(1),
            version: env!("CARGO_PKG_VERSION"),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            processor: line_of("/proc/cpuinfo", "model name"),
            load: line_of("/proc/loadavg", "")
                .split(' ')
                .next()
                .and_then(|load| load.parse().ok())
                .unwrap_or(0.0),
            measured,
        };
        std::fs::write(path, serde_json::to_string_pretty(&record)? + "\n")?;
        Ok(())
    }
}

/// What stands behind the colon of the first line with this name; nothing where the system does not tell.
fn line_of(file: &str, name: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = text
        .lines()
        .find(|line| line.starts_with(name))
        .unwrap_or_default();
    line.rsplit_once(": ").map_or(line, |(_, value)| value).to_owned()
}

/// The spread of repeated measurements, in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) p95: f64,
}

impl Spread {
    /// The spread of `values`; all zero when there is none.
    pub(super) fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let index = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
            sorted.get(index).copied().unwrap_or(0.0)
        };
        Self {
            median: at(0.5),
            min: at(0.0),
            max: at(1.0),
            p95: at(0.95),
        }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:.1} ms (min {:.1}, p95 {:.1}, max {:.1})",
            self.median, self.min, self.p95, self.max
        )
    }
}

/// `1234567` as `1,234,567`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in the unit that suits them.
pub(super) fn bytes(number: u64) -> String {
    match number {
        0..=9_999 => format!("{number} B"),
        10_000..=9_999_999 => format!("{:.1} kB", number as f64 / 1e3),
        _ => format!("{:.1} MB", number as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_names_what_was_measured() {
        let spread = Spread::of(&[3.0, 1.0, 2.0]);
        assert_eq!((spread.min, spread.median, spread.max), (1.0, 2.0, 3.0));
        assert_eq!(Spread::of(&[]).median, 0.0);
    }

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(
            [0, 999, 1_000, 10_000_000].map(thousands),
            ["0", "999", "1,000", "10,000,000"]
        );
    }
}
