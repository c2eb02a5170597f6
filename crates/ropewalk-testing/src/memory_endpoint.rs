//! The endpoints of a network in memory: [`MemoryServerEndpoint`], [`MemoryClientEndpoint`] and
//! [`MemoryDatagramEndpoint`], as strings all of them `memory:NAME`.
//!
//! A name that is an IP address with a port is that address to those who ask: what sends to and hears from
//! `192.0.2.1:53` finds it here under `memory:192.0.2.1\:53`.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ropewalk_core::{
    ClientEndpoint, DatagramEndpoint, DatagramProtocol, DatagramTransport, Deferred, Description,
    EndpointError, Endpoints, Failure, FailureKind, Lineage, ListeningPort, Reactor,
    ServerEndpoint, Transport,
};

use crate::MemoryNetwork;

/// Listens under a name: `memory:chat`.
#[derive(Clone, Debug)]
pub struct MemoryServerEndpoint {
    /// The name; one port at a time can have it.
    pub name: Arc<str>,
}

/// Connects to who listens under a name: `memory:chat:timeout=30`.
#[derive(Clone, Debug)]
pub struct MemoryClientEndpoint {
    /// The name.
    pub name: Arc<str>,
    /// How long connecting may take. Default 30 s, as for the real ones.
    pub timeout: Duration,
}

/// A datagram socket with a name: `memory:dns`, or `memory:peer=dns` for one that is connected.
#[derive(Clone, Debug, Default)]
pub struct MemoryDatagramEndpoint {
    /// The name that others send to; `None` takes one that nobody has.
    pub name: Option<Arc<str>>,
    /// Where `send` goes.
    pub peer: Option<Arc<str>>,
}

impl MemoryServerEndpoint {
    /// Listens as `name`.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self { name: name.into() }
    }

    fn listen_now(
        &self,
        reactor: &Reactor,
        lineage: Rc<Lineage>,
    ) -> Result<ListeningPort, Failure> {
        let network = network_of(reactor)?;
        let port = reactor.open_port(lineage)?;
        let listens = network.world().borrow_mut().listen(port.slot_id(), &self.name);
        listens.inspect_err(|_| reactor.remove(port.slot_id()))?;
        Ok(port)
    }
}

impl MemoryClientEndpoint {
    /// Connects to `name`.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), timeout: Duration::from_secs(30) }
    }

    fn begin(
        &self,
        reactor: &Reactor,
        lineage: Rc<Lineage>,
    ) -> Result<Deferred<Transport>, Failure> {
        let network = network_of(reactor)?;
        let (id, opened) = reactor.open_connection(lineage)?;
        network.world().borrow_mut().connect(id, &self.name);
        Ok(opened.add_timeout(reactor, self.timeout))
    }
}

impl MemoryDatagramEndpoint {
    /// A socket called `name`.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self { name: Some(name.into()), peer: None }
    }

    /// A socket that is connected to the one called `peer`.
    pub fn connected_to(peer: impl Into<Arc<str>>) -> Self {
        Self { name: None, peer: Some(peer.into()) }
    }

    fn open_now(
        &self,
        reactor: &Reactor,
        protocol: Box<dyn DatagramProtocol>,
    ) -> Result<DatagramTransport, Failure> {
        let network = network_of(reactor)?;
        let transport = reactor.open_datagram(protocol)?;
        let (id, name) = (transport.slot_id(), self.name.as_ref());
        let opens = network.world().borrow_mut().open_socket(id, name, self.peer.clone());
        opens.inspect_err(|_| reactor.remove(id))?;
        Ok(transport)
    }
}

impl ServerEndpoint for MemoryServerEndpoint {
    fn listen(&self, reactor: &Reactor, lineage: Rc<Lineage>) -> Deferred<ListeningPort> {
        let listening = self.listen_now(reactor, lineage);
        Deferred::from_result(
            listening.map_err(|failure| failure.context(format!("listen on memory {}", self.name))),
        )
    }
}

impl ClientEndpoint for MemoryClientEndpoint {
    fn connect(&self, reactor: &Reactor, lineage: Rc<Lineage>) -> Deferred<Transport> {
        let name = self.name.clone();
        let connected = self.begin(reactor, lineage).unwrap_or_else(Deferred::fail);
        connected
            .add_errback(move |failure| Err(failure.context(format!("connect to memory {name}"))))
    }
}

