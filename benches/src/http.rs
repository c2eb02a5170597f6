//! The HTTP bench: what a request costs each server that answers `Hello, world!`, alone and pipelined, and a file of
//! 1 MiB; the same over TLS, and a handshake; then what a connection costs in memory while it waits, for the next request
//! or for an answer.

use std::io;

use crate::connection::Speech;
use crate::figures::{Missing, Row, Section};
use crate::idle;
use crate::machine::Build;
use crate::peers::{self, HYPER, Peer};
use crate::report::Report;
use crate::table::Table;
use crate::turns::{Load, Plan};

/// One request at a time.
pub const KEEP_ALIVE: &str = "hello";
/// Sixteen at a time.
pub const PIPELINED: &str = "hello, pipelined by 16";
/// One request at a time over TLS.
const TLS_HELLO: &str = "hello over TLS";
/// A connection with one answer.
const HANDSHAKE: &str = "TLS handshake and hello";
/// A file.
const FILE: &str = "1 MiB file";

/// How many connections wait, if nobody says.
const WAITING: usize = 10_000;

/// Measures.
///
/// # Errors
///
/// None as yet; a server that fails is entered as missing.
pub fn measure(plan: &Plan) -> io::Result<Section> {
    let (rounds, seconds) = (plan.rounds.unwrap_or(5), plan.seconds.unwrap_or(0.6));
    let (mut hellos, mut missing) = peers::available(peers::HELLOS);
    let (mut files, without) = peers::available(peers::FILES);
    missing.extend(without);
    let (mut secure, without) = peers::available(peers::SECURE);
    missing.extend(
        without.into_iter().map(|it| Missing { server: format!("{}, TLS", it.server), ..it }),
    );
    let load = |connections, pipelined| Load {
        mode: "play",
        connections,
        per_second: None,
        pipelined,
        size: 64,
        seconds,
        rounds,
    };
    let called = |what: &str, rows: Vec<Row>| {
        let call = |row| Row { asked_for: what.to_owned(), ..row };
        rows.into_iter().map(call).collect::<Vec<_>>()
    };
    let mut rows = Vec::new();
    for connections in plan.connections.clone().unwrap_or(vec![64, 512]) {
        let found = load(connections, 1).measure(&mut hellos, &mut missing);
        rows.extend(called(KEEP_ALIVE, found));
    }
    rows.extend(called(PIPELINED, load(64, 16).measure(&mut hellos, &mut missing)));
    rows.extend(called(FILE, load(16, 1).measure(&mut files, &mut missing)));
    rows.extend(called(TLS_HELLO, load(64, 1).measure(&mut secure, &mut missing)));
    let dial = Load { mode: "dial", ..load(32, 1) };
    rows.extend(called(HANDSHAKE, dial.measure(&mut secure, &mut missing)));
    let mut section = Section { build: Build::here(), rows, missing, ..Section::default() };
    for peer in &hellos {
        hold(&mut section, peer, "idle");
    }
    for mut peer in hellos.into_iter().filter(Peer::can_wait) {
        peer.speech = Speech::Wait;
        hold(&mut section, &peer, "long poll");
    }
    section.how = format!("medians of {rounds} rounds of {seconds} s");
    Ok(section)
}

/// Enters the memory of connections that wait; the server's name says for what.
fn hold(section: &mut Section, peer: &Peer, what: &str) {
    eprintln!("{WAITING} connections, {what}: {}", peer.name);
    match idle::hold(peer, &waiting(peer.name, what), WAITING) {
        Ok(memory) => section.memory.push(memory),
        Err(error) => {
            section.missing.push(Missing { server: peer.name.into(), why: error.to_string() });
        }
    }
}

/// What the row of such connections is called.
pub fn waiting(server: &str, what: &str) -> String {
    format!("{server}, {what}")
}

/// The row of that server for that load.
pub fn row<'a>(
    section: &'a Section,
    asked_for: &str,
    server: &str,
    connections: usize,
) -> Option<&'a Row> {
    section.rows.iter().find(|row| {
        row.asked_for == asked_for && row.server == server && row.connections == connections
    })
}

/// Shows.
pub fn table(section: &Section) -> Table {
    let mut table = Table::new([
        "asked for",
        "server",
        "conns",
        "answers/s",
        "CPU µs/answer",
        "user µs/answer",
        "rate ÷ hyper",
        "CPU ÷ hyper",
        "user ÷ hyper",
        "disturbed",
    ]);
    for found in &section.rows {
        let hyper = row(section, &found.asked_for, HYPER, found.connections);
        let (user, error) = found.user_micros();
        table.row([
            found.asked_for.clone(),
            found.server.clone(),
            found.connections.to_string(),
            format!("{:.0}", found.median(Report::rate)),
            format!("{:.2}", found.median(Report::cpu_micros)),
            format!("{user:.2} ±{error:.2}"),
            shown(hyper.map(|hyper| found.ratio(hyper, Report::rate))),
            shown(hyper.map(|hyper| found.ratio(hyper, Report::cpu_micros))),
            shown(hyper.map(|hyper| user / hyper.user_micros().0)),
            format!("{:.0} %", found.median(Report::disturbed) * 100.0),
        ]);
    }
    for memory in &section.memory {
        let held = format!("{:.0} bytes each", memory.bytes());
        let mut cells: [String; 10] = std::array::from_fn(|_| "-".to_owned());
        cells[0] = held;
        cells[1].clone_from(&memory.server);
        cells[2] = memory.connections.to_string();
        table.row(cells);
    }
    table
}

fn shown(ratio: Option<f64>) -> String {
    let ratio = ratio.filter(|ratio| ratio.is_finite());
    ratio.map_or_else(|| "-".into(), |ratio| format!("{ratio:.3}"))
}
