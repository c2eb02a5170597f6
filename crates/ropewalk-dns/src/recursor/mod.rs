//! The recursive resolver: finds answers by asking from the root on down.
//!
//! | file | what is in it |
//! |---|---|
//! | `walk.rs` | the way of one question |
//! | `reading.rs` | what an answer says, and what of it is believed |
//! | `minimise.rs` | how much of a name a server is told |
//! | `delegation.rs`, `hints.rs` | whose servers answer for a zone |
//! | `book.rs` | what was learnt of servers |
//! | `limits.rs` | how much work one question may be |

mod book;
mod delegation;
mod hints;
mod limits;
mod memory;
mod minimise;
mod reading;
mod walk;

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use domain::base::iana::{Class, OptRcode, Rtype};
use ropewalk_core::{Deferred, Failure, FailureKind, Resolver};

use self::book::ServerBook;
use self::delegation::{Delegation, Delegations};
pub use self::hints::RootHints;
pub use self::limits::RecursorLimits;
use self::memory::Memory;
pub use self::reading::Record;
use self::reading::Says;
use self::walk::Walk;
use crate::client::{Exchanger, NameServer, QueryOptions, Question, Response};
use crate::{Name, Random};

/// A recursive resolver. A clone is the same.
#[derive(Clone)]
pub struct Recursor(Rc<Inner>);

/// What a [`Recursor`] is made of.
#[derive(Clone, Debug)]
pub struct RecursorOptions {
    /// Where it begins. Default: the servers of the internet's root.
    pub hints: RootHints,
    /// Where servers are asked. Default 53; another one is for tests.
    pub port: u16,
    /// Whether servers are asked over IPv4. Default yes.
    pub ipv4: bool,
    /// Whether servers are asked over IPv6. Default yes; those with IPv4 come first while nothing is known of them.
    pub ipv6: bool,
    /// How much work one question may be.
    pub limits: RecursorLimits,
}

impl Default for RecursorOptions {
    fn default() -> Self {
        Self {
            hints: RootHints::internet(),
            port: 53,
            ipv4: true,
            ipv6: true,
            limits: RecursorLimits::default(),
        }
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The aliases that lead to the records, and these; empty if there are none.
    pub records: Vec<Record>,
    /// NOERROR or NXDOMAIN, of the name that the aliases lead to.
    pub rcode: OptRcode,
    /// The SOA of the zone that has no such records.
    pub soa: Option<Record>,
}

struct Inner {
    exchanger: Exchanger,
    hints: RootHints,
    port: u16,
    ipv4: bool,
    ipv6: bool,
    limits: RecursorLimits,
    book: RefCell<ServerBook>,
    delegations: RefCell<Delegations>,
    memory: RefCell<Memory>,
    /// Who waits for what is being looked up.
    asked: RefCell<HashMap<Question, Vec<Resolver<Rc<Found>>>>>,
    random: RefCell<Random>,
}

impl Recursor {
    /// Asks by `exchanger`.
    pub fn new(exchanger: &Exchanger, options: RecursorOptions, random: Random) -> Self {
        let RecursorOptions { hints, port, ipv4, ipv6, limits } = options;
        Self(Rc::new(Inner {
            exchanger: exchanger.clone(),
            hints,
            port,
            ipv4,
            ipv6,
            delegations: RefCell::new(Delegations::new(limits.delegations_max)),
            limits,
            book: RefCell::default(),
            memory: RefCell::default(),
            asked: RefCell::default(),
            random: RefCell::new(random),
        }))
    }

    /// Finds the records of a name and type. One that is being looked up is not looked up again.
    ///
    /// # Fires
    /// With what there is; that there is nothing is an answer too.
    ///
    /// # Errors
    /// `Timeout` after `resolution_timeout`; `Limit` if it takes too many queries or too much is looked up already; `Peer`
    /// if no server of a zone answers, or they make no sense. Failures are remembered for `failure_ttl`.
    pub fn find(&self, question: &Question) -> Deferred<Rc<Found>> {
        if question.qclass() != Class::IN {
            let why = format!("class {} has no root to begin at", question.qclass());
            return Deferred::fail(Failure::new(FailureKind::Local, why));
        }
        if let Some(failure) = self.0.memory.borrow_mut().failure(question, self.now()) {
            return Deferred::fail(failure);
        }
        let (resolver, found) = Deferred::new();
        let mut asked = self.0.asked.borrow_mut();
        if let Some(waiting) = asked.get_mut(question) {
            waiting.push(resolver);
            return found;
        }
        if asked.len() >= self.0.limits.resolutions_max {
            let why = format!("{} questions are looked up already", asked.len());
            return Deferred::fail(Failure::new(FailureKind::Limit, why));
        }
        asked.insert(question.clone(), vec![resolver]);
        drop(asked);
        self.begin(question);
        found
    }

