//! What must hold for any bytes that somebody sends or stores: one function for each reader of outside input.
//!
//! A function panics where a promise is broken, and only there. libFuzzer calls them from `fuzz/`; the tests of
//! this crate call them on stable Rust, with the kept corpora and with seeded mutations of these.

mod article;
mod files;
mod names;
mod sets;
mod texts;
mod uploads;
mod wires;

pub use article::article;
pub use files::{follower_file, scenario, settings};
pub use names::{link, open_id};
pub use sets::block;
pub use texts::{query, time};
pub use uploads::{media, multipart};
pub use wires::{callback_cipher, callback_xml, mass_body};

/// A target: its name, which is also that of its corpus, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 14] = [
    ("article", article),
    ("block", block),
    ("callback_cipher", callback_cipher),
    ("callback_xml", callback_xml),
    ("follower_file", follower_file),
    ("link", link),
    ("mass_body", mass_body),
    ("media", media),
    ("multipart", multipart),
    ("open_id", open_id),
    ("query", query),
    ("scenario", scenario),
    ("settings", settings),
    ("time", time),
];
