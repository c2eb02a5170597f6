//! [`Figures`]: all that was measured on one machine, as the JSON file keeps it.
//!
//! A bench replaces its own [`Section`] and leaves the others, so that a file can be filled one bench after the other.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::cpu::SAMPLES_PER_SECOND;
use crate::machine::{Build, Machine};
use crate::report::Report;
use crate::stats::{median, ratio};

/// The content of a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// What all of it was measured on.
    pub machine: Machine,
    /// By the name of the bench.
    pub benches: BTreeMap<String, Section>,
}

/// What one bench found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// What was measured when.
    pub build: Build,
    /// How it was measured, as half a sentence.
    pub how: String,
    /// Servers under load.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Row>,
    /// Servers that hold idle connections.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory: Vec<Memory>,
    /// Single operations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<Operation>,
    /// Servers that were not measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
}

/// One server under one load.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The server.
    pub server: String,
    /// How many connections there were.
    pub connections: usize,
    /// What was asked for, where a bench asks for several things.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub asked_for: String,
    /// The fixed rate, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_second: Option<f64>,
    /// What the rounds come to, for whoever reads the file with other programs.
    #[serde(default)]
    pub medians: BTreeMap<String, f64>,
    /// Each round as it was.
    pub rounds: Vec<Report>,
}

/// What a server holds in its own memory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// The server.
    pub server: String,
    /// How many idle connections.
    pub connections: usize,
    /// Bytes without them.
    pub before: u64,
    /// Bytes with them.
    pub after: u64,
}

/// What one operation costs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Its name.
    pub name: String,
    /// The median, in nanoseconds.
    pub nanos: f64,
}

/// A server that was not measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Missing {
    /// The server.
    pub server: String,
    /// Why.
    pub why: String,
}

impl Figures {
    /// Reads a file; none if there is no such file.
    ///
    /// # Errors
    ///
    /// If it cannot be read or is something else.
    pub fn read(file: &Path) -> io::Result<Option<Self>> {
        match fs::read(file) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the file, and its directory if need be.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        if let Some(directory) = file.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(file, serde_json::to_string_pretty(self)? + "\n")
    }

    /// Puts one bench's section in, in place of an older one. Figures of another machine are not kept: they would
    /// stand beside these as if they could be compared.
    pub fn merge(&mut self, machine: Machine, bench: &str, section: Section) {
        if self.machine != machine {
            *self = Self { machine, benches: BTreeMap::new() };
        }
        self.benches.insert(bench.to_owned(), section);
    }
}

impl Section {
    /// The row of that server under that load.
    pub fn row(&self, server: &str, connections: usize) -> Option<&Row> {
        self.rows.iter().find(|row| row.server == server && row.connections == connections)
    }

    /// The numbers of connections, each once, as they come.
    pub fn connections(&self) -> Vec<usize> {
        let mut all: Vec<usize> = self.rows.iter().map(|row| row.connections).collect();
        all.dedup();
        all
    }
}

impl Row {
    /// The median over the rounds.
    pub fn median(&self, figure: impl Fn(&Report) -> f64) -> f64 {
        median(self.rounds.iter().map(figure))
    }

    /// A figure against that of `other`, round by round.
    pub fn ratio(&self, other: &Self, figure: impl Fn(&Report) -> f64) -> f64 {
        let all = |row: &Self| row.rounds.iter().map(&figure).collect::<Vec<_>>();
        ratio(&all(self), &all(other))
    }

    /// User time per message over all rounds, in microseconds, and the standard error of its sampling.
    ///
    /// Summed and not a median, because it is sampled (see [`cpu`](crate::cpu)).
    pub fn user_micros(&self) -> (f64, f64) {
        let sum = |figure: fn(&Report) -> f64| self.rounds.iter().map(figure).sum::<f64>();
        let user = sum(|report| report.user_ticks as f64);
        let share = user / (user + sum(|report| report.system_ticks as f64)).max(1.0);
        let seconds = sum(|report| report.cpu_nanos as f64 / 1e9);
        let per_message = seconds * 1e6 / sum(|report| report.messages as f64).max(1.0);
        let samples = (seconds * SAMPLES_PER_SECOND).max(1.0);
        (per_message * share, per_message * (share * (1.0 - share) / samples).sqrt())
    }

    /// Works the medians out.
    pub fn summed_up(mut self) -> Self {
        let figures: [(&str, fn(&Report) -> f64); 7] = [
            ("rate", Report::rate),
            ("cpu_micros", Report::cpu_micros),
            ("p50_micros", |report| report.p50_micros),
            ("p99_micros", |report| report.p99_micros),
            ("p999_micros", |report| report.p999_micros),
            ("cpu_bound_rate", Report::cpu_bound_rate),
            ("disturbed", Report::disturbed),
        ];
        let medians = figures.map(|(name, figure)| (name.to_owned(), self.median(figure)));
        self.medians = medians.into_iter().collect();
        self.medians.insert("user_micros".into(), self.user_micros().0);
        self
    }
}

impl Memory {
    /// Per connection.
    pub fn bytes(&self) -> f64 {
        self.after.saturating_sub(self.before) as f64 / self.connections.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(cpu: &str) -> Machine {
        Machine { cpu: cpu.into(), ..Machine::default() }
    }

    fn section(how: &str) -> Section {
        Section { how: how.into(), ..Section::default() }
    }

    #[test]
    fn a_bench_replaces_its_own_section_only() {
        let mut figures = Figures::default();
        for (bench, how) in [("echo", "old"), ("idle", "idle"), ("echo", "new")] {
            figures.merge(machine("a"), bench, section(how));
        }
        assert_eq!(figures.benches.len(), 2);
        assert_eq!((&*figures.benches["echo"].how, &*figures.benches["idle"].how), ("new", "idle"));
    }

    #[test]
    fn two_machines_do_not_share_a_file() {
        let mut figures = Figures::default();
        figures.merge(machine("a"), "echo", section("a"));
        figures.merge(machine("b"), "idle", section("b"));
        assert_eq!(figures.benches.keys().collect::<Vec<_>>(), ["idle"]);
    }

    #[test]
    fn figures_survive_their_file() {
        let report = Report { messages: 10, seconds: 0.5, cpu_nanos: 1, ..Report::default() };
        let row = Row { server: "a".into(), rounds: vec![report], ..Row::default() }.summed_up();
        let mut figures = Figures::default();
        figures.merge(machine("a"), "echo", Section { rows: vec![row], ..section("how") });
        let text = serde_json::to_string(&figures).expect("it has a form");
        assert_eq!(serde_json::from_str::<Figures>(&text).expect("it is that form"), figures);
    }

    #[test]
    fn user_time_is_the_sampled_share_of_the_exact_total() {
        let report = Report {
            messages: 1000,
            cpu_nanos: 4_000_000_000,
            user_ticks: 100,
            system_ticks: 300,
            ..Report::default()
        };
        let row = Row { rounds: vec![report], ..Row::default() };
        let (user, error) = row.user_micros();
        assert!((user - 1000.0).abs() < 1e-6 && (error - 54.77).abs() < 0.01, "{user} ± {error}");
    }
}