    fn begin(&self, question: &Question) {
        let (inner, asked) = (self.0.clone(), question.clone());
        let reactor = self.0.exchanger.reactor();
        let walk = Walk::new(inner.clone());
        let walked = reactor.spawn(async move { walk.find(asked, 0).await });
        let question = question.clone();
        let after = inner.limits.resolution_timeout;
        drop(walked.add_timeout(reactor, after).add_both(move |result| {
            inner.finish(&question, result.map(Rc::new));
        }));
    }

    /// What is remembered of a question, without asking anybody.
    pub fn recall(&self, question: &Question) -> Option<Found> {
        self.0.recall_all(question)
    }

    fn now(&self) -> ropewalk_core::Time {
        self.0.now()
    }
}

impl Inner {
    fn now(&self) -> ropewalk_core::Time {
        self.exchanger.reactor().now()
    }

    /// Tells all who wait for a question.
    fn finish(&self, question: &Question, result: Result<Rc<Found>, Failure>) {
        if let Err(failure) = &result {
            let until = self.now() + self.limits.failure_ttl;
            self.memory.borrow_mut().fail(question, failure.clone(), until);
        }
        let waiting = self.asked.borrow_mut().remove(question);
        for resolver in waiting.into_iter().flatten() {
            resolver.fire(result.clone());
        }
    }

    fn recall(&self, question: &Question) -> Option<Says> {
        self.memory.borrow_mut().recall(question, self.now())
    }

    fn recall_all(&self, question: &Question) -> Option<Found> {
        let mut question = question.clone();
        let mut records = Vec::new();
        for _ in 0..walk::ALIASES_MAX {
            let (rcode, soa) = match self.recall(&question)? {
                Says::Records(found) => {
                    records.extend(found);
                    (OptRcode::NOERROR, None)
                }
                Says::Alias(links, target) => {
                    records.extend(links);
                    question = Question::new(target, question.qtype(), question.qclass());
                    continue;
                }
                Says::NoSuchName(soa) => (OptRcode::NXDOMAIN, soa),
                Says::NoData(soa) => (OptRcode::NOERROR, soa),
                Says::Referral(..) | Says::Nothing(_) => return None,
            };
            return Some(Found { records, rcode, soa });
        }
        None
    }

    fn keep(&self, question: &Question, says: &Says) {
        self.memory.borrow_mut().keep(question, says, self.now());
    }

    fn closest(&self, name: &Name) -> Option<Rc<Delegation>> {
        self.delegations.borrow().closest(name, self.now())
    }

    fn learn(&self, delegation: Rc<Delegation>, keep: Duration) {
        let keep = keep.min(DELEGATION_MAX);
        self.delegations.borrow_mut().learn(delegation, keep, self.now());
    }

    fn forget(&self, zone: &Name) {
        self.delegations.borrow_mut().forget(zone);
    }

    fn server(&self, address: SocketAddr) -> Rc<NameServer> {
        self.book.borrow_mut().server(address)
    }

    fn note_lame(&self, address: SocketAddr, zone: &Name) {
        self.book.borrow_mut().note_lame(address, zone, self.now());
    }

    fn may_ask(&self, address: SocketAddr, zone: &Name) -> bool {
        let family = if address.is_ipv4() { self.ipv4 } else { self.ipv6 };
        let is_somewhere = !address.ip().is_unspecified() && !address.ip().is_multicast();
        family && is_somewhere && !self.book.borrow_mut().is_lame(address, zone, self.now())
    }

    fn address_types(&self) -> &'static [Rtype] {
        match (self.ipv4, self.ipv6) {
            (true, true) => &[Rtype::A, Rtype::AAAA],
            (true, false) => &[Rtype::A],
            (false, true) => &[Rtype::AAAA],
            (false, false) => &[],
        }
    }

    /// Sorts servers by how soon they are likely to answer, with a little chance in it, so that all are tried now and
    /// then and none gets all the questions.
    fn put_best_last(&self, servers: &mut [(Rc<NameServer>, u32)]) {
        let mut random = self.random.borrow_mut();
        servers.sort_by_cached_key(|(server, _)| {
            let usual = server.round_trip().unwrap_or(match server.address().ip() {
                IpAddr::V4(_) => UNKNOWN_ROUND_TRIP,
                IpAddr::V6(_) => UNKNOWN_ROUND_TRIP * 2,
            });
            let chance = Duration::from_micros(random.below(BAND_MICROS) as u64);
            std::cmp::Reverse(usual * (1 << server.failures().min(6)) + chance)
        });
    }

    fn ask(
        &self,
        server: &Rc<NameServer>,
        question: &Question,
        options: &QueryOptions,
    ) -> Deferred<Response> {
        self.exchanger.ask(server, question, options, server.timeout())
    }
}

/// What a server is taken to need that has not been asked yet: little, so that new ones are tried.
const UNKNOWN_ROUND_TRIP: Duration = Duration::from_millis(20);
/// Servers whose times differ by less than this are equally good.
const BAND_MICROS: usize = 40_000;
/// Delegations are looked up again after a day, whatever their parents say: those that were a mistake must not stay.
const DELEGATION_MAX: Duration = Duration::from_secs(86_400);
