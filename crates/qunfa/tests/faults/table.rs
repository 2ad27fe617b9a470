//! What struck and how often; what never struck fails the run.

use std::{collections::BTreeMap, fmt::Write, sync::Mutex};

/// Counts by name, filled from several workers.
#[derive(Debug, Default)]
pub struct Table(Mutex<BTreeMap<String, u64>>);

impl Table {
    /// Names that must be there in the end.
    pub fn expecting<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(Mutex::new(
            names.into_iter().map(|name| (name.to_owned(), 0)).collect(),
        ))
    }

    pub fn add(&self, name: &str, times: u64) {
        *self
            .0
            .lock()
            .expect("not poisoned")
            .entry(name.to_owned())
            .or_default() += times;
    }

    /// Counts what need not happen in every run.
    pub fn note(&self, name: &str, times: u64) {
        if times > 0 {
            self.add(name, times);
        }
    }

    pub fn of(&self, name: &str) -> u64 {
        self.0
            .lock()
            .expect("not poisoned")
            .get(name)
            .copied()
            .unwrap_or_default()
    }

    pub fn names_without_strike(&self) -> Vec<String> {
        let counts = self.0.lock().expect("not poisoned");
        counts
            .iter()
            .filter(|(_, times)| **times == 0)
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Prints it under `title` and fails if something never happened.
    pub fn finish(&self, title: &str) {
        let mut text = format!("{title}\n");
        for (name, times) in self.0.lock().expect("not poisoned").iter() {
            let _ = writeln!(text, "  {name:<44} {times:>8}");
        }
        println!("{text}");
        let never = self.names_without_strike();
        assert!(never.is_empty(), "{title}: these never struck: {never:?}");
    }
}
