//! `qunfa follower import`: a file streamed to the server, with a progress bar and the rows it refused.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use futures::{Stream, stream};
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{
    client::AccountClientArgs,
    error::{CliError, Status},
    output,
};

const PART_BYTES: usize = 256 << 10;

/// Streams `file`, or standard input for `-`.
pub async fn run(file: &Path, at: &AccountClientArgs) -> Result<Status, CliError> {
    let admin = at.client.open().await?;
    let (source, length) = open(file).await?;
    // Before megabytes are sent: is the server there, is the token right, is there such an account?
    admin
        .get(&["accounts", &at.account], &[])
        .await
        .map_err(nothing_done)?;

    let bar = progress(length, at.client.json);
    let body = reqwest::Body::wrap_stream(parts(source, bar.clone()));
    let report = admin.import(&at.account, body).await;
    bar.finish_and_clear();
    let report = report.map_err(nothing_done)?;
    let refused = refused_count(&report);
    if at.client.json {
        output::print_json(&report)?;
    } else {
        output::print(&summary(&report, refused))?;
    }
    Ok(if refused == 0 {
        Status::Done
    } else {
        Status::Refused
    })
}

/// What people see of a report.
pub fn summary(report: &Value, refused: u64) -> String {
    let count = |name: &str| HumanCount(report[name].as_u64().unwrap_or(0));
    let mut text = format!("imported {}, updated {}", count("imported"), count("updated"));
    if refused == 0 {
        return text + "\n";
    }
    text.push_str(&format!(", refused {}\n\n", HumanCount(refused)));
    let errors = report["errors"].as_array().map_or(&[][..], Vec::as_slice);
    for error in errors {
        let reason = output::safe(error["reason"].as_str().unwrap_or("no reason given"));
        text.push_str(&format!("line {}: {reason}\n", error["line"]));
    }
    let unlisted = refused.saturating_sub(errors.len() as u64);
    if unlisted > 0 {
        text.push_str(&format!("… and {} more\n", HumanCount(unlisted)));
    }
    text
}

/// The server lists only the first errors, but counts all.
pub fn refused_count(report: &Value) -> u64 {
    let listed = report["errors"].as_array().map_or(0, Vec::len) as u64;
    report["error_count"].as_u64().unwrap_or(listed)
}

/// A refusal of the whole file is not the refusal of some rows.
fn nothing_done(error: crate::admin::AdminError) -> CliError {
    CliError {
        status: Status::Failed,
        ..error.into()
    }
}

type Source = Box<dyn AsyncRead + Send + Unpin>;

async fn open(file: &Path) -> Result<(Source, Option<u64>), CliError> {
    if file == Path::new("-") {
        return Ok((Box::new(tokio::io::stdin()), None));
    }
    let failed =
        |error: std::io::Error| CliError::failed(format!("{} cannot be read: {error}", file.display()));
    let opened = tokio::fs::File::open(file).await.map_err(failed)?;
    let metadata = opened.metadata().await.map_err(failed)?;
    if metadata.is_dir() {
        return Err(CliError::failed(format!("{} is a folder", file.display())));
    }
    // A pipe has no length.
    Ok((Box::new(opened), metadata.is_file().then_some(metadata.len())))
}

/// On standard error, and only where that is a terminal.
fn progress(length: Option<u64>, quiet: bool) -> ProgressBar {
    let template = match length {
        Some(_) => "{bar:32} {percent:>3} %  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left  {msg}",
        None => "{spinner} {bytes}  {bytes_per_sec}  {elapsed}  {msg}",
    };
    let bar = length.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let target = if quiet {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    bar.set_draw_target(target);
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar.with_finish(ProgressFinish::AndClear)
}

fn parts(source: Source, bar: ProgressBar) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    stream::try_unfold((source, bar), |(mut source, bar)| async move {
        let mut part = Vec::with_capacity(PART_BYTES);
        let count = (&mut source)
            .take(PART_BYTES as u64)
            .read_to_end(&mut part)
            .await?;
        if count == 0 {
            bar.set_message("the server finishes");
            return Ok(None);
        }
        bar.inc(count as u64);
        Ok(Some((Bytes::from(part), (source, bar))))
    })
}
