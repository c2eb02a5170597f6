//! The measuring program: `bench echo` and `bench idle`, as `cargo xtask bench` runs it.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program of the terminal")]

use std::error::Error;
use std::process::ExitCode;

use benches::options::Options;
use benches::{echo, idle};

fn main() -> ExitCode {
    match run(Options::of_process()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("bench: {trouble}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut options: Options) -> Result<(), Box<dyn Error>> {
    match options.take_word().as_deref() {
        Some("echo") => run_echo(options),
        Some("idle") => run_idle(options),
        _ => Err("usage: bench echo | idle".into()),
    }
}

fn run_echo(mut options: Options) -> Result<(), Box<dyn Error>> {
    let mut plan = echo::Plan::default();
    plan.rounds = options.take("--rounds")?.unwrap_or(plan.rounds);
    plan.seconds = options.take("--seconds")?.unwrap_or(plan.seconds);
    plan.size = options.take("--size")?.unwrap_or(plan.size);
    if let Some(list) = options.take::<String>("--connections")? {
        plan.connections = list.split(',').map(str::parse).collect::<Result<_, _>>()?;
    }
    options.finish()?;
    let table = echo::run(&plan)?;
    let echo::Plan { rounds, seconds, size, .. } = plan;
    println!(
        "Echo of {size} bytes, {rounds} rounds of {seconds} s, server and load on a core each:\n"
    );
    print!("{table}");
    Ok(())
}

fn run_idle(mut options: Options) -> Result<(), Box<dyn Error>> {
    let connections = options.take("--connections")?.unwrap_or(idle::CONNECTIONS);
    options.finish()?;
    let table = idle::run(connections)?;
    println!("Anonymous memory of the server, before and with its idle connections:\n");
    print!("{table}");
    Ok(())
}
