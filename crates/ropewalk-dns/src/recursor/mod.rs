//! The recursive resolver: finds answers by asking from the root on down.
//!
//! | file | what is in it |
//! |---|---|
//! | `walk.rs` | the way of one question |
//! | `candidates.rs` | which of a zone's servers is asked next |
//! | `reading.rs` | what an answer says, and what of it is believed |
//! | `minimise.rs` | how much of a name a server is told |
//! | `delegation.rs`, `hints.rs` | whose servers answer for a zone |
//! | `book.rs` | what was learnt of servers |
//! | `local.rs` | the names of which nobody else is asked |
//! | `find.rs` | the same behind a server |
//! | `failures.rs`, `limits.rs` | how much work a question may be, and how often |

mod book;
mod candidates;
mod delegation;
mod failures;
mod find;
mod hints;
mod limits;
mod local;
mod minimise;
mod reading;
mod walk;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use domain::base::iana::{Class, OptRcode, Rtype};
use ropewalk_core::{Deferred, Failure, FailureKind, Resolver, Time};

use self::book::ServerBook;
use self::delegation::{Delegation, Delegations};
use self::failures::Failures;
pub use self::hints::RootHints;
pub use self::limits::RecursorLimits;
use self::local::LocalNames;
pub use self::reading::Link;
use self::reading::Says;
use self::walk::Walk;
use crate::{
    Cache, CacheOptions, Cached, Exchanger, Known, Name, NameServer, QueryOptions, Question,
    Random, Rank, Response, Soa,
};

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
    /// Whether `localhost`, `invalid`, `onion` and the names of private addresses are answered here (RFC 6761, RFC 6303).
    /// Default yes; a private tree that has some of them itself says no.
    pub local_names: bool,
    /// What is remembered.
    pub cache: CacheOptions,
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
            local_names: true,
            cache: CacheOptions::default(),
            limits: RecursorLimits::default(),
        }
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The aliases that lead to the records, and these; empty if there are none.
    pub records: Vec<Link>,
    /// NOERROR or NXDOMAIN, of the name that the aliases lead to.
    pub rcode: OptRcode,
    /// The SOA of the zone that has no such records.
    pub soa: Option<Soa>,
}

/// What was known already.
struct Recalled {
    found: Found,
    /// It is to be looked up anew, in the background.
    wants_refresh: bool,
}

struct Inner {
    exchanger: Exchanger,
    hints: RootHints,
    /// Whether servers at loopback addresses are asked: only if the root is there too. Anybody can say that their
    /// servers are, to have this machine's own asked.
    asks_loopback: bool,
    port: u16,
    ipv4: bool,
    ipv6: bool,
    local_names: LocalNames,
    limits: RecursorLimits,
    book: RefCell<ServerBook>,
    delegations: RefCell<Delegations>,
    cache: RefCell<Cache>,
    failures: RefCell<Failures>,
    /// Who waits for what is being looked up.
    asked: RefCell<HashMap<Question, Vec<Resolver<Rc<Found>>>>>,
    random: RefCell<Random>,
    /// Whether the root is being asked for itself.
    is_priming: Cell<bool>,
}

impl Recursor {
    /// Asks by `exchanger`.
    pub fn new(exchanger: &Exchanger, options: RecursorOptions, random: Random) -> Self {
        let RecursorOptions { hints, port, ipv4, ipv6, local_names, cache, limits } = options;
        let local_names = if local_names { LocalNames::new() } else { LocalNames::none() };
        Self(Rc::new(Inner {
            exchanger: exchanger.clone(),
            asks_loopback: hints.is_at_home(),
            hints,
            port,
            ipv4,
            ipv6,
            local_names,
            delegations: RefCell::new(Delegations::new(limits.delegation_bytes_max)),
            limits,
            book: RefCell::default(),
            cache: RefCell::new(Cache::new(cache)),
            failures: RefCell::default(),
            asked: RefCell::default(),
            random: RefCell::new(random),
            is_priming: Cell::new(false),
        }))
    }

