//! The folder of the built web files must be there for them to be embedded; without Node it stays empty.

use std::{env, fs, io, path::Path};

const BUILT: &str = "../../web/dist";

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    // Only an optimised binary carries the files; others read them where they are.
    if env::var_os("PROFILE").is_some_and(|profile| profile == "release") {
        println!("cargo:rerun-if-changed={BUILT}");
    }
    match Path::new(BUILT).exists() {
        true => Ok(()),
        false => fs::create_dir_all(BUILT),
    }
}
