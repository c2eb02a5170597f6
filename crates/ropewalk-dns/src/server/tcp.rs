//! [`StreamFactory`]: a server's connections, over TCP or TLS (RFC 7766, RFC 7858).
//!
//! Each message has its length before it. Questions are taken as they come, and their answers leave as they are there,
//! in any order: the asker tells them apart by their numbers.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{
    Address, ConnectionLimits, Consumer, Cx, DelayedCall, Factory, Failure, FailureKind, Producer,
    Reactor, Streaming, Transport, WeakTransport,
};
use ropewalk_framing::{ConnectionCap, FrameProtocol, Framed, LengthPrefixDecoder, PrefixWidth};

use super::query::{Carrier, Origin};
use super::responder::Messages;
use super::service::{Outcome, Pending, Server, Way};

impl Server {
    /// A factory for ports; any number of ports may have a clone.
    pub fn streams(&self) -> impl Factory + use<> {
        let settings = self.settings();
        let (all, each) = (settings.connections_max, settings.connections_per_peer_max);
        ConnectionCap::new(StreamFactory { server: self.clone() }, all, each)
    }

    /// The limits to listen with: less may wait to be sent than usual, since ten thousand connections may be there.
    pub fn connection_limits() -> ConnectionLimits {
        ConnectionLimits { write_bytes_max: WAITING_BYTES_MAX, ..ConnectionLimits::default() }
    }
}

/// Answers that wait because the peer does not read: sixteen of the longest. (A transfer waits for room before it goes on.)
const WAITING_BYTES_MAX: usize = 16 << 16;

/// Makes a protocol for each connection.
struct StreamFactory {
    server: Server,
}

impl Factory for StreamFactory {
    type Protocol = Framed<LengthPrefixDecoder, StreamService>;

    fn build_protocol(&self, transport: &Transport) -> Option<Self::Protocol> {
        let service = StreamService {
            server: self.server.clone(),
            stream: Stream::new(transport, self.server.settings().pipelined_max),
            peer: transport.peer(),
            answer: Vec::new(),
            idle: None,
        };
        Some(Framed::new(LengthPrefixDecoder::new(PrefixWidth::U16), service))
    }
}

/// One connection.
struct StreamService {
    server: Server,
    stream: Rc<Stream>,
    peer: Address,
    answer: Vec<u8>,
    idle: Option<DelayedCall>,
}

/// What one connection owes, and where it goes.
pub(super) struct Stream {
    transport: WeakTransport,
    pipelined_max: usize,
    owed: Cell<usize>,
    /// Messages sent.
    sent: Cell<u64>,
    read_lost: Cell<bool>,
    /// Answers of many messages, one after the other.
    transfers: RefCell<VecDeque<(Box<Pending>, Box<dyn Messages>)>>,
}

impl Stream {
    fn new(transport: &Transport, pipelined_max: usize) -> Rc<Self> {
        Rc::new(Self {
            transport: transport.downgrade(),
            pipelined_max,
            owed: Cell::new(0),
            sent: Cell::new(0),
            read_lost: Cell::new(false),
            transfers: RefCell::default(),
        })
    }

    /// One more answer is owed; with too many of them nothing more is read.
    pub(super) fn owe(&self) {
        self.owed.set(self.owed.get() + 1);
        if self.owed.get() >= self.pipelined_max
            && let Some(transport) = self.transport.upgrade()
        {
            transport.pause_producing();
        }
    }

