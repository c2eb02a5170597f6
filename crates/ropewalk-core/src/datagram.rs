//! [`DatagramProtocol`] and [`DatagramTransport`]: messages without connections.
//!
//! A datagram may be lost on its way, come twice or out of order, and nobody is told. Ropewalk keeps to that:
//! a full queue drops the datagram and counts it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::Bytes;

use crate::deferred::Ending;
use crate::source::Source;
use crate::{
    Address, Close, Datagram, Deferred, Event, Failure, FailureKind, Flow, Reactor, Resolver,
    SlotId,
};

/// What is done with the datagrams that one socket receives.
///
/// Callbacks never overlap. One that panics closes the socket: `stopped` gets the `Panic` failure.
pub trait DatagramProtocol: 'static {
    /// The socket is open: keep the transport.
    fn started(&mut self, transport: &DatagramTransport) {
        let _ = transport;
    }

    /// A datagram came. It may be empty.
    fn datagram_received(&mut self, transport: &DatagramTransport, data: &[u8], from: &Address);

    /// The system reports an error of an earlier send; on a connected socket, that nobody listens there.
    fn send_failed(&mut self, transport: &DatagramTransport, failure: Failure) {
        let _ = (transport, failure);
    }

    /// The socket is closed; the last callback. Closed on purpose, the reason is `ConnectionDone`.
    fn stopped(&mut self, reason: Failure) {
        let _ = reason;
    }
}

/// A cheap, clonable handle to a datagram socket. Dropping it leaves the socket open.
#[derive(Clone)]
pub struct DatagramTransport(Rc<Socket>);

struct Socket {
    reactor: Reactor,
    id: SlotId,
    /// `None` while a callback runs and when it is over.
    protocol: Cell<Option<Box<dyn DatagramProtocol>>>,
    queue: RefCell<Vec<Datagram>>,
    in_flight: Cell<usize>,
    dropped: Cell<u64>,
    dirty: Cell<bool>,
    /// Why it is being closed, once it is.
    reason: RefCell<Option<Failure>>,
    closed: Ending,
    on_start: Cell<Option<Resolver<DatagramTransport>>>,
}

/// Datagrams waiting to be sent by one socket; one more is dropped. As many as a burst of bulk queries puts
/// out in a turn.
const DATAGRAMS_MAX: usize = 16_384;

impl DatagramTransport {
    /// Sends a datagram, in the flush of this turn; one that cannot be queued is dropped and
    /// [counted](Self::dropped).
    pub fn send_to(&self, data: impl Into<Bytes>, to: &Address) {
        self.0.push(Datagram { to: Some(to.clone()), bytes: data.into() });
    }

    /// Sends a datagram to where the socket is connected.
    pub fn send(&self, data: impl Into<Bytes>) {
        self.0.push(Datagram { to: None, bytes: data.into() });
    }

    /// How many datagrams have been dropped because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.get()
    }

    /// The address it is bound to.
    pub fn host(&self) -> Address {
        self.0.reactor.driver().host(self.0.id).unwrap_or(Address::Unnamed)
    }

    /// Where it is connected to, if it is.
    pub fn peer(&self) -> Option<Address> {
        self.0.reactor.driver().peer(self.0.id).filter(|peer| *peer != Address::Unnamed)
    }

    /// Closes the socket, after what is queued has been handed to the system. Fires when it is closed.
    pub fn stop_listening(&self) -> Deferred<()> {
        self.0.close(Failure::connection_done());
        self.0.closed.wait()
    }

    /// Fires after `started`, for what an endpoint's `open` returns; asked once. For the crates of drivers.
    pub fn when_started(&self) -> Deferred<Self> {
        let (resolver, started) = Deferred::new();
        self.0.on_start.set(Some(resolver));
        started
    }

    /// The reactor that the socket is on.
    pub fn reactor(&self) -> &Reactor {
        &self.0.reactor
    }

    /// Its place in the reactor's table, for the crate of the driver that serves it.
    pub fn slot_id(&self) -> SlotId {
        self.0.id
    }
}

impl Socket {
    fn is_closing(&self) -> bool {
        self.reason.borrow().is_some()
    }

