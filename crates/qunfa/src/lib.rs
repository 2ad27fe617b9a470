//! The binary as a library, so that tests can start what the command line starts.
//!
//! Command line and settings, the wiring of store, server and engine, and the system clock. No rule of mass
//! sending is decided here.

pub mod admin;
pub mod backup;
pub mod bench;
pub mod cli;
pub mod clock;
mod descriptors;
mod key_mark;
pub mod log;
pub mod node;
pub mod numbers;
mod parts;
pub mod run;
pub mod sandbox;
pub mod settings;
mod token_mark;
