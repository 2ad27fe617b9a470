//! End to end: the real node on a real socket, driven from outside. Names of tests carry the number of the
//! statement, invariant or rule that they show.

mod callback;
mod clock;
mod common;
mod crash;
mod data;
mod fault;
mod inbox;
mod intercept;
mod library;
mod mass;
mod moving;
mod operator;
mod snapshots;
mod transport;
mod world;
