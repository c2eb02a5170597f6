//! The idle bench: the memory of its own that a server holds per connection on which nothing happens.
//!
//! Each connection has said one message and heard it, so it has been used once and then fell silent.

use std::io::{self, BufRead, BufReader, ErrorKind};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::memory::anonymous_bytes;
use crate::peers::{self, Peer};
use crate::table::Table;

/// How many connections, if nobody says.
pub const CONNECTIONS: usize = 15_000;

/// One process may hold 20,000 descriptors where we measure, and either end holds one per connection.
const CONNECTIONS_MAX: usize = 19_900;

/// How long a server has to settle before its memory is read.
const SETTLING: Duration = Duration::from_millis(500);

/// Measures, and returns the table.
///
/// # Errors
///
/// If a server or the load fails, or for more connections than one process may hold.
pub fn run(connections: usize) -> io::Result<Table> {
    if !(1..=CONNECTIONS_MAX).contains(&connections) {
        return Err(io::Error::new(ErrorKind::InvalidInput, "1 to 19,900 connections"));
    }
    let mut table =
        Table::new(["server", "idle conns", "before KiB", "after KiB", "user-space bytes/conn"]);
    for peer in peers::built()? {
        eprintln!("{connections} idle connections: {}", peer.name);
        let (before, after) = measure(&peer, connections)?;
        let per_connection = after.saturating_sub(before) / connections as u64;
        table.row([
            peer.name.to_owned(),
            connections.to_string(),
            (before / 1024).to_string(),
            (after / 1024).to_string(),
            per_connection.to_string(),
        ]);
    }
    Ok(table)
}

/// The server's own memory without connections and with them.
fn measure(peer: &Peer, connections: usize) -> io::Result<(u64, u64)> {
    let server = peer.start()?;
    sleep(SETTLING);
    let before = anonymous_bytes(server.pid())?;
    let mut load = peers::load()?;
    load.args(["--connect", &server.address().to_string(), "--idle", &connections.to_string()]);
    let mut load = load.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(load.stdout.take().expect("it is piped")).read_line(&mut line)?;
    sleep(SETTLING);
    let after = anonymous_bytes(server.pid());
    // The load holds its connections until its standard input ends.
    drop(load.stdin.take());
    if !load.wait()?.success() {
        return Err(io::Error::other(format!("the load on {} failed", peer.name)));
    }
    Ok((before, after?))
}
