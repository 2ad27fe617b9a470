//! Real servers for tests: PostgreSQL, a NATS cluster, S3-compatible storage; each on free ports of this machine,
//! in a folder of its own, and gone with the value that stands for it.
//!
//! Whatever goes wrong here is a panic that says what: a test without its servers has failed. Nothing here is
//! part of the product, and no other crate may use this one outside its tests.

pub mod ensure;
pub mod nats;
pub mod port;
pub mod postgres;
pub mod process;
pub mod s3;

pub use nats::Nats;
pub use postgres::Postgres;
pub use process::Process;
pub use s3::S3;
