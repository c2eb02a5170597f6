//! The servers that are measured: how each is started, and one that runs.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::connection::{self, Speech};
use crate::figures::Missing;
use crate::foreign;
use crate::target::Target;

/// The core that the load runs on.
const LOAD_CORE: &str = "1";
/// The core that a server runs on, unless it is one of several threads.
const SERVER_CORE: &str = "0";
/// Two cores, for two workers.
const TWO_CORES: &str = "0,1";

/// A server: a program that prints `listening on …:HOST:PORT` as its first line.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// What the tables call it.
    pub name: &'static str,
    /// What it understands.
    pub speech: Speech,
    program: Program,
    words: &'static [&'static str],
    cores: &'static str,
    load_cores: &'static str,
    /// Whether it is spoken to over TLS.
    pub is_secure: bool,
}

/// Where its program comes from.
#[derive(Debug, Clone, Copy)]
enum Program {
    /// Cargo built it beside us.
    Built(&'static str),
    Libuv,
    Python {
        script: &'static str,
        package: &'static str,
    },
    Nginx,
    /// Ours, with a directory to serve.
    Web,
    /// Ours, with a chat for browsers only.
    Chat,
}

/// The floor: what other servers' processor time is divided by.
pub const FLOOR: &str = "bare epoll";
/// The floor of io_uring.
pub const URING_FLOOR: &str = "bare io_uring";
/// What the other servers' user time is divided by.
pub const TOKIO: &str = "tokio";
/// Ours, by the name of its driver.
pub const EPOLL: &str = "ropewalk (epoll)";
/// The same on io_uring.
pub const URING: &str = "ropewalk (uring)";
/// Ours in the bench of workers, on a core of its own.
pub const ONE_APART: &str = "ropewalk, 1 worker, load apart";
/// The same with the load on its core, as all others there.
pub const ONE_WORKER: &str = "ropewalk, 1 worker";
/// Two threads, each taking what it is given.
pub const TWO_WORKERS: &str = "ropewalk, 2 workers";

const ADDRESS: &str = "127.0.0.1:0";
const ENDPOINT: &str = "tcp:0:interface=127.0.0.1";

const fn built(name: &'static str, program: &'static str, words: &'static [&'static str]) -> Peer {
    let program = Program::Built(program);
    let (cores, load_cores) = (SERVER_CORE, LOAD_CORE);
    Peer { name, speech: Speech::Echo, program, words, cores, load_cores, is_secure: false }
}

/// Server and load share two cores, which is all that a small machine has.
const fn shared(peer: Peer) -> Peer {
    Peer { cores: TWO_CORES, load_cores: TWO_CORES, ..peer }
}

const fn python(name: &'static str, script: &'static str, package: &'static str) -> Peer {
    let program = Program::Python { script, package };
    Peer { program, ..built(name, "", &[ADDRESS]) }
}

/// All that echo, on one core.
pub const ECHOES: &[Peer] = &[
    built(FLOOR, "peer-epoll", &[ADDRESS]),
    built(URING_FLOOR, "peer-uring", &[ADDRESS]),
    built(EPOLL, "ropewalk", ONE),
    built(URING, "ropewalk", &["echo", "--listen", ENDPOINT, "--reactor", "uring"]),
    built(TOKIO, "peer-tokio", &[ADDRESS]),
    built("tokio, multi-thread", "peer-tokio", &[ADDRESS, "2"]),
    built("compio", "peer-compio", &[ADDRESS]),
    Peer { program: Program::Libuv, ..built("libuv", "", &[ADDRESS]) },
    python("asyncio + uvloop", "uvloop_echo.py", "uvloop"),
    python("Twisted", "twisted_echo.py", "twisted"),
];

/// Not an echo: it stands beside the others where one answer to one connection is all that counts.
pub const NGINX: Peer =
    Peer { speech: Speech::Http, program: Program::Nginx, ..built("nginx (HTTP)", "", &[]) };

