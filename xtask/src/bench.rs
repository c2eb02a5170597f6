//! `cargo xtask bench [NAME…] [options]`: builds the servers and the measuring programs in release, and measures.
//!
//! The package `ropewalk-benches` measures whole server processes from outside, ours beside its peers, and says what it
//! can do with `--help`. Only `micro`, single operations of the heart, is run here, by criterion; that package then
//! reads what criterion found. All words go to the measuring program as they are.

use std::process::ExitCode;

use crate::Trouble;
use crate::cargo::{cargo, step};

pub(crate) fn run(words: &[String]) -> Result<ExitCode, Trouble> {
    step(&mut release("ropewalk-benches"))?;
    let here = std::env::current_dir()?;
    let measure = |words: &[String]| {
        let run =
            ["run", "--quiet", "--release", "--package", "ropewalk-benches", "--bin", "bench"];
        // Where the command was typed: a file is named from there.
        step(cargo(run).arg("--").args(words).current_dir(&here))
    };
    if !only_speaks(words) {
        // Names and options are looked at before anything is built or measured.
        measure(&[words, &["--check".to_owned()]].concat())?;
        // One build per package: built together, their dependencies would take on each other's features.
        step(&mut release("ropewalk-cli"))?;
        step(release("ropewalk-peers").args(["--features", "runtimes"]))?;
    }
    if wants_micro(words) {
        step(&mut micro())?;
    }
    measure(words)?;
    Ok(ExitCode::SUCCESS)
}

fn release(package: &str) -> std::process::Command {
    cargo(["build", "--release", "--package", package])
}

/// Shorter than criterion's own: all of it is to take less than a minute.
fn micro() -> std::process::Command {
    let mut command = cargo(["bench", "--package", "ropewalk-benches", "--bench", "heart", "--"]);
    command.args(["--warm-up-time", "0.5", "--measurement-time", "2"]);
    command
}

/// The benches asked for; none means all.
fn names(words: &[String]) -> &[String] {
    let end = words.iter().position(|word| word.starts_with('-')).unwrap_or(words.len());
    &words[..end]
}

fn wants_micro(words: &[String]) -> bool {
    let names = names(words);
    !only_speaks(words) && (names.is_empty() || names.iter().any(|name| name == "micro"))
}

/// Whether no server is needed: help, or a page from figures that are there.
fn only_speaks(words: &[String]) -> bool {
    names(words) == ["page"] || words.iter().any(|word| word == "--help" || word == "-h")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &str) -> Vec<String> {
        words.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn names_end_at_the_first_option() {
        assert_eq!(names(&words("echo idle --rounds 3")), words("echo idle"));
    }

    #[test]
    fn criterion_runs_for_micro_and_for_all() {
        assert!(wants_micro(&words("")) && wants_micro(&words("--rounds 3")));
        assert!(wants_micro(&words("echo micro")) && !wants_micro(&words("echo")));
        assert!(!wants_micro(&words("--help")) && !wants_micro(&words("page --json f")));
    }
}