impl DatagramEndpoint for MemoryDatagramEndpoint {
    fn open(
        &self,
        reactor: &Reactor,
        protocol: Box<dyn DatagramProtocol>,
    ) -> Deferred<DatagramTransport> {
        Deferred::from_result(self.open_now(reactor, protocol))
    }
}

/// Teaches `endpoints` the word `memory:`, for servers, clients and datagrams.
///
/// # Example
/// ```
/// let mut endpoints = ropewalk_core::Endpoints::new();
/// ropewalk_testing::register(&mut endpoints);
/// assert!(endpoints.server("memory:chat").is_ok());
/// assert!(endpoints.client("memory:chat:timeout=5").is_ok());
/// ```
pub fn register(endpoints: &mut Endpoints) {
    endpoints
        .register_server("memory", |text| Ok(Rc::new(MemoryServerEndpoint::new(name_in(text)?))));
    endpoints.register_client("memory", |text| {
        let mut endpoint = MemoryClientEndpoint::new(name_in(text)?);
        if let Some(timeout) = text.take_named("timeout") {
            endpoint.timeout = Duration::from_secs(timeout.parse("a number of seconds")?);
        }
        Ok(Rc::new(endpoint))
    });
    endpoints.register_datagram("memory", |text| {
        let name = |argument: ropewalk_core::Argument<'_>| Arc::from(argument.value());
        let peer = text.take_named("peer").map(name);
        Ok(Rc::new(MemoryDatagramEndpoint { name: text.take("name").map(name), peer }))
    });
}

/// Teaches `endpoints` the words `tcp:`, `udp:` and `tls:`, with their first arguments, for this network: programs
/// that dial addresses run in memory unchanged.
///
/// The host must be an address; of what `tls:` asks beyond TCP nothing is done.
///
/// # Example
/// ```
/// let mut endpoints = ropewalk_core::Endpoints::new();
/// ropewalk_testing::register_internet(&mut endpoints);
/// assert!(endpoints.server("tcp:53:interface=192.0.2.1").is_ok());
/// assert!(endpoints.client("tls:192.0.2.1:853:servername=dns.example").is_ok());
/// assert!(endpoints.datagram("udp:0").is_ok());
/// ```
pub fn register_internet(endpoints: &mut Endpoints) {
    for word in ["tcp", "tls"] {
        endpoints.register_server(word, |text| {
            let name = bound_name(text)?.unwrap_or_else(|| "0.0.0.0:0".into());
            Ok(Rc::new(MemoryServerEndpoint { name }))
        });
        endpoints.register_client(word, |text| {
            let host = text.require("host")?;
            let port = text.require("port")?.parse("a port number")?;
            let mut endpoint = MemoryClientEndpoint::new(internet_name(&host, port)?);
            if let Some(timeout) = text.take("timeout") {
                endpoint.timeout = Duration::from_secs(timeout.parse("a number of seconds")?);
            }
            drop(text.take_named("servername"));
            Ok(Rc::new(endpoint))
        });
    }
    endpoints.register_datagram("udp", |text| {
        Ok(Rc::new(MemoryDatagramEndpoint { name: bound_name(text)?, peer: None }))
    });
}

/// What listens at a port is called; nothing in particular at port 0.
fn bound_name(text: &mut Description<'_>) -> Result<Option<Arc<str>>, EndpointError> {
    let port = text.require("port")?.parse("a port number")?;
    let interface = text.take("interface");
    match (port, interface) {
        (0, _) => Ok(None),
        (port, Some(interface)) => internet_name(&interface, port).map(Some),
        (port, None) => Ok(Some(format!("0.0.0.0:{port}").into())),
    }
}

fn internet_name(host: &ropewalk_core::Argument<'_>, port: u16) -> Result<Arc<str>, EndpointError> {
    let bare = host.value().trim_matches(['[', ']']);
    let ip: IpAddr = bare.parse().map_err(|_| host.error("not an IP address"))?;
    Ok(SocketAddr::new(ip, port).to_string().into())
}

fn name_in(text: &mut Description<'_>) -> Result<Arc<str>, EndpointError> {
    let name = text.require("name")?;
    match name.value() {
        "" => Err(name.error("the name is empty")),
        value => Ok(value.into()),
    }
}

fn network_of(reactor: &Reactor) -> Result<MemoryNetwork, Failure> {
    MemoryNetwork::of(reactor).ok_or_else(|| {
        let name = reactor.driver().name();
        let why = format!("the reactor's driver ({name}) has no network in memory");
        Failure::new(FailureKind::Local, why)
    })
}
