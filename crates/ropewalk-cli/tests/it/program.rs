//! [`Program`]: a program that runs, is typed to and is looked at; and where its files are.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take that should happen at once, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that runs. It is killed when this is dropped.
pub(crate) struct Program {
    child: Child,
    output: Receiver<Vec<u8>>,
    /// What it has written and no test has looked at.
    unread: String,
}

/// The `ropewalk` command.
pub(crate) fn ropewalk(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ropewalk"));
    command.args(arguments);
    command
}

/// Starts a server of the `ropewalk` command, and waits until it listens; gives its address, too.
pub(crate) fn serve(arguments: &[&str]) -> (Program, String) {
    let mut server = Program::start(&mut ropewalk(arguments));
    server.expect("listening on ");
    let line = server.expect("\n");
    let address = line.split_whitespace().next_back().expect("the address is the last word");
    (server, address.to_owned())
}

/// The same on a TCP port that the system chooses.
pub(crate) fn serve_tcp(arguments: &[&str]) -> (Program, SocketAddr) {
    let listen = ["--listen", "tcp:0:interface=127.0.0.1"];
    let (server, address) = serve(&[arguments, &listen].concat());
    (server, address.parse().expect("it is an IP address and a port"))
}

impl Program {
    /// Starts it, with pipes for what is typed and what it shows.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut stdout = child.stdout.take().expect("it is piped");
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(len @ 1..) = stdout.read(&mut buffer) {
                if sender.send(buffer[..len].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, output, unread: String::new() }
    }

    /// The most memory that it ever had, in KiB.
    pub(crate) fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("it runs");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak.and_then(|peak| peak.split_whitespace().next()?.parse().ok()).expect("Linux says it")
    }

    /// Types a line.
    pub(crate) fn say(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("it is piped");
        stdin.write_all(format!("{line}\n").as_bytes()).expect("it reads what is typed");
    }

    /// Waits until it shows `text`; gives all that it showed up to there and since the last time.
    ///
    /// # Panics
    /// If it does not, for a while or for ever.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.unread.find(text) {
                let rest = self.unread.split_off(at + text.len());
                return std::mem::replace(&mut self.unread, rest);
            }
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.unread.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout) => panic!("no {text:?} but {:?}", self.unread),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("it ended with no {text:?} but {:?}", self.unread)
                }
            }
        }
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// Types no more.
    pub(crate) fn hang_up(&mut self) {
        drop(self.child.stdin.take());
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it has not been waited for");
    }

    /// Types no more, and waits until it has ended. (Some `nc`s stay until both sides have closed.)
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.hang_up();
        let deadline = Instant::now() + PATIENCE;
        // Its output ends when it does; then there is next to nothing to wait for.
        while self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok() {
        }
        assert!(Instant::now() < deadline, "it does not end");
        self.child.wait().expect("it is a child")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill(); // It may have ended.
        let _ = self.child.wait();
    }
}

/// Whether there is a program of that name. If not, `test` is noted as skipped, and is to return.
pub(crate) fn has(test: &str, name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|directory| directory.join(name).is_file());
    if !found {
        note_skip(test, name);
    }
    found
}

/// Waits until a program has made the socket that it listens on.
///
/// # Panics
/// If it does not, for a while.
#[track_caller]
pub(crate) fn wait_for(socket: &str) {
    let end = Instant::now() + PATIENCE;
    while std::os::unix::net::UnixStream::connect(socket).is_err() {
        assert!(Instant::now() < end, "nobody listens on {socket}");
        std::thread::yield_now();
    }
}

/// Notes `test` as skipped for want of something.
pub(crate) fn note_skip(test: &str, name: &str) {
    let Some(file) = std::env::var_os("ROPEWALK_SKIPS") else { return };
    let opened = OpenOptions::new().create(true).append(true).open(file);
    let line = format!("{test}: there is no {name}\n");
    opened.and_then(|mut file| file.write_all(line.as_bytes())).expect("the file can be written");
}

/// A directory of one test's own, removed at its end.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("ropewalk-cli-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("there is room for tests");
        Self(path)
    }

    /// A path in it, as text.
    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0); // It is in the temporary directory.
    }
}
