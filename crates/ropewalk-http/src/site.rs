//! [`HttpFactory`]: makes the connections of a server, and knows them, so that it can be drained.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use ropewalk_core::{Deferred, Factory, Reactor, Resolver, Transport, WeakTransport};

use crate::date::DateLine;
use crate::exchange::{Exchange, KEPT_BYTES_MAX};
use crate::request_head::RequestHead;
use crate::server::HttpProtocol;
use crate::{HttpLimits, Request};

/// What a server does with the requests that come in. A closure that takes a [`Request`] is one.
pub trait Responder: 'static {
    /// A request came in: its head is complete, its body is on its way.
    fn request_received(&self, request: Request);
}

impl<F: Fn(Request) + 'static> Responder for F {
    fn request_received(&self, request: Request) {
        self(request);
    }
}

/// Serves HTTP/1.1: a [`Factory`] to listen with. A clone is the same server.
///
/// # Example: hello
/// ```
/// use ropewalk_http::{HttpFactory, Request};
/// use ropewalk_testing::Conversation;
///
/// let server = Conversation::new(HttpFactory::new(|request: Request| {
///     request.finish_with(format!("hello from {}\n", request.path()));
/// }));
/// server.feed(b"GET /here HTTP/1.1\r\nHost: x\r\n\r\n");
/// assert!(server.written().ends_with(b"\r\n\r\nhello from /here\n"));
/// ```
#[derive(Clone)]
pub struct HttpFactory(Rc<Site>);

/// What the connections of one server share.
pub(crate) struct Site {
    responder: Box<dyn Responder>,
    pub(crate) limits: HttpLimits,
    pub(crate) date: DateLine,
    /// Where an answer's head is put together.
    pub(crate) scratch: RefCell<Vec<u8>>,
    /// Exchanges and heads to be used again, so that a request in steady state allocates nothing.
    spare: RefCell<Vec<Rc<Exchange>>>,
    spare_heads: RefCell<Vec<Rc<RequestHead>>>,
    crowd: RefCell<Crowd>,
    draining: Cell<bool>,
    drained: RefCell<Vec<Resolver<()>>>,
}

/// The connections that are up.
#[derive(Default)]
struct Crowd {
    seats: Vec<Option<WeakTransport>>,
    free: Vec<u32>,
}

/// As many as connections that answer within one turn.
const SPARE_EXCHANGES_MAX: usize = 64;

impl HttpFactory {
    /// A server with the default [`HttpLimits`].
    pub fn new(responder: impl Responder) -> Self {
        Self::with_limits(responder, HttpLimits::default())
    }

    /// A server with limits of one's own.
    pub fn with_limits(responder: impl Responder, limits: HttpLimits) -> Self {
        Self::with_wall_clock(responder, limits, SystemTime::now)
    }

    /// A server that takes the time of day, for `Date`, from `clock`.
    pub fn with_wall_clock(
        responder: impl Responder,
        limits: HttpLimits,
        clock: fn() -> SystemTime,
    ) -> Self {
        Self(Rc::new(Site {
            responder: Box::new(responder),
            limits,
            date: DateLine::new(clock),
            scratch: RefCell::default(),
            spare: RefCell::default(),
            spare_heads: RefCell::default(),
            crowd: RefCell::default(),
            draining: Cell::new(false),
            drained: RefCell::default(),
        }))
    }

    /// How many connections are up.
    pub fn connections(&self) -> usize {
        self.0.crowd.borrow().len()
    }

    /// Lets the connections end: idle ones are lost now, the others after the answer that is under way. After
    /// `within`, a request that still waits for its answer gets a 503, and an answer that is still being sent
    /// is broken off. Stop listening first.
    ///
    /// # Fires
    /// When no connection is up.
    pub fn drain(&self, reactor: &Reactor, within: Duration) -> Deferred<()> {
        self.0.draining.set(true);
        self.for_each_connection(HttpProtocol::drain);
        if self.connections() == 0 {
            return Deferred::succeed(());
        }
        let (resolver, drained) = Deferred::new();
        self.0.drained.borrow_mut().push(resolver);
        let site = self.clone();
        let late = reactor.call_later(within, move || {
            site.for_each_connection(HttpProtocol::drain_now);
        });
        drained.add_both(move |result| {
            let _ = late.cancel(); // Already run is as good.
            result
        })
    }

