//! Measurements: the real server over HTTP on loopback, and beside it, in the same run, the usual way.

pub mod import;
pub mod live;
pub mod load;
pub mod neighbours;
mod people;
pub mod place;
pub mod reads;
pub mod report;
mod rows;
pub mod send;
mod served;
mod system;
pub mod tag;
mod usual;

use std::error::Error;

/// What a measurement ends with when it cannot be made.
pub type BenchResult<T> = Result<T, Box<dyn Error + Send + Sync>>;
