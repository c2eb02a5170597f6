//! [`TlsClient`]: the client's side of TLS, for any transport; [`TlsClientEndpoint`], for any endpoint.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use ropewalk_core::{ClientEndpoint, Deferred, Failure, Lineage, Reactor, Transport};

use crate::rustls_023::{ClientEngine, Scratch};
use crate::{ClientOptions, layer};

/// The client's side of TLS. All clones are the same; it belongs to one reactor's thread, and keeps the sessions of
/// up to 256 servers, so that connecting again is short.
#[derive(Clone)]
pub struct TlsClient(Rc<State>);

struct State {
    engine: ClientEngine,
    scratch: Rc<Scratch>,
    handshake_timeout: Duration,
}

impl TlsClient {
    /// Reads all certificates and keys.
    ///
    /// # Errors
    /// A file cannot be read or is not what it should be, or this machine trusts nobody.
    pub fn new(options: &ClientOptions) -> Result<Self, Failure> {
        let engine = ClientEngine::new(options)?;
        let handshake_timeout = options.handshake_timeout;
        Ok(Self(Rc::new(State { engine, scratch: Rc::default(), handshake_timeout })))
    }

    /// Begins TLS on a connection to the server called `server_name`, a host name or an address: its certificate
    /// has to be for that. What was written before leaves in the clear, what is written from now on waits for the
    /// handshake and is encrypted; if it fails, the connection is lost.
    ///
    /// `rest` is bytes that the protocol was given and that are TLS's: none, where a server waits for the client.
    pub fn start(&self, transport: &Transport, server_name: &str, rest: impl Into<Bytes>) {
        match self.0.engine.session(server_name, &self.0.scratch) {
            Ok(session) => layer::start(transport, session, self.0.handshake_timeout, None, rest),
            Err(failure) => transport.abort_with(failure),
        }
    }
}

/// Connects below, and speaks TLS on the connection: `tls:example.com:443`.
///
/// It fires when the handshake is done, and fails with why it failed.
pub struct TlsClientEndpoint {
    /// Where to connect to.
    pub below: Rc<dyn ClientEndpoint>,
    /// How TLS is spoken there.
    pub tls: TlsClient,
    /// Whom the server's certificate has to be for.
    pub server_name: String,
}

impl TlsClientEndpoint {
    /// TLS with the server called `server_name`, which is reached by `below`.
    pub fn new(
        below: impl ClientEndpoint,
        tls: &TlsClient,
        server_name: impl Into<String>,
    ) -> Self {
        Self { below: Rc::new(below), tls: tls.clone(), server_name: server_name.into() }
    }
}

impl ClientEndpoint for TlsClientEndpoint {
    fn connect(&self, reactor: &Reactor, lineage: Rc<Lineage>) -> Deferred<Transport> {
        let (tls, name) = (self.tls.clone(), self.server_name.clone());
        let start = move |transport: &Transport| tls.start(transport, &name, Bytes::new());
        self.below.connect(reactor, lineage.prepared_by(start))
    }
}
