//! `cargo xtask ci`: all that CI runs, in order, up to the first step that fails.

use std::process::{Command, ExitCode};

use crate::cargo::{announce, cargo, step};
use crate::tally::Tally;
use crate::workspace::Workspace;
use crate::{Trouble, programs, test, tidy};

pub(crate) fn run(_words: &[String]) -> Result<ExitCode, Trouble> {
    let tally = run_steps().unwrap_or_else(|trouble| {
        println!("\nci stops here: {trouble}");
        let mut tally = Tally::default();
        tally.add_failure();
        tally
    });
    Ok(test::close(tally))
}

fn run_steps() -> Result<Tally, Trouble> {
    step(&mut cargo(["fmt", "--all", "--check"]))?;
    step(&mut clippy())?;
    step(&mut doc())?;
    deny()?;
    announce("cargo xtask tidy");
    tidy::check(&Workspace::read()?)?;
    test::run_tests(&[])
}

fn clippy() -> Command {
    cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

fn doc() -> Command {
    let mut command = cargo(["doc", "--workspace", "--no-deps"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    command
}

/// Holds the dependencies to `deny.toml`, where there is a cargo-deny to do it.
fn deny() -> Result<(), Trouble> {
    if programs::has("cargo-deny") {
        return step(&mut cargo(["deny", "check"]));
    }
    announce("cargo deny check");
    println!("not run: cargo-deny is not installed (cargo install cargo-deny)");
    Ok(())
}
