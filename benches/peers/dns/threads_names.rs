//! The way without an engine: a pool of threads that each ask the system's resolver for one name after the other.
//! `peer-threads-names FILE`, an address a line.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "programs of the terminal")]

use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::net::IpAddr;
use std::sync::Mutex;

/// As many as the classic example has.
const THREADS: usize = 200;

fn main() -> io::Result<()> {
    let file = std::env::args().nth(1).unwrap_or_default();
    let lines = Mutex::new(BufReader::new(std::fs::File::open(file)?).lines());
    let out = Mutex::new(BufWriter::new(io::stdout()));
    let next = || lines.lock().ok()?.next()?.ok();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(line) = next() {
                    let Ok(address) = line.parse::<IpAddr>() else { continue };
                    let name = dns_lookup::lookup_addr(&address).unwrap_or_default();
                    if let Ok(mut out) = out.lock() {
                        let _ = writeln!(out, "{address}\t{name}");
                    }
                }
            });
        }
    });
    Ok(())
}