    /// Finds the records of a name and type. One that is being looked up is not looked up again.
    ///
    /// # Fires
    /// With what there is; that there is nothing is an answer too.
    ///
    /// # Errors
    /// `Timeout` after `resolution_timeout`; `Limit` if it takes too many queries or too much is looked up already; `Peer`
    /// if no server of a zone answers, or they make no sense. Failures are remembered for `failure_ttl`; what is
    /// known and out of date is given instead, if that is kept (`CacheOptions::serve_stale`).
    pub fn find(&self, question: &Question) -> Deferred<Rc<Found>> {
        if question.qclass() != Class::IN {
            let why = format!("class {} has no root to begin at", question.qclass());
            return Deferred::fail(Failure::new(FailureKind::Local, why));
        }
        if let Some(found) = self.0.local_names.find(question) {
            return Deferred::succeed(Rc::new(found));
        }
        if let Some(Recalled { found, wants_refresh }) = self.0.recall_all(question) {
            if wants_refresh && !self.0.is_asked(question) {
                self.begin(question, Vec::new(), true);
            }
            return Deferred::succeed(Rc::new(found));
        }
        if let Some(failure) = self.0.failed_lately(question) {
            return self
                .0
                .stale(question)
                .map_or_else(|| Deferred::fail(failure), Deferred::succeed);
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
        drop(asked);
        self.begin(question, vec![resolver], false);
        found
    }

    /// What is known already of a question, all of it; nobody is asked.
    pub fn recall(&self, question: &Question) -> Option<Found> {
        let local = self.0.local_names.find(question);
        local.or_else(|| self.0.recall_all(question).map(|recalled| recalled.found))
    }

    fn begin(&self, question: &Question, waiting: Vec<Resolver<Rc<Found>>>, anew: bool) {
        self.0.asked.borrow_mut().insert(question.clone(), waiting);
        let (inner, asked) = (self.0.clone(), question.clone());
        let reactor = self.0.exchanger.reactor();
        let walk = Walk::new(inner.clone());
        let walked = reactor.spawn(async move { walk.find(asked, 0, anew).await });
        let question = question.clone();
        let after = inner.limits.resolution_timeout;
        drop(walked.add_timeout(reactor, after).add_both(move |result| {
            inner.finish(&question, result.map(Rc::new));
        }));
    }
}

impl Inner {
    fn now(&self) -> Time {
        self.exchanger.reactor().now()
    }

    fn failed_lately(&self, question: &Question) -> Option<Failure> {
        self.failures.borrow_mut().find(question, self.now())
    }

    fn note_failure(&self, question: &Question, failure: &Failure) {
        let until = self.now() + self.limits.failure_ttl;
        self.failures.borrow_mut().note(question, failure.clone(), until);
    }

    /// Tells all who wait for a question.
    fn finish(&self, question: &Question, result: Result<Rc<Found>, Failure>) {
        if let Err(failure) = &result {
            self.note_failure(question, failure);
        }
        let result = result.or_else(|failure| self.stale(question).ok_or(failure));
        let waiting = self.asked.borrow_mut().remove(question);
        for resolver in waiting.into_iter().flatten() {
            resolver.fire(result.clone());
        }
    }

    /// What is known of a question, one alias far.
    fn recall(&self, question: &Question) -> Option<Says> {
        let (name, now) = (question.qname(), self.now());
        let mut cache = self.cache.borrow_mut();
        if let Some(cached) = cache.get(name, question.qtype(), now) {
            return Some(match cached.known {
                Known::Records(records) => {
                    Says::Records(vec![Link { owner: name.clone(), records }])
                }
                Known::NoData(soa) => Says::NoData(soa),
                Known::NoSuchName(soa) => Says::NoSuchName(soa),
            });
        }
        match cache.get(name, Rtype::CNAME, now)?.known {
            Known::Records(records) => {
                let target = records.alias()?;
                Some(Says::Alias(vec![Link { owner: name.clone(), records }], target))
            }
            _ => None,
        }
    }

