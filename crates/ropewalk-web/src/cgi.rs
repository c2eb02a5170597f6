//! [`Cgi`]: programs that are started for each request (RFC 3875).
//!
//! What a program reads and writes are two UNIX sockets, each a connection of the reactor like any other, so that
//! nobody waits for it. Only starting it and burying it is done by a thread of the pool.

use std::cell::Cell;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use http::header::{CONTENT_TYPE, COOKIE, LOCATION};
use http::{HeaderName, StatusCode};
use memchr::memchr;
use ropewalk_core::{
    Address, Chunk, Cx, Deferred, DelayedCall, Failure, FailureKind, Protocol, Reactor, Transport,
};
use ropewalk_http::drained;
use ropewalk_net::{AdoptedClientEndpoint, ThreadPool};

use crate::request::decoded;
use crate::{Answer, Request, Resource};

/// The programs of a directory. The first segment of the path below it names the program, and what follows is its
/// `PATH_INFO`.
///
/// A program whose name begins with `nph-` writes the whole answer itself, from the status line on, and it is sent as
/// it is (RFC 3875 section 5). A program that ends without an answer, or gives none in time, is a 502 or a 504, and is killed. One whose
/// client has left is killed, too.
pub struct Cgi(Rc<Shared>);

struct Shared {
    directory: PathBuf,
    pool: ThreadPool,
    options: CgiOptions,
    running: Cell<usize>,
}

/// What programs may take.
#[derive(Clone, Debug)]
pub struct CgiOptions {
    /// Programs that run at the same time; with one more the answer is 503. Default 32.
    pub processes_max: usize,
    /// Without a byte of output. Default 60 s.
    pub timeout: Duration,
    /// More variables for its environment. Of ours it gets `PATH` only.
    pub environment: Vec<(String, String)>,
}

impl Default for CgiOptions {
    fn default() -> Self {
        let (processes_max, timeout) = (32, Duration::from_secs(60));
        Self { processes_max, timeout, environment: Vec::new() }
    }
}

/// Bytes of the head that a program writes.
const HEAD_BYTES_MAX: usize = 32 << 10;

impl Cgi {
    /// The programs in `directory`, started by threads of `pool`.
    pub fn new(directory: impl Into<PathBuf>, pool: &ThreadPool) -> Self {
        Self::with_options(directory, pool, CgiOptions::default())
    }

    /// The same, with options of one's own.
    pub fn with_options(
        directory: impl Into<PathBuf>,
        pool: &ThreadPool,
        options: CgiOptions,
    ) -> Self {
        let (directory, pool) = (directory.into(), pool.clone());
        Self(Rc::new(Shared { directory, pool, options, running: Cell::new(0) }))
    }
}

impl Resource for Cgi {
    fn render(&self, request: &Request) -> Answer {
        let Some(name) = request.next_segment().filter(|name| is_program_name(name)) else {
            return StatusCode::NOT_FOUND.into();
        };
        if request.header("transfer-encoding").is_some() {
            return StatusCode::LENGTH_REQUIRED.into(); // A program is told the length before it begins.
        }
        let Some(place) = Place::take(&self.0) else {
            return StatusCode::SERVICE_UNAVAILABLE.into();
        };
        let mut command = Command::new(self.0.directory.join(&name));
        set_environment(&mut command, request, &self.0.options);
        command.current_dir(&self.0.directory);
        let (asked, shared) = (request.clone(), self.0.clone());
        let is_raw = name.starts_with("nph-");
        let answer: Deferred<Answer> = request.transport().reactor().spawn(async move {
            match shared.pool.defer_to_thread(move || Ok(Running::start(command))).await? {
                Ok(running) => {
                    run(asked, shared, place, running, is_raw).await.map(|()| Answer::NotDoneYet)
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    Ok(StatusCode::NOT_FOUND.into())
                }
                Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                    Ok(StatusCode::FORBIDDEN.into())
                }
                Err(error) => Err(error.into()),
            }
        });
        Answer::Later(Box::new(answer))
    }

    fn is_leaf(&self) -> bool {
        true
    }
}

/// A name that stays in its directory.
fn is_program_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0'])
}

/// The right to have a program run; given back by its drop.
struct Place(Rc<Shared>);

