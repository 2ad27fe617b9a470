//! Measures how well the originality check finds copies, how often it takes one text for another, and how fast it
//! is. Reads `FOLDER/LANGUAGE/SOURCE/*.txt` and prints one line of JSON; `docs/originality.md` says how to run it.
//! `--list` names the pairs of texts that it takes for copies of each other.
//!
//! A copy counts as found when the check would find it: it shares a stored key with its original, and is a copy
//! when compared with it.

#![expect(clippy::print_stderr, reason = "a program for the terminal")]

mod changes;

use std::{collections::HashMap, error::Error, fs, path::Path, time::Instant};

use changes::{Change, Random};
use domain::originality::{COPY_OVERLAP_MIN, Fingerprint, Likeness, Pieces};

/// How much of a copy is changed, in percent.
const STEPS: [u32; 13] = [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60];

/// A text and what the check knows of it.
struct Text {
    language: String,
    source: String,
    name: String,
    text: String,
    pieces: Pieces,
    keys: Vec<(u8, u64)>,
}

/// Pairs of different texts.
#[derive(Default)]
struct Pairs {
    all: u64,
    sharing_a_key: u64,
    copies: u64,
    overlap_max: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: originality FOLDER [--list]")?;
    let list = arguments.next().is_some_and(|it| it == "--list");
    let texts = read(Path::new(&folder))?;
    let speed = speed(&texts);
    eprintln!("{} texts; {speed}", texts.len());
    println!(
        "{{\"texts\":{},\"speed\":{speed},\"pairs\":{},\"curves\":[{}]}}",
        counted(&texts),
        pairs(&texts, list),
        curves(&texts).join(",")
    );
    Ok(())
}

fn read(folder: &Path) -> Result<Vec<Text>, Box<dyn Error>> {
    let mut texts = Vec::new();
    for language in sorted(folder)? {
        for source in sorted(&language)? {
            for file in sorted(&source)? {
                let text = fs::read_to_string(&file)?;
                let pieces = Pieces::of_text(&text);
                let keys = Fingerprint::of(&pieces).bands().collect();
                texts.push(Text {
                    language: name(&language),
                    source: name(&source),
                    name: name(&file),
                    text,
                    pieces,
                    keys,
                });
            }
        }
    }
    Ok(texts)
}