    fn is_asked(&self, question: &Question) -> bool {
        self.asked.borrow().contains_key(question)
    }

    /// The whole answer, behind whatever aliases, if all of it is known.
    fn recall_all(&self, question: &Question) -> Option<Recalled> {
        self.collect(question, |cache, name, rtype, now| cache.get(name, rtype, now))
    }

    /// The same, true or no longer: for when nobody can be asked (RFC 8767).
    fn stale(&self, question: &Question) -> Option<Rc<Found>> {
        let stale =
            self.collect(question, |cache, name, rtype, now| cache.get_stale(name, rtype, now))?;
        Some(Rc::new(stale.found))
    }

    fn collect(
        &self,
        question: &Question,
        get: impl Fn(&mut Cache, &Name, Rtype, Time) -> Option<Cached>,
    ) -> Option<Recalled> {
        let (mut cache, now) = (self.cache.borrow_mut(), self.now());
        let (mut name, mut records, mut wants_refresh) =
            (question.qname().clone(), Vec::new(), false);
        for _ in 0..walk::ALIASES_MAX {
            let cached = get(&mut cache, &name, question.qtype(), now)
                .or_else(|| get(&mut cache, &name, Rtype::CNAME, now))?;
            wants_refresh |= cached.wants_refresh;
            let (rcode, soa) = match cached.known {
                Known::Records(found) => {
                    let alias = found.alias().filter(|_| question.qtype() != Rtype::CNAME);
                    records.push(Link { owner: name, records: found });
                    if let Some(target) = alias {
                        name = target;
                        continue;
                    }
                    (OptRcode::NOERROR, None)
                }
                Known::NoData(soa) => (OptRcode::NOERROR, soa),
                Known::NoSuchName(soa) => (OptRcode::NXDOMAIN, soa),
            };
            return Some(Recalled { found: Found { records, rcode, soa }, wants_refresh });
        }
        None
    }

    fn keep(&self, question: &Question, says: &Says) {
        let (name, rank, now) = (question.qname(), Rank::AuthoritativeAnswer, self.now());
        let mut cache = self.cache.borrow_mut();
        match says {
            Says::Records(links) | Says::Alias(links, _) => {
                for Link { owner, records } in links {
                    cache.insert(owner, records.clone(), rank, now);
                }
            }
            Says::NoData(soa) => {
                cache.insert_no_data(name, question.qtype(), soa.clone(), rank, now);
            }
            Says::NoSuchName(soa) => {
                cache.insert_no_such_name(name, soa.clone(), rank, now);
            }
            Says::Referral(..) | Says::Nothing(_) => {}
        }
    }

    fn closest(&self, name: &Name) -> Option<Rc<Delegation>> {
        self.delegations.borrow().closest(name, self.now())
    }

    fn learn(&self, delegation: Rc<Delegation>, parent: Option<&Name>, keep: Duration) {
        let keep = keep.min(DELEGATION_MAX);
        self.delegations.borrow_mut().learn(delegation, parent, keep, self.now());
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

    fn is_lame(&self, address: SocketAddr, zone: &Name) -> bool {
        self.book.borrow_mut().is_lame(address, zone, self.now())
    }

    /// Whether there may be a server at this address, wherever it was heard of.
    fn may_ask(&self, ip: IpAddr) -> bool {
        let family = if ip.is_ipv4() { self.ipv4 } else { self.ipv6 };
        let is_mapped = ip.to_canonical() != ip;
        let is_nowhere = ip.is_unspecified() || ip.is_multicast() || ip == Ipv4Addr::BROADCAST;
        family && !is_mapped && !is_nowhere && (self.asks_loopback || !ip.is_loopback())
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
