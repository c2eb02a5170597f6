//! The load: talks to a server and prints one line of JSON.
//!
//! `load MODE --connect ADDR …`, where the mode is `play` (ping-pong on N connections), `pace` (a fixed rate on N
//! connections), `dial` (one connection after the other; with a `--certificate` to trust, over TLS), `crowd` (browsers of a chat that wait for lines), or `hold` (opens N connections, says so, and holds them
//! until its standard input ends).

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program of the terminal")]

use std::error::Error;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use benches::connection::{self, Speech};
use benches::crowd::Crowd;
use benches::dial::Dial;
use benches::open_loop::OpenLoop;
use benches::options::Options;
use benches::ping_pong::PingPong;
use benches::target::Target;
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
    let mode = options.take_word().ok_or("usage: load play | pace | dial | crowd | hold")?;
    let address: SocketAddr = options.take("--connect")?.ok_or("--connect is missing")?;
    let certificate: Option<PathBuf> = options.take("--certificate")?;
    let server = Target::new(address, certificate.as_deref())?;
    let connections = options.take("--connections")?.unwrap_or(1);
    let speech = options.take("--speech")?.unwrap_or(Speech::Echo);
    if mode == "hold" {
        options.finish()?;
        return hold(&server, connections, speech);
    }
    let pid = options.take("--server-pid")?.ok_or("--server-pid is missing")?;
    let length = Duration::try_from_secs_f64(options.take("--seconds")?.unwrap_or(2.0))?;
    let size = options.take("--size")?.unwrap_or(64);
    let pipelined = options.take("--pipelined")?.unwrap_or(1);
    let per_second = options.take("--rate")?.unwrap_or(10_000.0);
    options.finish()?;
    let report = match mode.as_str() {
        "play" if speech == Speech::Echo => {
            PingPong::open(&server, connections, size)?.run(length, pid)?
        }
        "play" => PingPong::open_http(&server, connections, speech, pipelined)?.run(length, pid)?,
        "pace" => OpenLoop::open(&server, connections)?.run(per_second, length, pid)?,
        "crowd" => Crowd::open(&server, connections)?.run(size, pid)?,
        "dial" => Dial::begin(server, speech)?.run(length, pid)?,
        _ => return Err(format!("no mode is called {mode}: play, pace, dial, crowd, hold").into()),
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

fn hold(server: &Target, connections: usize, speech: Speech) -> Result<(), Box<dyn Error>> {
    if speech == Speech::Chat {
        let _held = Crowd::open(server, connections)?;
        return say_and_wait(connections);
    }
    let open = |_| connection::open(server, speech);
    let held = (0..connections).map(open).collect::<io::Result<Vec<_>>>()?;
    say_and_wait(held.len())
}

fn say_and_wait(held: usize) -> Result<(), Box<dyn Error>> {
    println!("{}", json!({ "idle": held }));
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
