//! `cargo xtask bench [NAME…]`: builds the measuring programs in release and runs them.
//!
//! `echo` and `idle` are measured from outside, by the package `ropewalk-benches`, on whole server processes:
//! ours beside its peers. `micro` measures single operations of the heart, by criterion. Options go to
//! the measuring program as they are: `cargo xtask bench echo --rounds 3`.

use std::process::ExitCode;

use crate::Trouble;
use crate::cargo::{cargo, step};
use crate::workspace::Workspace;

/// The program that is measured, beside its peers in `ropewalk-benches`.
const MEASURED: &str = "ropewalk-cli";

pub(crate) fn run(words: &[String]) -> Result<ExitCode, Trouble> {
    let (names, options) = split(words);
    let workspace = Workspace::read()?;
    for name in names {
        match name {
            "echo" | "idle" => from_outside(&workspace, name, options)?,
            "micro" => micro()?,
            _ => return Err(format!("no bench is called {name}: echo, idle, micro").into()),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The benches asked for (all, if none), and the options behind them.
fn split(words: &[String]) -> (Vec<&str>, &[String]) {
    let end = words.iter().position(|word| word.starts_with("--")).unwrap_or(words.len());
    let (names, options) = words.split_at(end);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    if names.is_empty() { (vec!["echo", "idle", "micro"], options) } else { (names, options) }
}

fn from_outside(workspace: &Workspace, name: &str, options: &[String]) -> Result<(), Trouble> {
    // One build per package: built together, their dependencies would take on each other's features.
    if workspace.package(MEASURED).is_some() {
        step(&mut cargo(["build", "--release", "--package", MEASURED]))?;
    }
    step(&mut cargo(["build", "--release", "--package", "ropewalk-benches"]))?;
    let run = ["run", "--quiet", "--release", "--package", "ropewalk-benches", "--bin", "bench"];
    step(cargo(run).args(["--", name]).args(options))
}

fn micro() -> Result<(), Trouble> {
    step(&mut cargo(["bench", "--package", "ropewalk-benches", "--bench", "heart"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_for_the_measuring_program() {
        let words = ["echo", "--rounds", "3"].map(String::from);
        assert_eq!(split(&words), (vec!["echo"], &words[1..]));
    }

    #[test]
    fn no_name_means_every_bench() {
        assert_eq!(split(&[]).0, ["echo", "idle", "micro"]);
    }
}
