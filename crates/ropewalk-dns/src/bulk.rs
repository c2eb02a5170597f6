//! [`Bulk`]: the names of very many addresses, as fast as servers give them.
//!
//! Each lookup is a plain value in a table, and so is each try: there is no Deferred, no timer and no allocation for one
//! beyond its message. Addresses are pulled from the [`BulkWork`] when there is room, so it costs as much memory for ten
//! million as for ten thousand. What takes TCP (an answer cut short, one that may be forged) is rare, and goes by an
//! [`Exchanger`].

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use domain::base::iana::{Class, OptRcode, Rtype};
use ropewalk_core::{Deferred, Failure, FailureKind, Reactor, Resolver as Waiter, Time};

use crate::bulk_order::InOrder;
use crate::bulk_pace::Pace;
use crate::client::{Asked, Hear, Heard, UdpPorts};
use crate::pointer::{Pointers, ReverseName};
use crate::slab::{Key, Slab};
use crate::{
    ClientLimits, Dial, Exchanger, NameServer, QueryOptions, Question, Random, Response, Via,
    reverse_name,
};

/// How addresses are looked up.
#[derive(Clone, Debug)]
pub struct BulkOptions {
    /// Lookups under way at a time. Default 1,000, at most 65,536.
    pub concurrency: usize,
    /// Queries a second; `None`: as many as are answered. Default none.
    pub rate: Option<u32>,
    /// How often one is asked for again, of the next server, after silence or a failure of the server. Default 2.
    pub retries: u32,
    /// How long to wait for the first answer; twice as long for each after that. Default 2 s.
    pub timeout: Duration,
    /// Whether results come in the order of the addresses. Default yes.
    pub in_order: bool,
    /// With that, how many are kept behind one that takes long before nothing new is begun. Default 100,000: some 10 MB,
    /// and seconds at full speed.
    pub window: usize,
}

impl Default for BulkOptions {
    fn default() -> Self {
        Self {
            concurrency: 1000,
            rate: None,
            retries: 2,
            timeout: Duration::from_secs(2),
            in_order: true,
            window: 100_000,
        }
    }
}

/// Where addresses come from and results go. Neither method may call the [`Bulk`].
pub trait BulkWork: 'static {
    /// The next address.
    fn next(&mut self) -> Next;
    /// What became of one.
    fn finished(&mut self, finished: &Finished<'_>);
}

/// What there is to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// This address.
    Address(IpAddr),
    /// Nothing now: [`Bulk::wake`] says when there is.
    Wait,
    /// Nothing any more.
    End,
}

/// What became of one address.
#[derive(Clone, Debug)]
pub struct Finished<'a> {
    /// It.
    pub address: IpAddr,
    /// What became of it.
    pub outcome: Outcome<'a>,
    /// How long it took, from its first query.
    pub took: Duration,
    /// Queries that were sent for it.
    pub tries: u32,
}

/// What became of a lookup.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome<'a> {
    /// Its names, with spaces between them. They are written as in a zone file, but for a dot at their end, and so that
    /// they hold no space, quote, comma or bracket: such a byte is a backslash and three digits.
    Names(&'a str),
    /// There is no name (NXDOMAIN).
    NoSuchName,
    /// There are other records, but no name.
    NoData,
    /// Servers fail or refuse; what the last one said.
    Failed(OptRcode),
    /// Servers are silent.
    TimedOut,
    /// Servers cannot be reached.
    Unreachable,
}

/// What became of all, so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BulkSummary {
    /// Those with names.
    pub answered: u64,
    /// Those without: no such name, or no data.
    pub none: u64,
    /// Those for which servers failed or were out of reach.
    pub failed: u64,
    /// Those for which servers were silent.
    pub timed_out: u64,
    /// Queries sent over UDP.
    pub sent: u64,
    /// The one that took longest, and how long.
    pub slowest: Option<(IpAddr, Duration)>,
}

impl BulkSummary {
    /// How many are done.
    pub fn done(&self) -> u64 {
        self.answered + self.none + self.failed + self.timed_out
    }
}

/// Lookups of many addresses under way. A clone is the same; they go on when the last is dropped.
#[derive(Clone)]
pub struct Bulk(Rc<Inner>);

