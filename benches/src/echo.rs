//! The echo bench: what one message costs each server, at several numbers of connections.
//!
//! The servers take turns, A B A B, each as a new process, so that whatever else the machine does
//! falls on all alike. Of the rounds the median counts; a ratio is the median of each round's own ratio. Only
//! the user part is summed over the rounds, because it is sampled (see [`cpu`](crate::cpu)). The last column
//! says how long either end had to wait for its core: on a busy machine rates fall, while CPU per message holds.

use std::io;
use std::process::Stdio;

use crate::cpu::SAMPLES_PER_SECOND;
use crate::peers::{self, FLOOR, Peer, TOKIO};
use crate::report::Report;
use crate::table::Table;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How often each server has its turn. Default 5.
    pub rounds: usize,
    /// How long a turn is measured. Default 2.
    pub seconds: f64,
    /// The bytes of a message. Default 64.
    pub size: usize,
    /// The numbers of connections, one after the other. Default 1, 50, 1,000.
    pub connections: Vec<usize>,
}

impl Default for Plan {
    fn default() -> Self {
        Self { rounds: 5, seconds: 2.0, size: 64, connections: vec![1, 50, 1_000] }
    }
}

/// What all rounds of one server found, at one number of connections.
struct Found {
    peer: Peer,
    reports: Vec<Report>,
}

/// Measures, and returns the table.
///
/// # Errors
///
/// If a server or the load fails.
pub fn run(plan: &Plan) -> io::Result<Table> {
    let peers = peers::built()?;
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
    for &connections in &plan.connections {
        let found = measure(plan, &peers, connections)?;
        found.iter().for_each(|one| table.row(row(one, &found, connections)));
    }
    Ok(table)
}

fn measure(plan: &Plan, peers: &[Peer], connections: usize) -> io::Result<Vec<Found>> {
    let mut found: Vec<Found> =
        peers.iter().map(|&peer| Found { peer, reports: Vec::new() }).collect();
    for round in 1..=plan.rounds {
        for one in &mut found {
            let report = turn(plan, &one.peer, connections)?;
            let (name, rate) = (one.peer.name, report.rate());
            eprintln!("{connections} connections, round {round}: {name}, {rate:.0} msg/s");
            one.reports.push(report);
        }
    }
    Ok(found)
}

/// One turn of one server.
fn turn(plan: &Plan, peer: &Peer, connections: usize) -> io::Result<Report> {
    let server = peer.start()?;
    let mut load = peers::load()?;
    load.args(["--connect", &server.address().to_string()]);
    load.args(["--server-pid", &server.pid().to_string()]);
    load.args(["--connections", &connections.to_string()]);
    load.args(["--seconds", &plan.seconds.to_string()]);
    load.args(["--size", &plan.size.to_string()]);
    let output = load.stderr(Stdio::inherit()).output()?;
    let report = serde_json::from_slice(&output.stdout).ok();
    let report = report.and_then(|value| Report::from_json(&value));
    report.ok_or_else(|| io::Error::other(format!("the load on {} failed", peer.name)))
}

fn row(one: &Found, all: &[Found], connections: usize) -> [String; 10] {
    let named = |name| all.iter().find(|found| found.peer.name == name);
    let cpu_ratio = named(FLOOR).map(|floor| one.cpu_ratio(floor));
    let user_ratio = named(TOKIO).map(|tokio| one.user_micros().0 / tokio.user_micros().0);
    let (user, error) = one.user_micros();
    [
        one.peer.name.to_owned(),
        connections.to_string(),
        format!("{:.0}", one.median(Report::rate)),
        format!("{:.2}", one.median(Report::cpu_micros)),
        format!("{user:.2} ±{error:.2}"),
        shown(cpu_ratio),
        shown(user_ratio),
        format!("{:.0}", one.median(|report| report.p50_micros)),
        format!("{:.0}", one.median(|report| report.p99_micros)),
        format!("{:.0} %", one.median(Report::disturbed) * 100.0),
    ]
}

impl Found {
    fn median(&self, figure: impl Fn(&Report) -> f64) -> f64 {
        median(self.reports.iter().map(figure).collect())
    }

    /// Processor time against that of `floor`, round by round.
    fn cpu_ratio(&self, floor: &Self) -> f64 {
        let rounds = self.reports.iter().zip(&floor.reports);
        median(rounds.map(|(ours, floor)| ours.cpu_micros() / floor.cpu_micros()).collect())
    }

    /// User time per message over all rounds, and the standard error of its sampling.
    fn user_micros(&self) -> (f64, f64) {
        let sum = |figure: fn(&Report) -> f64| self.reports.iter().map(figure).sum::<f64>();
        let user = sum(|report| report.cpu.user_ticks as f64);
        let share = user / (user + sum(|report| report.cpu.system_ticks as f64)).max(1.0);
        let seconds = sum(|report| report.cpu.total.as_secs_f64());
        let per_message = seconds * 1e6 / sum(|report| report.messages as f64);
        let samples = (seconds * SAMPLES_PER_SECOND).max(1.0);
        (per_message * share, per_message * (share * (1.0 - share) / samples).sqrt())
    }
}

fn shown(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".into(), |ratio| format!("{ratio:.3}"))
}

/// The middle one, or the middle of the middle two.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => figures[middle],
        _ => f64::midpoint(figures[middle - 1], figures[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median(Vec::new()).is_nan());
    }
}
