//! What was to be reached and whether it is, and where others are ahead: both worked out from the figures.

use crate::figures::{Figures, Row, Section};
use crate::http::{self, KEEP_ALIVE, PIPELINED};
use crate::names;
use crate::peers::{
    EPOLL, FLOOR, HYPER, NGINX_HTTP, ONE_APART, ONE_WORKER, TOKIO, TWO_WORKERS, URING, URING_FLOOR,
};
use crate::report::Report;

/// How far apart two figures have to be before one of them is ahead: what two runs of one server may differ by.
const NOISE: f64 = 0.03;

/// One goal.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// What is to hold.
    pub what: String,
    /// What was found; none if it was not measured.
    pub found: Option<f64>,
    /// The bound.
    pub bound: f64,
    /// Whether the bound is the least and not the most.
    pub at_least: bool,
    /// How many digits the found figure is shown with.
    pub digits: usize,
}

impl Goal {
    /// The words of the page.
    pub fn verdict(&self) -> &'static str {
        match self.found {
            None => "not measured",
            Some(found) if self.at_least && found >= self.bound => "yes",
            Some(found) if !self.at_least && found <= self.bound => "yes",
            Some(_) => "**no**",
        }
    }

    /// The found figure, as the page shows it.
    pub fn shown(&self) -> String {
        self.found.map_or_else(|| "-".into(), |found| format!("{found:.*}", self.digits))
    }
}

/// All goals.
pub fn goals(figures: &Figures) -> Vec<Goal> {
    let mut goals = Vec::new();
    let ratio = |what: String, found: Option<f64>, bound: f64| Goal {
        what,
        found: found.filter(|found| found.is_finite()),
        bound,
        at_least: false,
        digits: 3,
    };
    let rows = |connections: usize, ours: &str, other: &str| {
        let echo = figures.benches.get("echo")?;
        Some((echo.row(ours, connections)?, echo.row(other, connections)?))
    };
    let cpu = |connections: usize, ours: &str, other: &str| {
        rows(connections, ours, other).map(|(ours, other)| ours.ratio(other, Report::cpu_micros))
    };
    for n in [50, 1_000] {
        let what = format!("echo, {n} connections: CPU of {EPOLL} ≤ 1.03 × {FLOOR}");
        goals.push(ratio(what, cpu(n, EPOLL, FLOOR), 1.03));
        let user = rows(n, EPOLL, TOKIO);
        let user = user.map(|(ours, tokio)| ours.user_micros().0 / tokio.user_micros().0);
        let what = format!("echo, {n} connections: user time of {EPOLL} ≤ 0.6 × {TOKIO}");
        goals.push(ratio(what, user, 0.6));
    }
    for n in [1, 50, 1_000] {
        let s = if n == 1 { "" } else { "s" };
        let what = format!("echo, {n} connection{s}: CPU of {URING} ≤ 1.05 × {URING_FLOOR}");
        goals.push(ratio(what, cpu(n, URING, URING_FLOOR), 1.05));
        let what = format!("echo, {n} connection{s}: CPU of {URING} below {TOKIO}'s");
        goals.push(ratio(what, cpu(n, URING, TOKIO), 1.0));
    }
    for server in [EPOLL, URING] {
        let idle = figures.benches.get("idle");
        let found = idle.and_then(|idle| idle.memory.iter().find(|row| row.server == server));
        let what = format!("an idle connection: bytes of {server} ≤ 400");
        goals.push(Goal {
            digits: 0,
            ..ratio(what, found.map(crate::figures::Memory::bytes), 400.0)
        });
    }
    for (one, place) in [(ONE_WORKER, "under the same load"), (ONE_APART, "with the load apart")] {
        let what = format!("CPU-bound rate of 2 workers ≥ 1.8 × one worker's {place}");
        let found = figures.benches.get("workers").and_then(|found| second_worker(found, one));
        goals.push(Goal { at_least: true, digits: 3, ..ratio(what, found, 1.8) });
    }
    goals.extend(http_goals(figures));
    goals.extend(chat_goals(figures));
    goals.extend(names_goals(figures));
    for (name, bound) in OPERATIONS {
        let micro = figures.benches.get("micro");
        let found = micro.and_then(|m| m.operations.iter().find(|o| o.name.starts_with(name)));
        // That one fires ten stages; the goal is for one.
        let nanos =
            found.map(|o| if o.name.contains("10 pending") { o.nanos / 10.0 } else { o.nanos });
        goals.push(Goal {
            digits: 1,
            ..ratio(
                format!(
                    "{name}{}: ns ≤ {bound}",
                    if name.contains("10 pending") { ", each" } else { "" }
                ),
                nanos,
                *bound,
            )
        });
    }
    goals
}

