//! Several nodes on one PostgreSQL server, with a NATS cluster and S3-compatible storage: what they promise together,
//! and that no fault of any part loses or doubles anything. Nodes are processes, servers are real.
//!
//! What a world is, what is done to it and how it is looked at from outside are those of the fault tests.

mod backup;
mod cuts;
mod documents;
mod fleet;
mod leases;
mod measure;
mod million;
mod own;
mod parts;
mod path;
mod proxy;
mod rows;
mod storm;
mod table;

#[path = "../faults/budget.rs"]
mod budget;
#[path = "../faults/dice.rs"]
mod dice;
#[path = "../faults/process.rs"]
#[expect(dead_code, reason = "nodes are started in a way of their own")]
mod process;
#[path = "../faults/receiver.rs"]
mod receiver;
#[path = "../faults/table.rs"]
mod strikes;
#[path = "../faults/verify.rs"]
mod verify;
#[path = "../faults/work.rs"]
#[expect(dead_code, reason = "no crash point is aimed at")]
mod work;
#[path = "../faults/world.rs"]
#[expect(dead_code, reason = "there is no folder to copy")]
mod world;

// The races over HTTP, over these nodes.
#[path = "../races/keys.rs"]
mod keys;
#[path = "../races/nodes.rs"]
mod nodes;
#[path = "../races/table.rs"]
#[expect(dead_code, reason = "the number of rounds is another here")]
mod row;
#[path = "../races/slots.rs"]
mod slots;