struct Inner {
    reactor: Reactor,
    options: BulkOptions,
    servers: Vec<Server>,
    ports: UdpPorts,
    exchanger: Exchanger,
    query: QueryOptions,
    lookups: RefCell<Slab<Lookup>>,
    pace: RefCell<Pace>,
    in_order: RefCell<InOrder>,
    pointers: RefCell<Pointers>,
    work: RefCell<Box<dyn BulkWork>>,
    summary: RefCell<BulkSummary>,
    begun: Cell<u64>,
    has_ended: Cell<bool>,
    is_pumping: Cell<bool>,
    is_waiting_for_pace: Cell<bool>,
    ended: Cell<Option<Waiter<BulkSummary>>>,
}

struct Server {
    address: SocketAddr,
    /// For what takes a connection; it remembers that the server changes letters.
    by_tcp: Rc<NameServer>,
}

/// One address under way.
struct Lookup {
    address: IpAddr,
    /// Which of all it is.
    number: u64,
    begun: Time,
    tries: u32,
}

/// Ports that bulk lookups are sent from: a forger has to guess which, and each has a receive buffer of its own.
const PORTS: usize = 8;
/// Queries from one port: a million lookups are worth some dozens of sockets.
const QUERIES_PER_PORT: u32 = 100_000;
/// As many as one port serves, so that all are served.
const CONCURRENCY_MAX: usize = 65_536;
/// A try waits for no longer than that: 2⁵ times the first.
const DOUBLINGS_MAX: u32 = 5;

impl Bulk {
    /// Begins. Fires when all that `work` has are done, or [`stop`](Self::stop) was called.
    ///
    /// # Errors
    /// `Local` if there are no servers.
    pub fn start(
        reactor: &Reactor,
        dial: &Dial,
        servers: &[SocketAddr],
        options: BulkOptions,
        work: impl BulkWork,
    ) -> (Self, Deferred<BulkSummary>) {
        Self::start_with_random(reactor, dial, servers, options, work, Random::new())
    }

    /// As [`start`](Self::start), with ids and letters out of `random`: for tests.
    pub fn start_with_random(
        reactor: &Reactor,
        dial: &Dial,
        servers: &[SocketAddr],
        mut options: BulkOptions,
        work: impl BulkWork,
        mut random: Random,
    ) -> (Self, Deferred<BulkSummary>) {
        options.concurrency = options.concurrency.clamp(1, CONCURRENCY_MAX);
        let limits = ClientLimits {
            ports_max: PORTS,
            queries_per_port_max: QUERIES_PER_PORT,
            port_lifetime: Duration::from_secs(60),
            queries_max: CONCURRENCY_MAX,
            // Of a million questions many are answered too late.
            stray_datagrams_max: u32::MAX,
            ..ClientLimits::default()
        };
        let ports = UdpPorts::new(reactor, dial, &limits, random.fork());
        let exchanger = Exchanger::with_random(reactor, dial.clone(), limits, random);
        let servers: Vec<Server> = servers.iter().copied().map(Server::new).collect();
        let (waiter, ended) = Deferred::new();
        let none = servers.is_empty();
        let bulk = Self(Rc::new(Inner {
            reactor: reactor.clone(),
            servers,
            ports,
            exchanger,
            // An answer of a name fits without EDNS, and every server understands it.
            query: QueryOptions { udp_bytes_max: 0, ..QueryOptions::default() },
            lookups: RefCell::default(),
            pace: RefCell::new(Pace::new(options.concurrency, options.rate, reactor.now())),
            in_order: RefCell::default(),
            options,
            pointers: RefCell::default(),
            work: RefCell::new(Box::new(work)),
            summary: RefCell::default(),
            begun: Cell::new(0),
            has_ended: Cell::new(none),
            is_pumping: Cell::new(false),
            is_waiting_for_pace: Cell::new(false),
            ended: Cell::new(Some(waiter)),
        }));
        if none {
            let why = "there is no name server to ask";
            return (bulk, Deferred::fail(Failure::new(FailureKind::Local, why)));
        }
        bulk.0.pump_soon();
        (bulk, ended)
    }

    /// There is something to do again, where there was not.
    pub fn wake(&self) {
        self.0.pump_soon();
    }

