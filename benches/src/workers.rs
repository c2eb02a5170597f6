//! The workers bench: what a second worker brings.
//!
//! On two cores, server and load have to share them, so the rate that is seen says nothing. What counts is the
//! *CPU-bound rate*: messages, divided by the processor time of the busiest thread. That is the rate at which this
//! thread would have no time left, were the load elsewhere. With one worker it is one over the CPU per message; with
//! two it is twice that only if both have the same share of the connections and neither hinders the other. One worker is
//! measured twice: under the same conditions as two, and with the load on another core, where nobody else uses its caches.

use crate::figures::Section;
use crate::machine::Build;
use crate::peers::{self, ONE_WORKER};
use crate::report::Report;
use crate::table::Table;
use crate::turns::{Load, Plan};

/// Measures.
pub fn measure(plan: &Plan) -> Section {
    let (mut ready, mut missing) = peers::available(peers::WORKERS);
    let (rounds, seconds) = (plan.rounds.unwrap_or(5), plan.seconds.unwrap_or(0.8));
    let mut rows = Vec::new();
    for connections in plan.connections.clone().unwrap_or(vec![1_000]) {
        let load = Load {
            mode: "play",
            connections,
            per_second: None,
            pipelined: 1,
            size: 64,
            seconds,
            rounds,
        };
        rows.extend(load.measure(&mut ready, &mut missing));
    }
    let how = format!("messages of 64 bytes, medians of {rounds} rounds of {seconds} s");
    Section { build: Build::here(), how, rows, missing, ..Section::default() }
}

/// Shows.
pub fn table(section: &Section) -> Table {
    let mut table = Table::new([
        "server",
        "conns",
        "msg/s, load on the same cores",
        "CPU µs/msg",
        "busiest thread",
        "CPU-bound msg/s",
        "÷ one worker",
    ]);
    for row in &section.rows {
        let one = section.row(ONE_WORKER, row.connections);
        let ratio = one.map(|one| row.ratio(one, Report::cpu_bound_rate));
        let share = |report: &Report| report.busiest_nanos as f64 / report.cpu_nanos.max(1) as f64;
        table.row([
            row.server.clone(),
            row.connections.to_string(),
            format!("{:.0}", row.median(Report::rate)),
            format!("{:.2}", row.median(Report::cpu_micros)),
            format!("{:.0} %", row.median(share) * 100.0),
            format!("{:.0}", row.median(Report::cpu_bound_rate)),
            ratio.map_or_else(|| "-".into(), |ratio| format!("{ratio:.2}")),
        ]);
    }
    table
}
