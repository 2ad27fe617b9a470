//! Rules of mass sends, as pure functions and types.
//!
//! Time, ids and randomness come in as values; nothing here reads a clock, a file or a socket, and nothing
//! is serialised. The store asks these functions inside its transactions, the server before it calls the
//! store. How things look on the wire is the crate `wire`, which does not know this one.

// No panic on any input (SEC12).
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic, clippy::unreachable))]

pub mod account;
pub mod article;
pub mod audience;
pub mod block;
pub mod call;
pub mod callback;
pub mod check;
pub mod clock;
pub mod comment;
pub mod compat;
pub mod content;
pub mod follower;
pub mod id;
pub mod library;
pub mod link;
pub mod mass;
pub mod media;
pub mod openid;
pub mod originality;
pub mod position;
pub mod push;
pub mod quota;
pub mod receipts;
pub mod release;
pub mod retention;
pub mod review;
pub mod schedule;
pub mod speed;
pub mod statistics;
pub mod tag;
pub mod time;
pub mod webhook;