fn sorted(folder: &Path) -> Result<Vec<std::path::PathBuf>, std::io::Error> {
    let mut paths = fs::read_dir(folder)?
        .map(|entry| entry.map(|it| it.path()))
        .collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// How many texts of each source, and how long they are.
fn counted(texts: &[Text]) -> String {
    let parts: Vec<String> = texts
        .chunk_by(|a, b| a.source == b.source)
        .filter_map(|group| {
            let mut lengths: Vec<usize> = group.iter().map(|text| text.text.chars().count()).collect();
            lengths.sort_unstable();
            let (first, median) = (group.first()?, lengths.get(lengths.len() / 2)?);
            Some(format!(
                "{{\"language\":\"{}\",\"source\":\"{}\",\"texts\":{},\"characters_median\":{median}}}",
                first.language,
                first.source,
                group.len()
            ))
        })
        .collect();
    format!("[{}]", parts.join(","))
}

/// Bodies a second on one thread, the best of three rounds: with the markup taken off first, from the text alone,
/// and exact comparisons.
fn speed(texts: &[Text]) -> String {
    let bodies: Vec<String> = texts.iter().map(|text| body(&text.text)).collect();
    let round = |work: &dyn Fn(usize) -> usize| {
        let start = Instant::now();
        let done: usize = (0..texts.len()).map(work).sum();
        assert!(done > 0, "the work is not optimised away");
        (texts.len() as f64 / start.elapsed().as_secs_f64()).round()
    };
    let per_second = |work: &dyn Fn(usize) -> usize| (0..3).map(|_| round(work)).fold(0.0, f64::max);
    let html = per_second(&|i| domain::originality::fingerprint(&bodies[i]).bands().count());
    let text = per_second(&|i| Fingerprint::of(&Pieces::of_text(&texts[i].text)).bands().count());
    let last = &texts[texts.len() - 1].pieces;
    let compared = per_second(&|i| 1 + Likeness::of(&texts[i].pieces, last).shared);
    let characters = texts.iter().map(|text| text.text.chars().count()).sum::<usize>() / texts.len();
    format!(
        "{{\"characters_mean\":{characters},\"fingerprints_of_html_per_second\":{html},\
         \"fingerprints_of_text_per_second\":{text},\"comparisons_per_second\":{compared}}}"
    )
}

/// The text as an article's body.
fn body(text: &str) -> String {
    text.lines()
        .map(|line| format!("<p>{}</p>", line.replace('&', "&amp;").replace('<', "&lt;")))
        .collect()
}

/// All pairs of different texts of one language, apart: from two sources, which are about different things, and
/// from one source, whose pages may repeat each other.
fn pairs(texts: &[Text], list: bool) -> String {
    let (mut apart, mut together) = (HashMap::new(), HashMap::new());
    for (i, a) in texts.iter().enumerate() {
        for b in texts.iter().skip(i + 1).filter(|b| b.language == a.language) {
            let counts = if a.source == b.source {
                &mut together
            } else {
                &mut apart
            };
            let counts: &mut Pairs = counts.entry(a.language.clone()).or_default();
            counts.all += 1;
            counts.sharing_a_key += u64::from(share_a_key(&a.keys, &b.keys));
            let likeness = Likeness::of(&a.pieces, &b.pieces);
            counts.overlap_max = counts.overlap_max.max(likeness.overlap);
            if share_a_key(&a.keys, &b.keys) && likeness.is_copy() {
                counts.copies += 1;
            }
            if list && likeness.is_copy() {
                eprintln!(
                    "{:.2} {}/{} {}/{}",
                    likeness.overlap, a.source, a.name, b.source, b.name
                );
            }
        }
    }
    let shown = |counts: HashMap<String, Pairs>| {
        let mut parts: Vec<String> = counts
            .into_iter()
            .map(|(language, it)| {
                format!(
                    "\"{language}\":{{\"pairs\":{},\"sharing_a_key\":{},\"copies\":{},\"overlap_max\":{:.4}}}",
                    it.all, it.sharing_a_key, it.copies, it.overlap_max
                )
            })
            .collect();
        parts.sort();
        parts.join(",")
    };
    format!(
        "{{\"threshold\":{COPY_OVERLAP_MIN},\"two_sources\":{{{}}},\"one_source\":{{{}}}}}",
        shown(apart),
        shown(together)
    )
}

/// Whether one band of both is equal. Keys come in order of their bands.
fn share_a_key(a: &[(u8, u64)], b: &[(u8, u64)]) -> bool {
    a.iter().zip(b).any(|(mine, theirs)| mine == theirs)
}

/// For each language and kind of change, the share of copies found at each step.
fn curves(texts: &[Text]) -> Vec<String> {
    let mut curves = Vec::new();
    for group in texts.chunk_by(|a, b| a.language == b.language) {
        let pool: Vec<&str> = group.iter().map(|text| text.text.as_str()).collect();
        for change in Change::ALL {
            let found: Vec<String> = STEPS
                .iter()
                .map(|percent| {
                    let (met, found) = found(group, &pool, change, *percent);
                    format!("{{\"percent\":{percent},\"sharing_a_key\":{met:.4},\"found\":{found:.4}}}")
                })
                .collect();
            curves.push(format!(
                "{{\"language\":\"{}\",\"change\":\"{}\",\"steps\":[{}]}}",
                group[0].language,
                change.name(),
                found.join(",")
            ));
            eprintln!("{} {}", group[0].language, change.name());
        }
    }
    curves
}

/// The share of copies that share a key with their original, and of those found.
fn found(group: &[Text], pool: &[&str], change: Change, percent: u32) -> (f64, f64) {
    let mut random = Random::new(u64::from(percent));
    let (mut met, mut found) = (0_u32, 0_u32);
    for original in group {
        let copy = Pieces::of_text(&change.apply(&original.text, percent, pool, &mut random));
        let keys: Vec<(u8, u64)> = Fingerprint::of(&copy).bands().collect();
        let shares_a_key = share_a_key(&original.keys, &keys);
        met += u32::from(shares_a_key);
        found += u32::from(shares_a_key && Likeness::of(&original.pieces, &copy).is_copy());
    }
    let all = group.len() as f64;
    (f64::from(met) / all, f64::from(found) / all)
}
