//! The idle bench: the memory of its own that a server holds per connection on which nothing happens.
//!
//! Each connection has said one message and heard it, so it has been used once and then fell silent.

use std::io::{self, BufRead, BufReader, ErrorKind};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::figures::{Memory, Missing, Section};
use crate::machine::Build;
use crate::memory::anonymous_bytes;
use crate::peers::{self, Peer};
use crate::table::Table;
use crate::turns::Plan;

/// How many connections, if nobody says.
const CONNECTIONS: usize = 15_000;

/// One process may hold 20,000 descriptors where we measure, and either end holds one per connection.
const CONNECTIONS_MAX: usize = 19_900;

/// How long a server has to settle before its memory is read.
const SETTLING: Duration = Duration::from_millis(500);

/// Measures.
///
/// # Errors
///
/// For more connections than one process may hold.
pub fn measure(plan: &Plan) -> io::Result<Section> {
    let connections = plan.connections.as_ref().and_then(|list| list.first().copied());
    let connections = connections.unwrap_or(CONNECTIONS);
    if !(1..=CONNECTIONS_MAX).contains(&connections) {
        return Err(io::Error::new(ErrorKind::InvalidInput, "idle: 1 to 19,900 connections"));
    }
    let all = [peers::ECHOES, &[peers::NGINX]].concat();
    let (ready, mut missing) = peers::available(&all);
    let mut memory = Vec::new();
    for peer in ready {
        eprintln!("{connections} idle connections: {}", peer.name);
        match hold(&peer, peer.name, connections) {
            Ok(found) => memory.push(found),
            Err(error) => {
                missing.push(Missing { server: peer.name.into(), why: error.to_string() });
            }
        }
    }
    let how = format!("{connections} connections, each used once and then silent");
    Ok(Section { build: Build::here(), how, memory, missing, ..Section::default() })
}

/// Shows.
pub fn table(section: &Section) -> Table {
    let mut table =
        Table::new(["server", "idle conns", "before KiB", "after KiB", "user-space bytes/conn"]);
    for row in &section.memory {
        table.row([
            row.server.clone(),
            row.connections.to_string(),
            (row.before / 1024).to_string(),
            (row.after / 1024).to_string(),
            format!("{:.0}", row.bytes()),
        ]);
    }
    table
}

/// The server's own memory without connections and with them, in a row called `server`.
///
/// # Errors
///
/// If it cannot be started or does not take them all.
pub fn hold(peer: &Peer, server: &str, connections: usize) -> io::Result<Memory> {
    let row = server.to_owned();
    let server = peer.start()?;
    sleep(SETTLING);
    let before = anonymous_bytes(server.pid())?;
    let mut load = peer.load("hold", &server)?;
    load.args(["--connections", &connections.to_string()]);
    let mut load = load.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(load.stdout.take().expect("it is piped")).read_line(&mut line)?;
    sleep(SETTLING);
    let after = anonymous_bytes(server.pid());
    // The load holds its connections until its standard input ends.
    drop(load.stdin.take());
    if !load.wait()?.success() {
        return Err(io::Error::other("the load on it failed"));
    }
    Ok(Memory { server: row, connections, before, after: after? })
}
