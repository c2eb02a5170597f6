//! [`Negotiated`]: what the two sides of a TLS connection agreed on, and how a protocol comes by it.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use ropewalk_core::{Deferred, Failure, FailureKind, Resolver, Transport, WeakTransport};

use crate::Certificate;

/// What the two sides of a TLS connection agreed on. [`negotiated`] gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Negotiated {
    /// The version of TLS.
    pub version: TlsVersion,
    /// The name of the cipher suite: `TLS13_AES_256_GCM_SHA384`.
    pub cipher_suite: &'static str,
    /// The application protocol (ALPN, RFC 7301), if both sides offered one: `h2`, `http/1.1`.
    pub alpn: Option<Vec<u8>>,
    /// The name that the client asked for (SNI, RFC 6066 section 3). `None` where it asked for none, as when it
    /// connected to a bare address.
    pub server_name: Option<String>,
    /// The certificate that the peer showed and proved to own: a server's always, a client's if it was asked for
    /// one and had one.
    pub peer_certificate: Option<Certificate>,
    /// Whether an earlier session was resumed, so that no certificate was sent.
    pub resumed: bool,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TlsVersion {
    /// RFC 5246, the oldest that is spoken here.
    Tls12,
    /// RFC 8446.
    Tls13,
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        })
    }
}

/// What was negotiated on this connection; `None` without TLS, and before the handshake is done.
///
/// On a connection of a `tls:` endpoint it is there from the factory's `build_protocol` on, until the connection
/// is lost: `connection_lost` comes too late for it. With TLS inside of TLS it is that of the outer one.
///
/// # Example: a factory that looks at what the client wants to speak
/// ```
/// use ropewalk_core::{Factory, Protocol, Transport};
/// # struct Http2; impl Protocol for Http2 {}
/// struct Web;
/// impl Factory for Web {
///     type Protocol = Http2;
///     fn build_protocol(&self, transport: &Transport) -> Option<Http2> {
///         let negotiated = ropewalk_tls::negotiated(transport)?;
///         (negotiated.alpn.as_deref() == Some(b"h2")).then(|| Http2)
///     }
/// }
/// ```
pub fn negotiated(transport: &Transport) -> Option<Rc<Negotiated>> {
    match &*transport.kept::<Handshake>()?.state.borrow() {
        State::Done(negotiated) => Some(negotiated.clone()),
        State::UnderWay(_) | State::Failed(_) => None,
    }
}

/// Fires when the TLS handshake of this connection is done, or fails with why it failed. For a protocol that has
/// begun TLS in the middle of a conversation and has to know before it goes on; most need not: what they write
/// waits, and what they hear came over TLS.
///
/// # Ordering
/// It fires in the ready phase, so the first bytes that came over TLS may be heard before.
pub fn handshake_done(transport: &Transport) -> Deferred<Rc<Negotiated>> {
    let Some(handshake) = transport.kept::<Handshake>() else {
        return Deferred::fail(Failure::new(FailureKind::Local, "the connection has no TLS"));
    };
    match &mut *handshake.state.borrow_mut() {
        State::Done(negotiated) => Deferred::succeed(negotiated.clone()),
        State::Failed(failure) => Deferred::fail(failure.clone()),
        State::UnderWay(waiting) => {
            let (resolver, done) = Deferred::new();
            waiting.push(resolver);
            done
        }
    }
}

/// How far a handshake is: the layer writes it, the transport keeps it.
pub(crate) struct Handshake {
    transport: WeakTransport,
    state: RefCell<State>,
}

enum State {
    UnderWay(Vec<Resolver<Rc<Negotiated>>>),
    Done(Rc<Negotiated>),
    Failed(Failure),
}

impl Handshake {
    /// One that is under way on `transport`, which keeps it.
    pub(crate) fn begin(transport: &Transport) -> Rc<Self> {
        let state = RefCell::new(State::UnderWay(Vec::new()));
        let handshake = Rc::new(Self { transport: transport.downgrade(), state });
        transport.keep_until_lost(handshake.clone());
        handshake
    }

    pub(crate) fn done(&self, negotiated: Negotiated) {
        let negotiated = Rc::new(negotiated);
        let before = self.state.replace(State::Done(negotiated.clone()));
        self.tell(before, &Ok(negotiated));
    }

    pub(crate) fn failed(&self, failure: &Failure) {
        let before = self.state.replace(State::Failed(failure.clone()));
        self.tell(before, &Err(failure.clone()));
    }

    /// Who is at the other end, for the log.
    pub(crate) fn peer(&self) -> String {
        let transport = self.transport.upgrade();
        transport.map_or_else(String::new, |transport| transport.peer().to_string())
    }

    /// Tells those who waited, later: no user code runs inside of a layer.
    fn tell(&self, before: State, result: &Result<Rc<Negotiated>, Failure>) {
        let (State::UnderWay(waiting), Some(transport)) = (before, self.transport.upgrade()) else {
            return;
        };
        for resolver in waiting {
            let result = result.clone();
            transport.reactor().call_soon(move || resolver.fire(result));
        }
    }
}