/// What HTTP is compared with.
pub const HYPER: &str = "hyper on tokio";
/// The other server of HTTP that a goal names.
pub const NGINX_HTTP: &str = "nginx";
/// All that answer `Hello, world!`, on one core.
pub const HELLOS: &[Peer] = &[
    http(built(EPOLL, "peer-ropewalk", &[ADDRESS, "epoll"])),
    http(built(URING, "peer-ropewalk", &[ADDRESS, "uring"])),
    http(built(HYPER, "peer-hyper", &[ADDRESS])),
    http(built("axum", "peer-axum", &[ADDRESS])),
    http(built("actix-web", "peer-actix", &[ADDRESS])),
    Peer { name: NGINX_HTTP, ..NGINX },
    http(python("twisted.web", "http/twisted_web.py", "twisted")),
];

/// The same over TLS.
pub const SECURE: &[Peer] = &[
    secure(http(built(EPOLL, "peer-ropewalk", &[ADDRESS, "epoll"]))),
    secure(http(built(URING, "peer-ropewalk", &[ADDRESS, "uring"]))),
    secure(http(built(HYPER, "peer-hyper", &[ADDRESS]))),
    secure(http(built("axum", "peer-axum", &[ADDRESS]))),
    secure(http(built("actix-web", "peer-actix", &[ADDRESS]))),
    secure(Peer { name: NGINX_HTTP, ..NGINX }),
    secure(http(python("twisted.web", "http/twisted_web.py", "twisted[tls]"))),
];

/// Those that serve files.
pub const FILES: &[Peer] = &[
    file(Peer { program: Program::Web, ..built(EPOLL, "", &["--reactor", "epoll"]) }),
    file(Peer { program: Program::Web, ..built(URING, "", &["--reactor", "uring"]) }),
    file(Peer { name: NGINX_HTTP, ..NGINX }),
];

const fn http(peer: Peer) -> Peer {
    Peer { speech: Speech::Http, ..peer }
}

/// Told by its environment where its certificate is.
const fn secure(peer: Peer) -> Peer {
    Peer { is_secure: true, ..peer }
}

const fn file(peer: Peer) -> Peer {
    Peer { speech: Speech::File, ..peer }
}

/// What our chat is compared with.
pub const AXUM_CHAT: &str = "axum";
/// Rooms by long polling.
pub const CHATS: &[Peer] = &[
    chat(Peer { program: Program::Chat, ..built(EPOLL, "", &["--reactor", "epoll"]) }),
    chat(Peer { program: Program::Chat, ..built(URING, "", &["--reactor", "uring"]) }),
    chat(built(AXUM_CHAT, "peer-axum-chat", &[ADDRESS])),
    chat(python("twisted.web", "http/twisted_chat.py", "twisted")),
    chat(built(THREADS, "peer-threads-chat", &[ADDRESS])),
];
/// A thread for each connection.
const THREADS: &str = "a thread each";
/// As many as a machine lets one process have, with room to spare.
const THREADS_MAX: usize = 10_000;

const fn chat(peer: Peer) -> Peer {
    Peer { speech: Speech::Chat, ..peer }
}

/// One thread and two. All but the first share two cores with the load.
pub const WORKERS: &[Peer] = &[
    built(ONE_APART, "ropewalk", ONE),
    shared(built(ONE_WORKER, "ropewalk", ONE)),
    shared(built(TWO_WORKERS, "ropewalk", TWO)),
    shared(built("ropewalk, 2 workers, fewest", "ropewalk", TWO_BALANCED)),
    shared(built("tokio, 1 thread", "peer-tokio", &[ADDRESS])),
    shared(built("tokio, 2 threads", "peer-tokio", &[ADDRESS, "2"])),
];

const ONE: &[&str] = &["echo", "--listen", ENDPOINT, "--reactor", "epoll"];
const TWO: &[&str] = &["echo", "--listen", ENDPOINT, "--reactor", "epoll", "--workers", "2"];
const TWO_BALANCED: &[&str] = &[
    "echo",
    "--listen",
    ENDPOINT,
    "--reactor",
    "epoll",
    "--workers",
    "2",
    "--accept-balance",
    "fewest",
];

/// Those of `peers` that start and answer, and of the others why they do not.
pub fn available(peers: &[Peer]) -> (Vec<Peer>, Vec<Missing>) {
    let (mut ready, mut missing) = (Vec::new(), Vec::new());
    for peer in peers {
        let answers = |running: Running| connection::open(&peer.target(&running)?, peer.speech);
        match peer.start().and_then(answers) {
            Ok(_) => ready.push(*peer),
            Err(error) => {
                eprintln!("{}: {error}", peer.name);
                missing.push(Missing { server: peer.name.into(), why: error.to_string() });
            }
        }
    }
    (ready, missing)
}

