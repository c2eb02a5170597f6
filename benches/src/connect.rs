//! The connect bench: what a new connection costs each server, with one message each way and the end.
//!
//! The load is often slower than the server; then the rate says little and the server's CPU says all.

use crate::figures::Section;
use crate::machine::Build;
use crate::peers::{self, FLOOR};
use crate::report::Report;
use crate::table::Table;
use crate::turns::{Load, Plan};

/// Measures.
pub fn measure(plan: &Plan) -> Section {
    let all = [peers::ECHOES, &[peers::NGINX]].concat();
    let (mut ready, mut missing) = peers::available(&all);
    let (rounds, seconds) = (plan.rounds.unwrap_or(3), plan.seconds.unwrap_or(0.7));
    let load = Load {
        mode: "dial",
        connections: 32,
        per_second: None,
        pipelined: 1,
        size: 64,
        seconds,
        rounds,
    };
    let rows = load.measure(&mut ready, &mut missing);
    let how = format!("32 at a time, medians of {rounds} rounds of {seconds} s");
    Section { build: Build::here(), how, rows, missing, ..Section::default() }
}

/// Shows.
pub fn table(section: &Section) -> Table {
    let mut table = Table::new([
        "server",
        "connections/s",
        "CPU µs/connection",
        "CPU ÷ epoll",
        "p50 µs",
        "p99 µs",
        "disturbed",
    ]);
    for row in &section.rows {
        let floor = section.row(FLOOR, row.connections);
        let ratio = floor.map(|floor| row.ratio(floor, Report::cpu_micros));
        table.row([
            row.server.clone(),
            format!("{:.0}", row.median(Report::rate)),
            format!("{:.2}", row.median(Report::cpu_micros)),
            ratio.map_or_else(|| "-".into(), |ratio| format!("{ratio:.3}")),
            format!("{:.0}", row.median(|report| report.p50_micros)),
            format!("{:.0}", row.median(|report| report.p99_micros)),
            format!("{:.0} %", row.median(Report::disturbed) * 100.0),
        ]);
    }
    table
}
