//! UDP: `udp:` endpoints, bound or connected, and multicast groups.
//!
//! A *bound* socket receives from anybody and says with each datagram where it goes. A *connected* one sends to
//! and receives from one peer only, and hears of it if nobody listens there (`send_failed`): nothing is sent to
//! connect it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::rc::Rc;

use ropewalk_core::{
    DatagramEndpoint, DatagramProtocol, DatagramTransport, Deferred, Failure, FailureKind, Reactor,
    Resolve,
};
use rustix::net::SocketType;
use socket2::{InterfaceIndexOrAddress, SockRef, Socket, Type};

use crate::driver::sockets;
use crate::row::borrow_fd;
use crate::shared_port::{Bind, Sharing, open_shared};
use crate::sockets::open_datagram_with;
use crate::tcp::new_socket;

/// A UDP socket: `udp:5353:interface=192.0.2.1:reuseAddress=yes:group=224.0.0.251`.
#[derive(Clone, Debug)]
pub struct UdpEndpoint {
    /// Where it receives; port 0 lets the system choose.
    pub address: SocketAddr,
    /// The only one it sends to and receives from. Default none.
    pub connect_to: Option<SocketAddr>,
    /// Whether the address may be bound more than once (`SO_REUSEADDR`): for multicast, where each socket gets
    /// every datagram. Default no.
    pub reuse_address: bool,
    /// Whether several sockets may share the address (`SO_REUSEPORT`), each getting the datagrams of some of
    /// the peers. Default no.
    pub reuse_port: bool,
    /// As [`set_broadcast`]. Default no.
    pub broadcast: bool,
    /// As [`join_group`]. Default none.
    pub groups: Vec<(IpAddr, Interface)>,
    /// As [`set_multicast_loop`]. Default the system's, yes.
    pub multicast_loop: Option<bool>,
    /// As [`set_multicast_ttl`]. Default the system's, 1.
    pub multicast_ttl: Option<u32>,
}

/// A UDP socket connected to a host by its name: `udp:example.com:53:bindAddress=192.0.2.1`.
#[derive(Clone)]
pub struct UdpClientEndpoint {
    /// A name or an address; of a name's addresses the first is used, as nothing tells whether it answers.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Where to send from. Default: the system chooses.
    pub bind_address: Option<SocketAddr>,
    /// Who finds the addresses of a name.
    pub resolver: Rc<dyn Resolve>,
}

/// A network interface, for multicast.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Interface {
    /// The one that the system chooses.
    #[default]
    Any,
    /// The one with this IPv4 address; for IPv4 groups only.
    Address(Ipv4Addr),
    /// The one with this number, as `if_nametoindex` gives it; 0 is any.
    Index(u32),
}

impl UdpEndpoint {
    /// Receives at `address`, with the defaults.
    pub fn new(address: impl Into<SocketAddr>) -> Self {
        Self {
            address: address.into(),
            connect_to: None,
            reuse_address: false,
            reuse_port: false,
            broadcast: false,
            groups: Vec::new(),
            multicast_loop: None,
            multicast_ttl: None,
        }
    }

    /// A socket at an address that the system chooses, connected to `peer`.
    pub fn connected_to(peer: SocketAddr) -> Self {
        Self { connect_to: Some(peer), ..Self::new(any_address(peer)) }
    }

    /// A socket that receives.
    fn bind(&self, how: Bind) -> Result<OwnedFd, Failure> {
        let reuse_port = match how {
            Bind::Alone => self.reuse_port,
            Bind::First => {
                // Another program that has the port is not to be joined, unless that was asked for.
                self.bound(self.reuse_port)?;
                true
            }
            Bind::Join(_) => true,
        };
        let socket = self.bound(reuse_port)?;
        let is_ipv6 = self.address.is_ipv6();
        let sock = SockRef::from(&socket);
        if let Some(on) = self.multicast_loop {
            loop_multicast(&sock, is_ipv6, on)?;
        }
        if let Some(ttl) = self.multicast_ttl {
            limit_multicast(&sock, is_ipv6, ttl)?;
        }
        for (group, interface) in &self.groups {
            change_membership(&sock, *group, *interface, Membership::Join)
                .map_err(|failure| failure.context(format!("join {group}")))?;
        }
        if let Some(peer) = self.connect_to {
            let connected = socket.connect(&peer.into());
            connected
                .map_err(|error| Failure::from(error).context(format!("connect to {peer}")))?;
        }
        Ok(socket.into())
    }

