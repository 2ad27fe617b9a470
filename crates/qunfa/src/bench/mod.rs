//! Measurements: the real server over HTTP on loopback, and beside it, in the same run, the usual way.

pub mod import;
mod people;
mod report;
mod rows;
pub mod send;
mod system;

use std::error::Error;

/// What a measurement ends with when it cannot be made.
pub type BenchResult<T> = Result<T, Box<dyn Error + Send + Sync>>;
