//! [`Transport`]: the handle to a connection.
//!
//! It is an in-memory mailbox. Its methods append bytes, set flags and mark the connection for the next
//! flush; they never call user code and never do I/O, so they can be called from anywhere on the reactor's
//! thread. Many writes of one turn leave in one system call. A transport whose connection is lost takes
//! writes and drops them; that is no error, since `connection_lost` tells.

use std::any::Any;
use std::rc::{Rc, Weak};

use bytes::Bytes;

use crate::connection::{Connection, flag};
use crate::out_queue::COPIED_BYTES_MAX;
use crate::producer::Registered;
use crate::{
    Address, Consumer, Failure, FailureKind, FileRange, Layer, Producer, Protocol, ProtocolRef,
    Reactor, SlotId, Streaming,
};

/// A cheap, clonable handle to a connection.
///
/// # How a connection ends
/// | what happens | what the protocol gets |
/// |---|---|
/// | [`lose_connection`](Transport::lose_connection) | no more data; what was written is sent; `connection_lost(ConnectionDone)` |
/// | … but it cannot be sent within `close_timeout` | `connection_lost(Timeout)` |
/// | [`abort_connection`](Transport::abort_connection) | `connection_lost(Local)` in the next turn; the peer is told by a reset |
/// | the peer sends no more (half close) | `read_connection_lost`, which by default calls `lose_connection` |
/// | [`lose_write_connection`](Transport::lose_write_connection) | goes on receiving; when the peer's half ends too, `read_connection_lost` and then `connection_lost(ConnectionDone)` |
/// | the peer resets, or the network fails | `connection_lost(Peer)` or `(System)`, what was held is dropped |
/// | more than `write_bytes_max` waits to be sent | `connection_lost(Limit)` |
/// | a callback panics | `connection_lost(Panic)` |
/// | the loop is dropped | `connection_lost(Stopped)` |
#[derive(Clone)]
pub struct Transport(pub(crate) Rc<Connection>);

/// A [`Transport`] that does not keep the connection's record in memory.
#[derive(Clone)]
pub struct WeakTransport(Weak<Connection>);

/// Attachments that go with one byte: Linux's limit for one message (`SCM_MAX_FD`).
const ATTACHMENTS_MAX: usize = 253;

impl Transport {
    /// Appends a copy of `bytes` to what is to be sent.
    ///
    /// Dropped after `lose_connection` (unless a producer is still at work), `lose_write_connection`, or the
    /// connection's end.
    ///
    /// # Limits
    /// When more than `write_bytes_max` waits to be sent, the connection is aborted with a `Limit` failure: at once
    /// if something waits already since an earlier turn, or for a single write of more than that; else by what is
    /// still to be sent when this turn's flush has tried. Until then a turn's writes may come to 4 MiB more.
    #[inline]
    pub fn write(&self, bytes: &[u8]) {
        if self.0.takes_writes() {
            let mut out = self.0.out.borrow_mut();
            out.push(bytes, &self.0.reactor.0.pool);
            self.written(bytes.len(), out);
        }
    }

    /// As [`write`](Self::write), without copying; what is short is copied all the same.
    pub fn write_bytes(&self, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        let count = bytes.len();
        if count < COPIED_BYTES_MAX {
            return self.write(&bytes); // Their owner may be the user's, and is dropped with nothing borrowed.
        }
        if self.0.takes_writes() {
            let mut out = self.0.out.borrow_mut();
            out.push_bytes(bytes, &self.0.reactor.0.pool);
            self.written(count, out);
        }
    }

    /// Whether [`write_file`](Self::write_file) can be: not with layers (TLS, say), which have to see the bytes.
    pub fn sends_files(&self) -> bool {
        !self.0.has(flag::LAYERED)
    }