    /// One answer is owed no more.
    pub(super) fn paid(&self) {
        self.owed.set(self.owed.get().saturating_sub(1));
        let Some(transport) = self.transport.upgrade() else { return };
        if self.read_lost.get() && self.owed.get() == 0 {
            transport.lose_connection();
        } else if self.owed.get() < self.pipelined_max {
            transport.resume_producing();
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.transport.upgrade().is_some_and(|transport| transport.is_connected())
    }

    /// Sends a message.
    pub(super) fn send(&self, message: &[u8]) {
        let Some(transport) = self.transport.upgrade() else { return };
        let Ok(length) = u16::try_from(message.len()) else { return };
        self.sent.set(self.sent.get() + 1);
        transport.write(&length.to_be_bytes());
        transport.write(message);
    }

    /// Sends the messages of a transfer, as fast as they are taken.
    fn transfer(self: &Rc<Self>, pending: Box<Pending>, messages: Box<dyn Messages>) {
        let is_first = self.transfers.borrow().is_empty();
        self.transfers.borrow_mut().push_back((pending, messages));
        if is_first && let Some(transport) = self.transport.upgrade() {
            // A connection that is gone has stopped it.
            let _ = transport.register_producer(self.clone(), Streaming::Pull);
        }
    }
}

/// The transfers of a connection are what it is asked for when there is room.
impl Producer for Stream {
    fn resume_producing(&self) {
        let Some((pending, mut messages)) = self.transfers.borrow_mut().pop_front() else { return };
        if pending.send_next(&mut *messages) {
            self.transfers.borrow_mut().push_front((pending, messages));
            return;
        }
        if self.transfers.borrow().is_empty()
            && let Some(transport) = self.transport.upgrade()
        {
            transport.unregister_producer();
        }
        drop(pending);
    }

    fn pause_producing(&self) {}

    fn stop_producing(&self) {
        let transfers = self.transfers.take();
        drop(transfers);
    }
}

impl StreamService {
    /// Whoever owes us nothing and is owed nothing has gone when the time is up.
    fn watch(&mut self, reactor: &Reactor, after: Duration) {
        if self.idle.as_ref().is_some_and(|idle| idle.reset(after).is_ok()) {
            return;
        }
        let (stream, on, again) = (self.stream.clone(), reactor.clone(), self.idle_timeout());
        self.idle = Some(reactor.call_later(after, move || end_if_idle(&on, stream, again, None)));
    }

    fn idle_timeout(&self) -> Duration {
        self.server.settings().idle_timeout
    }
}

/// Ends a connection that is owed nothing; and one to which nothing could be sent since the last time, when so many
/// messages had been `sent`, because its peer does not read.
fn end_if_idle(reactor: &Reactor, stream: Rc<Stream>, again: Duration, sent: Option<u64>) {
    let Some(transport) = stream.transport.upgrade() else { return };
    if stream.owed.get() == 0 {
        return transport.lose_connection();
    }
    if sent == Some(stream.sent.get()) && transport.buffered() > 0 {
        return transport.abort_with(Failure::new(FailureKind::Timeout, "the peer does not read"));
    }
    let (on, sent) = (reactor.clone(), Some(stream.sent.get()));
    drop(reactor.call_later(again, move || end_if_idle(&on, stream, again, sent)));
}

impl FrameProtocol for StreamService {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        self.watch(cx.reactor(), self.server.settings().first_query_timeout);
    }

    fn frame_received(&mut self, cx: &mut Cx<'_>, frame: &[u8]) {
        self.watch(cx.reactor(), self.idle_timeout());
        let origin =
            Origin { peer: &self.peer, carrier: Carrier::Stream, key: None, now: cx.now() };
        self.answer.clear();
        let way = || Way::Stream(self.stream.clone());
        match self.server.take(frame, origin, &way, &mut self.answer) {
            Outcome::Answered => self.stream.send(&self.answer),
            Outcome::Silent => {}
            Outcome::Later(begin) => begin(),
            Outcome::Messages(pending, messages) => self.stream.transfer(pending, messages),
        }
    }

    fn read_connection_lost(&mut self, cx: &mut Cx<'_>) {
        self.stream.read_lost.set(true);
        if self.stream.owed.get() == 0 {
            cx.transport().lose_connection();
        }
    }

    fn connection_lost(&mut self, _: &mut Cx<'_>, _: Failure) {
        if let Some(idle) = self.idle.take() {
            let _ = idle.cancel(); // It may have been what ended the connection.
        }
        self.stream.stop_producing();
    }
}
