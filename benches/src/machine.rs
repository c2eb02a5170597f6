//! What was measured on, and what was measured: the figures mean nothing without it.

use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// A computer, without its name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's model.
    pub cpu: String,
    /// How many cores we may use.
    pub cores: usize,
    /// The kernel's release.
    pub kernel: String,
    /// Whether it is a virtual one.
    pub is_virtual: bool,
}

/// A state of the source, its compiler, and the day.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Build {
    /// The day, in UTC.
    pub date: String,
    /// The commit, with a `+` if the tree held changes.
    pub commit: String,
    /// The compiler's release.
    pub rustc: String,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cpu: value_of("model name", &cpuinfo),
            cores: std::thread::available_parallelism().map_or(1, Into::into),
            kernel: kernel.trim().to_owned(),
            is_virtual: value_of("flags", &cpuinfo).split(' ').any(|flag| flag == "hypervisor"),
        }
    }

    /// In half a sentence.
    pub fn describe(&self) -> String {
        let Self { cpu, cores, kernel, is_virtual } = self;
        let kind = if *is_virtual { "a virtual machine" } else { "a machine" };
        format!("{kind} with {cores} cores ({cpu}), Linux {kernel}")
    }
}

impl Build {
    /// This one.
    pub fn here() -> Self {
        let changed = !said("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty();
        let commit = said("git", &["rev-parse", "--short", "HEAD"]);
        let rustc = said("rustc", &["--version"]);
        Self {
            date: said("date", &["-u", "+%Y-%m-%d"]),
            commit: format!("{commit}{}", if changed { "+" } else { "" }),
            rustc: rustc.split(' ').nth(1).unwrap_or_default().to_owned(),
        }
    }
}

/// The value of the first such line of `/proc/cpuinfo`.
fn value_of(key: &str, text: &str) -> String {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let mut values = lines.filter(|(name, _)| name.trim() == key);
    values.next().map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

/// What a command says; nothing if there is no such command.
fn said(program: &str, words: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(words).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stands_behind_its_key() {
        let text = "processor\t: 0\nmodel name\t: Some: CPU\nmodel name\t: Other\n";
        assert_eq!(value_of("model name", text), "Some: CPU");
        assert_eq!(value_of("flags", text), "");
    }
}
