//! Endpoints: places to listen and to connect, without knowing what they are made of.
//!
//! A protocol crate dials and listens through [`ClientEndpoint`] and [`ServerEndpoint`] and knows no sockets;
//! the crates of drivers implement them. Users mostly name endpoints by strings, `tcp:8080` or
//! `unix:/run/x.sock`, which an [`Endpoints`] registry turns into values: each crate registers its own words.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;

use crate::{
    ConnectionLimits, DatagramProtocol, DatagramTransport, Deferred, Description, EndpointError,
    Factory, Lineage, ListeningPort, ProtocolRef, Reactor, Transport,
};

/// A place where connections can be accepted.
pub trait ServerEndpoint: 'static {
    /// Begins to listen; fires when connections are accepted, or fails with why they cannot be.
    fn listen(&self, reactor: &Reactor, lineage: Rc<Lineage>) -> Deferred<ListeningPort>;
}

/// A place to connect to.
pub trait ClientEndpoint: 'static {
    /// Connects; fires after `connection_made`, or fails with why it could not. Cancelling gives up.
    fn connect(&self, reactor: &Reactor, lineage: Rc<Lineage>) -> Deferred<Transport>;
}

/// A place where datagrams are sent from and received.
pub trait DatagramEndpoint: 'static {
    /// Opens the socket; fires after `started`.
    fn open(
        &self,
        reactor: &Reactor,
        protocol: Box<dyn DatagramProtocol>,
    ) -> Deferred<DatagramTransport>;
}

/// Finds the addresses of a name.
pub trait Resolve: 'static {
    /// The addresses of `name`, in the order of preference; never an empty list.
    fn resolve(&self, reactor: &Reactor, name: &str) -> Deferred<Vec<IpAddr>>;
}

/// What a parser makes of an endpoint string, or what is wrong with that.
pub type Parsed<T> = Result<Rc<T>, EndpointError>;

/// The words of one kind of endpoint.
type Words<T> = BTreeMap<&'static str, Box<dyn Fn(&mut Description<'_>) -> Parsed<T>>>;

/// What the first word of an endpoint string means, for servers, clients and datagrams; see
/// [`Description`] for the syntax.
#[derive(Default)]
pub struct Endpoints {
    servers: Words<dyn ServerEndpoint>,
    clients: Words<dyn ClientEndpoint>,
    datagrams: Words<dyn DatagramEndpoint>,
}

impl Endpoints {
    /// A registry that knows no words.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on `word:` in a server's string means what `parse` makes of the rest.
    pub fn register_server(
        &mut self,
        word: &'static str,
        parse: impl Fn(&mut Description<'_>) -> Parsed<dyn ServerEndpoint> + 'static,
    ) {
        self.servers.insert(word, Box::new(parse));
    }

    /// From now on `word:` in a client's string means what `parse` makes of the rest.
    pub fn register_client(
        &mut self,
        word: &'static str,
        parse: impl Fn(&mut Description<'_>) -> Parsed<dyn ClientEndpoint> + 'static,
    ) {
        self.clients.insert(word, Box::new(parse));
    }

    /// From now on `word:` in a datagram endpoint's string means what `parse` makes of the rest.
    pub fn register_datagram(
        &mut self,
        word: &'static str,
        parse: impl Fn(&mut Description<'_>) -> Parsed<dyn DatagramEndpoint> + 'static,
    ) {
        self.datagrams.insert(word, Box::new(parse));
    }

    /// The server endpoint that `text` describes.
    ///
    /// # Errors
    /// What is wrong with the text, and where in it.
    pub fn server(&self, text: &str) -> Parsed<dyn ServerEndpoint> {
        parse_with(&self.servers, "server", text)
    }

    /// The client endpoint that `text` describes.
    ///
    /// # Errors
    /// What is wrong with the text, and where in it.
    pub fn client(&self, text: &str) -> Parsed<dyn ClientEndpoint> {
        parse_with(&self.clients, "client", text)
    }

    /// The datagram endpoint that `text` describes.
    ///
    /// # Errors
    /// What is wrong with the text, and where in it.
    pub fn datagram(&self, text: &str) -> Parsed<dyn DatagramEndpoint> {
        parse_with(&self.datagrams, "datagram", text)
    }

    /// Whether `word:` means a datagram endpoint.
    pub fn is_datagram(&self, word: &str) -> bool {
        self.datagrams.contains_key(word)
    }
}

fn parse_with<T: ?Sized>(parsers: &Words<T>, kind: &str, text: &str) -> Parsed<T> {
    let mut description = Description::new(text)?;
    let Some(parse) = parsers.get(description.word()) else {
        let known = parsers.keys().map(|word| format!("{word}:")).collect::<Vec<_>>().join(" ");
        let why = format!("{:?} is no {kind} endpoint; known are {known}", description.word());
        return Err(EndpointError::new(text, 0, why));
    };
    let endpoint = parse(&mut description)?;
    description.finish()?;
    Ok(endpoint)
}

impl Reactor {
    /// Listens at `endpoint`: each connection gets a protocol from `factory`, and the reactor's default
    /// limits.
    pub fn listen(
        &self,
        endpoint: &(impl ServerEndpoint + ?Sized),
        factory: impl Factory,
    ) -> Deferred<ListeningPort> {
        self.listen_with_limits(endpoint, factory, self.limits().connection.clone())
    }

    /// As [`listen`](Self::listen), with limits of one's own.
    pub fn listen_with_limits(
        &self,
        endpoint: &(impl ServerEndpoint + ?Sized),
        factory: impl Factory,
        limits: ConnectionLimits,
    ) -> Deferred<ListeningPort> {
        endpoint.listen(self, Lineage::new(Box::new(factory), limits))
    }

    /// Connects to `endpoint`; fires with a reference to the protocol that `factory` made, after its
    /// `connection_made`. Cancelling gives up.
    pub fn connect<F: Factory>(
        &self,
        endpoint: &(impl ClientEndpoint + ?Sized),
        factory: F,
    ) -> Deferred<ProtocolRef<F::Protocol>> {
        let lineage = Lineage::new(Box::new(factory), self.limits().connection.clone());
        endpoint.connect(self, lineage).add_callback(|transport| Ok(transport.protocol_ref()))
    }

    /// Opens a datagram socket at `endpoint` for `protocol`.
    pub fn open(
        &self,
        endpoint: &(impl DatagramEndpoint + ?Sized),
        protocol: impl DatagramProtocol,
    ) -> Deferred<DatagramTransport> {
        endpoint.open(self, Box::new(protocol))
    }
}

impl<T: ServerEndpoint + ?Sized> ServerEndpoint for Rc<T> {
    fn listen(&self, reactor: &Reactor, lineage: Rc<Lineage>) -> Deferred<ListeningPort> {
        (**self).listen(reactor, lineage)
    }
}

impl<T: ClientEndpoint + ?Sized> ClientEndpoint for Rc<T> {
    fn connect(&self, reactor: &Reactor, lineage: Rc<Lineage>) -> Deferred<Transport> {
        (**self).connect(reactor, lineage)
    }
}

impl<T: DatagramEndpoint + ?Sized> DatagramEndpoint for Rc<T> {
    fn open(
        &self,
        reactor: &Reactor,
        protocol: Box<dyn DatagramProtocol>,
    ) -> Deferred<DatagramTransport> {
        (**self).open(reactor, protocol)
    }
}