    fn bound(&self, reuse_port: bool) -> io::Result<Socket> {
        let socket = new_socket(self.address, Type::DGRAM)?;
        socket.set_reuse_address(self.reuse_address)?;
        socket.set_reuse_port(reuse_port)?;
        if self.address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_broadcast(self.broadcast)?;
        socket.bind(&self.address.into())?;
        Ok(socket)
    }

    fn open_now(
        &self,
        reactor: &Reactor,
        protocol: Box<dyn DatagramProtocol>,
    ) -> Result<Deferred<DatagramTransport>, Failure> {
        open_datagram_with(reactor, protocol, |slot| {
            // What asks from a port of its own, or one peer only, gets answers that are nobody else's.
            let is_private = self.address.port() == 0 || self.connect_to.is_some();
            let sharing = if is_private { Sharing::No } else { Sharing::Bind(self.address) };
            open_shared(reactor, slot, SocketType::DGRAM, sharing, |how| {
                Ok((self.bind(how)?, None::<()>))
            })
        })
    }
}

impl DatagramEndpoint for UdpEndpoint {
    fn open(
        &self,
        reactor: &Reactor,
        protocol: Box<dyn DatagramProtocol>,
    ) -> Deferred<DatagramTransport> {
        let doing = |failure: Failure| failure.context(format!("open udp {}", self.address));
        self.open_now(reactor, protocol).map_err(doing).unwrap_or_else(Deferred::fail)
    }
}

impl DatagramEndpoint for UdpClientEndpoint {
    fn open(
        &self,
        reactor: &Reactor,
        protocol: Box<dyn DatagramProtocol>,
    ) -> Deferred<DatagramTransport> {
        let (port, bind, on) = (self.port, self.bind_address, reactor.clone());
        let doing = format!("open udp to {} port {}", self.host, self.port);
        let addresses = match self.host.parse() {
            Ok(address) => Deferred::succeed(vec![address]),
            Err(_) => self.resolver.resolve(reactor, &self.host),
        };
        addresses.add_errback(move |failure| Err(failure.context(doing))).add_callback(
            move |addresses| {
                // What cannot be reached from where it is bound is passed over.
                let fits = |ip: &&IpAddr| bind.is_none_or(|bind| bind.is_ipv6() == ip.is_ipv6());
                let Some(address) = addresses.iter().find(fits) else {
                    let why = "the name has no address of the family of bindAddress";
                    return Deferred::fail(Failure::new(FailureKind::Local, why));
                };
                let mut endpoint = UdpEndpoint::connected_to(SocketAddr::new(*address, port));
                endpoint.address = bind.unwrap_or(endpoint.address);
                endpoint.open(&on, protocol)
            },
        )
    }
}

/// Receives what is sent to a multicast group, too. The socket must be bound to the port that is sent to.
///
/// # Errors
/// `Local` if `group` is no multicast address, of another family than the socket, or if the interface is named
/// by an address and the group is IPv6; `System` if there is no such interface or route, or the socket has
/// joined already.
pub fn join_group(
    transport: &DatagramTransport,
    group: IpAddr,
    interface: Interface,
) -> Result<(), Failure> {
    with_socket(transport, |socket, _| {
        change_membership(socket, group, interface, Membership::Join)
    })
}

/// Receives what is sent to a multicast group no longer; the arguments are those it was joined with.
///
/// # Errors
/// As [`join_group`]; `System` if it is no member.
pub fn leave_group(
    transport: &DatagramTransport,
    group: IpAddr,
    interface: Interface,
) -> Result<(), Failure> {
    with_socket(transport, |socket, _| {
        change_membership(socket, group, interface, Membership::Leave)
    })
}

/// Whether it may send to broadcast addresses (`SO_BROADCAST`); without it such a send fails.
///
/// # Errors
/// The socket is gone.
pub fn set_broadcast(transport: &DatagramTransport, on: bool) -> Result<(), Failure> {
    with_socket(transport, |socket, _| Ok(socket.set_broadcast(on)?))
}

/// Whether what it sends to a group comes to members on this machine too.
///
/// # Errors
/// The socket is not UDP, or is gone.
pub fn set_multicast_loop(transport: &DatagramTransport, on: bool) -> Result<(), Failure> {
    with_socket(transport, |socket, is_ipv6| loop_multicast(socket, is_ipv6, on))
}

/// Over how many routers what it sends to a group may pass, at most 255: 0 is this machine, 1 the local
/// network.
///
/// # Errors
/// The socket is not UDP, or is gone; or `ttl` is above 255.
pub fn set_multicast_ttl(transport: &DatagramTransport, ttl: u32) -> Result<(), Failure> {
    with_socket(transport, |socket, is_ipv6| limit_multicast(socket, is_ipv6, ttl))
}