    /// Begins nothing new, and gives up what is under way: it fires with what was done.
    pub fn stop(&self) {
        self.0.has_ended.set(true);
        let left = self.0.lookups.take();
        drop(left);
        self.0.end_if_done();
    }

    /// What became of all, so far.
    pub fn summary(&self) -> BulkSummary {
        self.0.summary.borrow().clone()
    }
}

impl Server {
    fn new(address: SocketAddr) -> Self {
        Self { address, by_tcp: NameServer::new(address, Via::Tcp) }
    }
}

impl Inner {
    fn pump_soon(self: &Rc<Self>) {
        let inner = self.clone();
        self.reactor.call_soon(move || inner.pump());
    }

    /// Begins as many lookups as there is room for.
    fn pump(self: &Rc<Self>) {
        if self.is_pumping.replace(true) {
            return; // It goes on for as long as there is room.
        }
        while !self.has_ended.get() && self.has_room() {
            let next = self.work.borrow_mut().next();
            match next {
                Next::Address(address) => self.begin(address),
                Next::Wait => break,
                Next::End => self.has_ended.set(true),
            }
        }
        self.is_pumping.set(false);
        self.end_if_done();
    }

    fn has_room(self: &Rc<Self>) -> bool {
        let waiting = self.options.in_order.then(|| self.in_order.borrow().len());
        if waiting.is_some_and(|waiting| waiting >= self.options.window) {
            return false;
        }
        let in_flight = self.lookups.borrow().len();
        let wait = self.pace.borrow_mut().wait(in_flight, self.reactor.now());
        if let Some(after) = wait
            && after > Duration::ZERO
            && !self.is_waiting_for_pace.replace(true)
        {
            let inner = self.clone();
            self.reactor.call_later(after, move || {
                inner.is_waiting_for_pace.set(false);
                inner.pump();
            });
        }
        wait.is_none()
    }

    fn begin(self: &Rc<Self>, address: IpAddr) {
        let (number, begun) = (self.begun.get(), self.reactor.now());
        self.begun.set(number + 1);
        if self.options.in_order {
            self.in_order.borrow_mut().begin(number);
        }
        let lookup = Lookup { address, number, begun, tries: 0 };
        let key = self.lookups.borrow_mut().insert(lookup);
        self.try_now(key);
    }

    fn try_now(self: &Rc<Self>, key: Key) {
        let mut lookups = self.lookups.borrow_mut();
        let Some(lookup) = lookups.get_mut(key) else { return };
        let name = ReverseName::new(lookup.address);
        let server = self.server_of(lookup);
        let timeout = self.options.timeout * (1 << lookup.tries.min(DOUBLINGS_MAX));
        lookup.tries += 1;
        drop(lookups);
        self.pace.borrow_mut().sent();
        self.summary.borrow_mut().sent += 1;
        let asked = Asked {
            name: name.wire(),
            rtype: Rtype::PTR,
            class: Class::IN,
            options: &self.query,
            mixed_case: !server.by_tcp.mangles_case(),
        };
        let tried = self.ports.ask(&asked, server.address, timeout, self.clone(), key.number());
        if let Err(failure) = tried {
            tracing::debug!("a query was not sent: {failure}");
            self.finish(key, Outcome::Unreachable);
        }
    }

    /// Another one for each try.
    fn server_of(&self, lookup: &Lookup) -> &Server {
        let turn = lookup.number + u64::from(lookup.tries);
        let place = usize::try_from(turn % self.servers.len() as u64).unwrap_or(0);
        &self.servers[place]
    }

    /// The server that was asked last.
    fn last_server(&self, key: Key) -> Option<&Server> {
        let lookups = self.lookups.borrow();
        let lookup = lookups.get(key)?;
        let (number, tries) = (lookup.number, lookup.tries.saturating_sub(1));
        Some(self.server_of(&Lookup { number, tries, ..*lookup }))
    }

    /// Asks again, or makes do with `outcome`.
    fn try_again_or(self: &Rc<Self>, key: Key, outcome: Outcome<'_>) {
        let tries = self.lookups.borrow().get(key).map(|lookup| lookup.tries);
        match tries {
            Some(tries) if tries <= self.options.retries => self.try_now(key),
            _ => self.finish(key, outcome),
        }
    }

