//! `cargo xtask tidy`: the promises that no compiler checks.
//!
//! Each check is one file: a function from the workspace to its complaints, one sentence each, that says
//! where and what. All of them run; any complaint fails the command.

mod forbidden_words;
mod guides;
mod heart_size;
mod layers;
mod markdown;
mod module_docs;
mod tree;
mod unsafe_code;

use std::process::ExitCode;

use crate::Trouble;
use crate::workspace::Workspace;

/// What a check returns.
type Complaints = Result<Vec<String>, Trouble>;

/// A check: the promise it keeps, and the function that looks for where it is broken.
type Check = (&'static str, fn(&Workspace) -> Complaints);

const CHECKS: &[Check] = &[
    ("crates depend downwards only", layers::check),
    ("every file says what lives in it", module_docs::docs),
    ("no file is too long to read", module_docs::length),
    ("every name in the guides exists", guides::check),
    ("unsafe code is forbidden where it is not needed", unsafe_code::check),
    ("the heart is small", heart_size::check),
    ("nothing names this machine", forbidden_words::check),
];

pub(crate) fn run(_words: &[String]) -> Result<ExitCode, Trouble> {
    check(&Workspace::read()?)?;
    Ok(ExitCode::SUCCESS)
}

/// Runs every check, printing each promise with its complaints; fails if there was one.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Trouble> {
    let mut count = 0;
    for (promise, check) in CHECKS {
        let complaints = check(workspace)?;
        println!("{} {promise}", if complaints.is_empty() { "ok  " } else { "FAIL" });
        complaints.iter().for_each(|complaint| println!("       {complaint}"));
        count += complaints.len();
    }
    if count == 0 { Ok(()) } else { Err(format!("tidy: {count} complaints").into()) }
}