    fn push(self: &Rc<Self>, datagram: Datagram) {
        if self.queue.borrow().len() + self.in_flight.get() >= DATAGRAMS_MAX {
            return self.dropped.set(self.dropped.get() + 1);
        }
        if !self.is_closing() {
            self.queue.borrow_mut().push(datagram);
            if !self.dirty.replace(true) {
                self.reactor.push_dirty(self.clone());
            }
        }
    }

    /// Sends what is queued; what the driver keeps is counted until it is reported.
    ///
    /// The queue is in no cell meanwhile: what was sent is dropped, and its owner may be the user's.
    fn send(&self) {
        let mut queue = self.queue.take();
        if queue.is_empty() {
            return;
        }
        let kept = self.reactor.driver().send_datagrams(self.id, &mut queue);
        self.in_flight.set(self.in_flight.get() + kept);
        // The list's memory is used again, unless a new one has been begun.
        let mut fresh = self.queue.borrow_mut();
        if fresh.is_empty() {
            *fresh = queue;
        }
    }

    fn close(self: &Rc<Self>, why: Failure) {
        if !self.is_closing() {
            self.reason.replace(Some(why));
            self.send();
            self.reactor.driver().close(self.id, Close::Clean);
        }
    }

    /// Calls the protocol, which is out of its cell for that long.
    fn dispatch(self: &Rc<Self>, f: impl FnOnce(&mut dyn DatagramProtocol, &DatagramTransport)) {
        let Some(mut protocol) = self.protocol.take() else { return };
        let transport = DatagramTransport(self.clone());
        let outcome = Failure::catch(|| f(&mut *protocol, &transport));
        self.protocol.set(Some(protocol));
        if let Err(panic) = outcome {
            self.close(panic);
        }
    }

    fn started(self: &Rc<Self>) {
        self.dispatch(|protocol, transport| protocol.started(transport));
        if let Some(resolver) = self.on_start.take() {
            let panicked = self.reason.borrow().clone().filter(|why| why.is(FailureKind::Panic));
            resolver.fire(panicked.map_or_else(|| Ok(DatagramTransport(self.clone())), Err));
        }
    }

    fn closed(self: &Rc<Self>) {
        if self.closed.has_come() {
            return;
        }
        let reason = self.reason.borrow().clone().unwrap_or_else(Failure::connection_done);
        if let Some(resolver) = self.on_start.take() {
            resolver.errback(reason.clone());
        }
        self.dispatch(|protocol, _| protocol.stopped(reason));
        drop(self.protocol.take());
        self.closed.come(Ok(()));
    }
}

impl Source for Socket {
    fn event(self: Rc<Self>, event: Event<'_>) -> Flow {
        match event {
            Event::Opened => self.started(),
            Event::Sent(count) => {
                self.in_flight.set(self.in_flight.get().saturating_sub(count));
            }
            Event::Closed => self.closed(),
            _ if self.is_closing() => {}
            Event::DatagramReceived(chunk, from) => self.dispatch(|protocol, transport| {
                protocol.datagram_received(transport, chunk.as_slice(), from);
            }),
            Event::Lost(failure) => {
                self.dispatch(|protocol, transport| protocol.send_failed(transport, failure));
            }
            _ => {}
        }
        if self.is_closing() { Flow::Enough } else { Flow::More }
    }

    fn flush(self: Rc<Self>) {
        self.dirty.set(false);
        if !self.is_closing() {
            self.send();
        }
    }

    fn wind_up(self: Rc<Self>) {
        self.close(Failure::connection_done());
    }

    fn abandon(self: Rc<Self>, why: Failure) {
        self.close(why);
        self.closed();
    }
}

/// For the crates of drivers: a slot first, the driver's row right after, then [`Event::Opened`].
impl Reactor {
    /// A slot for a datagram socket.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub fn open_datagram(
        &self,
        protocol: Box<dyn DatagramProtocol>,
    ) -> Result<DatagramTransport, Failure> {
        let socket = self.insert(|id| {
            Rc::new(Socket {
                reactor: self.clone(),
                id,
                protocol: Cell::new(Some(protocol)),
                queue: RefCell::default(),
                in_flight: Cell::new(0),
                dropped: Cell::new(0),
                dirty: Cell::new(false),
                reason: RefCell::new(None),
                closed: Ending::default(),
                on_start: Cell::default(),
            })
        })?;
        Ok(DatagramTransport(socket))
    }
}