    fn answered(self: &Rc<Self>, key: Key, message: &[u8]) {
        self.pace.borrow_mut().answered();
        if self.lookups.borrow().get(key).is_none() {
            return;
        }
        if message.get(2).is_some_and(|flags| flags & 2 != 0) {
            return self.ask_by_tcp(key);
        }
        let mut pointers = self.pointers.take();
        match pointers.read(message) {
            Some(Outcome::Failed(rcode)) => self.try_again_or(key, Outcome::Failed(rcode)),
            Some(outcome) => self.finish(key, outcome),
            None => self.ask_by_tcp(key), // It is garbled.
        }
        self.pointers.replace(pointers);
    }

    fn ask_by_tcp(self: &Rc<Self>, key: Key) {
        let address = self.lookups.borrow().get(key).map(|lookup| lookup.address);
        let (Some(address), Some(server)) = (address, self.last_server(key)) else { return };
        let question = Question::new(reverse_name(address), Rtype::PTR, Class::IN);
        let (by_tcp, timeout) = (&server.by_tcp, self.options.timeout);
        let asked = self.exchanger.ask(by_tcp, &question, &self.query, timeout);
        let inner = self.clone();
        drop(asked.add_both(move |result| inner.told_by_tcp(key, &result)));
    }

    fn told_by_tcp(self: &Rc<Self>, key: Key, result: &Result<Response, Failure>) {
        if self.lookups.borrow().get(key).is_none() {
            return; // It was stopped.
        }
        match result {
            Ok(response) => {
                let mut pointers = self.pointers.take();
                let message = response.message().as_slice();
                match pointers.read(message) {
                    Some(Outcome::Failed(rcode)) => self.try_again_or(key, Outcome::Failed(rcode)),
                    Some(outcome) => self.finish(key, outcome),
                    None => self.finish(key, Outcome::Unreachable),
                }
                self.pointers.replace(pointers);
            }
            Err(failure) if failure.is(FailureKind::Timeout) => {
                self.try_again_or(key, Outcome::TimedOut);
            }
            Err(_) => self.try_again_or(key, Outcome::Unreachable),
        }
    }

    fn finish(self: &Rc<Self>, key: Key, outcome: Outcome<'_>) {
        let Some(lookup) = self.lookups.borrow_mut().remove(key) else { return };
        let took = self.reactor.now().since(lookup.begun);
        let finished = Finished { address: lookup.address, outcome, took, tries: lookup.tries };
        self.summary.borrow_mut().count(&finished);
        let mut work = self.work.borrow_mut();
        if self.options.in_order {
            let mut in_order = self.in_order.borrow_mut();
            in_order.finish(lookup.number, &finished, |finished| work.finished(finished));
        } else {
            work.finished(&finished);
        }
        drop(work);
        self.pump();
    }

    fn end_if_done(&self) {
        if self.has_ended.get()
            && self.lookups.borrow().len() == 0
            && let Some(waiter) = self.ended.take()
        {
            waiter.callback(self.summary.borrow().clone());
        }
    }
}

impl Hear for Inner {
    fn heard(self: Rc<Self>, number: u64, what: Heard<'_>) {
        let key = Key::from_number(number);
        match what {
            Heard::Answer(message) => self.answered(key, message),
            Heard::CaseDiffers(message) => match self.last_server(key) {
                Some(server) if server.by_tcp.mangles_case() => self.answered(key, message),
                _ => self.ask_by_tcp(key),
            },
            Heard::Forged => self.ask_by_tcp(key),
            Heard::TimedOut => self.try_again_or(key, Outcome::TimedOut),
            Heard::Lost(_) => self.try_again_or(key, Outcome::Unreachable),
        }
    }
}

impl BulkSummary {
    fn count(&mut self, finished: &Finished<'_>) {
        match finished.outcome {
            Outcome::Names(_) => self.answered += 1,
            Outcome::NoSuchName | Outcome::NoData => self.none += 1,
            Outcome::Failed(_) | Outcome::Unreachable => self.failed += 1,
            Outcome::TimedOut => self.timed_out += 1,
        }
        if self.slowest.is_none_or(|(_, longest)| finished.took > longest) {
            self.slowest = Some((finished.address, finished.took));
        }
    }
}
