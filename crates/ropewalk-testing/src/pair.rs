//! [`Pair`]: a client and a server against each other, on one loop, in virtual time.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{
    ClientEndpoint, ConnectionLimits, Deferred, Factory, Failure, Lineage, ListeningPort, Loop,
    Protocol, ProtocolRef, Reactor, ServerEndpoint, Time, Transport, Wait,
};

use crate::turns;
use crate::{MemoryClientEndpoint, MemoryDriver, MemoryNetwork, MemoryServerEndpoint, Network};

/// A server's factory and a client's, connected once over a network in memory.
///
/// The connection sets out when the pair is made, and comes up when the pair is run. Dropping the pair drops
/// the loop: both ends lose what is left of it.
///
/// # Example
/// ```
/// use ropewalk_core::{Cx, Protocol};
/// use ropewalk_testing::{Pair, Rest};
///
/// struct Hello;
/// impl Protocol for Hello {
///     fn connection_made(&mut self, cx: &mut Cx<'_>) {
///         cx.transport().write(b"hello");
///         cx.transport().lose_connection();
///     }
/// }
/// struct Listener(Vec<u8>);
/// impl Protocol for Listener {
///     fn data_received(&mut self, _: &mut Cx<'_>, data: &[u8]) {
///         self.0.extend_from_slice(data);
///         assert!(b"hello".starts_with(&self.0));
///     }
/// }
/// assert_eq!(Pair::new(|| Hello, || Listener(Vec::new())).run(), Rest::Lost);
/// ```
pub struct Pair<S: Factory, C: Factory> {
    event_loop: Loop,
    network: MemoryNetwork,
    port: ListeningPort,
    client_lineage: Rc<Lineage>,
    server: Rc<Seen<S>>,
    client: Rc<Seen<C>>,
    connected: Rc<RefCell<Option<Result<(), Failure>>>>,
}

/// How a [`Pair`] came to rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rest {
    /// Both ends have lost the connection, or it never came up.
    Lost,
    /// Nothing is under way and no timer is set: both ends wait for the other.
    Quiet,
}

/// Virtual time that [`Pair::run`] runs at most: who keeps timers for ever is run for a time instead.
const RUN_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

impl<S: Factory, C: Factory> Pair<S, C> {
    /// Over a perfect network.
    pub fn new(server: S, client: C) -> Self {
        Self::with_network(Network::default(), server, client)
    }

    /// Over a network that behaves so.
    pub fn with_network(network: Network, server: S, client: C) -> Self {
        Self::with_limits(network, ConnectionLimits::default(), server, client)
    }

    /// With limits for both ends.
    pub fn with_limits(network: Network, limits: ConnectionLimits, server: S, client: C) -> Self {
        let driver = MemoryDriver::new(network);
        let (network, event_loop) = (driver.network(), Loop::new(driver));
        let (server, client) = (Seen::new(server), Seen::new(client));
        let lineage = Lineage::new(Box::new(Seeing(server.clone())), limits.clone());
        let port = MemoryServerEndpoint::new(NAME).listen(event_loop.reactor(), lineage);
        let port = port.into_result().ok().and_then(Result::ok);
        let client_lineage = Lineage::new(Box::new(Seeing(client.clone())), limits);
        let dialled = MemoryClientEndpoint::new(NAME);
        let connected = watch(dialled.connect(event_loop.reactor(), client_lineage.clone()));
        Self {
            network,
            port: port.expect("the one name of a fresh network is free"),
            event_loop,
            client_lineage,
            server,
            client,
            connected,
        }
    }

    /// Runs until both ends are lost or nothing is left to happen.
    ///
    /// # Panics
    /// If that takes more than a year of virtual time.
    pub fn run(&self) -> Rest {
        let end = self.reactor().now() + RUN_MAX;
        loop {
            if self.is_lost() {
                return Rest::Lost;
            }
            if turns::next_time(&self.event_loop, &self.network).is_none() {
                return Rest::Quiet;
            }
            assert!(self.reactor().now() < end, "the pair keeps timers for ever: use run_for");
            turns::turn(&self.event_loop, Wait::Until(end));
        }
    }

    /// Runs for so long in virtual time, whatever happens.
    pub fn run_for(&self, time: Duration) {
        turns::run_for(&self.event_loop, &self.network, time);
    }

