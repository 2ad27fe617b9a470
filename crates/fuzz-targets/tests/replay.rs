//! The kept corpora and seeded mutations of them, on stable Rust.
//!
//! `QUNFA_FUZZ_SECONDS` is how long all targets are tried together (8), `QUNFA_FUZZ_SEED` which mutations come.
//! An input that breaks a promise is printed; kept under `fuzz/corpus/`, it is a test from then on.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    time::{Duration, Instant},
};

use fuzz_targets::{TARGETS, Target};

/// Longest input that is made.
const LENGTH_MAX: usize = 16 << 10;

fn number(variable: &str, usual: u64) -> u64 {
    let Some(given) = std::env::var_os(variable) else {
        return usual;
    };
    let number = given.to_str().and_then(|text| text.parse().ok());
    number.unwrap_or_else(|| panic!("{variable} is a number"))
}

/// What is kept for a target, in the order of the names.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(name);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    files
        .iter()
        .map(|file| std::fs::read(file).expect("a file"))
        .collect()
}

/// A small generator of numbers: the seed is the run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit.max(1)
    }

    fn byte(&mut self) -> u8 {
        self.below(256) as u8
    }

    /// A span within `length` bytes.
    fn span(&mut self, length: usize) -> std::ops::Range<usize> {
        let from = self.below(length + 1);
        from..from + self.below((length - from).min(64) + 1)
    }
}

/// One change of an input, or a few; `other` is another input to take from.
fn mutated(dice: &mut Dice, input: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..1 + dice.below(4) {
        let span = dice.span(bytes.len());
        let piece: Vec<u8> = match dice.below(7) {
            0 => Vec::new(),
            1 => bytes[span.clone()]
                .iter()
                .map(|byte| byte ^ 1 << (byte % 8))
                .collect(),
            2 => (0..dice.below(8)).map(|_| dice.byte()).collect(),
            3 => bytes[span.clone()].repeat(1 + dice.below(8)),
            4 => other[dice.span(other.len())].to_vec(),
            5 => b"<>&\"'\\/=;:%\r\n\t\0{}[],"
                .iter()
                .copied()
                .skip(dice.below(21))
                .take(1 + dice.below(3))
                .collect(),
            _ => [0, 0xff, 0x7f, 0x80, b'-', b'9', b' '][dice.below(7)..][..1].to_vec(),
        };
        bytes.splice(span, piece);
    }
    bytes.truncate(LENGTH_MAX);
    bytes
}

#[track_caller]
fn holds((name, target): Target, input: &[u8], whence: &str) {
    if catch_unwind(AssertUnwindSafe(|| target(input))).is_err() {
        panic!(
            "{name}: a promise is broken by {whence}: {:?}",
            input.escape_ascii().to_string()
        );
    }
}

#[test]
fn every_kept_input_holds_what_is_promised() {
    for target in TARGETS {
        let kept = corpus(target.0);
        assert!(!kept.is_empty(), "nothing is kept for {}", target.0);
        holds(target, b"", "nothing at all");
        for (number, input) in kept.iter().enumerate() {
            holds(target, input, &format!("kept input {number}"));
        }
    }
}

#[test]
fn mutations_of_kept_inputs_hold_what_is_promised() {
    let (seconds, seed) = (number("QUNFA_FUZZ_SECONDS", 8), number("QUNFA_FUZZ_SEED", 1));
    let share = Duration::from_millis(seconds * 1_000 / TARGETS.len() as u64);
    for target in TARGETS {
        let kept = corpus(target.0);
        let (mut dice, mut tried) = (Dice(seed), 0_u64);
        let started = Instant::now();
        while started.elapsed() < share {
            let (input, other) = (dice.below(kept.len()), dice.below(kept.len()));
            let input = mutated(&mut dice, &kept[input], &kept[other]);
            holds(target, &input, &format!("mutation {tried} of seed {seed}"));
            tried += 1;
        }
        println!(
            "fuzz {:<16} kept {:>4}  mutations {tried:>8}",
            target.0,
            kept.len()
        );
        assert!(tried > 0, "{} was not tried", target.0);
    }
}
