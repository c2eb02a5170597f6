//! The workshop's own commands, run as `cargo xtask NAME`.
//!
//! What a developer does by hand and what CI does are the same programs: `cargo xtask ci` is all that
//! CI runs. Each command is one file; this one only finds it by name.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program of the terminal")]

mod bench;
mod cargo;
mod ci;
mod programs;
mod tally;
mod test;
mod tidy;
mod workspace;

use std::error::Error;
use std::process::ExitCode;

/// What went wrong, in words for the developer who typed the command.
type Trouble = Box<dyn Error>;

/// One command: its name, what it does in one line, and the function that does it.
struct Command {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result<ExitCode, Trouble>,
}

const COMMANDS: &[Command] = &[
    Command { name: "test", about: "run every test; FILTER… chooses by name", run: test::run },
    Command { name: "tidy", about: "check the promises no compiler checks", run: tidy::run },
    Command { name: "ci", about: "run all that CI runs", run: ci::run },
    Command {
        name: "bench",
        about: "measure beside peers; NAME… chooses (see --help)",
        run: bench::run,
    },
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = words.split_first() else {
        return usage();
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        return usage();
    };
    (command.run)(rest).unwrap_or_else(|trouble| {
        eprintln!("xtask {name}: {trouble}");
        ExitCode::FAILURE
    })
}

fn usage() -> ExitCode {
    eprintln!("usage: cargo xtask NAME");
    for Command { name, about, .. } in COMMANDS {
        eprintln!("  {name:<6} {about}");
    }
    ExitCode::from(2)
}
