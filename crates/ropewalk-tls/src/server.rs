//! [`TlsServer`]: the server's side of TLS, for any transport; [`TlsServerEndpoint`], for any endpoint.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use ropewalk_core::{
    Deferred, Failure, Lineage, ListeningPort, Reactor, ServerEndpoint, Time, Transport,
};

use crate::file_stamps::FileStamps;
use crate::rustls_023::{Scratch, ServerEngine};
use crate::{ServerOptions, TlsError, layer};

/// The server's side of TLS. All clones are the same; it belongs to one reactor's thread.
///
/// Its files are read when it is made. When they change they are read again, before the next handshake but not
/// more often than each five seconds; connections that are up stay as they are. If what is there now is of no use,
/// that is one line in the log, and what was read before is used on.
#[derive(Clone)]
pub struct TlsServer(Rc<State>);

struct State {
    options: ServerOptions,
    engine: RefCell<Rc<ServerEngine>>,
    stamps: RefCell<FileStamps>,
    looked_at: Cell<Option<Time>>,
    scratch: Rc<Scratch>,
    /// Every handshake that is under way has a clone of it.
    under_way: Rc<()>,
}

/// How often the files are looked at, at most: a few system calls in so many seconds are nothing, and nobody who
/// renews a certificate waits for the second.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

impl TlsServer {
    /// Reads all certificates and keys.
    ///
    /// # Errors
    /// A file cannot be read, is not what it should be, or there is no certificate at all.
    pub fn new(options: ServerOptions) -> Result<Self, Failure> {
        let stamps = FileStamps::of(&options);
        let engine = Rc::new(ServerEngine::new(&options)?);
        Ok(Self(Rc::new(State {
            options,
            engine: RefCell::new(engine),
            stamps: RefCell::new(stamps),
            looked_at: Cell::new(None),
            scratch: Rc::default(),
            under_way: Rc::default(),
        })))
    }

    /// Begins TLS on a connection, as with STARTTLS: what was written before leaves in the clear, what is written
    /// from now on waits for the handshake and is encrypted. [`negotiated`](crate::negotiated) and
    /// [`handshake_done`](crate::handshake_done) tell how it went; if it fails, the connection is lost.
    ///
    /// `rest` is bytes that the protocol was given behind the agreement and that are TLS's. Where a client must
    /// wait for the answer before it begins, as with STARTTLS, there can be none: a protocol that finds some
    /// must refuse them, or they would be taken for what came over TLS.
    pub fn start(&self, transport: &Transport, rest: impl Into<Bytes>) {
        let state = &*self.0;
        state.look_at_files(transport.reactor().now());
        if Rc::strong_count(&state.under_way) > state.options.handshakes_max {
            let error = TlsError::Limit("too many TLS handshakes are under way (handshakes_max)");
            return transport.abort_with(error.into_failure());
        }
        let engine = state.engine.borrow().clone();
        match engine.session(&state.scratch) {
            Ok(session) => {
                let under_way = Some(state.under_way.clone());
                layer::start(transport, session, state.options.handshake_timeout, under_way, rest);
            }
            Err(failure) => transport.abort_with(failure),
        }
    }
}

impl State {
    /// Reads the files again if they have changed since they were last looked at.
    fn look_at_files(&self, now: Time) {
        let too_early = |before: Time| now.since(before) < LOOK_INTERVAL;
        if self.looked_at.get().is_some_and(too_early) {
            return;
        }
        // The first look is at what has just been read, and sets the time.
        self.looked_at.set(Some(now));
        let stamps = FileStamps::of(&self.options);
        if stamps == *self.stamps.borrow() {
            return;
        }
        self.stamps.replace(stamps);
        match ServerEngine::new(&self.options) {
            Ok(engine) => drop(self.engine.replace(Rc::new(engine))),
            Err(failure) => tracing::warn!(
                target: "ropewalk::tls",
                "new certificate files are not used, the old ones stay: {failure}"
            ),
        }
    }
}

/// Listens below, and speaks TLS on what is accepted: `tls:443:cert=/path:key=/path`.
///
/// A factory is asked for a protocol when the handshake is done. A connection whose handshake fails it never sees;
/// that is a line in the log, at the level `info`.
pub struct TlsServerEndpoint {
    /// Where connections come from.
    pub below: Rc<dyn ServerEndpoint>,
    /// How TLS is spoken on them.
    pub tls: TlsServer,
}

impl TlsServerEndpoint {
    /// TLS on what comes in at `below`.
    pub fn new(below: impl ServerEndpoint, tls: &TlsServer) -> Self {
        Self { below: Rc::new(below), tls: tls.clone() }
    }
}

impl ServerEndpoint for TlsServerEndpoint {
    fn listen(&self, reactor: &Reactor, lineage: Rc<Lineage>) -> Deferred<ListeningPort> {
        let tls = self.tls.clone();
        let start = move |transport: &Transport| tls.start(transport, Bytes::new());
        self.below.listen(reactor, lineage.prepared_by(start))
    }
}
