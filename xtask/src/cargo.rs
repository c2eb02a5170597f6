//! Running cargo and other programs as named steps, each announced before it runs.

use std::ffi::OsStr;
use std::process::Command;

use crate::Trouble;

/// The cargo that runs us, with `words` as its arguments, in the directory of the workspace.
pub(crate) fn cargo<I: IntoIterator<Item: AsRef<OsStr>>>(words: I) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(words).current_dir(crate::workspace::root());
    command
}

/// Announces `command`, runs it to its end, and fails if it failed.
pub(crate) fn step(command: &mut Command) -> Result<(), Trouble> {
    announce(&spoken(command));
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", spoken(command)).into()) }
}

/// Prints the line that opens a step.
pub(crate) fn announce(what: &str) {
    println!("\n── {what}");
}

/// The command as one would type it: the program's own name, then its arguments.
pub(crate) fn spoken(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(name).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
