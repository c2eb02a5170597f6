//! What the tests are made with: loops, small protocols, other programs.

use std::cell::RefCell;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ropewalk_core::{
    Address, Cx, DatagramProtocol, DatagramTransport, Deferred, Failure, Loop, Protocol, Resolver,
    Transport, Wait,
};
use ropewalk_net::{NetDriver, ThreadPool, ThreadPoolLimits, new_loop};

/// Longer than anything takes on the slowest machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The drivers that work here: a kernel or a container may refuse io_uring, and then its tests are skipped.
pub(crate) fn drivers() -> Vec<&'static str> {
    let works = |name: &&str| match NetDriver::by_name(name) {
        Err(refused) if *name == "uring" => {
            skip("the tests of uring", &refused.to_string());
            false
        }
        made => made.map(drop).is_ok() || panic!("{name} does not work"),
    };
    NetDriver::names().iter().copied().filter(works).collect()
}

/// Runs a test under every driver.
pub(crate) fn each_driver(test: impl Fn(&Loop)) {
    for name in drivers() {
        let main_loop = new_loop(Some(name)).unwrap();
        eprintln!("reactor {name}");
        test(&main_loop);
    }
}

pub(crate) fn any_driver() -> Loop {
    new_loop(None).unwrap()
}

/// The result of a Deferred, or a panic if it takes too long.
pub(crate) fn get<T: 'static>(main_loop: &Loop, deferred: Deferred<T>) -> Result<T, Failure> {
    let result = main_loop.run_until(deferred.add_timeout(main_loop.reactor(), PATIENCE));
    if let Err(failure) = &result {
        assert!(!failure.to_string().contains(&format!("{PATIENCE:?}")), "too late: {failure:?}");
    }
    result
}

/// Runs turns until it is true.
#[track_caller]
pub(crate) fn until(main_loop: &Loop, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "it does not come true");
        let soon = main_loop.reactor().now() + Duration::from_millis(5);
        main_loop.turn(Wait::Until(soon)).unwrap().unwrap();
    }
}

pub(crate) struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        cx.transport().write(data);
    }
}

/// What a connection brought, and how it ended.
#[derive(Clone, Default)]
pub(crate) struct Heard(Rc<RefCell<Record>>);

#[derive(Default)]
struct Record {
    bytes: Vec<u8>,
    transport: Option<Transport>,
    /// Whether it goes on when the peer has ended its half.
    outlives: bool,
    half_closed: bool,
    lost: Option<Failure>,
    waiting: Option<Resolver<Failure>>,
}

/// A protocol that says something and keeps what it hears.
pub(crate) struct Ear {
    pub(crate) heard: Heard,
    pub(crate) says: Vec<u8>,
    /// Whether it says that nothing more comes.
    pub(crate) ends: bool,
}

impl Heard {
    pub(crate) fn ear(&self, says: &[u8]) -> Ear {
        Ear { heard: self.clone(), says: says.to_vec(), ends: false }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.borrow().bytes.clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.borrow().bytes.len()
    }

    pub(crate) fn note(&self, bytes: &[u8]) {
        self.0.borrow_mut().bytes.extend_from_slice(bytes);
    }

    pub(crate) fn transport(&self) -> Transport {
        self.0.borrow().transport.clone().expect("it is connected")
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.0.borrow().transport.is_some()
    }

    /// Has it stay when the peer ends its half.
    pub(crate) fn outlive_the_peers_half(&self) {
        self.0.borrow_mut().outlives = true;
    }

    pub(crate) fn is_half_closed(&self) -> bool {
        self.0.borrow().half_closed
    }

    /// Fires with why the connection was lost.
    pub(crate) fn lost(&self) -> Deferred<Failure> {
        if let Some(reason) = self.0.borrow().lost.clone() {
            return Deferred::succeed(reason);
        }
        let (resolver, lost) = Deferred::new();
        self.0.borrow_mut().waiting = Some(resolver);
        lost
    }
}

impl Protocol for Ear {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        self.heard.0.borrow_mut().transport = Some(cx.transport().clone());
        cx.transport().write(&self.says);
        if self.ends {
            cx.transport().lose_write_connection();
        }
    }

    fn data_received(&mut self, _: &mut Cx<'_>, data: &[u8]) {
        self.heard.note(data);
    }

    fn read_connection_lost(&mut self, cx: &mut Cx<'_>) {
        self.heard.0.borrow_mut().half_closed = true;
        if !self.heard.0.borrow().outlives {
            cx.transport().lose_connection();
        }
    }

    fn connection_lost(&mut self, _: &mut Cx<'_>, reason: Failure) {
        let waiting = {
            let mut record = self.heard.0.borrow_mut();
            record.lost = Some(reason.clone());
            record.waiting.take()
        };
        if let Some(waiting) = waiting {
            waiting.callback(reason);
        }
    }
}