    /// As [`write`](Self::write), of bytes that lie in a file: the system sends them from there. A transport that
    /// does not [send files](Self::sends_files) aborts the connection.
    pub fn write_file(&self, range: FileRange) {
        if !self.sends_files() {
            let why = "a connection with layers cannot send from a file (sends_files)";
            return self.abort_with(Failure::new(FailureKind::Local, why));
        }
        if self.0.takes_writes() {
            let (count, mut out) = (range.len, self.0.out.borrow_mut());
            out.push_file(range);
            self.written(count, out);
        }
    }

    /// Appends an object that goes with the next byte written: over a UNIX socket an open file
    /// (`std::os::fd::OwnedFd`). A transport that cannot send such a thing aborts the connection.
    ///
    /// # Limits
    /// At most 253 may wait for the same byte, as many as Linux sends with one message; one more aborts the
    /// connection with a `Limit` failure.
    pub fn attach(&self, object: impl Any) {
        if !self.0.takes_writes() {
            return;
        }
        let waiting = self.0.attachments_waiting();
        if waiting < ATTACHMENTS_MAX {
            self.0.out.borrow_mut().push_attachment(Box::new(object));
        } else {
            let why = format!("{waiting} attachments wait for one byte (ATTACHMENTS_MAX)");
            self.abort_with(Failure::new(FailureKind::Limit, why));
        }
    }

    /// Sends what was written, then loses the connection. No more data is received from now on.
    ///
    /// A registered producer first finishes. See the [table](Transport#how-a-connection-ends).
    pub fn lose_connection(&self) {
        if !self.0.has(flag::OVER) {
            self.0.set(flag::CLOSING);
            self.mark_dirty();
        }
    }

    /// Loses the connection at the end of this turn, and drops what was not sent.
    pub fn abort_connection(&self) {
        self.abort_with(Failure::new(
            FailureKind::Local,
            "the connection was aborted on this side",
        ));
    }

    /// As [`abort_connection`](Self::abort_connection); `reason` is what `connection_lost` gets.
    pub fn abort_with(&self, reason: Failure) {
        if self.0.has(flag::OVER) {
            return; // The first reason holds.
        }
        self.0.set(flag::ABORTED);
        self.0.rare(|rare| rare.reason = Some(reason));
        self.mark_dirty();
        self.0.drop_mailbox();
    }

    /// Sends what was written, then tells the peer that no more comes; receiving goes on.
    pub fn lose_write_connection(&self) {
        if self.0.takes_writes() {
            self.0.set(flag::WRITE_CLOSING);
            self.mark_dirty();
        }
    }

    /// From now on no data callback comes, until [`resume_producing`](Self::resume_producing). What is on its
    /// way is held, up to `held_bytes_max`.
    pub fn pause_producing(&self) {
        if !self.0.has(flag::OVER | flag::PAUSED) {
            self.0.set(flag::PAUSED);
            self.mark_dirty();
        }
    }

    /// Lets data come again: what was held first, in the ready phase, never inside this call.
    pub fn resume_producing(&self) {
        if self.0.has(flag::PAUSED) {
            self.0.clear(flag::PAUSED);
            self.mark_dirty();
            if self.0.has(flag::HOLDING) {
                self.queue_ready();
            }
        }
    }

    /// Puts a layer between the mailbox and the wire, above those that are there.
    ///
    /// A barrier: what was written before leaves as it was, what is written from now on passes the layer.
    /// `rest` is bytes that the protocol was given and that belong to the layer (what the peer sent right
    /// behind the agreement to start it); a protocol for which such bytes are an injection, as with STARTTLS,
    /// refuses them itself. All clones of this transport and all `ProtocolRef`s stay valid.
    pub fn start_layer(&self, layer: impl Layer, rest: impl Into<Bytes>) {
        if self.0.has(flag::OVER) {
            return;
        }
        self.hold_first(rest.into());
        let mut before = self.0.out.take();
        self.0.rare(|rare| {
            rare.layers.push(Box::new(layer), &mut before);
            rare.levels += 1;
        });
        self.0.set(flag::LAYERED | flag::REST);
        self.mark_dirty();
        self.queue_ready();
    }

