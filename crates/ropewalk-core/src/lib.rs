//! The heart of Ropewalk: one thread on which connections, timers, calls and tasks are twisted together.
//!
//! This crate does no I/O, reads no clock and has no `unsafe`. What moves bytes and tells the time is a
//! [`Driver`], which another crate brings: `ropewalk-net` for real sockets, `ropewalk-testing` for a network
//! and a clock in memory. Users mostly see this crate through the `ropewalk` facade.
//!
//! # Two rooms
//! **The loop.** A [`Loop`] owns a [`Reactor`] and runs it. A [`Factory`] makes one [`Protocol`] per
//! connection, which writes to a [`Transport`]; a [`ProtocolRef`] is how protocols reach each other. What can
//! be listened at and connected to are [endpoints](ServerEndpoint).
//!
//! **What is built on calls.** A [`Deferred`] is a result that is not there yet; a [`DelayedCall`] is a call
//! whose time has not come. [`LoopingCall`], [`Cooperator`], locks, queues, races and tasks are made of these
//! two.
//!
//! # In reading order
//! | to know | read |
//! |---|---|
//! | how a byte gets to a protocol | [`Driver`], `main_loop.rs`, `source.rs`, `connection.rs`, `inbound.rs` |
//! | how it gets out | [`Transport`], [`OutQueue`], `outbound.rs` |
//! | what may stand between | [`Layer`], `layer_stack.rs` |
//! | how time works | [`Timers`], `wheel.rs`, [`DelayedCall`] |
//! | how results travel | `deferred/` |
//! | what other threads may do | [`ReactorRemote`], `task.rs` |
#![forbid(unsafe_code)]

mod address;
mod chunk;
mod clock;
mod connection;
mod cooperator;
mod datagram;
mod defer_later;
mod deferred;
mod delayed_call;
mod description;
mod driver;
mod endpoint;
mod factory;
mod failure;
mod file_range;
mod inbound;
mod layer;
mod layer_stack;
mod limits;
mod listening;
mod looping_call;
mod main_loop;
mod out_queue;
mod outbound;
mod producer;
mod protocol;
mod protocol_ref;
mod reactor;
mod remote;
mod source;
mod system_event;
mod task;
mod time;
mod timers;
mod transport;
mod wheel;

pub use address::Address;
pub use chunk::Chunk;
pub use clock::Clock;
pub use cooperator::{CooperativeTask, Cooperator, TurnShare};
pub use datagram::{DatagramProtocol, DatagramTransport};
pub use defer_later::defer_later;
pub use deferred::{
    Awaiting, Deferred, DeferredList, DeferredListOptions, DeferredLock, DeferredQueue,
    DeferredSemaphore, FailureGroup, FirstError, ListResult, LockGuard, Outcome, QueueFull,
    Resolver, SemaphoreGuard, gather_results, race, until_first_success,
};
pub use delayed_call::{DelayedCall, NotActive};
pub use description::{Argument, Description, EndpointError};
pub use driver::{Close, Datagram, Driver, Event, Flow, Notify, Readiness, Sink, SlotId, Wait};
pub use endpoint::{ClientEndpoint, DatagramEndpoint, Endpoints, Parsed, Resolve, ServerEndpoint};
pub use factory::{AnyFactory, Factory, Lineage};
pub use failure::{Failure, FailureKind};
pub use file_range::FileRange;
pub use layer::{Layer, LayerIo};
pub use limits::{ConnectionLimits, ReactorLimits};
pub use listening::ListeningPort;
pub use looping_call::LoopingCall;
pub use main_loop::{Busy, Loop};
pub use out_queue::{BufferPool, OutQueue, Segment};
pub use producer::{Consumer, Producer, Streaming};
pub use protocol::{Cx, Protocol};
pub use protocol_ref::ProtocolRef;
pub use reactor::Reactor;
pub use remote::{ReactorRemote, RemoteError};
pub use source::Source;
pub use system_event::ShutdownPart;
pub use time::Time;
pub use timers::{ReactorTime, Timers};
pub use transport::{Transport, WeakTransport};
