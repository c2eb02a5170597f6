//! [`Exchanger`]: one question to one server, until there is an answer that is whole and believed.
//!
//! It is asked by a datagram; an answer that was cut short, one that may be forged and one with letters of another
//! case is asked for again over TCP. A server that cannot read a query with EDNS is asked once more without, and the
//! server's record remembers that for an hour (RFC 6891, section 6.2.2). What the answer says is the caller's affair, and
//! so is asking again, or somebody else: `lookup.rs` does that for users.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use bytes::Bytes;
use domain::base::iana::OptRcode;
use ropewalk_core::{ClientEndpoint, Deferred, Failure, Reactor, Resolver, Time};

use super::dial::Dial;
use super::error::{LookupError, is_complaint};
use super::hear::{Hear, Heard};
use super::limits::ClientLimits;
use super::name_server::{NameServer, Via};
use super::query::{Asked, HEADER_BYTES, QueryOptions, Question};
use super::response::{Response, shown};
use super::stream::Stream;
use super::udp_ports::UdpPorts;
use crate::Random;
use crate::slab::Key;

/// Asks servers, one question at a time to one of them. A clone is the same; questions under way go on when the last
/// is dropped.
#[derive(Clone)]
pub struct Exchanger(Rc<Inner>);

struct Inner {
    reactor: Reactor,
    dial: Dial,
    limits: ClientLimits,
    ports: UdpPorts,
    random: RefCell<Random>,
}

impl Exchanger {
    /// Reaches servers by `dial`.
    pub fn new(reactor: &Reactor, dial: Dial, limits: ClientLimits) -> Self {
        Self::with_random(reactor, dial, limits, Random::new())
    }

    /// As [`new`](Self::new), with ids and letters out of `random`: for tests.
    pub fn with_random(
        reactor: &Reactor,
        dial: Dial,
        limits: ClientLimits,
        mut random: Random,
    ) -> Self {
        let ports = UdpPorts::new(reactor, &dial, &limits, random.fork());
        let (reactor, random) = (reactor.clone(), RefCell::new(random));
        Self(Rc::new(Inner { reactor, dial, limits, ports, random }))
    }

    /// Asks `server` for `question`.
    ///
    /// `timeout` is for each step: one datagram, or two if EDNS is not understood; after that, where it is needed, the
    /// same over TCP, which may take 2 s at least. [`NameServer::timeout`] knows what is usual.
    ///
    /// # Fires
    /// With the server's answer, whatever its code says.
    ///
    /// # Errors
    /// `Timeout` ([`LookupError::TimedOut`]) if none came; the failure of the connection; `Peer` if the answer is
    /// garbled, over TCP too; `Limit` if too many questions are in flight.
    ///
    /// # Cancellation
    /// The answer is not waited for any more.
    pub fn ask(
        &self,
        server: &Rc<NameServer>,
        question: &Question,
        options: &QueryOptions,
        timeout: Duration,
    ) -> Deferred<Response> {
        let pending = Rc::new_cyclic(|weak: &Weak<Pending>| {
            let weak = weak.clone();
            let (resolver, response) = Deferred::with_canceller(move || {
                if let Some(pending) = weak.upgrade() {
                    pending.forget();
                }
            });
            Pending {
                exchanger: self.0.clone(),
                server: server.clone(),
                question: question.clone(),
                options: *options,
                timeout,
                step: Cell::new(Step::Over),
                has_edns: Cell::new(options.udp_bytes_max > 0 && !server.is_plain(self.now())),
                has_complained: Cell::new(false),
                asked_at: Cell::new(self.now()),
                resolver: Cell::new(Some(resolver)),
                response: Cell::new(Some(response)),
            }
        });
        match server.via() {
            Via::Udp => pending.ask_by_datagram(),
            Via::Tcp | Via::Tls { .. } => pending.ask_by_stream(),
        }
        pending.response.take().expect("it was put there")
    }

    /// Datagrams that came and answered nothing that was asked, so far.
    pub fn strays(&self) -> u64 {
        self.0.ports.strays()
    }

    /// How many UDP sockets are open.
    pub fn open_ports(&self) -> usize {
        self.0.ports.open_ports()
    }

    /// How many questions are in flight over UDP.
    pub fn in_flight(&self) -> usize {
        self.0.ports.in_flight()
    }

    /// The reactor that it is on.
    pub fn reactor(&self) -> &Reactor {
        &self.0.reactor
    }

    fn now(&self) -> Time {
        self.0.reactor.now()
    }
}

/// One exchange.
struct Pending {
    exchanger: Rc<Inner>,
    server: Rc<NameServer>,
    question: Question,
    options: QueryOptions,
    timeout: Duration,
    step: Cell<Step>,
    has_edns: Cell<bool>,
    /// The server has complained of a query with EDNS.
    has_complained: Cell<bool>,
    asked_at: Cell<Time>,
    resolver: Cell<Option<Resolver<Response>>>,
    /// Until `ask` has returned it.
    response: Cell<Option<Deferred<Response>>>,
}

#[derive(Clone, Copy)]
enum Step {
    Datagram(Key),
    Stream(Key),
    Over,
}

/// The least that a step over TCP may take: it is several round trips, of a server that was slow already.
const STREAM_TIMEOUT_MIN: Duration = Duration::from_secs(2);

impl Pending {
    fn ask_by_datagram(self: &Rc<Self>) {
        let options = self.query_options();
        let asked = self.asked(&options);
        let (address, hear) = (self.server.address(), self.clone());
        match self.exchanger.ports.ask(&asked, address, self.timeout, hear, 0) {
            Ok(key) => self.step.set(Step::Datagram(key)),
            Err(failure) => self.fail(failure),
        }
    }

