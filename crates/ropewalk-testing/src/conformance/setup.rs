//! [`Setup`]: what a conformance suite is given to try; and the [`Bench`] it is tried on.

use std::ops::Deref;
use std::rc::Rc;

use ropewalk_core::{
    Address, ClientEndpoint, ConnectionLimits, Deferred, Factory, Failure, Lineage, ListeningPort,
    Loop, ServerEndpoint, Transport,
};

use super::runner::Runner;
use crate::{Log, Recorder};

/// A loop over the driver to be checked, and a place to listen and to connect on it. Made afresh for each
/// case.
pub struct Setup {
    /// The loop, over the driver.
    pub event_loop: Loop,
    /// Where to listen. Nobody listens there yet; for TCP, use port 0.
    pub server: Rc<dyn ServerEndpoint>,
    /// How to connect to who listens at an address.
    pub client: Box<dyn Fn(&Address) -> Rc<dyn ClientEndpoint>>,
    /// Whether an abort reaches the peer as a reset (TCP, memory), or as an end (a UNIX socket). Default in
    /// [`new`](Self::new): as a reset.
    pub resets: bool,
    /// Whether a reset is noticed on a connection that is not read: not with `select`, whose sets have no
    /// place for it. Default in [`new`](Self::new): yes.
    pub hears_while_paused: bool,
    /// Whether calls from other threads are awaited. Default in [`new`](Self::new): yes.
    pub threads: bool,
    /// How many bytes the case of many bytes sends each way. Default in [`new`](Self::new): 10 million.
    pub many_bytes: usize,
    /// More bytes than the system takes for a peer that does not read, at least 256 KiB. Default in
    /// [`new`](Self::new): 32 MiB.
    pub flood_bytes: usize,
    /// How many bytes the system takes at once from a connection with none waiting. Default in
    /// [`new`](Self::new): 30,000, which is less than any system's.
    pub burst_bytes: usize,
}

impl Setup {
    /// With the usual properties.
    pub fn new(
        event_loop: Loop,
        server: impl ServerEndpoint,
        client: impl Fn(&Address) -> Rc<dyn ClientEndpoint> + 'static,
    ) -> Self {
        Self {
            event_loop,
            server: Rc::new(server),
            client: Box::new(client),
            resets: true,
            hears_while_paused: true,
            threads: true,
            many_bytes: 10_000_000,
            flood_bytes: 32 << 20,
            burst_bytes: 30_000,
        }
    }
}

/// A setup at work. Its methods run the loop.
pub(crate) struct Bench {
    pub(crate) runner: Runner,
    pub(crate) setup: Properties,
    server: Rc<dyn ServerEndpoint>,
    client: Box<dyn Fn(&Address) -> Rc<dyn ClientEndpoint>>,
}

/// What of the setup the cases ask for.
#[derive(Clone, Copy)]
pub(crate) struct Properties {
    pub(crate) resets: bool,
    pub(crate) hears_while_paused: bool,
    pub(crate) threads: bool,
    pub(crate) many_bytes: usize,
    pub(crate) flood_bytes: usize,
    pub(crate) burst_bytes: usize,
}

/// Two ends of one connection, both [`Recorder`]s.
pub(crate) struct Ends {
    pub(crate) server: Log,
    pub(crate) client: Log,
    pub(crate) port: ListeningPort,
}

impl Deref for Bench {
    type Target = Runner;

    fn deref(&self) -> &Runner {
        &self.runner
    }
}

impl Bench {
    pub(crate) fn new(setup: Setup) -> Self {
        let properties = Properties {
            resets: setup.resets,
            hears_while_paused: setup.hears_while_paused,
            threads: setup.threads,
            many_bytes: setup.many_bytes,
            flood_bytes: setup.flood_bytes,
            burst_bytes: setup.burst_bytes,
        };
        let Setup { event_loop, server, client, .. } = setup;
        Self { runner: Runner { event_loop }, setup: properties, server, client }
    }

    #[track_caller]
    pub(crate) fn listen(&self, factory: impl Factory) -> ListeningPort {
        self.listen_within(factory, ConnectionLimits::default())
    }

    #[track_caller]
    pub(crate) fn listen_within(
        &self,
        factory: impl Factory,
        limits: ConnectionLimits,
    ) -> ListeningPort {
        let listening = self.server.listen(self.reactor(), Lineage::new(Box::new(factory), limits));
        self.wait_for(listening).expect("the suite can listen")
    }

    /// Begins to connect.
    pub(crate) fn dial(&self, port: &ListeningPort, factory: impl Factory) -> Deferred<Transport> {
        self.dial_within(&port.host(), factory, ConnectionLimits::default())
    }

    pub(crate) fn dial_within(
        &self,
        address: &Address,
        factory: impl Factory,
        limits: ConnectionLimits,
    ) -> Deferred<Transport> {
        let lineage = Lineage::new(Box::new(factory), limits);
        (self.client)(address).connect(self.reactor(), lineage)
    }

    /// A connection between two [`Recorder`]s.
    #[track_caller]
    pub(crate) fn ends(&self) -> Ends {
        self.ends_of(Recorder::new, Recorder::new)
    }

    /// A connection between what these make of their logs.
    #[track_caller]
    pub(crate) fn ends_of(
        &self,
        server: impl Fn(&Log) -> Recorder + 'static,
        client: impl Fn(&Log) -> Recorder + 'static,
    ) -> Ends {
        self.ends_within(ConnectionLimits::default(), server, client)
    }

    /// The same, with limits for both ends.
    #[track_caller]
    pub(crate) fn ends_within(
        &self,
        limits: ConnectionLimits,
        server: impl Fn(&Log) -> Recorder + 'static,
        client: impl Fn(&Log) -> Recorder + 'static,
    ) -> Ends {
        let (server_log, client_log) = (Log::default(), Log::default());
        let (for_server, for_client) = (server_log.clone(), client_log.clone());
        let port = self.listen_within(move || server(&for_server), limits.clone());
        let dialled = self.dial_within(&port.host(), move || client(&for_client), limits);
        self.wait_for(dialled).expect("the suite can connect");
        self.until("the server's end to come up", || server_log.is_made());
        Ends { server: server_log, client: client_log, port }
    }

    /// Runs until an end has lost its connection.
    #[track_caller]
    pub(crate) fn lost(&self, log: &Log) -> Failure {
        self.until("the connection to be lost", || log.lost().is_some());
        log.lost().expect("it is lost")
    }
}
