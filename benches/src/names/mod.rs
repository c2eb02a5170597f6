//! The bench of names: very many lookups by programs that do nothing else, and servers asked as fast as they answer.

mod lookups;
mod material;
mod servers;

use std::io;
use std::process::{Command, Stdio};
use std::time::Instant;

use self::servers::{NameServer, Role};
use crate::figures::{Memory, Missing, Row, Section};
use crate::machine::Build;
use crate::peers::{EPOLL, URING};
use crate::report::Report;
use crate::table::Table;
use crate::turns::Plan;

/// Rows of programs that look names up.
pub const LOOKUPS: &str = "lookups";
/// Rows of servers that have the zone.
pub const AUTHORITY: &str = "authority";
/// Rows of servers that remember what they were told.
pub const CACHED: &str = "from memory";

/// What lookups are compared with: the classic example.
pub const THREADS: &str = "200 threads of Python";
/// The same without Python, whose interpreter lets one thread run at a time.
pub const FAST_THREADS: &str = "200 threads of Rust";
/// The same.
pub const TWISTED: &str = "Twisted (names)";
/// The authority that a goal names.
pub const NSD: &str = "nsd";
/// The resolver that a goal names.
pub const UNBOUND: &str = "unbound";

/// Who looks up, and how many addresses: the slow ones fewer.
const ASKERS: &[(&str, lookups::Kind, usize)] = &[
    (EPOLL, lookups::Kind::Ours("epoll"), 1_000_000),
    (URING, lookups::Kind::Ours("uring"), 1_000_000),
    ("adnslogres", lookups::Kind::Adns, 200_000),
    (THREADS, lookups::Kind::PythonThreads, 50_000),
    (FAST_THREADS, lookups::Kind::Threads, 100_000),
    (TWISTED, lookups::Kind::Twisted, 30_000),
];

/// Who has the zone.
const AUTHORITIES: &[(&str, servers::Kind)] = &[
    (EPOLL, servers::Kind::Ours("epoll")),
    (URING, servers::Kind::Ours("uring")),
    (NSD, servers::Kind::Nsd),
    ("bind9", servers::Kind::Bind9),
];

/// Who remembers.
const RESOLVERS: &[(&str, servers::Kind)] = &[
    (EPOLL, servers::Kind::Ours("epoll")),
    (URING, servers::Kind::Ours("uring")),
    (UNBOUND, servers::Kind::Unbound),
    ("bind9", servers::Kind::Bind9),
];

/// Where nsd is for those who look up: the system's resolver asks at port 53 only.
const LOOKUP_SERVER: (&str, u16) = ("127.0.0.153", 53);

/// Measures.
///
/// # Errors
///
/// If the files cannot be made.
pub fn measure(plan: &Plan) -> io::Result<Section> {
    let (rounds, seconds) = (plan.rounds.unwrap_or(3), plan.seconds.unwrap_or(3.0));
    let mut section = Section { build: Build::here(), ..Section::default() };
    for round in 1..=rounds {
        look_up(&mut section, round);
        for (name, kind) in AUTHORITIES {
            let measured = serve(*kind, Role::Authority, seconds);
            section.enter((name, AUTHORITY), round, measured);
        }
        match NameServer::start(servers::Kind::Nsd, Role::Authority) {
            Ok(authority) => {
                for (name, kind) in RESOLVERS {
                    let measured = serve(*kind, Role::Resolver(authority.port), seconds);
                    section.enter((name, CACHED), round, measured);
                }
            }
            Err(error) => section.miss("the resolvers' nsd", &error),
        }
    }
    section.rows = std::mem::take(&mut section.rows).into_iter().map(Row::summed_up).collect();
    let order = |row: &Row| [LOOKUPS, AUTHORITY, CACHED].iter().position(|&of| of == row.asked_for);
    section.rows.sort_by_key(order);
    section.how = format!("medians of {rounds} rounds, {seconds} s for each server");
    Ok(section)
}

fn look_up(section: &mut Section, round: usize) {
    let (ip, port) = LOOKUP_SERVER;
    let server = match NameServer::start_at(servers::Kind::Nsd, Role::Authority, ip, port) {
        Ok(server) => server,
        Err(error) => return section.miss("lookups (their nsd)", &error),
    };
    for (name, kind, count) in ASKERS {
        let run = lookups::run(*kind, &server, *count);
        if let Ok(run) = &run
            && round == 1
        {
            let (server, connections) = ((*name).to_owned(), *count);
            section.memory.push(Memory { server, connections, before: 0, after: run.peak_bytes });
        }
        section.enter((name, LOOKUPS), round, run.map(|run| run.report));
    }
}

