//! Calls through the whole router on an embedded store, without an engine: what is answered, byte for byte
//! where clients look at bytes.

mod calling;
mod comments;
mod followers;
mod guessing;
mod harness;
mod inbox;
mod library;
mod limits;
mod media;
mod native;
mod pages;
mod reading;
mod sending;
mod services;
mod statistics;
mod walls;
mod web;