    fn ask_by_stream(self: &Rc<Self>) {
        let options = self.query_options();
        let asked = self.asked(&options);
        let timeout = self.timeout.max(STREAM_TIMEOUT_MIN);
        let tried = self
            .exchanger
            .stream_to(&self.server)
            .and_then(|stream| stream.ask(&asked, timeout, self.clone(), 0));
        match tried {
            Ok(key) => self.step.set(Step::Stream(key)),
            Err(failure) => self.fail(failure),
        }
    }

    fn query_options(&self) -> QueryOptions {
        self.asked_at.set(self.exchanger.reactor.now());
        let udp_bytes_max = if self.has_edns.get() { self.options.udp_bytes_max } else { 0 };
        QueryOptions { udp_bytes_max, ..self.options }
    }

    fn asked<'a>(&'a self, options: &'a QueryOptions) -> Asked<'a> {
        let mixed_case = !self.server.mangles_case();
        Asked { mixed_case, ..Asked::new(&self.question, options) }
    }

    /// A message of the server has come.
    fn answered(self: &Rc<Self>, message: &[u8], by_stream: bool) {
        if !by_stream || *self.server.via() != Via::Udp {
            self.server.answered(self.exchanger.reactor.now().since(self.asked_at.get()));
        }
        let message = with_letters_as_asked(message, self.question.qname().as_slice());
        let address = self.server.address();
        match Response::new(message, self.question.clone(), address) {
            Err(_) if !by_stream => self.ask_by_stream(),
            Err(garbled) => self.fail(garbled),
            Ok(response) if response.is_truncated() && !by_stream => self.ask_by_stream(),
            Ok(response) if self.is_edns_complaint(&response) => {
                self.has_edns.set(false);
                self.has_complained.set(true);
                if by_stream { self.ask_by_stream() } else { self.ask_by_datagram() }
            }
            Ok(response) => self.finish(response),
        }
    }

    /// Whether the server seems to mind EDNS only. One that has it says what it minds.
    fn is_edns_complaint(&self, response: &Response) -> bool {
        let rcode = response.rcode();
        let knows_edns = response.has_edns() && rcode != OptRcode::BADVERS;
        self.has_edns.get() && is_complaint(rcode) && !knows_edns
    }

    fn finish(&self, response: Response) {
        if self.has_complained.get() && !is_complaint(response.rcode()) {
            self.server.note_plain(self.exchanger.reactor.now());
        }
        if let Some(resolver) = self.resolver.take() {
            resolver.callback(response);
        }
    }

    fn fail(&self, failure: Failure) {
        if let Some(resolver) = self.resolver.take() {
            resolver.errback(failure);
        }
    }

    fn timed_out(&self, by_stream: bool) {
        self.server.failed(self.exchanger.reactor.now());
        let after = if by_stream { self.timeout.max(STREAM_TIMEOUT_MIN) } else { self.timeout };
        let (question, servers) = (self.question.clone(), vec![self.server.address()]);
        self.fail(LookupError::TimedOut { question, servers, after }.into_failure());
    }

    fn forget(&self) {
        match self.step.replace(Step::Over) {
            Step::Datagram(key) => self.exchanger.ports.forget(key),
            Step::Stream(key) => {
                if let Some(stream) = self.server.stream.get() {
                    stream.forget(key);
                }
            }
            Step::Over => {}
        }
    }
}

/// A copy of an answer, whose question is in the letters of the user: names of its records may point there.
fn with_letters_as_asked(message: &[u8], name: &[u8]) -> Bytes {
    let mut message = message.to_vec();
    let has_question = message.get(4..6) == Some(&[0, 1]);
    if let Some(place) = message.get_mut(HEADER_BYTES..HEADER_BYTES + name.len())
        && has_question
    {
        place.copy_from_slice(name);
    }
    message.into()
}

impl Hear for Pending {
    fn heard(self: Rc<Self>, _: u64, what: Heard<'_>) {
        let by_stream = matches!(self.step.replace(Step::Over), Step::Stream(_));
        match what {
            Heard::Answer(message) => self.answered(message, by_stream),
            Heard::CaseDiffers(message) if by_stream => {
                self.server.note_mangled();
                self.answered(message, by_stream);
            }
            Heard::CaseDiffers(message) if self.server.mangles_case() => {
                self.answered(message, by_stream);
            }
            Heard::CaseDiffers(_) | Heard::Forged if !by_stream => self.ask_by_stream(),
            Heard::CaseDiffers(_) | Heard::Forged | Heard::TimedOut => self.timed_out(by_stream),
            Heard::Lost(failure) => {
                self.server.failed(self.exchanger.reactor.now());
                let doing = format!("ask {} for {}", self.server, shown(&self.question));
                self.fail(failure.context(doing));
            }
        }
    }
}

impl Inner {
    /// The server's connection, which its record keeps.
    fn stream_to<'a>(&self, server: &'a NameServer) -> Result<&'a Stream, Failure> {
        if let Some(stream) = server.stream.get() {
            return Ok(stream);
        }
        let (address, timeout) = (server.address(), self.limits.connect_timeout);
        let endpoint: Rc<dyn ClientEndpoint> = match server.via() {
            Via::Udp | Via::Tcp => self.dial.tcp(address, timeout)?,
            Via::Tls { name } => self.dial.tls(address, name.as_deref(), timeout)?,
        };
        let random = self.random.borrow_mut().fork();
        let stream = Stream::new(&self.reactor, endpoint, &self.limits, random);
        Ok(server.stream.get_or_init(|| stream))
    }
}
