//! Installs the servers that the tests start, where they are missing, and says which they are.

use std::path::Path;

use testkit::ensure;

fn main() {
    let postgres = ensure::postgres();
    for program in [
        postgres.join("postgres").as_path(),
        Path::new(ensure::nats()),
        ensure::versitygw(),
    ] {
        println!("{}", ensure::version(program));
    }
}