/// The program of that name in the directory of our own.
fn program(name: &str) -> io::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    if path.exists() { Ok(path) } else { Err(io::Error::other(format!("{name} is not built"))) }
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
    /// Whether it has an address that it never answers.
    pub fn can_wait(&self) -> bool {
        matches!(self.program, Program::Built("peer-ropewalk" | "peer-hyper"))
    }

    /// How many browsers it can have at a time.
    pub fn browsers_max(&self) -> usize {
        if self.name == THREADS { THREADS_MAX } else { usize::MAX }
    }

    /// Starts it on its core and waits until it listens.
    ///
    /// # Errors
    ///
    /// If it cannot be started, or its first line names no address: then the last thing it said.
    pub fn start(&self) -> io::Result<Running> {
        let said = foreign::directory()?.join("server.log");
        let (mut command, address) = self.command()?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&said)?);
        let mut child = command.spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let address = match address {
            Some(address) => wait_for(&address),
            None => listening(&mut stdout),
        };
        let Some(address) = address else {
            // It may have ended by itself.
            let _ = child.kill();
            child.wait()?;
            let words = fs::read_to_string(&said).unwrap_or_default();
            let words = foreign::last_line(&words).unwrap_or("it says no address".into());
            return Err(io::Error::other(words));
        };
        Ok(Running { child, address, _stdout: stdout })
    }

    /// The load program in one of its modes, on its own core.
    ///
    /// # Errors
    ///
    /// If it is not built.
    pub fn load(&self, mode: &str, server: &Running) -> io::Result<Command> {
        let mut command = Command::new("taskset");
        command.args(["-c", self.load_cores]).arg(program("load")?).arg(mode);
        command.args(["--connect", &server.address().to_string()]);
        if self.is_secure {
            command.arg("--certificate").arg(foreign::certificate()?.0);
        }
        command.args(["--speech", self.speech.word()]);
        Ok(command)
    }

    /// What a load talks to.
    fn target(&self, server: &Running) -> io::Result<Target> {
        let certificate = if self.is_secure { Some(foreign::certificate()?.0) } else { None };
        Target::new(server.address(), certificate.as_deref())
    }

    /// The command, and where it will listen if it does not say so itself.
    fn command(&self) -> io::Result<(Command, Option<String>)> {
        let mut command = Command::new("taskset");
        // taskset becomes the program, so the child's id is the server's.
        command.args(["-c", self.cores]);
        let mut known = None;
        match self.program {
            Program::Built(name) => command.arg(program(name)?),
            Program::Libuv => command.arg(foreign::libuv().map_err(io::Error::other)?),
            Program::Python { script, package } => {
                let (python, script) =
                    foreign::python(script, package).map_err(io::Error::other)?;
                command.arg(python).arg(script)
            }
            Program::Nginx => {
                let (prefix, address) = foreign::nginx(self.is_secure).map_err(io::Error::other)?;
                known = Some(address);
                command.args(foreign::nginx_program()).arg("-p").arg(prefix);
                command.args(["-c", "nginx.conf"])
            }
            Program::Chat => command.arg(program("ropewalk")?).args(["chat", "--web", ENDPOINT]),
            Program::Web => {
                let site = foreign::site()?;
                command.arg(program("ropewalk")?).args(["web", "--log", "off", "--path"]).arg(site);
                command.args(["--listen", ENDPOINT])
            }
        };
        if self.is_secure {
            let (certificate, key) = foreign::certificate()?;
            command.env("PEER_CERTIFICATE", certificate).env("PEER_KEY", key);
        }
        command.args(self.words);
        Ok((command, known))
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

/// Waits until somebody takes connections there.
fn wait_for(address: &str) -> Option<SocketAddr> {
    (0..100).find_map(|_| {
        sleep(Duration::from_millis(20));
        TcpStream::connect(address).is_ok().then(|| address.parse().ok())?
    })
}

fn listening(stdout: &mut impl BufRead) -> Option<SocketAddr> {
    let mut line = String::new();
    stdout.read_line(&mut line).ok()?;
    parse_address(&line)
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
