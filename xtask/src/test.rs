//! `cargo xtask test [FILTER…]`: every test there is, and a closing line that counts them.
//!
//! Unit, integration and documentation tests run through one `cargo test --workspace`, in one profile, so
//! nothing is compiled twice. A test that cannot run here appends `its_name: the reason` as one line to
//! the file that the environment variable `ROPEWALK_SKIPS` names, and returns. The test runner takes that for
//! a pass; we do not.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{ExitCode, Stdio};

use crate::Trouble;
use crate::cargo::{announce, cargo, spoken};
use crate::programs;
use crate::tally::Tally;

/// Names the file to which a test that skips appends its line.
const SKIPS: &str = "ROPEWALK_SKIPS";

pub(crate) fn run(filters: &[String]) -> Result<ExitCode, Trouble> {
    let tally = run_tests(filters)?;
    Ok(close(tally))
}

/// Prints the closing line, alone and last, and turns the tally into an exit status.
pub(crate) fn close(tally: Tally) -> ExitCode {
    println!("\n{tally}");
    if tally.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Runs the tests whose names contain one of `filters` (all, if there are none), showing their output as it comes.
pub(crate) fn run_tests(filters: &[String]) -> Result<Tally, Trouble> {
    programs::install_missing();
    let skips = std::env::temp_dir().join(format!("ropewalk-skips-{}", std::process::id()));
    fs::write(&skips, "")?;
    let tally = run_cargo_test(filters, &skips);
    let reasons = fs::read_to_string(&skips)?;
    fs::remove_file(&skips)?;
    let mut tally = tally?;
    for reason in reasons.lines() {
        println!("SKIPPED: {reason}");
        tally.add_skip();
    }
    Ok(tally)
}

fn run_cargo_test(filters: &[String], skips: &Path) -> Result<Tally, Trouble> {
    let mut command = cargo(["test", "--workspace", "--no-fail-fast", "--"]);
    command.args(filters).env(SKIPS, skips).stdout(Stdio::piped());
    announce(&spoken(&command));
    let mut child = command.spawn()?;
    let mut tally = Tally::default();
    for line in BufReader::new(child.stdout.take().expect("it is piped")).lines() {
        let line = line?;
        println!("{line}");
        tally.add_line(&line);
    }
    // A program that did not compile, or died, has no result line: its failure is counted here.
    if !child.wait()?.success() && !tally.has_failed() {
        tally.add_failure();
    }
    Ok(tally)
}
