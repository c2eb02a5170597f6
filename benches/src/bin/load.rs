//! The load: talks to an echo server and prints one line of JSON.
//!
//! `load --connect ADDR --server-pid PID --connections N --seconds S --size BYTES` plays ping-pong. `load --connect
//! ADDR --idle N` opens N connections, says so, and holds them until its standard input ends.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program of the terminal")]

use std::error::Error;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use benches::connection;
use benches::options::Options;
use benches::ping_pong::PingPong;
use serde_json::json;

fn main() -> ExitCode {
    match run(Options::of_process()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("load: {trouble}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut options: Options) -> Result<(), Box<dyn Error>> {
    let server: SocketAddr = options.take("--connect")?.ok_or("--connect is missing")?;
    match options.take("--idle")? {
        Some(connections) => hold(server, connections, options),
        None => play(server, options),
    }
}

fn play(server: SocketAddr, mut options: Options) -> Result<(), Box<dyn Error>> {
    let server_pid = options.take("--server-pid")?.ok_or("--server-pid is missing")?;
    let connections = options.take("--connections")?.unwrap_or(1);
    let seconds = options.take("--seconds")?.unwrap_or(2.0);
    let size = options.take("--size")?.unwrap_or(64);
    options.finish()?;
    let length = Duration::try_from_secs_f64(seconds)?;
    let report = PingPong::open(server, connections, size)?.run(length, server_pid)?;
    println!("{}", report.to_json());
    Ok(())
}

fn hold(server: SocketAddr, connections: usize, options: Options) -> Result<(), Box<dyn Error>> {
    options.finish()?;
    let open = |_| connection::open(server, b"one message, then silence\n");
    let held = (0..connections).map(open).collect::<io::Result<Vec<_>>>()?;
    println!("{}", json!({ "idle": held.len() }));
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