impl Place {
    fn take(shared: &Rc<Shared>) -> Option<Self> {
        let running = shared.running.get();
        (running < shared.options.processes_max).then(|| {
            shared.running.set(running + 1);
            Self(shared.clone())
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.running.set(self.0.running.get() - 1);
    }
}

/// A program that runs, and our ends of what it reads and writes.
struct Running {
    child: Leash,
    input: UnixStream,
    output: UnixStream,
}

impl Running {
    fn start(mut command: Command) -> std::io::Result<Self> {
        let (input, its_input) = UnixStream::pair()?;
        let (output, its_output) = UnixStream::pair()?;
        command.stdin(Stdio::from(OwnedFd::from(its_input)));
        command.stdout(Stdio::from(OwnedFd::from(its_output)));
        let child = Leash(command.spawn()?);
        Ok(Self { child, input, output })
    }
}

/// A program that does not outlive its leash, wherever that is dropped: its client may leave while it is started.
struct Leash(Child);

impl Drop for Leash {
    fn drop(&mut self) {
        // It has closed its output, or is to end now.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// RFC 3875 section 4.1.
fn set_environment(command: &mut Command, request: &Request, options: &CgiOptions) {
    command.env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into()));
    let authority = request.authority().unwrap_or_default();
    let (name, port) = match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (name, port),
        _ => (authority, "80"),
    };
    let own = [
        ("GATEWAY_INTERFACE", "CGI/1.1"),
        ("SERVER_SOFTWARE", concat!("ropewalk/", env!("CARGO_PKG_VERSION"))),
        (
            "SERVER_PROTOCOL",
            if request.version() == http::Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" },
        ),
        ("SERVER_NAME", name),
        ("SERVER_PORT", port),
        ("REQUEST_METHOD", request.method().as_str()),
        ("SCRIPT_NAME", &decoded(request.base())),
        ("QUERY_STRING", request.query().unwrap_or_default()),
        ("REQUEST_URI", request.target()),
    ];
    command.envs(own);
    if !request.rest().is_empty() {
        command.env("PATH_INFO", format!("/{}", decoded(request.rest()).replace('\0', "")));
    }
    if let Address::Ip(address) = request.peer() {
        let address: SocketAddr = address;
        command.env("REMOTE_ADDR", address.ip().to_string());
        command.env("REMOTE_PORT", address.port().to_string());
    }
    if let Some(user) = request.user() {
        command.env("REMOTE_USER", user).env("AUTH_TYPE", "Basic");
    }
    for name in request.headers().keys() {
        let values = request.headers().get_all(name).iter().filter_map(|value| value.to_str().ok());
        let separator = if *name == COOKIE { "; " } else { ", " };
        if let Some(variable) = variable_of(name) {
            command.env(variable, values.collect::<Vec<_>>().join(separator));
        }
    }
    command.envs(options.environment.iter().map(|(name, value)| (name, value)));
}

/// The variable of a field. Not of `Proxy`, which many programs would take for their own setting of a proxy, and
/// not of secrets that are for the server. With an underscore it would be the variable of another field.
fn variable_of(name: &HeaderName) -> Option<String> {
    match name.as_str() {
        "proxy" | "authorization" | "proxy-authorization" | "connection" => None,
        name if name.contains('_') => None,
        "content-type" => Some("CONTENT_TYPE".to_owned()),
        "content-length" => Some("CONTENT_LENGTH".to_owned()),
        other => Some(format!("HTTP_{}", other.to_ascii_uppercase().replace('-', "_"))),
    }
}

/// Has the program answer.
async fn run(
    request: Request,
    shared: Rc<Shared>,
    place: Place,
    running: Running,
    is_raw: bool,
) -> Result<(), Failure> {
    let reactor = request.transport().reactor().clone();
    let Running { child, input, output } = running;
    let buried = Buried { child: Some(child), pool: shared.pool.clone(), _place: place };
    let sending =
        reactor.spawn(send_body(reactor.clone(), request.clone(), input, shared.options.timeout));
    drop(sending.add_errback(|_| ())); // A program that reads nothing may answer all the same.
    let endpoint = AdoptedClientEndpoint { fd: output.as_raw_fd() };
    let output = Output { is_raw, ..Output::new(&request, shared.options.timeout, buried) };
    let answer = Cell::new(Some(output));
    reactor.connect(&endpoint, OneOutput(answer)).await?;
    Ok(())
}

/// Makes the one protocol of a program's output.
struct OneOutput(Cell<Option<Output>>);

impl ropewalk_core::Factory for OneOutput {
    type Protocol = Output;

    fn build_protocol(&self, _: &Transport) -> Option<Output> {
        self.0.take()
    }
}

struct Silent;
impl Protocol for Silent {}

async fn send_body(
    reactor: Reactor,
    request: Request,
    input: UnixStream,
    stall_max: Duration,
) -> Result<(), Failure> {
    let endpoint = AdoptedClientEndpoint { fd: input.as_raw_fd() };
    let connection = reactor.connect(&endpoint, || Silent).await?;
    drop(input);
    let transport = connection.transport().ok_or_else(Failure::connection_done)?;
    let body = request.take_body();
    while let Some(piece) = body.next().await? {
        transport.write_bytes(piece);
        drained(&transport, stall_max).await?;
    }
    transport.lose_connection();
    Ok(())
}

/// A program that is to be buried: killed at once if it still runs, and waited for by a thread. If no thread
/// is to be had it is waited for here: the dead are not long in coming.
struct Buried {
    child: Option<Leash>,
    pool: ThreadPool,
    _place: Place,
}

impl Drop for Buried {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let _ = child.0.kill(); // It may have ended.
        drop(self.pool.defer_to_thread(move || {
            drop(child);
            Ok(())
        }));
    }
}

/// Reads what a program writes: a head, and the body.
struct Output {
    request: Request,
    head: Vec<u8>,
    is_head_done: bool,
    /// What it writes is the client's, as it is.
    is_raw: bool,
    timeout: Duration,
    timer: Option<DelayedCall>,
    _buried: Buried,
}