/// Has dnsperf ask a server that knows everything that is asked.
fn serve(kind: servers::Kind, role: Role, seconds: f64) -> io::Result<Report> {
    let server = NameServer::start(kind, role)?;
    let questions = material::questions(role != Role::Authority)?;
    let ask = |seconds: f64| {
        let mut command = Command::new("taskset");
        command.args(["-c", "1", "dnsperf", "-s", server.ip, "-p", &server.port.to_string()]);
        command.arg("-d").arg(&questions).args(["-q", "200", "-c", "8"]);
        command.args(["-l", &seconds.to_string()]).stderr(Stdio::null());
        let output = command.output()?;
        answered(&String::from_utf8_lossy(&output.stdout))
    };
    ask(1.0)?; // So that resolvers know it.
    let (began, before) = (Instant::now(), server.cpu()?);
    let messages = ask(seconds)?;
    let used = server.cpu()? - before;
    Ok(Report {
        messages,
        asked: messages,
        seconds: began.elapsed().as_secs_f64(),
        cpu_nanos: u64::try_from(used.total.as_nanos()).unwrap_or(u64::MAX),
        waited_nanos: u64::try_from(used.waited.as_nanos()).unwrap_or(u64::MAX),
        user_ticks: used.user_ticks,
        system_ticks: used.system_ticks,
        ..Report::default()
    })
}

/// How many queries dnsperf says were answered.
fn answered(said: &str) -> io::Result<u64> {
    let line = said.lines().find_map(|line| line.trim().strip_prefix("Queries completed:"));
    let count = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    count.ok_or_else(|| io::Error::other("dnsperf says nothing (Debian's dnsperf)"))
}

impl Section {
    /// Enters what one round has found; one that failed once is left out.
    fn enter(&mut self, (name, of): (&str, &str), round: usize, measured: io::Result<Report>) {
        match measured {
            Ok(report) => {
                let (rate, cpu) = (report.rate(), report.cpu_micros());
                eprintln!("{of}, round {round}: {name}, {rate:.0}/s, {cpu:.2} µs");
                let known = |row: &Row| row.server == name && row.asked_for == of;
                let at = self.rows.iter().position(known).unwrap_or_else(|| {
                    let (server, asked_for) = (name.to_owned(), of.to_owned());
                    self.rows.push(Row { server, asked_for, ..Row::default() });
                    self.rows.len() - 1
                });
                self.rows[at].rounds.push(report);
            }
            Err(error) => self.miss(&format!("{name} ({of})"), &error),
        }
    }

    fn miss(&mut self, server: &str, error: &io::Error) {
        eprintln!("{server}: {error}");
        let missing = Missing { server: server.to_owned(), why: error.to_string() };
        if !self.missing.contains(&missing) {
            self.missing.push(missing);
        }
    }
}

/// The row of that server in that part.
pub fn row<'a>(section: &'a Section, of: &str, server: &str) -> Option<&'a Row> {
    section.rows.iter().find(|row| row.asked_for == of && row.server == server)
}

/// Shows.
pub fn table(section: &Section) -> Table {
    let mut table =
        Table::new(["what", "program", "per second", "CPU µs each", "user µs", "peak MB"]);
    for row in &section.rows {
        let held = section.memory.iter().find(|held| held.server == row.server);
        let held = held.filter(|_| row.asked_for == LOOKUPS);
        table.row([
            row.asked_for.clone(),
            row.server.clone(),
            format!("{:.0}", row.median(Report::rate)),
            format!("{:.2}", row.median(Report::cpu_micros)),
            format!("{:.2}", row.user_micros().0),
            held.map_or_else(|| "-".into(), |held| format!("{:.1}", held.after as f64 / 1e6)),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dnsperf_has_counted_is_read() {
        let said = "Statistics:\n\n  Queries sent: 5\n  Queries completed:    420079 (100.00%)\n";
        assert_eq!(answered(said).ok(), Some(420_079));
        assert!(answered("dnsperf: no such file").is_err());
    }
}
