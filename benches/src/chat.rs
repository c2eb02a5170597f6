//! The chat bench: how long a line takes to the last of many browsers that wait for it, what that costs the server,
//! and what a browser that waits holds of the server's memory.

use std::io;

use crate::figures::{Missing, Section};
use crate::idle;
use crate::machine::Build;
use crate::peers::{self, AXUM_CHAT};
use crate::report::Report;
use crate::table::Table;
use crate::turns::{Load, Plan};

/// How many browsers hear each line, if nobody says.
const BROWSERS: usize = 10_000;
/// How many wait when the memory is looked at.
const WAITING: usize = 15_000;
/// Lines said in each round.
const LINES: usize = 50;

/// Measures.
///
/// # Errors
///
/// None as yet; a server that fails is entered as missing.
pub fn measure(plan: &Plan) -> io::Result<Section> {
    let (mut ready, mut missing) = peers::available(peers::CHATS);
    let rounds = plan.rounds.unwrap_or(3);
    let browsers = plan.connections.as_ref().and_then(|list| list.first().copied());
    let load = Load {
        mode: "crowd",
        connections: browsers.unwrap_or(BROWSERS),
        per_second: None,
        pipelined: 1,
        size: LINES,
        seconds: 0.0,
        rounds,
    };
    let rows = load.measure(&mut ready, &mut missing);
    let mut section = Section { build: Build::here(), rows, missing, ..Section::default() };
    for peer in &ready {
        let waiting = browsers.unwrap_or(WAITING).min(peer.browsers_max());
        eprintln!("{waiting} browsers wait: {}", peer.name);
        match idle::hold(peer, peer.name, waiting) {
            Ok(memory) => section.memory.push(memory),
            Err(error) => {
                section.missing.push(Missing { server: peer.name.into(), why: error.to_string() });
            }
        }
    }
    section.how = format!("{LINES} lines, medians of {rounds} rounds");
    Ok(section)
}

/// Shows.
pub fn table(section: &Section) -> Table {
    let mut table = Table::new([
        "server",
        "browsers",
        "p50 ms to the last",
        "p99 ms to the last",
        "CPU ms/line",
        "CPU µs/line and browser",
        "CPU ÷ axum",
        "disturbed",
    ]);
    for row in &section.rows {
        let axum = section.row(AXUM_CHAT, row.connections);
        let ratio = axum.map(|axum| row.ratio(axum, Report::cpu_micros));
        let cpu = row.median(Report::cpu_micros);
        table.row([
            row.server.clone(),
            row.connections.to_string(),
            format!("{:.1}", row.median(|report| report.p50_micros) / 1e3),
            format!("{:.1}", row.median(|report| report.p99_micros) / 1e3),
            format!("{:.1}", cpu / 1e3),
            format!("{:.2}", cpu / row.connections.max(1) as f64),
            ratio.map_or_else(|| "-".into(), |ratio| format!("{ratio:.3}")),
            format!("{:.0} %", row.median(Report::disturbed) * 100.0),
        ]);
    }
    for memory in &section.memory {
        let mut cells: [String; 8] = std::array::from_fn(|_| "-".to_owned());
        cells[0] = format!("{}: {:.0} bytes each", memory.server, memory.bytes());
        cells[1] = memory.connections.to_string();
        table.row(cells);
    }
    table
}
