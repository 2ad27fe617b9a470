//! Tells a test that starts a sandbox that it answers, and what the test needs to know of it.

use std::{convert::Infallible, path::PathBuf, str::FromStr};

use serde::Serialize;

use super::{ADMIN_TOKEN, accounts};
use crate::cli::{error::CliError, output};
use domain::account::AccountKind;

/// Where the word goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadyTo {
    /// Standard output.
    Stdout,
    /// A file, which appears with its whole content and goes with the sandbox.
    File(PathBuf),
}

/// What a test needs to know of a sandbox.
#[derive(Debug, Serialize)]
struct Ready<'a> {
    base_url: &'a str,
    admin_token: &'static str,
    accounts: Vec<KnownAccount>,
    pid: u32,
}

/// An account that every sandbox has.
#[derive(Clone, Debug, Serialize)]
pub struct KnownAccount {
    /// Its `appid`.
    pub appid: String,
    /// Its `secret`.
    pub secret: String,
    /// `service` or `subscription`.
    pub kind: &'static str,
    /// Whether it is verified.
    pub verified: bool,
}

/// Removes the file when the sandbox ends.
#[derive(Debug)]
pub struct Told(Option<PathBuf>);

/// The accounts of every sandbox.
pub fn known_accounts() -> Vec<KnownAccount> {
    let known = accounts().map(|(number, _, kind, verified)| KnownAccount {
        appid: format!("wx00000000000000{number}"),
        secret: format!("000000000000000000000000000000{number}"),
        kind: match kind {
            AccountKind::Service => "service",
            AccountKind::Subscription => "subscription",
        },
        verified,
    });
    known.to_vec()
}

impl FromStr for ReadyTo {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "-" => Self::Stdout,
            path => Self::File(path.into()),
        })
    }
}

impl ReadyTo {
    /// Says that the sandbox at `base_url` answers.
    pub fn tell(&self, base_url: &str) -> Result<Told, CliError> {
        let ready = Ready {
            base_url,
            admin_token: ADMIN_TOKEN,
            accounts: known_accounts(),
            pid: std::process::id(),
        };
        let line = serde_json::to_string(&ready).unwrap_or_default() + "\n";
        match self {
            Self::Stdout => output::print(&line).map(|()| Told(None)),
            Self::File(path) => write_whole(path, &line).map(|()| Told(Some(path.clone()))),
        }
    }
}

/// A reader sees nothing or everything: the text is written beside the file and then gets its name.
fn write_whole(path: &PathBuf, text: &str) -> Result<(), CliError> {
    let mut beside = path.clone().into_os_string();
    beside.push(format!(".{}", std::process::id()));
    let written = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|error| {
        let _ = std::fs::remove_file(&beside);
        CliError::failed(format!("{} cannot be written: {error}", path.display()))
    })
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}
