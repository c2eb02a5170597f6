//! Standard input and output as a connection: `stdio:` endpoints.
//!
//! So a protocol can be tried from a terminal, stand in a pipeline, or be started by inetd. Facts that explain
//! the code. Whether a descriptor waits (`O_NONBLOCK`) belongs to what is open, not to the number: a terminal
//! is shared with the shell, and a shell whose terminal does not wait misbehaves, so the flags are put back.
//! Input and output may be the same terminal or two different pipes; either may be a file, which is always
//! ready, so that there is nothing to wait for.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use ropewalk_core::{
    ClientEndpoint, Deferred, Failure, FailureKind, Lineage, ListeningPort, Reactor,
    ServerEndpoint, Transport,
};
use rustix::fs::OFlags;

use crate::lone_connection::{not_shared, open_one, serve_one};

/// The process's standard input and output: `stdio:`.
///
/// As a server it has one connection from the beginning, and stops listening when that is lost; as a client it
/// connects at once. The end of the input is the peer's half close. When the connection is lost the
/// descriptors 0 and 1 stay open, and wait again if they did before.
///
/// # Limits
/// One connection at a time in a process; another fails with a `Local` failure.
///
/// # Platform
/// A process that is killed cannot put the terminal's flags back; most shells do it for their prompt. Writing
/// to a pipe that nobody reads raises SIGPIPE, which Rust's programs ignore; a foreign host has to do so too.
#[derive(Clone, Copy, Debug, Default)]
pub struct StdioEndpoint;

impl ServerEndpoint for StdioEndpoint {
    fn listen(&self, reactor: &Reactor, lineage: Rc<Lineage>) -> Deferred<ListeningPort> {
        let served = not_shared(reactor).and_then(|()| Stdio::take()).and_then(|stdio| {
            let Stdio { input, output, taken } = stdio;
            serve_one(reactor, lineage, |sockets, id| {
                sockets.add_pipe(id, input, Some(output), Box::new(move || drop(taken)))
            })
        });
        served.map_err(doing).unwrap_or_else(Deferred::fail)
    }
}

impl ClientEndpoint for StdioEndpoint {
    fn connect(&self, reactor: &Reactor, lineage: Rc<Lineage>) -> Deferred<Transport> {
        let opened = Stdio::take().and_then(|stdio| {
            let Stdio { input, output, taken } = stdio;
            open_one(reactor, lineage, |sockets, id| {
                sockets.add_pipe(id, input, Some(output), Box::new(move || drop(taken)))
            })
        });
        opened.map_err(doing).unwrap_or_else(Deferred::fail)
    }
}

fn doing(failure: Failure) -> Failure {
    failure.context("use standard input and output")
}

/// Duplicates of the two, that do not wait.
struct Stdio {
    input: OwnedFd,
    output: OwnedFd,
    taken: Taken,
}

/// What is put back when it is dropped. The output first: if both are one terminal, the input's flags, which
/// were looked at first, are those from before.
struct Taken {
    _output: Flags,
    _input: Flags,
    _only: OnlyOne,
}

impl Stdio {
    fn take() -> Result<Self, Failure> {
        let only = OnlyOne::take()?;
        let input = duplicate(rustix::stdio::stdin())
            .map_err(|error| Failure::from(error).context("the input"))?;
        let output = duplicate(rustix::stdio::stdout())
            .map_err(|error| Failure::from(error).context("the output"))?;
        let taken = Taken {
            _input: Flags::set_nonblocking(&input)?,
            _output: Flags::set_nonblocking(&output)?,
            _only: only,
        };
        Ok(Self { input, output, taken })
    }
}

fn duplicate(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(fd, 3)?)
}

/// The flags that something open had before, put back when this is dropped.
struct Flags {
    fd: OwnedFd,
    before: OFlags,
}

impl Flags {
    fn set_nonblocking(fd: &OwnedFd) -> io::Result<Self> {
        let fd = fd.try_clone()?;
        let before = rustix::fs::fcntl_getfl(&fd)?;
        rustix::fs::fcntl_setfl(&fd, before | OFlags::NONBLOCK)?;
        Ok(Self { fd, before })
    }
}

impl Drop for Flags {
    fn drop(&mut self) {
        // What can no longer be set is of no consequence any more.
        let _ = rustix::fs::fcntl_setfl(&self.fd, self.before);
    }
}

/// Whether somebody has them.
static TAKEN: AtomicBool = AtomicBool::new(false);

struct OnlyOne;

impl OnlyOne {
    fn take() -> Result<Self, Failure> {
        if TAKEN.swap(true, Ordering::SeqCst) {
            return Err(Failure::new(FailureKind::Local, "they are in use already"));
        }
        Ok(Self)
    }
}

impl Drop for OnlyOne {
    fn drop(&mut self) {
        TAKEN.store(false, Ordering::SeqCst);
    }
}
