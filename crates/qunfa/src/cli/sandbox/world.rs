//! The flags and the file that describe a sandbox's followers.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::span::parse_span;
use crate::{
    cli::error::CliError,
    sandbox::{Reading, World, WorldFile},
};

/// Followers of each account, unless asked otherwise.
const FOLLOWERS: u64 = 1_000;
/// What ids are made from, unless asked otherwise.
const SEED: u64 = 1;

/// What a sandbox's followers are like. Flags go before the file.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Followers")]
pub struct WorldArgs {
    /// A description of the followers, TOML: see docs/sandbox/world.md
    #[arg(long = "world", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// A tag and the share of followers who carry it, such as vip=0.05; may be repeated
    #[arg(long = "tag", value_name = "NAME=SHARE", value_parser = named_number)]
    pub tags: Vec<(String, f64)>,
    /// A language and its weight, such as en=0.2; may be repeated
    #[arg(long = "language", value_name = "LANGUAGE=WEIGHT", value_parser = named_number)]
    pub languages: Vec<(String, f64)>,
    /// The share of followers who refuse mass sends
    #[arg(long, value_name = "SHARE")]
    pub opt_out_rate: Option<f64>,
    /// The share of followers who have left again
    #[arg(long, value_name = "SHARE")]
    pub unsubscribe_rate: Option<f64>,
    /// The share of followers who open the articles that arrive
    #[arg(long, value_name = "SHARE")]
    pub open_rate: Option<f64>,
    /// Virtual time after which half of them have [default: 1h]
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub open_median: Option<i64>,
}

/// A world as flags and file describe it.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// Followers of each account.
    pub followers: u64,
    /// What ids are made from.
    pub seed: u64,
    /// What the followers are like.
    pub world: World,
}

impl WorldArgs {
    /// Reads the file, if there is one, and puts the flags before it.
    pub fn describe(&self, followers: Option<u64>, seed: Option<u64>) -> Result<Described, CliError> {
        let file = match &self.file {
            Some(path) => {
                let failed = |reason: String| CliError::failed(format!("{}: {reason}", path.display()));
                let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
                toml::from_str(&text).map_err(|error| failed(error.to_string()))?
            }
            None => WorldFile::default(),
        };
        let world = self.over(&file)?;
        world.check().map_err(CliError::failed)?;
        Ok(Described {
            followers: followers.or(file.followers).unwrap_or(FOLLOWERS),
            seed: seed.or(file.seed).unwrap_or(SEED),
            world,
        })
    }

    fn over(&self, file: &WorldFile) -> Result<World, CliError> {
        let median = match (self.open_median, file.open_median_seconds) {
            (Some(seconds), _) => u64::try_from(seconds).ok(),
            (None, seconds) => seconds,
        };
        Ok(World {
            tags: merged(numbers(&file.tags)?, &self.tags),
            languages: merged(numbers(&file.languages)?, &self.languages),
            opt_out_rate: self.opt_out_rate.or(file.opt_out_rate).unwrap_or(0.0),
            unsubscribe_rate: self.unsubscribe_rate.or(file.unsubscribe_rate).unwrap_or(0.0),
            reading: Reading {
                open_rate: self.open_rate.or(file.open_rate).unwrap_or(0.0),
                median: median.map_or(Reading::default().median, Duration::from_secs),
            },
        })
    }
}

fn merged(mut all: Vec<(String, f64)>, flags: &[(String, f64)]) -> Vec<(String, f64)> {
    for (name, number) in flags {
        match all.iter_mut().find(|(known, _)| known == name) {
            Some(known) => known.1 = *number,
            None => all.push((name.clone(), *number)),
        }
    }
    all
}

fn numbers(table: &toml::Table) -> Result<Vec<(String, f64)>, CliError> {
    let number = |(name, value): (&String, &toml::Value)| {
        let number = value.as_float().or_else(|| value.as_integer().map(whole));
        number.map(|number| (name.clone(), number)).ok_or_else(|| {
            CliError::failed(format!(
                "{name:?} must be a number in the description of the world"
            ))
        })
    };
    table.iter().map(number).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a share or a weight is small")]
fn whole(number: i64) -> f64 {
    number as f64
}

fn named_number(text: &str) -> Result<(String, f64), String> {
    let wrong = || "must look like vip=0.05".to_owned();
    let (name, number) = text.rsplit_once('=').ok_or_else(wrong)?;
    let number = number.trim().parse().map_err(|_| wrong())?;
    Ok((name.trim().to_owned(), number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_go_before_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("world.toml");
        let text =
            "followers = 5\nopt_out_rate = 0.1\nopen_median_seconds = 60\n\n[tags]\nvip = 0.05\nall = 1\n";
        std::fs::write(&file, text).expect("written");
        let args = WorldArgs {
            file: Some(file.clone()),
            tags: vec![("vip".into(), 0.2), ("city".into(), 0.3)],
            open_rate: Some(0.4),
            ..WorldArgs::default()
        };
        let described = args.describe(None, Some(9)).expect("a world");
        assert_eq!((described.followers, described.seed), (5, 9));
        let mut tags = described.world.tags.clone();
        tags.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(
            tags,
            [("all".into(), 1.0), ("city".into(), 0.3), ("vip".into(), 0.2)]
        );
        assert_eq!(described.world.reading.median, Duration::from_secs(60));
        std::fs::write(&file, "folowers = 5\n").expect("written");
        assert!(args.describe(None, None).is_err());
    }

    #[test]
    fn a_share_stands_behind_a_name() {
        assert_eq!(named_number("vip=0.05"), Ok(("vip".into(), 0.05)));
        assert_eq!(named_number("a=b = 1"), Ok(("a=b".into(), 1.0)));
        assert!(named_number("vip").is_err());
        assert!(named_number("vip=many").is_err());
    }
}
