//! Races: many callers at the same instant, over HTTP and over the store, hundreds of times each.
//!
//! Every race prints a row of numbers (`--nocapture` shows them) and says how often each possible order really
//! happened; an order that never happened fails the run, for then nothing was raced.
//!
//! Over HTTP the nodes are a parameter: `QUNFA_RACES_NODES` holds base URLs of running nodes over one store,
//! separated by commas, and `QUNFA_RACES_ADMIN_TOKEN` their admin token; without them one node is started.
//! `QUNFA_RACES_ROUNDS` is the number of rounds, 200 by default.

mod finishing;
mod keys;
mod nodes;
mod own;
mod recalling;
mod scheduling;
mod slots;
mod storms;
mod table;
mod worlds;
