//! Free ports, and waiting for whoever is to listen on one.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

/// A port that nobody listens on at this moment. Servers that cannot be given a socket take such a number; one
/// that another process takes first is a start that fails, and is repeated with another.
pub fn free() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// What the server on `port` sends by itself, or in answer to `request`, as far as it comes in a second.
pub fn ask(port: u16, request: &str) -> Option<String> {
    const PATIENCE: Duration = Duration::from_secs(1);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = vec![0; 64 * 1_024];
    let length = stream.read(&mut answer).ok()?;
    answer.truncate(length);
    Some(String::from_utf8_lossy(&answer).into_owned())
}