/// A datagram protocol that keeps what it hears, and how its sends failed.
#[derive(Clone, Default)]
pub(crate) struct Letters(Rc<RefCell<Post>>);

#[derive(Default)]
struct Post {
    received: Vec<(String, Address)>,
    failures: Vec<Failure>,
    stopped: bool,
}

impl Letters {
    pub(crate) fn received(&self) -> Vec<(String, Address)> {
        self.0.borrow().received.clone()
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.received().into_iter().map(|(text, _)| text).collect()
    }

    pub(crate) fn failures(&self) -> Vec<Failure> {
        self.0.borrow().failures.clone()
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.0.borrow().stopped
    }
}

impl DatagramProtocol for Letters {
    fn datagram_received(&mut self, _: &DatagramTransport, data: &[u8], from: &Address) {
        let text = String::from_utf8_lossy(data).into_owned();
        self.0.borrow_mut().received.push((text, from.clone()));
    }

    fn send_failed(&mut self, _: &DatagramTransport, failure: Failure) {
        self.0.borrow_mut().failures.push(failure);
    }

    fn stopped(&mut self, _: Failure) {
        self.0.borrow_mut().stopped = true;
    }
}

/// A name for one abstract socket. Not to be used again: a program that another test is just starting may have
/// the socket open for a moment more.
pub(crate) fn unique_name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::SeqCst);
    format!("ropewalk-net-{}-{number}", std::process::id())
}

/// An empty directory, removed when it is dropped.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        let name = format!("ropewalk-net-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A program that tests talk to; `None`, and a line for the tally, if it is not there.
pub(crate) fn program(test: &str, name: &str) -> Option<Command> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|directory| directory.join(name).is_file()) {
        return Some(Command::new(name));
    }
    skip(test, &format!("{name} is not installed"));
    None
}

/// A line for the tally.
pub(crate) fn skip(test: &str, why: &str) {
    let line = format!("{test}: {why}\n");
    eprint!("{line}");
    if let Some(skips) = std::env::var_os("ROPEWALK_SKIPS") {
        let mut file = OpenOptions::new().append(true).create(true).open(skips).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}

/// The example program `echo_on`, which cargo has built beside the tests.
pub(crate) fn echo_on() -> Command {
    let here = std::env::current_exe().unwrap();
    let path = here.parent().unwrap().parent().unwrap().join("examples/echo_on");
    assert!(path.is_file(), "{} is to be built first (cargo test without --test)", path.display());
    Command::new(path)
}

/// This program again, for the test called `name` only, which finds `ROPEWALK_CHILD` set.
pub(crate) fn child(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]);
    command.env("ROPEWALK_CHILD", name);
    command
}

/// Whether this is the process that [`child`] started for the test called `name`.
pub(crate) fn is_child(name: &str) -> bool {
    std::env::var("ROPEWALK_CHILD").is_ok_and(|child| child == name)
}

/// A running program, killed when it is dropped.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    pub(crate) fn signal(&self, signal: i32) {
        let pid = rustix::process::Pid::from_child(&self.0);
        let signal = rustix::process::Signal::from_named_raw(signal).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for it to end; its patience is that of the test runner.
    pub(crate) fn wait(&mut self) -> std::process::ExitStatus {
        self.0.wait().unwrap()
    }

    /// The next line of its standard error.
    pub(crate) fn error_lines(&mut self) -> BufReader<std::process::ChildStderr> {
        BufReader::new(self.0.stderr.take().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn next_line(lines: &mut impl BufRead) -> String {
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// Has a thread feed a program and wait for it, while the reactor serves it.
pub(crate) fn run_program(main_loop: &Loop, mut command: Command, input: &[u8]) -> Output {
    let pool = ThreadPool::new(main_loop.reactor(), ThreadPoolLimits::default());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let input = input.to_vec();
    let done = pool.defer_to_thread(move || -> Result<Output, Failure> {
        let mut child = command.spawn()?;
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || {
            // One that has heard enough may be gone.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output()?;
        writer.join().unwrap();
        Ok(output)
    });
    get(main_loop, done).unwrap()
}

/// Bytes that differ everywhere.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}
