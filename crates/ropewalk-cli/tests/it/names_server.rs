//! [`NameServer`]: `ropewalk dns` on an address that was free, and what its tests have in common.

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::names_peers::{dig, free_address};
use crate::program::{Directory, Program, ropewalk};

/// `ropewalk dns`, over UDP and TCP at one address.
pub(crate) struct NameServer {
    pub(crate) program: Program,
    pub(crate) address: SocketAddr,
}

impl NameServer {
    /// Starts it at an address that is free, and waits until it listens.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_at(free_address(), arguments)
    }

    /// Starts it at this address.
    pub(crate) fn start_at(address: SocketAddr, arguments: &[&str]) -> Self {
        let port = address.port();
        let listen =
            ["udp", "tcp"].map(|word| format!("--listen={word}:{port}:interface=127.0.0.1"));
        let all = [&["dns", &listen[0], &listen[1]], arguments].concat();
        let mut program = Program::start(&mut ropewalk(&all));
        for _ in listen {
            program.expect("listening on ");
        }
        Self { program, address }
    }

    /// What `dig` prints of it.
    pub(crate) fn dig(&self, arguments: &[&str]) -> String {
        dig(self.address, &[&["+tries=2", "+time=10"], arguments].concat())
    }
}

/// Writes a zone into the directory; gives its path.
pub(crate) fn zone_file(directory: &Directory, name: &str, text: &str) -> String {
    let path = directory.path(&format!("{name}.zone"));
    fs::write(&path, text).expect("a file");
    path
}

/// Waits until it is so.
///
/// # Panics
/// If it is not, for a while.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::yield_now();
    }
}

/// The serial number that a server has for `example`, or what it says in its place.
pub(crate) fn serial(address: SocketAddr) -> String {
    let soa = dig(address, &["example", "SOA", "+short", "+tries=1", "+time=5"]);
    soa.split_whitespace().nth(2).unwrap_or("none").to_owned()
}
