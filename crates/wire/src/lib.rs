//! What is on the wire: request and answer shapes, errcodes, the callback's XML and cipher, and a typed client.
//!
//! Input is read leniently, because the many existing clients spell the same request differently
//! ([`field::Field`]); output is written in exactly one way. This crate knows no rules: which values are
//! allowed, what is used up and which errcode fits is decided elsewhere. It depends on no other crate of the
//! workspace.

// No panic on any input (SEC12).
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic, clippy::unreachable))]

#[macro_use]
mod macros;
#[macro_use]
pub mod field;

pub mod article;
pub mod body;
pub mod call;
pub mod callback;
pub mod card;
#[cfg(feature = "client")]
pub mod client;
pub mod comment;
pub mod done;
pub mod errcode;
pub mod error;
pub mod follower;
pub mod group;
pub mod library;
pub mod mass;
pub mod media;
pub mod network;
pub mod publication;
pub mod push;
pub mod statistics;
pub mod tag;
pub mod token;
pub mod webhook;
