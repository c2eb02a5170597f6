//! TCP: `tcp:` endpoints, to listen and to connect.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{
    ClientEndpoint, Deferred, Failure, FailureKind, Lineage, ListeningPort, Reactor, Resolve,
    ServerEndpoint, Transport,
};
use rustix::io::Errno;
use rustix::net::SocketType;
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

use crate::driver::sockets;
use crate::happy_eyeballs::{self, Attempts};
use crate::row::{Kind, borrow_fd, flag};
use crate::shared_port::{Bind, Sharing, open_shared};
use crate::sockets::listen_with;

/// Listens on a TCP port: `tcp:8080:interface=127.0.0.1:backlog=1024`.
#[derive(Clone, Debug)]
pub struct TcpServerEndpoint {
    /// The address and port; port 0 lets the system choose one, which [`ListeningPort::host`] tells. Default
    /// address: all of IPv4.
    pub address: SocketAddr,
    /// Connections that the system keeps until they are accepted. Default 1,024; the system has a limit of
    /// its own (`net.core.somaxconn`).
    pub backlog: i32,
    /// Whether several sockets may listen on the same address (`SO_REUSEPORT`), each getting a share of the
    /// connections. Default no.
    pub reuse_port: bool,
    /// As [`set_no_delay`], for all connections. Default yes: a reactor sends all that was written in a turn
    /// at once, so holding back what is small would only wait.
    pub no_delay: bool,
    /// As [`set_keep_alive`], for all connections. Default none.
    pub keep_alive: Option<Duration>,
    /// For an IPv6 address: whether IPv4 connections are accepted too. Default no.
    pub dual_stack: bool,
}

/// Connects to a TCP port: `tcp:example.com:80:timeout=30:bindAddress=192.0.2.1`.
#[derive(Clone)]
pub struct TcpClientEndpoint {
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How long connecting may take, finding the addresses and trying all of them included. Default 30 s, as
    /// in Twisted.
    pub timeout: Duration,
    /// Where to connect from; a port of 0 lets the system choose. Default: the system chooses.
    pub bind_address: Option<SocketAddr>,
    /// As [`set_no_delay`]. Default yes.
    pub no_delay: bool,
    /// As [`set_keep_alive`]. Default none.
    pub keep_alive: Option<Duration>,
    /// Who finds the addresses of a name.
    pub resolver: Rc<dyn Resolve>,
}

impl TcpServerEndpoint {
    /// Listens on `address`, with the defaults.
    pub fn new(address: impl Into<SocketAddr>) -> Self {
        Self {
            address: address.into(),
            backlog: 1024,
            reuse_port: false,
            no_delay: true,
            keep_alive: None,
            dual_stack: false,
        }
    }

    /// A socket that listens.
    fn bind(&self, how: Bind) -> io::Result<OwnedFd> {
        let (address, reuse_port) = match how {
            Bind::Alone => (self.address, self.reuse_port),
            Bind::First => {
                // Another program that has the port is not to be joined, unless that was asked for.
                self.bound(self.address, self.reuse_port)?;
                (self.address, true)
            }
            Bind::Join(address) => (address, true),
        };
        let socket = self.bound(address, reuse_port)?;
        socket.listen(self.backlog)?;
        Ok(socket.into())
    }

    fn bound(&self, address: SocketAddr, reuse_port: bool) -> io::Result<Socket> {
        let socket = new_socket(address, Type::STREAM)?;
        // So that a server can be started again while old connections are still winding down.
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(reuse_port)?;
        if address.is_ipv6() {
            socket.set_only_v6(!self.dual_stack)?;
        }
        // Linux hands these on to the sockets that are accepted, without a system call for each.
        socket.set_tcp_nodelay(self.no_delay)?;
        if let Some(after) = self.keep_alive {
            socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(after))?;
        }
        socket.bind(&address.into())?;
        Ok(socket)
    }

    fn listen_now(
        &self,
        reactor: &Reactor,
        lineage: Rc<Lineage>,
    ) -> Result<ListeningPort, Failure> {
        listen_with(reactor, lineage, Kind::Listener, |slot| {
            let sharing = Sharing::Bind(self.address);
            open_shared(reactor, slot, SocketType::STREAM, sharing, |how| {
                Ok((self.bind(how)?, None::<()>))
            })
        })
    }
}

impl ServerEndpoint for TcpServerEndpoint {
    fn listen(&self, reactor: &Reactor, lineage: Rc<Lineage>) -> Deferred<ListeningPort> {
        Deferred::from_result(
            self.listen_now(reactor, lineage)
                .map_err(|failure| failure.context(format!("listen on tcp {}", self.address))),
        )
    }
}

impl TcpClientEndpoint {
    /// Connects to `host` and `port`, with the defaults.
    pub fn new(host: impl Into<String>, port: u16, resolver: Rc<dyn Resolve>) -> Self {
        Self {
            host: host.into(),
            port,
            timeout: Duration::from_secs(30),
            bind_address: None,
            no_delay: true,
            keep_alive: None,
            resolver,
        }
    }