/// Those of HTTP.
fn http_goals(figures: &Figures) -> Vec<Goal> {
    let section = figures.benches.get("http");
    let rows = |what: &str, other: &str, connections: usize| {
        let section = section?;
        let ours = http::row(section, what, EPOLL, connections)?;
        Some((ours, http::row(section, what, other, connections)?))
    };
    let goal = |what: String, found: Option<f64>, bound: f64, at_least: bool, digits: usize| {
        let found = found.filter(|found| found.is_finite());
        Goal { what, found, bound, at_least, digits }
    };
    let mut goals = Vec::new();
    for n in [64, 512] {
        let both = rows(KEEP_ALIVE, HYPER, n);
        let cpu = both.map(|(ours, hyper)| ours.ratio(hyper, Report::cpu_micros));
        let what = format!("HTTP, {n} connections: CPU of {EPOLL} ≤ 0.92 × {HYPER}");
        goals.push(goal(what, cpu, 0.92, false, 3));
        let user = both.map(|(ours, hyper)| ours.user_micros().0 / hyper.user_micros().0);
        let what = format!("HTTP, {n} connections: user time of {EPOLL} ≤ 0.5 × {HYPER}");
        goals.push(goal(what, user, 0.5, false, 3));
    }
    for (other, bound) in [(HYPER, 1.5), (NGINX_HTTP, 6.0)] {
        let rate = rows(PIPELINED, other, 64).map(|(ours, it)| ours.ratio(it, Report::rate));
        let what = format!("HTTP, pipelined: rate of {EPOLL} ≥ {bound} × {other}");
        goals.push(goal(what, rate, bound, true, 3));
    }
    let waiting = http::waiting(EPOLL, "long poll");
    let held = section.and_then(|http| http.memory.iter().find(|row| row.server == waiting));
    let what = format!("a waiting long poll: bytes of {EPOLL} ≤ 700");
    goals.push(goal(what, held.map(crate::figures::Memory::bytes), 700.0, false, 0));
    goals
}

/// That of the chat.
fn chat_goals(figures: &Figures) -> Option<Goal> {
    let section = figures.benches.get("chat")?;
    let held = section.memory.iter().find(|row| row.server == EPOLL);
    Some(Goal {
        what: format!("a browser that waits in the chat: bytes of {EPOLL} ≤ 1,000"),
        found: held.map(crate::figures::Memory::bytes),
        bound: 1000.0,
        at_least: false,
        digits: 0,
    })
}

/// Those of names.
fn names_goals(figures: &Figures) -> Vec<Goal> {
    let section = figures.benches.get("dns");
    let rate = |of: &str, other: &str| {
        let section = section?;
        let (ours, other) = (names::row(section, of, EPOLL)?, names::row(section, of, other)?);
        Some(ours.ratio(other, Report::rate))
    };
    let goal = |what: &str, found: Option<f64>, bound: f64| Goal {
        what: what.to_owned(),
        found: found.filter(|found| found.is_finite()),
        bound,
        at_least: true,
        digits: 2,
    };
    let lookups = |other: &str| {
        (
            format!("reverse lookups: rate of {EPOLL} ≥ 10 × {other}"),
            rate(names::LOOKUPS, other),
            10.0,
        )
    };
    let [threads, fast, twisted] =
        [names::THREADS, names::FAST_THREADS, names::TWISTED].map(lookups);
    let nsd = (
        format!("an authority of names: rate of {EPOLL} ≥ 0.9 × {}", names::NSD),
        rate(names::AUTHORITY, names::NSD),
        0.9,
    );
    let unbound = (
        format!("names from memory: rate of {EPOLL} ≥ {}'s", names::UNBOUND),
        rate(names::CACHED, names::UNBOUND),
        1.0,
    );
    [threads, fast, twisted, nsd, unbound]
        .into_iter()
        .map(|(what, found, bound)| goal(&what, found, bound))
        .collect()
}

/// Single operations by what their name begins with, and the most they may take.
const OPERATIONS: &[(&str, f64)] = &[
    ("dispatch one event", 20.0),
    ("reset a timer, 1,048,576 live, in order", 40.0),
    ("reset a timer, 1,048,576 live, in no order", 40.0),
    ("a Deferred with 10 pending stages", 60.0),
];

/// What the second worker brings, at the largest number of connections.
fn second_worker(section: &Section, one: &str) -> Option<f64> {
    let connections = *section.connections().last()?;
    let one = section.row(one, connections)?;
    Some(section.row(TWO_WORKERS, connections)?.ratio(one, Report::cpu_bound_rate))
}

/// One sentence for each figure of ours that others are ahead of.
pub fn losses(figures: &Figures) -> Vec<String> {
    let mut losses = Vec::new();
    for (bench, what, unit, figure) in FIGURES {
        let Some(section) = figures.benches.get(*bench) else { continue };
        for row in section.rows.iter().filter(|row| is_ours(&row.server)) {
            let same = |other: &&Row| {
                other.connections == row.connections
                    && other.per_second == row.per_second
                    && other.asked_for == row.asked_for
            };
            let others = section.rows.iter().filter(same);
            let others = others.map(|other| (&*other.server, other.median(figure)));
            let load = load_of(bench, row);
            losses.extend(loss(&format!("{load}: {what}"), unit, row, row.median(figure), others));
        }
    }
    if let Some(idle) = figures.benches.get("idle") {
        for row in idle.memory.iter().filter(|row| is_ours(&row.server)) {
            let others = idle.memory.iter().map(|other| (&*other.server, other.bytes()));
            let ours = Row { server: row.server.clone(), ..Row::default() };
            losses.extend(loss("an idle connection: memory", "bytes", &ours, row.bytes(), others));
        }
    }
    losses
}

