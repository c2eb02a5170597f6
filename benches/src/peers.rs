//! The servers that are measured: how each is started, and one that runs.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

/// The core that servers run on.
const SERVER_CORE: &str = "0";
/// The core that the load runs on.
const LOAD_CORE: &str = "1";

/// An echo server: a program that prints `listening on …:HOST:PORT` as its first line.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// What the tables call it.
    pub name: &'static str,
    program: &'static str,
    words: &'static [&'static str],
}

/// The floor: what the other servers' processor time is divided by.
pub const FLOOR: &str = "bare epoll";
/// What the other servers' user time is divided by.
pub const TOKIO: &str = "tokio";

const PEERS: &[Peer] = &[
    Peer { name: FLOOR, program: "peer-epoll", words: &["--port", "0"] },
    Peer { name: TOKIO, program: "peer-tokio", words: &["--port", "0"] },
    Peer {
        name: "ropewalk",
        program: "ropewalk",
        words: &["echo", "--listen", "tcp:0:interface=127.0.0.1", "--reactor", "epoll"],
    },
];

/// The servers whose programs have been built.
///
/// # Errors
///
/// If our own program cannot be found.
pub fn built() -> io::Result<Vec<Peer>> {
    let mut peers = PEERS.to_vec();
    let directory = program("")?;
    peers.retain(|peer| directory.join(peer.program).exists());
    Ok(peers)
}

/// The program of that name in the directory of our own.
fn program(name: &str) -> io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

/// The load program, on its own core.
///
/// # Errors
///
/// If our own program cannot be found.
pub fn load() -> io::Result<Command> {
    let mut command = Command::new("taskset");
    command.args(["-c", LOAD_CORE]).arg(program("load")?);
    Ok(command)
}

/// A server that runs. Dropping it ends it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    address: SocketAddr,
    // Kept open: a server that logs must not be killed by a closed pipe.
    _stdout: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts it on its core and waits until it listens.
    ///
    /// # Errors
    ///
    /// If it cannot be started, or its first line names no address.
    pub fn start(&self) -> io::Result<Running> {
        let mut command = Command::new("taskset");
        // taskset becomes the program, so the child's id is the server's.
        command.args(["-c", SERVER_CORE]).arg(program(self.program)?).args(self.words);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let Some(address) = parse_address(&line) else {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::other(format!("{} says no address: {line:?}", self.name)));
        };
        Ok(Running { child, address, _stdout: stdout })
    }
}

impl Running {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last `HOST:PORT` of a line such as `listening on tcp:127.0.0.1:4000`.
fn parse_address(line: &str) -> Option<SocketAddr> {
    let word = line.split_whitespace().next_back()?;
    let (rest, port) = word.rsplit_once(':')?;
    let host = rest.rsplit([':', '=']).next()?;
    format!("{host}:{port}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_host_and_port_of_the_first_line_count() {
        let address = "127.0.0.1:4000".parse().ok();
        assert_eq!(parse_address("listening on 127.0.0.1:4000\n"), address);
        assert_eq!(parse_address("listening on tcp:127.0.0.1:4000\n"), address);
        assert_eq!(parse_address(""), None);
        assert_eq!(parse_address("address in use"), None);
    }
}