/// Which interface what it sends to a group leaves by, where the routes do not say.
///
/// # Errors
/// As [`join_group`].
pub fn set_multicast_interface(
    transport: &DatagramTransport,
    interface: Interface,
) -> Result<(), Failure> {
    with_socket(transport, |socket, is_ipv6| match (interface, is_ipv6) {
        (Interface::Any, true) => Ok(socket.set_multicast_if_v6(0)?),
        (Interface::Index(index), true) => Ok(socket.set_multicast_if_v6(index)?),
        (Interface::Address(_), true) => Err(needs_index()),
        (Interface::Any, false) => Ok(socket.set_multicast_if_v4(&Ipv4Addr::UNSPECIFIED)?),
        (Interface::Address(address), false) => Ok(socket.set_multicast_if_v4(&address)?),
        (Interface::Index(_), false) => Err(Failure::new(
            FailureKind::Local,
            "for IPv4 the interface to send by is named by its address",
        )),
    })
}

#[derive(Clone, Copy)]
enum Membership {
    Join,
    Leave,
}

fn change_membership(
    socket: &SockRef<'_>,
    group: IpAddr,
    interface: Interface,
    change: Membership,
) -> Result<(), Failure> {
    if !group.is_multicast() {
        let why = format!("{group} is not a multicast address");
        return Err(Failure::new(FailureKind::Local, why));
    }
    match group {
        IpAddr::V4(group) => change_membership_v4(socket, group, interface, change)?,
        IpAddr::V6(group) => {
            let index = match interface {
                Interface::Any => 0,
                Interface::Index(index) => index,
                Interface::Address(_) => return Err(needs_index()),
            };
            change_membership_v6(socket, group, index, change)?;
        }
    }
    Ok(())
}

fn change_membership_v4(
    socket: &SockRef<'_>,
    group: Ipv4Addr,
    interface: Interface,
    change: Membership,
) -> io::Result<()> {
    let interface = match interface {
        Interface::Any => InterfaceIndexOrAddress::Address(Ipv4Addr::UNSPECIFIED),
        Interface::Address(address) => InterfaceIndexOrAddress::Address(address),
        Interface::Index(index) => InterfaceIndexOrAddress::Index(index),
    };
    match change {
        Membership::Join => socket.join_multicast_v4_n(&group, &interface),
        Membership::Leave => socket.leave_multicast_v4_n(&group, &interface),
    }
}

fn change_membership_v6(
    socket: &SockRef<'_>,
    group: Ipv6Addr,
    index: u32,
    change: Membership,
) -> io::Result<()> {
    match change {
        Membership::Join => socket.join_multicast_v6(&group, index),
        Membership::Leave => socket.leave_multicast_v6(&group, index),
    }
}

fn needs_index() -> Failure {
    Failure::new(FailureKind::Local, "for IPv6 an interface is named by its index")
}

fn loop_multicast(socket: &SockRef<'_>, is_ipv6: bool, on: bool) -> Result<(), Failure> {
    Ok(if is_ipv6 { socket.set_multicast_loop_v6(on) } else { socket.set_multicast_loop_v4(on) }?)
}

fn limit_multicast(socket: &SockRef<'_>, is_ipv6: bool, ttl: u32) -> Result<(), Failure> {
    if ttl > 255 {
        return Err(Failure::new(FailureKind::Local, format!("a ttl of {ttl} is above 255")));
    }
    Ok(if is_ipv6 { socket.set_multicast_hops_v6(ttl) } else { socket.set_multicast_ttl_v4(ttl) }?)
}

/// Works on a datagram transport's socket; whether it is IPv6 goes along.
fn with_socket(
    transport: &DatagramTransport,
    f: impl FnOnce(&SockRef<'_>, bool) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let fd = sockets(transport.reactor())?.raw_fd(transport.slot_id());
    let fd = fd.ok_or_else(|| crate::transmit::not_a_socket("a socket option"))?;
    let fd = borrow_fd(fd);
    let is_ipv6 = transport.host().ip().is_some_and(|host| host.is_ipv6());
    f(&SockRef::from(&fd), is_ipv6)
}

/// Any address and port of this machine, of the family of `peer`.
pub(crate) fn any_address(peer: SocketAddr) -> SocketAddr {
    let ip: IpAddr = match peer {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    SocketAddr::new(ip, 0)
}
