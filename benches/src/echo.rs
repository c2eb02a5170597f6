//! The echo bench: what one message costs each server, at several numbers of connections.
//!
//! Of the rounds the median counts; a ratio is the median of each round's own ratio. Only the user part is summed over
//! the rounds, because it is sampled (see [`cpu`](crate::cpu)). The last column says how long either end had to
//! wait for its core: on a busy machine rates fall, while CPU per message holds.

use crate::figures::Section;
use crate::machine::Build;
use crate::peers::{self, FLOOR, TOKIO};
use crate::report::Report;
use crate::table::Table;
use crate::turns::{Load, Plan};

/// Measures.
pub fn measure(plan: &Plan) -> Section {
    let (mut ready, mut missing) = peers::available(peers::ECHOES);
    let (rounds, seconds) = (plan.rounds.unwrap_or(5), plan.seconds.unwrap_or(0.8));
    let size = plan.size.unwrap_or(64);
    let mut rows = Vec::new();
    for connections in plan.connections.clone().unwrap_or(vec![1, 50, 1_000]) {
        let load = Load {
            mode: "play",
            connections,
            per_second: None,
            pipelined: 1,
            size,
            seconds,
            rounds,
        };
        rows.extend(load.measure(&mut ready, &mut missing));
    }
    let how = format!("messages of {size} bytes, medians of {rounds} rounds of {seconds} s");
    Section { build: Build::here(), how, rows, missing, ..Section::default() }
}

/// Shows.
pub fn table(section: &Section) -> Table {
    let mut table = Table::new([
        "server",
        "conns",
        "msg/s",
        "CPU µs/msg",
        "user µs/msg",
        "CPU ÷ epoll",
        "user ÷ tokio",
        "p50 µs",
        "p99 µs",
        "disturbed",
    ]);
    for row in &section.rows {
        let floor = section.row(FLOOR, row.connections);
        let tokio = section.row(TOKIO, row.connections);
        let (user, error) = row.user_micros();
        table.row([
            row.server.clone(),
            row.connections.to_string(),
            format!("{:.0}", row.median(Report::rate)),
            format!("{:.2}", row.median(Report::cpu_micros)),
            format!("{user:.2} ±{error:.2}"),
            shown(floor.map(|floor| row.ratio(floor, Report::cpu_micros))),
            shown(tokio.map(|tokio| user / tokio.user_micros().0)),
            format!("{:.0}", row.median(|report| report.p50_micros)),
            format!("{:.0}", row.median(|report| report.p99_micros)),
            format!("{:.0} %", row.median(Report::disturbed) * 100.0),
        ]);
    }
    table
}

fn shown(ratio: Option<f64>) -> String {
    let ratio = ratio.filter(|ratio| ratio.is_finite());
    ratio.map_or_else(|| "-".into(), |ratio| format!("{ratio:.3}"))
}
