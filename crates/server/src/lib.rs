//! HTTP: the compatible API, the native API, inboxes, pages.
//!
//! Handlers say who calls, what is asked, make one call of the store and shape the answer; rules are in
//! `domain`, shapes of the compatible format in `wire`. Nothing here loops in the background, reads settings
//! or the system clock: the binary puts an [`app::App`] together and gives a listener to [`listen::serve`].

// No panic on any input (SEC12).
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic, clippy::unreachable))]

pub mod api;
pub mod app;
pub mod guess;
pub mod health;
pub mod inbox;
pub mod listen;
pub mod live;
pub mod metrics;
pub mod openapi;
pub mod pages;
pub mod role;
pub mod routes;
pub mod sandbox;
pub mod source;
mod transport;
pub mod v1;
mod watch;
mod web;
