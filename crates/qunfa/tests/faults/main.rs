//! Never lost, never twice: what the server keeps and says under faults of every kind. Every fault has a seed,
//! and a run in which one never struck fails.

mod budget;
mod busy;
mod checked;
mod dice;
mod endpoints;
mod firsts;
mod flip;
mod io;
mod power;
mod process;
mod receiver;
mod restarts;
mod table;
mod verify;
mod work;
mod world;
