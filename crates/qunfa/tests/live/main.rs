//! The live feed over real connections to a real server: nothing is lost and nothing comes twice, whoever is slow,
//! whatever is killed, and on whichever node a mass is released.

mod feeds;
mod nodes;
mod reader;
mod server;
mod slow;
mod storm;

#[path = "../faults/budget.rs"]
#[expect(dead_code, reason = "a run that is cut short has nothing to fail")]
mod budget;
#[path = "../e2e/common/files.rs"]
#[expect(dead_code, reason = "one kind of file is sent here")]
mod files;
#[path = "../faults/process.rs"]
#[expect(dead_code, reason = "servers are started in a way of their own")]
mod process;

#[path = "../cluster/fleet.rs"]
#[expect(dead_code, reason = "little is done to these nodes")]
mod fleet;
#[path = "../cluster/proxy.rs"]
#[expect(dead_code, reason = "the network to PostgreSQL is left in peace here")]
mod proxy;
