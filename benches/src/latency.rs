//! The latency bench: how long an answer takes at a fixed rate, from when its message was due.
//!
//! See [`open_loop`](crate::open_loop) for why the rate is fixed. Two rates: one that every server bears, Python's
//! as well, and one near half of what the fast ones can do.

use crate::figures::Section;
use crate::machine::Build;
use crate::peers;
use crate::report::Report;
use crate::table::Table;
use crate::turns::{Load, Plan};

/// Messages per second.
const RATES: [f64; 2] = [10_000.0, 100_000.0];

/// Measures.
pub fn measure(plan: &Plan) -> Section {
    let (mut ready, mut missing) = peers::available(peers::ECHOES);
    let (rounds, seconds) = (plan.rounds.unwrap_or(3), plan.seconds.unwrap_or(0.8));
    let mut rows = Vec::new();
    for connections in plan.connections.clone().unwrap_or(vec![50]) {
        for rate in RATES {
            let per_second = Some(rate);
            let load = Load {
                mode: "pace",
                connections,
                per_second,
                pipelined: 1,
                size: 64,
                seconds,
                rounds,
            };
            rows.extend(load.measure(&mut ready, &mut missing));
        }
    }
    let how = format!("messages of 64 bytes, medians of {rounds} rounds of {seconds} s");
    Section { build: Build::here(), how, rows, missing, ..Section::default() }
}

/// Shows.
pub fn table(section: &Section) -> Table {
    let mut table = Table::new([
        "server",
        "conns",
        "asked/s",
        "answered",
        "p50 µs",
        "p99 µs",
        "p99.9 µs",
        "CPU µs/msg",
        "disturbed",
    ]);
    for row in &section.rows {
        table.row([
            row.server.clone(),
            row.connections.to_string(),
            format!("{:.0}", row.per_second.unwrap_or_default()),
            format!("{:.1} %", row.median(Report::answered) * 100.0),
            format!("{:.0}", row.median(|report| report.p50_micros)),
            format!("{:.0}", row.median(|report| report.p99_micros)),
            format!("{:.0}", row.median(|report| report.p999_micros)),
            format!("{:.2}", row.median(Report::cpu_micros)),
            format!("{:.0} %", row.median(Report::disturbed) * 100.0),
        ]);
    }
    table
}