    fn addresses(&self, reactor: &Reactor) -> Deferred<Vec<IpAddr>> {
        match self.host.parse::<IpAddr>() {
            Ok(address) => Deferred::succeed(vec![address]),
            Err(_) => self.resolver.resolve(reactor, &self.host),
        }
    }

    /// Connects to one address.
    pub(crate) fn connect_to(
        &self,
        reactor: &Reactor,
        lineage: Rc<Lineage>,
        address: SocketAddr,
    ) -> Deferred<Transport> {
        let connected = self.begin(reactor, lineage, address);
        connected
            .unwrap_or_else(Deferred::fail)
            .add_errback(move |failure| Err(failure.context(format!("connect to tcp {address}"))))
    }

    fn begin(
        &self,
        reactor: &Reactor,
        lineage: Rc<Lineage>,
        address: SocketAddr,
    ) -> Result<Deferred<Transport>, Failure> {
        let sockets = sockets(reactor)?;
        let socket = new_socket(address, Type::STREAM)?;
        socket.set_tcp_nodelay(self.no_delay)?;
        if let Some(after) = self.keep_alive {
            socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(after))?;
        }
        if let Some(from) = self.bind_address {
            socket
                .bind(&from.into())
                .map_err(|error| Failure::from(error).context(format!("connect from {from}")))?;
        }
        let state = begin_connecting(socket.connect(&address.into()))?;
        let (id, opened) = reactor.open_connection(lineage)?;
        let added = sockets.add_stream(id, socket.into(), Kind::Stream, state);
        added.inspect_err(|_| reactor.remove(id))?;
        Ok(opened)
    }
}

impl ClientEndpoint for TcpClientEndpoint {
    fn connect(&self, reactor: &Reactor, lineage: Rc<Lineage>) -> Deferred<Transport> {
        let (endpoint, on) = (self.clone(), reactor.clone());
        self.addresses(reactor)
            .add_callback(move |addresses| {
                let addresses = happy_eyeballs::interleave(addresses);
                let begin = {
                    let (endpoint, reactor) = (endpoint.clone(), on.clone());
                    move |address| {
                        let address = SocketAddr::new(address, endpoint.port);
                        endpoint.connect_to(&reactor, lineage.clone(), address)
                    }
                };
                Attempts::start(&on, addresses, begin)
            })
            .add_timeout(reactor, self.timeout)
            .add_errback({
                let (host, port) = (self.host.clone(), self.port);
                move |failure| Err(named(&failure, &host, port))
            })
    }
}

/// The failure with the name that was asked for, unless it says it already.
fn named(failure: &Failure, host: &str, port: u16) -> Failure {
    if host.parse::<IpAddr>().is_ok() && !failure.is(FailureKind::Timeout) {
        failure.clone()
    } else {
        failure.context(format!("connect to {host} port {port}"))
    }
}

/// What `connect` on a non-blocking socket said, as the flags of its row.
pub(crate) fn begin_connecting(said: io::Result<()>) -> Result<u16, Failure> {
    match said {
        Ok(()) => Ok(flag::OPENING),
        Err(error) if error.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error()) => {
            Ok(flag::CONNECTING)
        }
        Err(error) => Err(error.into()),
    }
}

/// A socket that never waits and is not handed on to child processes.
pub(crate) fn new_socket(address: SocketAddr, kind: Type) -> io::Result<Socket> {
    let protocol = if kind == Type::STREAM { Protocol::TCP } else { Protocol::UDP };
    Socket::new(Domain::for_address(address), kind.nonblocking().cloexec(), Some(protocol))
}

/// Whether small writes leave at once (`TCP_NODELAY`).
///
/// # Errors
/// The connection is not TCP, or is gone.
pub fn set_no_delay(transport: &Transport, on: bool) -> Result<(), Failure> {
    let fd = raw_fd(transport, "TCP_NODELAY")?;
    Ok(rustix::net::sockopt::set_tcp_nodelay(borrow_fd(fd), on)?)
}

/// After how much silence the system asks whether the peer is still there; `None`: never.
///
/// # Errors
/// The connection is not TCP, or is gone.
pub fn set_keep_alive(transport: &Transport, after: Option<Duration>) -> Result<(), Failure> {
    let fd = borrow_fd(raw_fd(transport, "SO_KEEPALIVE")?);
    if let Some(after) = after {
        rustix::net::sockopt::set_tcp_keepidle(fd, after)?;
    }
    Ok(rustix::net::sockopt::set_socket_keepalive(fd, after.is_some())?)
}

fn raw_fd(transport: &Transport, what: &str) -> Result<i32, Failure> {
    let fd = sockets(transport.reactor())?.raw_fd(transport.slot_id());
    fd.ok_or_else(|| crate::transmit::not_a_socket(what))
}