impl Output {
    fn new(request: &Request, timeout: Duration, buried: Buried) -> Self {
        let (request, head) = (request.clone(), Vec::new());
        let (is_head_done, is_raw) = (false, false);
        Self { request, head, is_head_done, is_raw, timeout, timer: None, _buried: buried }
    }

    /// The number of bytes up to the end of the head's empty line; lines may end with a bare LF here.
    fn end_of_head(&self) -> Option<usize> {
        let mut line = 0;
        while let Some(found) = memchr(b'\n', &self.head[line..]) {
            let text = &self.head[line..line + found];
            line += found + 1;
            if text.is_empty() || text == b"\r" {
                return Some(line);
            }
        }
        None
    }

    fn begin(&self, head: &[u8]) -> Result<(), Failure> {
        let head = String::from_utf8_lossy(head);
        let mut status = None;
        for line in head.lines().filter(|line| !line.is_empty()) {
            let (name, value) =
                line.split_once(':').ok_or_else(|| bad("a line of its head has no colon"))?;
            let value = value.trim();
            if name.eq_ignore_ascii_case("status") {
                let code = value.split(' ').next().unwrap_or_default();
                status = Some(code.parse().map_err(|_| bad("its status is no number"))?);
            } else {
                let name =
                    HeaderName::try_from(name).map_err(|_| bad("a field's name is malformed"))?;
                self.request.append_header(name, value);
            }
        }
        let moves = self.request.reply_header(&LOCATION).is_some();
        if !moves && status.is_none() && self.request.reply_header(&CONTENT_TYPE).is_none() {
            return Err(bad("it says neither a type nor a place nor a status"));
        }
        self.request.set_status(status.unwrap_or(if moves {
            StatusCode::FOUND
        } else {
            StatusCode::OK
        }));
        Ok(())
    }

    fn write(&mut self, cx: &mut Cx<'_>, data: bytes::Bytes) {
        self.request.write_bytes(data);
        let drained = self.request.drained();
        if !drained.is_fired() {
            cx.transport().pause_producing();
            self.wait_no_more(); // Held back it can write nothing.
            cx.when(drained, |this: &mut Self, cx, _| {
                this.wait_on(cx);
                cx.transport().resume_producing();
            });
        }
    }

    fn fail(&self, cx: &mut Cx<'_>, status: StatusCode, why: &Failure) {
        tracing::error!(target: "ropewalk::web", "the program of {}: {why}", self.request.path());
        self.request.fail(status);
        cx.transport().abort_connection();
    }

    fn wait_no_more(&mut self) {
        if let Some(timer) = self.timer.take() {
            let _ = timer.cancel(); // Already run is as good.
        }
    }

    fn wait_on(&mut self, cx: &mut Cx<'_>) {
        if let Some(timer) = &self.timer
            && timer.reset(self.timeout).is_ok()
        {
            return;
        }
        let this = cx.protocol_ref::<Self>();
        self.timer = Some(cx.reactor().call_later(self.timeout, move || {
            let late = this.call(|this, cx| {
                let why =
                    Failure::new(FailureKind::Timeout, "it wrote nothing for too long (timeout)");
                this.fail(cx, StatusCode::GATEWAY_TIMEOUT, &why);
            });
            drop(late.add_errback(|_| ())); // It has ended.
        }));
    }
}

fn bad(why: &'static str) -> Failure {
    Failure::new(FailureKind::Local, why)
}

impl Protocol for Output {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        self.wait_on(cx);
        let weak = cx.transport().downgrade();
        // Nobody is there to be answered: the program's drop kills it.
        let gone = self.request.notify_finish().add_errback(move |_| {
            if let Some(transport) = weak.upgrade() {
                transport.abort_connection();
            }
        });
        drop(gone);
    }

    fn chunk_received(&mut self, cx: &mut Cx<'_>, chunk: Chunk<'_>) {
        self.wait_on(cx);
        if self.is_raw && !self.is_head_done {
            self.is_head_done = true;
            self.request.begin_raw();
        }
        if self.is_head_done {
            return self.write(cx, chunk.into_bytes());
        }
        self.head.extend_from_slice(chunk.as_slice());
        let Some(end) = self.end_of_head() else {
            if self.head.len() > HEAD_BYTES_MAX {
                self.fail(cx, StatusCode::BAD_GATEWAY, &bad("its head is too long"));
            }
            return;
        };
        self.is_head_done = true;
        let mut head = std::mem::take(&mut self.head);
        let body = head.split_off(end);
        match self.begin(&head) {
            Ok(()) => self.write(cx, body.into()),
            Err(why) => self.fail(cx, StatusCode::BAD_GATEWAY, &why),
        }
    }

    fn connection_lost(&mut self, cx: &mut Cx<'_>, reason: Failure) {
        self.wait_no_more();
        if self.is_head_done && reason.is(FailureKind::ConnectionDone) {
            self.request.finish();
        } else if !self.request.is_finished() {
            self.fail(cx, StatusCode::BAD_GATEWAY, &bad("it ended without an answer"));
        }
    }
}
