//! The measuring program: `bench [NAME…] [options]`, as `cargo xtask bench` runs it.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program of the terminal")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use benches::figures::Figures;
use benches::machine::Machine;
use benches::options::Options;
use benches::page;
use benches::suite::{self, BENCHES, Bench};
use benches::turns::Plan;

const HELP: &str = "usage: cargo xtask bench [NAME…] [options]

Measures Ropewalk beside its peers. No NAME means all benches:
";

const OPTIONS: &str = "  page     measures nothing; makes the page from --json FILE

  --json FILE         merge the figures into FILE, with pictures beside it
  --page              make docs/performance.md and docs/pictures from FILE; so does running all with --json
  --docs DIR          make them in DIR
  --rounds N          how often each server has its turn
  --seconds S         how long a turn is
  --connections A,B   numbers of connections, for echo, latency, idle, workers
  --size BYTES        of a message, for echo
";

/// Where the page goes, unless told otherwise.
const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");

fn main() -> ExitCode {
    match run(Options::of_process()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("bench: {trouble}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the words and does what they say.
fn run(mut options: Options) -> Result<(), Box<dyn Error>> {
    if options.take_flag("--help") || options.take_flag("-h") {
        help();
        return Ok(());
    }
    let mut names = Vec::new();
    while let Some(name) = options.take_word() {
        names.push(name);
    }
    let only_page = names == ["page"];
    let plan = Plan {
        rounds: options.take("--rounds")?,
        seconds: options.take("--seconds")?,
        connections: connections(&mut options)?,
        size: options.take("--size")?,
    };
    let json: Option<PathBuf> = options.take("--json")?;
    let docs: PathBuf = options.take("--docs")?.unwrap_or(DOCS.into());
    let wants_page = options.take_flag("--page") || only_page || names.is_empty() && json.is_some();
    let only_check = options.take_flag("--check");
    options.finish()?;
    if wants_page && json.is_none() {
        return Err("a page is made from a file: --json FILE".into());
    }
    let benches: Vec<&Bench> = match names.as_slice() {
        _ if only_page => Vec::new(),
        [] => BENCHES.iter().collect(),
        names => names.iter().map(|name| suite::named(name)).collect::<Result<_, _>>()?,
    };
    if only_check {
        return Ok(()); // `cargo xtask bench` asks this before it begins.
    }
    for bench in benches {
        measure(bench, &plan, json.as_deref())?;
    }
    match json {
        Some(file) if wants_page => make_page(&file, &docs),
        _ => Ok(()),
    }
}

fn help() {
    print!("{HELP}");
    BENCHES.iter().for_each(|bench| println!("  {:<8} {}", bench.name, bench.about));
    print!("{OPTIONS}");
}

/// Runs one bench, prints its table, and merges it into the file, so that a later failure loses nothing.
fn measure(bench: &Bench, plan: &Plan, json: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let section = (bench.measure)(plan)?;
    println!("\n{}: {}\n\n{}", bench.name, section.how, (bench.table)(&section));
    section.missing.iter().for_each(|one| println!("not measured: {}: {}", one.server, one.why));
    let Some(file) = json else { return Ok(()) };
    let mut figures = Figures::read(file)?.unwrap_or_default();
    figures.merge(Machine::here(), bench.name, section);
    figures.write(file)?;
    page::write_pictures(&figures, file.parent().unwrap_or(Path::new(".")))?;
    Ok(())
}

fn make_page(file: &Path, docs: &Path) -> Result<(), Box<dyn Error>> {
    let figures =
        Figures::read(file)?.ok_or_else(|| format!("{}: no such file", file.display()))?;
    page::write(&figures, docs)?;
    println!("\n{} is made from {}", docs.join("performance.md").display(), file.display());
    Ok(())
}

fn connections(options: &mut Options) -> Result<Option<Vec<usize>>, Box<dyn Error>> {
    let Some(list) = options.take::<String>("--connections")? else { return Ok(None) };
    let numbers: Result<Vec<usize>, _> = list.split(',').map(str::parse).collect();
    let numbers = numbers.map_err(|_| format!("--connections {list}: not understood"))?;
    if numbers.contains(&0) {
        return Err("--connections: at least one".into());
    }
    Ok(Some(numbers))
}