    fn for_each_connection(&self, f: fn(&mut HttpProtocol, &mut ropewalk_core::Cx<'_>)) {
        let all: Vec<Transport> = {
            let crowd = self.0.crowd.borrow();
            crowd.seats.iter().flatten().filter_map(WeakTransport::upgrade).collect()
        };
        for transport in all {
            let connection = transport.protocol_ref::<HttpProtocol>();
            drop(connection.call(f).add_errback(|_| ())); // Lost meanwhile is as good.
        }
    }
}

impl Factory for HttpFactory {
    type Protocol = HttpProtocol;

    fn build_protocol(&self, _: &Transport) -> Option<HttpProtocol> {
        (!self.0.is_draining()).then(|| HttpProtocol::new(self.0.clone()))
    }
}

impl Site {
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.get()
    }

    pub(crate) fn respond(&self, request: Request) {
        self.responder.request_received(request);
    }

    /// An exchange that nobody else has.
    pub(crate) fn exchange(&self) -> Rc<Exchange> {
        self.spare.borrow_mut().pop().unwrap_or_else(Exchange::new)
    }

    /// Keeps an exchange for another request, unless somebody still has it.
    pub(crate) fn recycle(&self, mut exchange: Rc<Exchange>) {
        let Some(unshared) = Rc::get_mut(&mut exchange) else { return };
        unshared.clear();
        let mut spare = self.spare.borrow_mut();
        if spare.len() < SPARE_EXCHANGES_MAX && !self.is_draining() {
            spare.push(exchange);
        }
    }

    /// A head that nobody else has.
    pub(crate) fn head(&self) -> Rc<RequestHead> {
        self.spare_heads.borrow_mut().pop().unwrap_or_default()
    }

    /// Keeps a head for another request, unless somebody still has it.
    pub(crate) fn recycle_head(&self, mut head: Rc<RequestHead>) {
        let Some(unshared) = Rc::get_mut(&mut head) else { return };
        unshared.clear(KEPT_BYTES_MAX);
        let mut spare = self.spare_heads.borrow_mut();
        if spare.len() < SPARE_EXCHANGES_MAX && !self.is_draining() {
            spare.push(head);
        }
    }

    pub(crate) fn enter(&self, transport: &Transport) -> u32 {
        self.crowd.borrow_mut().enter(transport.downgrade())
    }

    pub(crate) fn leave(&self, seat: u32) {
        let is_empty = {
            let mut crowd = self.crowd.borrow_mut();
            crowd.leave(seat);
            crowd.len() == 0
        };
        if is_empty {
            self.drained.take().into_iter().for_each(|resolver| resolver.callback(()));
        }
    }
}

impl Crowd {
    fn len(&self) -> usize {
        self.seats.len() - self.free.len()
    }

    fn enter(&mut self, transport: WeakTransport) -> u32 {
        if let Some(seat) = self.free.pop() {
            self.seats[seat as usize] = Some(transport);
            return seat;
        }
        self.seats.push(Some(transport));
        // The reactor's own table counts in 32 bits.
        u32::try_from(self.seats.len() - 1).unwrap_or(u32::MAX)
    }

    fn leave(&mut self, seat: u32) {
        if let Some(taken) = self.seats.get_mut(seat as usize).and_then(Option::take) {
            drop(taken);
            self.free.push(seat);
        }
    }
}

#[cfg(test)]
mod tests {
    use ropewalk_core::Protocol;
    use ropewalk_testing::Conversation;

    use super::*;
    use crate::request_head::Terms;

    struct Silent;
    impl Protocol for Silent {}

    #[test]
    fn a_spare_exchange_does_not_keep_its_site() {
        let HttpFactory(site) = HttpFactory::new(|_: Request| {});
        let connection = Conversation::new(|| Silent);
        let mut exchange = site.exchange();
        Rc::get_mut(&mut exchange).unwrap().begin(&site, &connection.transport(), Terms::default());
        site.recycle(exchange);
        assert_eq!(site.spare.borrow().len(), 1);
        assert_eq!(Rc::strong_count(&site), 1);
    }
}
