//! Channels beside the inbox, against receivers that others wrote: a push service in Node that opens pushes with the
//! reference implementation, and a bridge that checks signatures with the reference library of Standard Webhooks.

mod bridge;
mod calls;
#[path = "../e2e/common/mod.rs"]
#[expect(dead_code, reason = "made for other tests too")]
mod common;
mod kill;
mod listener;
mod service;
mod subscriptions;
mod web_push;
