//! Adopted sockets: `fd:` endpoints, for a socket that somebody else opened and this process inherited.
//!
//! A super-server hands over a listening socket, or with inetd's `nowait` a connected one; a parent may hand a
//! child either. The socket is duplicated, so the number given stays open, and belongs to whoever opened it:
//! several reactors may adopt the same one.

use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::rc::Rc;

use ropewalk_core::{
    ClientEndpoint, Deferred, Failure, FailureKind, Lineage, ListeningPort, Reactor,
    ServerEndpoint, Transport,
};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, sockopt};

use crate::lone_connection::{open_one, serve_one};
use crate::row::{Kind, borrow_fd, flag};
use crate::shared_port::Opened;
use crate::sockets::listen_with;

/// Serves an inherited stream socket: `fd:3`. One that listens accepts connections; one that is connected is
/// the one connection of a port that accepts nothing more and stops when it is lost.
///
/// # Platform
/// The socket is made non-blocking, for all processes that share it. After the port has stopped, connections
/// still queue at the socket for as long as anybody has it open; those that io_uring accepted in the turn in which the
/// port stops are reset.
#[derive(Clone, Copy, Debug)]
pub struct AdoptedServerEndpoint {
    /// The number of the descriptor.
    pub fd: RawFd,
}

/// Uses an inherited, connected stream socket: `fd:3`.
#[derive(Clone, Copy, Debug)]
pub struct AdoptedClientEndpoint {
    /// The number of the descriptor.
    pub fd: RawFd,
}

impl ServerEndpoint for AdoptedServerEndpoint {
    fn listen(&self, reactor: &Reactor, lineage: Rc<Lineage>) -> Deferred<ListeningPort> {
        let listening = Adopted::new(self.fd).and_then(|socket| socket.serve(reactor, lineage));
        let doing = |failure: Failure| failure.context(format!("listen on fd {}", self.fd));
        listening.map_err(doing).unwrap_or_else(Deferred::fail)
    }
}

impl ClientEndpoint for AdoptedClientEndpoint {
    fn connect(&self, reactor: &Reactor, lineage: Rc<Lineage>) -> Deferred<Transport> {
        let connected = Adopted::new(self.fd).and_then(|socket| match socket.state {
            State::Listening => Err(local("it listens, and is not connected")),
            State::Connected => {
                let (kind, fd) = (socket.stream_kind(), socket.fd);
                open_one(reactor, lineage, |sockets, id| {
                    sockets.add_stream(id, fd, kind, flag::OPENING | flag::SHARED)
                })
            }
        });
        let doing = |failure: Failure| failure.context(format!("connect to fd {}", self.fd));
        connected.map_err(doing).unwrap_or_else(Deferred::fail)
    }
}

/// A duplicate of an inherited stream socket.
pub(crate) struct Adopted {
    fd: OwnedFd,
    pub(crate) domain: AddressFamily,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Listening,
    Connected,
}

impl Adopted {
    pub(crate) fn new(fd: RawFd) -> Result<Self, Failure> {
        let fd = match rustix::io::fcntl_dupfd_cloexec(borrow_fd(fd), 3) {
            Err(Errno::BADF) => return Err(local("it is not open")),
            other => other.map_err(io::Error::from)?,
        };
        let kind = match sockopt::socket_type(&fd) {
            Err(Errno::NOTSOCK) => return Err(local("it is not a socket")),
            other => other.map_err(io::Error::from)?,
        };
        if kind != SocketType::STREAM {
            return Err(local("it is a socket, but not one for streams"));
        }
        let state = if sockopt::socket_acceptconn(&fd).map_err(io::Error::from)? {
            State::Listening
        } else if rustix::net::getpeername(&fd).is_ok() {
            State::Connected
        } else {
            return Err(local("the socket neither listens nor is connected"));
        };
        rustix::io::ioctl_fionbio(&fd, true).map_err(io::Error::from)?;
        let domain = sockopt::socket_domain(&fd).map_err(io::Error::from)?;
        Ok(Self { fd, domain, state })
    }

    pub(crate) fn serve(
        self,
        reactor: &Reactor,
        lineage: Rc<Lineage>,
    ) -> Result<Deferred<ListeningPort>, Failure> {
        let kind = self.stream_kind();
        if self.state == State::Connected {
            return serve_one(reactor, lineage, |sockets, id| {
                sockets.add_stream(id, self.fd, kind, flag::OPENING | flag::SHARED)
            });
        }
        let kind = if kind == Kind::UnixStream { Kind::UnixListener } else { Kind::Listener };
        let opened = Opened { fd: self.fd, on_close: None, hand_over: None };
        Ok(Deferred::succeed(listen_with(reactor, lineage, kind, |_| Ok(opened))?))
    }

    fn stream_kind(&self) -> Kind {
        if self.domain == AddressFamily::UNIX { Kind::UnixStream } else { Kind::Stream }
    }
}

fn local(why: &'static str) -> Failure {
    Failure::new(FailureKind::Local, why)
}