    /// Asks the system who is at the other end; `Unnamed` if it does not know, or not any more.
    pub fn peer(&self) -> Address {
        self.0.reactor.driver().peer(self.0.id).unwrap_or(Address::Unnamed)
    }

    /// Asks the system which address this end has; `Unnamed` if it does not know, or not any more.
    pub fn host(&self) -> Address {
        self.0.reactor.driver().host(self.0.id).unwrap_or(Address::Unnamed)
    }

    /// Bytes written and not yet taken by the system.
    pub fn buffered(&self) -> usize {
        self.0.buffered()
    }

    /// Whether the connection is up and nothing has been done to end it.
    pub fn is_connected(&self) -> bool {
        self.0.has(flag::MADE) && !self.0.has(flag::OVER | flag::CLOSING)
    }

    /// Whether data callbacks come: not while paused, and not once the connection is being lost.
    pub fn is_receiving(&self) -> bool {
        !self.0.has(flag::OVER | flag::CLOSING | flag::PAUSED)
    }

    /// The reactor that the connection is on.
    pub fn reactor(&self) -> &Reactor {
        &self.0.reactor
    }

    /// The protocol, if it is a `P`. It is asked, not looked at: a wrong type shows when it is called.
    pub fn protocol_ref<P: Protocol>(&self) -> ProtocolRef<P> {
        ProtocolRef::new(self)
    }

    /// Keeps `value` until the connection is lost, then drops it, before `connection_lost`.
    pub fn keep_until_lost(&self, value: impl Any) {
        if !self.0.has(flag::LOST) {
            self.0.rare(|rare| {
                rare.kept.reserve_exact(1); // Most connections that have one have no other.
                rare.kept.push(Box::new(value));
            });
        }
    }

    /// What is [kept](Self::keep_until_lost) as an `Rc<T>`; the first, if there are several.
    pub fn kept<T: Any>(&self) -> Option<Rc<T>> {
        let find = |kept: &Box<dyn Any>| kept.downcast_ref::<Rc<T>>().cloned();
        self.0.rare_if_any(|rare| rare.kept.iter().find_map(find))
    }

    /// A handle that does not keep the connection's record in memory.
    pub fn downgrade(&self) -> WeakTransport {
        WeakTransport(Rc::downgrade(&self.0))
    }

    /// Its place in the reactor's table, for the crate of the driver that serves it.
    pub fn slot_id(&self) -> SlotId {
        self.0.id
    }

    /// Whether both are handles to the same connection.
    pub fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl WeakTransport {
    /// The transport, if its record is still there.
    pub fn upgrade(&self) -> Option<Transport> {
        self.0.upgrade().map(Transport)
    }
}

impl Consumer for Transport {
    fn write_bytes(&self, bytes: Bytes) {
        Self::write_bytes(self, bytes);
    }

    fn register_producer(
        &self,
        producer: Rc<dyn Producer>,
        streaming: Streaming,
    ) -> Result<(), Failure> {
        if self.0.has(flag::OVER) {
            producer.stop_producing();
            return Err(self.0.why_unreachable());
        }
        if self.0.has(flag::PRODUCER) {
            return Err(Failure::new(FailureKind::Local, "the transport has a producer already"));
        }
        self.0.set(flag::PRODUCER);
        self.0.rare(|rare| rare.producer = Some(Registered::new(producer, streaming)));
        self.queue_producer();
        Ok(())
    }

    fn unregister_producer(&self) {
        self.0.clear(flag::PRODUCER);
        drop(self.0.rare_if_any(|rare| rare.producer.take()));
        if !self.0.has(flag::OVER) {
            self.mark_dirty();
        }
    }
}

/// A transport is a push producer of what it receives; stopping it loses the connection.
impl Producer for Transport {
    fn resume_producing(&self) {
        Self::resume_producing(self);
    }

    fn pause_producing(&self) {
        Self::pause_producing(self);
    }

    fn stop_producing(&self) {
        self.lose_connection();
    }
}