    /// Runs what can happen without time passing: over a network without latency, all of a conversation but
    /// its timeouts.
    pub fn settle(&self) {
        turns::settle(&self.event_loop, &self.network);
    }

    /// Whether the connection came up and both ends have lost it, or it could not come up.
    pub fn is_lost(&self) -> bool {
        self.connected.borrow().is_some()
            && self.port.live() == 0
            && self.client_lineage.live() == 0
            // The server's end may come up and be lost after the client's has been.
            && (self.server.transport().is_some() || self.network.is_quiet())
    }

    /// How connecting went, once it has.
    pub fn connected(&self) -> Option<Result<(), Failure>> {
        self.connected.borrow().clone()
    }

    /// Why the server's end lost the connection, once it has.
    pub fn server_lost(&self) -> Option<Failure> {
        why_lost::<S::Protocol>(&self.server.transport()?)
    }

    /// Why the client's end lost the connection, or why it did not come up, once that is so.
    pub fn client_lost(&self) -> Option<Failure> {
        match self.client.transport() {
            Some(transport) => why_lost::<C::Protocol>(&transport),
            None => self.connected()?.err(),
        }
    }

    /// The server's protocol.
    ///
    /// # Panics
    /// If it has not come up.
    #[track_caller]
    pub fn server(&self) -> ProtocolRef<S::Protocol> {
        self.server_transport().protocol_ref()
    }

    /// The client's protocol.
    ///
    /// # Panics
    /// If it has not come up.
    #[track_caller]
    pub fn client(&self) -> ProtocolRef<C::Protocol> {
        self.client_transport().protocol_ref()
    }

    /// The server's end.
    ///
    /// # Panics
    /// If it has not come up.
    #[track_caller]
    pub fn server_transport(&self) -> Transport {
        self.server.transport().expect("the server's end is not up")
    }

    /// The client's end.
    ///
    /// # Panics
    /// If it has not come up.
    #[track_caller]
    pub fn client_transport(&self) -> Transport {
        self.client.transport().expect("the client's end is not up")
    }

    /// The loop that both are on.
    pub fn event_loop(&self) -> &Loop {
        &self.event_loop
    }

    /// The reactor that both are on.
    pub fn reactor(&self) -> &Reactor {
        self.event_loop.reactor()
    }

    /// The network between them.
    pub fn network(&self) -> &MemoryNetwork {
        &self.network
    }

    /// What time it is.
    pub fn now(&self) -> Time {
        self.reactor().now()
    }
}

/// A connection has its factory, and the factory here the last connection: apart from that, nothing is left of a pair.
impl<S: Factory, C: Factory> Drop for Pair<S, C> {
    fn drop(&mut self) {
        drop((self.server.last.take(), self.client.last.take()));
    }
}

/// What a pair's server listens as.
const NAME: &str = "pair";

/// A lost protocol answers no call, and says why.
fn why_lost<P: Protocol>(transport: &Transport) -> Option<Failure> {
    let gone = Some(transport.protocol_ref::<P>()).filter(|target| !target.is_alive())?;
    gone.call(|_, _| ()).into_result().ok()?.err()
}

/// A factory, and the last connection it made a protocol for.
struct Seen<F> {
    factory: F,
    last: RefCell<Option<Transport>>,
}

/// The factory that the lineage has.
struct Seeing<F>(Rc<Seen<F>>);

impl<F> Seen<F> {
    fn new(factory: F) -> Rc<Self> {
        Rc::new(Self { factory, last: RefCell::new(None) })
    }

    fn transport(&self) -> Option<Transport> {
        self.last.borrow().clone()
    }
}

impl<F: Factory> Factory for Seeing<F> {
    type Protocol = F::Protocol;

    fn build_protocol(&self, transport: &Transport) -> Option<F::Protocol> {
        self.0.last.replace(Some(transport.clone()));
        self.0.factory.build_protocol(transport)
    }
}

fn watch(connected: Deferred<Transport>) -> Rc<RefCell<Option<Result<(), Failure>>>> {
    let outcome = Rc::new(RefCell::new(None));
    let seen = outcome.clone();
    drop(connected.add_both(move |result| {
        seen.replace(Some(result.map(drop)));
    }));
    outcome
}
