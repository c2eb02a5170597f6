//! Ropewalk is Twisted for Rust: an event-driven networking engine.
//!
//! Connections, timers, processes and queries are strands; one thread twists them. There are no locks and no
//! `Send` bounds: a protocol is a value with `&mut self` callbacks, and what protocols share is an `Rc`.
//!
//! # An echo server
//! ```no_run
//! use ropewalk::{Cx, Failure, Protocol};
//!
//! struct Echo;
//!
//! impl Protocol for Echo {
//!     fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
//!         cx.transport().write(data);
//!     }
//! }
//!
//! fn main() -> Result<(), Failure> {
//!     ropewalk::run(|reactor| ropewalk::listen(reactor, "tcp:8007", || Echo))
//! }
//! ```
//! Change the string, and the same server is on `tls:8443:cert=/etc/me.pem`, on `unix:/run/echo.sock`, on
//! `systemd:domain=INET:index=0` or on `stdio:`.
//!
//! # Where things are
//! | to | see |
//! |---|---|
//! | say and hear bytes | [`Protocol`], [`Factory`], [`Transport`], [`Cx`] |
//! | say and hear frames or lines | [`framing`] |
//! | speak TLS | the endpoints `tls:`, or [`tls`] |
//! | listen and connect | [`listen`], [`connect`], [`endpoints`], or the types in [`net`] |
//! | ask for a page | [`get_page`], [`agent`], [`http`] |
//! | serve pages | [`web`], [`http`] |
//! | talk on IRC, or serve it | [`irc`] |
//! | find what names stand for | [`SystemNames`], [`dns`] |
//! | wait for a result | [`Deferred`], [`gather_results`], [`race`], [`Reactor::spawn`] for `async` |
//! | wait for a time | [`Reactor::call_later`], [`LoopingCall`], [`defer_later`] |
//! | reach another connection | [`ProtocolRef`], [`Transport`] |
//! | work that takes long | [`Cooperator`], [`net::ThreadPool`] |
//! | use all cores | [`net::Workers`] |
//! | do it in another loop | [`Loop::turn`], [`Loop::as_fd`] |
//! | start and stop | [`run`], [`Reactor::stop`], [`ShutdownPart`] |
#![forbid(unsafe_code)]

mod start;
mod system_names;

pub use ropewalk_core::{
    Address, AnyFactory, Awaiting, BufferPool, Busy, Chunk, ClientEndpoint, Clock, Close,
    ConnectionLimits, Consumer, CooperativeTask, Cooperator, Cx, Datagram, DatagramEndpoint,
    DatagramProtocol, DatagramTransport, Deferred, DeferredList, DeferredListOptions, DeferredLock,
    DeferredQueue, DeferredSemaphore, DelayedCall, Description, Driver, EndpointError, Endpoints,
    Event, Factory, Failure, FailureGroup, FailureKind, FileRange, FirstError, Flow, Layer,
    LayerIo, Lineage, ListResult, ListeningPort, LockGuard, Loop, LoopingCall, NotActive, Notify,
    OutQueue, Outcome, Producer, Protocol, ProtocolRef, QueueFull, Reactor, ReactorLimits,
    ReactorRemote, ReactorTime, Readiness, RemoteError, Resolve, Resolver, Segment, SemaphoreGuard,
    ServerEndpoint, ShutdownPart, Sink, SlotId, Source, Streaming, Time, Timers, Transport,
    TurnShare, Wait, WeakTransport, defer_later, gather_results, race, until_first_success,
};
/// Names: a client with a cache, a server of zones, a recursive resolver.
pub use ropewalk_dns as dns;
/// Lines, netstrings, length prefixes; idle timeouts, rate limits, connection limits.
pub use ropewalk_framing as framing;
/// HTTP/1.1, a server's side and a client's.
pub use ropewalk_http as http;
/// IRC: its messages, a client, a server, and the network of users behind it.
pub use ropewalk_irc as irc;
/// A client of the NATS message broker.
pub use ropewalk_nats as nats;
/// Drivers, sockets, files and signals of this machine.
pub use ropewalk_net as net;
/// TLS on any transport: servers, clients, what was negotiated.
pub use ropewalk_tls as tls;
/// Resources, routes, static files and what goes around them.
pub use ropewalk_web as web;
pub use start::{agent, agent_options, connect, endpoints, endpoints_with, get_page, listen, run};
pub use system_names::{SystemFiles, SystemNames};
