//! What operators and attackers see: the real binary as a process of its own, watched from outside.

mod documents;
mod hostile;
mod logs;
mod metrics;
mod performance;
mod process;
mod ready;
mod receiver;
mod stop;