/// What is compared: the less the better.
const FIGURES: &[(&str, &str, &str, fn(&Report) -> f64)] = &[
    ("echo", "CPU per message", "µs", Report::cpu_micros),
    ("latency", "p50", "µs", |report| report.p50_micros),
    ("latency", "p99", "µs", |report| report.p99_micros),
    ("latency", "p99.9", "µs", |report| report.p999_micros),
    ("connect", "CPU per connection", "µs", Report::cpu_micros),
    ("http", "CPU per answer", "µs", Report::cpu_micros),
];

fn is_ours(server: &str) -> bool {
    server.starts_with("ropewalk")
}

fn load_of(bench: &str, row: &Row) -> String {
    match (bench, row.per_second, row.connections) {
        ("connect", ..) => "connecting".into(),
        ("http", ..) => format!("HTTP, {}, {} connections", row.asked_for, row.connections),
        (_, Some(rate), _) => format!("{bench} at {rate:.0}/s"),
        (_, None, 1) => format!("{bench}, 1 connection"),
        (_, None, n) => format!("{bench}, {n} connections"),
    }
}

/// The sentence, if anybody else is ahead by more than the noise.
fn loss<'a>(
    what: &str,
    unit: &str,
    row: &Row,
    ours: f64,
    others: impl Iterator<Item = (&'a str, f64)>,
) -> Option<String> {
    let ahead = others.filter(|(server, figure)| {
        !is_ours(server) && *figure > 0.0 && figure * (1.0 + NOISE) < ours
    });
    let mut ahead: Vec<(&str, f64)> = ahead.collect();
    ahead.sort_by(|one, other| one.1.total_cmp(&other.1));
    if ahead.is_empty() {
        return None;
    }
    let digits = if ours < 100.0 { 2 } else { 0 };
    let ahead: Vec<String> = ahead.iter().map(|(who, n)| format!("{who} {n:.digits$}")).collect();
    Some(format!("{what}, {unit}: {} {ours:.digits$}; {}", row.server, ahead.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Memory;

    fn row(server: &str, connections: usize, cpu_nanos: u64) -> Row {
        let report = Report { messages: 1000, seconds: 1.0, cpu_nanos, ..Report::default() };
        let report = Report { busiest_nanos: cpu_nanos, ..report };
        Row { server: server.into(), connections, rounds: vec![report], ..Row::default() }
    }

    fn figures(bench: &str, section: Section) -> Figures {
        Figures { benches: [(bench.to_owned(), section)].into(), ..Figures::default() }
    }

    #[test]
    fn a_goal_is_reached_missed_or_not_measured() {
        let rows = vec![row(FLOOR, 50, 1000), row(EPOLL, 50, 1020), row(FLOOR, 1000, 1000)];
        let rows = [rows, vec![row(EPOLL, 1000, 1100)]].concat();
        let all = goals(&figures("echo", Section { rows, ..Section::default() }));
        let verdict = |start: &str| {
            all.iter()
                .find(|goal| goal.what.starts_with(start))
                .map(|goal| (goal.verdict(), goal.shown()))
        };
        assert_eq!(verdict("echo, 50"), Some(("yes", "1.020".into())));
        assert_eq!(
            verdict("echo, 1000 connections: CPU of ropewalk (epoll)"),
            Some(("**no**", "1.100".into()))
        );
        assert_eq!(verdict("dispatch"), Some(("not measured", "-".into())));
    }

    #[test]
    fn a_second_worker_has_to_bring_enough() {
        let rows = vec![row(ONE_WORKER, 1000, 2000), row(TWO_WORKERS, 1000, 1000)];
        let all = goals(&figures("workers", Section { rows, ..Section::default() }));
        let goal = all.iter().find(|goal| goal.at_least).expect("it is a goal");
        assert_eq!((goal.verdict(), goal.shown()), ("yes", "2.000".into()));
    }

    #[test]
    fn who_is_ahead_by_more_than_noise_is_named() {
        let rows = vec![row(EPOLL, 1, 4000), row(FLOOR, 1, 3000), row(TOKIO, 1, 3950)];
        let found = losses(&figures("echo", Section { rows, ..Section::default() }));
        let wanted =
            "echo, 1 connection: CPU per message, µs: ropewalk (epoll) 0.00; bare epoll 0.00";
        assert_eq!(found, [wanted.to_owned()]);
    }

    #[test]
    fn memory_is_compared_too() {
        let memory = |server: &str, after| Memory {
            server: server.into(),
            connections: 1,
            before: 0,
            after,
        };
        let memory = vec![memory(EPOLL, 212), memory(FLOOR, 40), memory(TOKIO, 1792)];
        let found = losses(&figures("idle", Section { memory, ..Section::default() }));
        assert_eq!(
            found,
            ["an idle connection: memory, bytes: ropewalk (epoll) 212; bare epoll 40"]
        );
    }
}
