//! The list itself: every row of `rows.tsv` has a test, and every test named for a row has its row.

use std::{collections::BTreeSet, fs, path::PathBuf};

const ROWS: &str = include_str!("rows.tsv");

/// The numbers of the list, `S1` to `S143` and `L1` to `L21`.
fn listed() -> BTreeSet<String> {
    ROWS.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            assert_eq!(cells.len(), 3, "number, words, section: {line}");
            assert!(cells.iter().all(|cell| !cell.is_empty()), "{line}");
            cells[0].to_owned()
        })
        .collect()
}

/// The row that a name begins with: `s007_…` is `S7`, `l13_…` is `L13`.
fn row_of(name: &str) -> Option<String> {
    let (row, _) = name.split_once('_')?;
    let (letter, digits) = (row.get(..1)?, row.get(1..)?);
    let wanted = match letter {
        "s" => 3,
        "l" => 2,
        _ => return None,
    };
    let number: u32 = digits.parse().ok().filter(|_| digits.len() == wanted)?;
    Some(format!("{}{number}", letter.to_ascii_uppercase()))
}

/// The names of all tests in this folder.
fn tests() -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/acceptance");
    let mut names = Vec::new();
    let mut paths = vec![folder];
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(path).expect("a folder");
            paths.extend(entries.map(|entry| entry.expect("an entry").path()));
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let source = fs::read_to_string(&path).expect("a source");
        let mut lines = source.lines();
        while let Some(line) = lines.next() {
            if line != "#[tokio::test]" && line != "#[test]" {
                assert!(
                    !line.contains("#[ignore") || path.ends_with("rows.rs"),
                    "an ignored test proves nothing: {}",
                    path.display()
                );
                continue;
            }
            let declaration = lines.next().expect("a function");
            let name = declaration
                .split_once("fn ")
                .and_then(|(_, rest)| rest.split_once('('))
                .unwrap_or_else(|| panic!("no function: {declaration}"))
                .0;
            names.push(name.to_owned());
        }
    }
    names
}

#[test]
fn every_row_has_a_test_and_every_test_of_a_row_its_row() {
    let listed = listed();
    assert_eq!(listed.len(), 143 + 21, "a row was lost or doubled");
    for (letter, last) in [("S", 143), ("L", 21)] {
        for number in 1..=last {
            assert!(listed.contains(&format!("{letter}{number}")), "{letter}{number}");
        }
    }
    let tested: BTreeSet<String> = tests().iter().filter_map(|name| row_of(name)).collect();
    let missing: Vec<&String> = listed.difference(&tested).collect();
    assert!(missing.is_empty(), "no test for {missing:?}");
    let strange: Vec<&String> = tested.difference(&listed).collect();
    assert!(strange.is_empty(), "no row for {strange:?}");
}

#[test]
fn a_row_is_read_from_the_name_of_its_test() {
    assert_eq!(row_of("s007_the_fifth").as_deref(), Some("S7"));
    assert_eq!(row_of("l13_the_event").as_deref(), Some("L13"));
    for other in ["s07_x", "l013_x", "send_x", "i12_x", "s143"] {
        assert_eq!(row_of(other), None, "{other}");
    }
}
