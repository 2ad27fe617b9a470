//! `POST /v1/accounts/{appid}/followers`: a file of any length, read while it comes in.
//!
//! The body goes through a small channel to a thread that reads rows and hands them back in chunks, each of
//! which is one call of the store. Every channel is bounded, so a slow store slows the sender down.

pub mod rows;

use std::io::{self, Read};

use axum::{Json, body::Body, extract::State};
use bytes::{Buf, Bytes};
use domain::follower::NewFollower;
use futures::StreamExt;
use http_body_util::BodyExt;
use serde::Serialize;
use store::measure;
use tokio::sync::mpsc;

use crate::{
    app::App,
    v1::{
        import::rows::{FileFault, Row},
        problem::{NativeResult, Problem},
        request::OfAccount,
    },
};

/// Rows in one call of the store.
const CHUNK_ROWS: usize = 65_536;
/// Faults that are listed; more are only counted.
const ERRORS_MAX: usize = 1_000;
/// Parts of the body that wait to be read.
const PARTS_WAITING: usize = 16;

/// What became of a file.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    imported: u64,
    updated: u64,
    error_count: u64,
    errors: Vec<RowError>,
}

/// A row that was not taken.
#[derive(Debug, Serialize)]
pub struct RowError {
    line: u64,
    reason: String,
}

/// Rows with the lines on which they start, and faults met on the way.
#[derive(Default)]
struct Chunk {
    lines: Vec<u64>,
    followers: Vec<NewFollower>,
    faults: Vec<RowError>,
}

/// Imports followers from CSV or JSON lines; finished when it answers.
pub async fn import(
    OfAccount(account): OfAccount,
    State(app): State<App>,
    body: Body,
) -> NativeResult<Report> {
    let (parts, received) = mpsc::channel(PARTS_WAITING);
    let (filled, mut chunks) = mpsc::channel(1);
    let reader = tokio::task::spawn_blocking(move || read(received, &filled));
    // Owns its end of the channel: when the store fails, the reader must not wait for ever.
    let store = async move {
        let mut report = Report::default();
        // One chunk is written while the next is prepared.
        let calls = futures::stream::poll_fn(move |context| chunks.poll_recv(context)).map(|chunk: Chunk| {
            let app = &app;
            async move {
                let done = app
                    .store
                    .import_followers(account.id, chunk.followers, app.now())
                    .await;
                (chunk.lines, chunk.faults, done)
            }
        });
        let mut calls = std::pin::pin!(calls.buffered(2));
        while let Some((lines, faults, done)) = calls.next().await {
            count("refused", faults.len() as u64);
            faults.into_iter().for_each(|fault| report.fault(fault));
            let done = done?;
            count("imported", done.imported);
            count("updated", done.updated);
            count("refused", done.refused.len() as u64);
            report.imported += done.imported;
            report.updated += done.updated;
            for (index, reason) in done.refused {
                let line = lines.get(index).copied().unwrap_or_default();
                report.fault(RowError { line, reason });
            }
        }
        Ok::<Report, Problem>(report)
    };
    let ((), report) = tokio::join!(feed(body, parts), store);
    let end = reader.await.map_err(|_| Problem::internal())?;
    finished(report?, end)
}

fn count(outcome: &'static str, rows: u64) {
    metrics::counter!(measure::IMPORT_ROWS.name, "outcome" => outcome).increment(rows);
}

impl Report {
    fn fault(&mut self, fault: RowError) {
        self.error_count += 1;
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(fault);
        }
    }
}

/// A file that broke in the middle keeps what came before; one without a header has nothing to keep.
fn finished(mut report: Report, end: Result<(), FileFault>) -> NativeResult<Report> {
    match end {
        Ok(()) => {}
        Err(fault @ FileFault::Header(_)) => return Err(Problem::bad_request(fault.to_string())),
        Err(fault @ FileFault::Broken(_)) => return Err(Problem::bad_request(fault.to_string())),
        Err(fault @ FileFault::RowTooLarge { line }) => {
            report.fault(RowError {
                line,
                reason: fault.to_string(),
            });
        }
    }
    report.errors.sort_by_key(|error| error.line);
    Ok(Json(report))
}

/// Passes the body on; stops when nobody reads any more.
async fn feed(mut body: Body, parts: mpsc::Sender<io::Result<Bytes>>) {
    while let Some(frame) = body.frame().await {
        let part = match frame.map(|frame| frame.into_data()) {
            Ok(Ok(data)) => Ok(data),
            Ok(Err(_)) => continue,
            Err(error) => Err(io::Error::other(error)),
        };
        if parts.send(part).await.is_err() {
            // Read to its end, so that the answer finds the sender listening.
            while let Some(Ok(_)) = body.frame().await {}
            return;
        }
    }
}

/// The thread's side: rows into chunks, until the file ends or nobody takes them.
fn read(received: mpsc::Receiver<io::Result<Bytes>>, filled: &mpsc::Sender<Chunk>) -> Result<(), FileFault> {
    let mut chunk = Chunk::default();
    let result = rows::read(
        Parts {
            received,
            part: Bytes::new(),
        },
        &mut |Row { line, follower }| {
            match follower {
                Ok(follower) => {
                    chunk.lines.push(line);
                    chunk.followers.push(follower);
                }
                Err(reason) => chunk.faults.push(RowError { line, reason }),
            }
            let full = chunk.followers.len() >= CHUNK_ROWS || chunk.faults.len() >= CHUNK_ROWS;
            !full || filled.blocking_send(std::mem::take(&mut chunk)).is_ok()
        },
    );
    let _ = filled.blocking_send(chunk);
    result
}

/// The parts of a body as one stream of bytes.
struct Parts {
    received: mpsc::Receiver<io::Result<Bytes>>,
    part: Bytes,
}

impl Read for Parts {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.part.is_empty() {
            match self.received.blocking_recv() {
                Some(part) => self.part = part?,
                None => return Ok(0),
            }
        }
        let count = self.part.len().min(buffer.len());
        let (head, _) = buffer.split_at_mut(count);
        self.part.copy_to_slice(head);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_in_small_parts_becomes_chunks_with_their_lines() {
        let file = "external_id,nickname\nu1,a\n,b\nu3,c\n";
        let parts: Vec<io::Result<Bytes>> = file
            .bytes()
            .map(|byte| Ok(Bytes::copy_from_slice(&[byte])))
            .collect();
        let (sender, received) = mpsc::channel(2);
        let (filled, mut chunks) = mpsc::channel(1);
        let reader = tokio::task::spawn_blocking(move || read(received, &filled));
        feed(Body::from_stream(futures::stream::iter(parts)), sender).await;
        let chunk = chunks.recv().await.expect("a chunk");
        assert_eq!(chunk.lines, [2, 4]);
        assert_eq!(chunk.faults.len(), 1);
        assert!(chunks.recv().await.is_none());
        assert!(reader.await.expect("ends").is_ok());
    }

    #[test]
    fn only_the_first_thousand_faults_are_listed() {
        let mut report = Report::default();
        for line in 0..1_500 {
            report.fault(RowError {
                line,
                reason: String::new(),
            });
        }
        assert_eq!((report.error_count, report.errors.len()), (1_500, ERRORS_MAX));
    }
}
