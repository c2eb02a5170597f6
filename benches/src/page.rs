//! The page `docs/performance.md` and its pictures, made from the figures.
//!
//! What people wrote stands in the template `benches/page.md`; a mark `{{name}}` in it is replaced by what is
//! worked out here. A bench that is not among the figures is said not to be measured.

use std::fs;
use std::io;
use std::path::Path;

use crate::figures::{Figures, Section};
use crate::goals::{goals, losses};
use crate::picture::{Group, bars, ranges};
use crate::report::Report;
use crate::suite::BENCHES;
use crate::table::Table;

const TEMPLATE: &str = include_str!("../page.md");

/// Writes the page into `docs`, and the pictures into its `pictures`.
///
/// # Errors
///
/// What the system says.
pub fn write(figures: &Figures, docs: &Path) -> io::Result<()> {
    let pictures = docs.join("pictures");
    fs::create_dir_all(&pictures)?;
    write_pictures(figures, &pictures)?;
    fs::write(docs.join("performance.md"), page(figures))
}

/// Writes `rate.svg` and `latency.svg`.
///
/// # Errors
///
/// What the system says.
pub fn write_pictures(figures: &Figures, directory: &Path) -> io::Result<()> {
    fs::write(directory.join("rate.svg"), rate_picture(figures))?;
    fs::write(directory.join("latency.svg"), latency_picture(figures))
}

/// The whole page.
pub fn page(figures: &Figures) -> String {
    let mut page = TEMPLATE.replace("{{machine}}", &machine(figures));
    for bench in BENCHES {
        let section = figures.benches.get(bench.name);
        let table =
            section.map_or_else(|| "Not measured.\n".into(), |s| (bench.table)(s).to_string());
        let how = section.map_or_else(|| "not measured".into(), |section| section.how.clone());
        page = page.replace(&format!("{{{{{}}}}}", bench.name), table.trim_end());
        page = page.replace(&format!("{{{{{}.how}}}}", bench.name), &how);
    }
    page = page.replace("{{goals}}", goals_table(figures).to_string().trim_end());
    page = page.replace("{{losses}}", &list(losses(figures), "Nowhere by more than 3 %."));
    page.replace("{{missing}}", &list(missing(figures), "All were measured."))
}

/// What the figures are from.
fn machine(figures: &Figures) -> String {
    let mut builds: Vec<String> = Vec::new();
    for bench in BENCHES {
        let Some(section) = figures.benches.get(bench.name) else { continue };
        let build = &section.build;
        let words = format!("on {} at commit {}, rustc {}", build.date, build.commit, build.rustc);
        if !builds.contains(&words) {
            builds.push(words);
        }
    }
    format!("{}; {}", figures.machine.describe(), builds.join("; "))
}

fn goals_table(figures: &Figures) -> Table {
    let mut table = Table::new(["goal", "found", "reached"]);
    for goal in goals(figures) {
        table.row([goal.what.clone(), goal.shown(), goal.verdict().to_owned()]);
    }
    table
}

/// Each server that is missing somewhere, once for each reason.
fn missing(figures: &Figures) -> Vec<String> {
    let mut sentences = Vec::new();
    for bench in BENCHES {
        let section = figures.benches.get(bench.name);
        for one in section.map_or(&[][..], |section| &section.missing) {
            let sentence = format!("{}: {}", one.server, one.why);
            if !sentences.contains(&sentence) {
                sentences.push(sentence);
            }
        }
    }
    sentences
}

fn list(sentences: Vec<String>, if_none: &str) -> String {
    if sentences.is_empty() {
        return if_none.to_owned();
    }
    sentences.iter().map(|sentence| format!("- {sentence}")).collect::<Vec<_>>().join("\n")
}

fn rate_picture(figures: &Figures) -> String {
    let mut groups = Vec::new();
    if let Some(echo) = figures.benches.get("echo") {
        for connections in echo.connections() {
            let title = match connections {
                1 => "1 connection".into(),
                _ => format!("{connections} connections"),
            };
            let rows = echo.rows.iter().filter(|row| row.connections == connections);
            let servers =
                rows.map(|row| (row.server.clone(), vec![row.median(Report::rate)])).collect();
            groups.push(Group { title, servers });
        }
    }
    bars("Echoes of 64 bytes per second, server on one core", &groups)
}

fn latency_picture(figures: &Figures) -> String {
    let groups = figures.benches.get("latency").map(latency_groups).unwrap_or_default();
    ranges("Latency at a fixed rate, µs: median, 99 %, 99.9 %", &groups)
}

fn latency_groups(section: &Section) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for row in &section.rows {
        let rate = row.per_second.unwrap_or_default();
        let title = format!("{rate:.0} messages a second on {} connections", row.connections);
        if groups.last().is_none_or(|group| group.title != title) {
            groups.push(Group { title, servers: Vec::new() });
        }
        let parts = vec![
            row.median(|report| report.p50_micros),
            row.median(|report| report.p99_micros),
            row.median(|report| report.p999_micros),
        ];
        let group = groups.last_mut().expect("one was pushed");
        group.servers.push((row.server.clone(), parts));
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::{Missing, Row};
    use crate::machine::{Build, Machine};

    fn figures() -> Figures {
        let report = Report { messages: 100, seconds: 0.5, cpu_nanos: 300, ..Report::default() };
        let report = Report { p50_micros: 80.0, p99_micros: 120.0, p999_micros: 900.0, ..report };
        let row = |per_second| Row {
            server: "bare epoll".into(),
            connections: 50,
            per_second,
            rounds: vec![report.clone()],
            ..Row::default()
        };
        let section = |row| Section {
            build: Build {
                date: "2026-01-02".into(),
                commit: "abc".into(),
                rustc: "1.95.0".into(),
            },
            rows: vec![row],
            missing: vec![Missing { server: "libuv".into(), why: "not installed".into() }],
            ..Section::default()
        };
        let machine = Machine { cpu: "Some CPU".into(), cores: 2, ..Machine::default() };
        let mut figures = Figures::default();
        figures.merge(machine.clone(), "echo", section(row(None)));
        figures.merge(machine, "latency", section(row(Some(10_000.0))));
        figures
    }

    #[test]
    fn the_page_names_the_machine_and_what_is_missing_and_leaves_no_mark() {
        let page = page(&figures());
        assert!(page.contains("a machine with 2 cores (Some CPU)"));
        assert!(page.contains("on 2026-01-02 at commit abc, rustc 1.95.0"));
        assert_eq!(page.matches("- libuv: not installed").count(), 1);
        assert!(page.contains("| bare epoll |"));
        assert!(page.contains("Not measured."));
        assert!(!page.contains("{{") && !page.contains("}}"));
    }

    #[test]
    fn pictures_show_rate_and_latency() {
        assert!(rate_picture(&figures()).contains("50 connections"));
        let latency = latency_picture(&figures());
        assert!(latency.contains("10000 messages a second") && latency.contains("<circle"));
        assert!(rate_picture(&Figures::default()).contains("</svg>"));
    }
}
