//! [`Resolver`]: names for a program: what is known, what the hosts file says, and whom to ask for the rest.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::{Rc, Weak};

use domain::base::iana::{Class, Rtype};
use domain::rdata::AllRecordData;
use ropewalk_core::{Deferred, Failure, FailureKind, Reactor, Resolve, gather_results};

use super::answer::{Answer, Said, What, read};
use super::dial::Dial;
use super::error::LookupError;
use super::exchange::Exchanger;
use super::limits::{ALIASES_MAX, ClientLimits};
use super::lookup::{LookupOptions, Servers};
use super::name_server::{NameServer, Via};
use super::query::{QueryOptions, Question};
use super::response::Response;
use super::shared::Shared;
use crate::{Cache, CacheOptions, Hosts, Known, Name, Random, ResolvConf};

/// What a [`Resolver`] goes by.
#[derive(Clone, Debug)]
pub struct ResolverOptions {
    /// Whom to ask, and how.
    pub conf: ResolvConf,
    /// Names that are known without asking.
    pub hosts: Hosts,
    /// What is remembered.
    pub cache: CacheOptions,
    /// What may be in flight.
    pub limits: ClientLimits,
    /// Whether addresses of IPv6 come before those of IPv4. Default yes; no for a machine that reaches none of them.
    pub ipv6_first: bool,
}

impl Default for ResolverOptions {
    fn default() -> Self {
        Self {
            conf: ResolvConf::default(),
            hosts: Hosts::default(),
            cache: CacheOptions::default(),
            limits: ClientLimits::default(),
            ipv6_first: true,
        }
    }
}

/// Finds what names stand for. A clone is the same.
///
/// Its methods for each type are in `records.rs`; [`Resolve`] is what endpoints ask.
///
/// # Ordering
/// Many who ask the same at a time wait for one question; what one of them cancels, the others still get.
#[derive(Clone)]
pub struct Resolver(Rc<Inner>);

struct Inner {
    reactor: Reactor,
    exchanger: Exchanger,
    ways: RefCell<Rc<Ways>>,
    cache: RefCell<Cache>,
    waiting: RefCell<HashMap<(Name, Rtype), Rc<Shared<Said>>>>,
}

/// What is replaced when the files have changed.
struct Ways {
    servers: Rc<Servers>,
    conf: ResolvConf,
    hosts: Hosts,
    ipv6_first: bool,
}

impl Resolver {
    /// Reaches the servers that `options` name by `dial`.
    pub fn new(reactor: &Reactor, dial: Dial, options: ResolverOptions) -> Self {
        Self::with_random(reactor, dial, options, Random::new())
    }

    /// As [`new`](Self::new), with ids and letters out of `random`: for tests.
    pub fn with_random(
        reactor: &Reactor,
        dial: Dial,
        options: ResolverOptions,
        random: Random,
    ) -> Self {
        let ResolverOptions { conf, hosts, cache, limits, ipv6_first } = options;
        let exchanger = Exchanger::with_random(reactor, dial, limits, random);
        let servers = servers_of(&exchanger, &conf, &[]);
        let ways = Ways { servers, conf, hosts, ipv6_first };
        Self(Rc::new(Inner {
            reactor: reactor.clone(),
            exchanger,
            ways: RefCell::new(Rc::new(ways)),
            cache: RefCell::new(Cache::new(cache)),
            waiting: RefCell::default(),
        }))
    }

    /// Goes by these from now on. What is known of servers that stay is kept; if others come or go, what they said is
    /// forgotten.
    pub fn configure(&self, conf: ResolvConf, hosts: Hosts) {
        let before = self.ways();
        let servers = servers_of(&self.0.exchanger, &conf, before.servers.list());
        if conf.servers != before.conf.servers {
            self.0.cache.borrow_mut().clear();
        }
        let ways = Ways { servers, conf, hosts, ipv6_first: before.ipv6_first };
        self.0.ways.replace(Rc::new(ways));
    }

    /// Whether addresses of IPv6 come first, from now on.
    pub fn set_ipv6_first(&self, ipv6_first: bool) {
        let Ways { servers, conf, hosts, .. } = &*self.ways();
        let (servers, conf, hosts) = (servers.clone(), conf.clone(), hosts.clone());
        self.0.ways.replace(Rc::new(Ways { servers, conf, hosts, ipv6_first }));
    }

    /// Asks other servers, in another way than over UDP and TCP.
    pub fn set_servers(&self, list: Vec<Rc<NameServer>>) {
        let before = self.ways();
        let servers = Servers::new(&self.0.exchanger, list, before.servers.options().clone());
        self.0.cache.borrow_mut().clear();
        let (conf, hosts) = (before.conf.clone(), before.hosts.clone());
        let ways = Ways { servers, conf, hosts, ipv6_first: before.ipv6_first };
        self.0.ways.replace(Rc::new(ways));
    }

    /// The records of a name and type, which may be known already. The search list and the hosts file have no part in
    /// it.
    ///
    /// # Fires
    /// With the records of the name, or of what it is an alias of.
    ///
    /// # Errors
    /// A [`LookupError`]: the name does not exist, has no such records, servers refuse, fail, or are silent. Or what
    /// [`Exchanger::ask`] says.
    ///
    /// # Cancellation
    /// If nobody else waits for the same, the question is given up.
    pub fn lookup(&self, name: &Name, rtype: Rtype) -> Deferred<Answer> {
        let question = Question::new(name.clone(), rtype, Class::IN);
        self.0.follow(question, name.clone(), 0)
    }

    /// Asks the servers, whatever is known, and gives the whole answer of one of them.
    ///
    /// # Errors
    /// As [`Servers::ask`]. That a name does not exist is an answer.
    pub fn query(&self, question: &Question) -> Deferred<Response> {
        self.ways().servers.ask(question)
    }

    /// The addresses of a name as a user writes it: of this machine's hosts file, or else of the name servers, with the
    /// search list.
    ///
    /// # Fires
    /// With at least one; those of IPv6 first, or those of IPv4, by [`ipv6_first`](ResolverOptions::ipv6_first).
    ///
    /// # Errors
    /// As [`lookup`](Self::lookup); `Local` if it is no name.
    pub fn addresses(&self, name: &str) -> Deferred<Vec<IpAddr>> {
        if let Ok(ip) = name.parse() {
            return Deferred::succeed(vec![ip]);
        }
        let known = self.known_addresses(name);
        if !known.is_empty() {
            return Deferred::succeed(known);
        }
        let candidates = self.ways().conf.candidates(name);
        self.0.clone().search(name.to_owned(), candidates, 0)
    }

    /// What the hosts file says, and that localhost is here (RFC 6761, section 6.3).
    pub(super) fn known_addresses(&self, name: &str) -> Vec<IpAddr> {
        let ways = self.ways();
        let mut known = ways.hosts.addresses(name).to_vec();
        let bare = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        if known.is_empty() && (bare == "localhost" || bare.ends_with(".localhost")) {
            known = vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()];
        }
        ways.sort(&mut known);
        known
    }

    /// The name that the hosts file has for an address.
    pub(super) fn known_name(&self, address: IpAddr) -> Option<Name> {
        self.ways().hosts.name(address)?.parse().ok()
    }

    /// Forgets what is known.
    pub fn clear_cache(&self) {
        self.0.cache.borrow_mut().clear();
    }

    /// What asks its servers.
    pub fn exchanger(&self) -> &Exchanger {
        &self.0.exchanger
    }

    /// The servers.
    pub fn servers(&self) -> Rc<Servers> {
        self.ways().servers.clone()
    }

    fn ways(&self) -> Rc<Ways> {
        self.0.ways.borrow().clone()
    }
}

/// Finds addresses for endpoints.
impl Resolve for Resolver {
    fn resolve(&self, _: &Reactor, name: &str) -> Deferred<Vec<IpAddr>> {
        self.addresses(name)
    }
}

impl Ways {
    fn sort(&self, addresses: &mut [IpAddr]) {
        addresses.sort_by_key(|ip| ip.is_ipv6() != self.ipv6_first);
    }
}

/// The servers of a file; those that were there before are the same ones.
fn servers_of(exchanger: &Exchanger, conf: &ResolvConf, before: &[Rc<NameServer>]) -> Rc<Servers> {
    let via = if conf.use_tcp { Via::Tcp } else { Via::Udp };
    let list = conf.servers.iter().map(|address| {
        let same = |server: &&Rc<NameServer>| server.address() == *address && *server.via() == via;
        before.iter().find(same).cloned().unwrap_or_else(|| NameServer::new(*address, via.clone()))
    });
    let options = LookupOptions {
        timeout: conf.timeout,
        attempts: conf.attempts,
        rotate: conf.rotate,
        query: QueryOptions { authentic_data: conf.trust_ad, ..QueryOptions::default() },
    };
    Servers::new(exchanger, list.collect(), options)
}

impl Inner {
    /// What is known of `name`, or what servers say of it; `followed` aliases lead here.
    fn follow(
        self: &Rc<Self>,
        question: Question,
        mut name: Name,
        mut followed: usize,
    ) -> Deferred<Answer> {
        let rtype = question.qtype();
        while followed <= ALIASES_MAX {
            match self.known(&name, rtype) {
                Some(Known::Records(records)) => {
                    return Deferred::succeed(Answer { question, name, records, server: None });
                }
                Some(Known::NoData(_)) => {
                    return Deferred::fail(
                        LookupError::NoData { question, server: None }.into_failure(),
                    );
                }
                Some(Known::NoSuchName(_)) => {
                    return Deferred::fail(
                        LookupError::NoSuchName { question, server: None }.into_failure(),
                    );
                }
                None => {}
            }
            let Some(target) = self.known_alias(&name, rtype) else {
                return self.ask_and_follow(question, name, followed);
            };
            (name, followed) = (target, followed + 1);
        }
        let followed = ALIASES_MAX;
        Deferred::fail(LookupError::TooManyAliases { question, followed }.into_failure())
    }

    fn ask_and_follow(
        self: &Rc<Self>,
        question: Question,
        name: Name,
        followed: usize,
    ) -> Deferred<Answer> {
        let inner = self.clone();
        self.ask(name, question.qtype()).add_callback(move |said| {
            let server = said.server;
            let error = match said.what {
                What::Records(records) => {
                    let name = said.name;
                    return Deferred::succeed(Answer { question, name, records, server });
                }
                What::NoData => LookupError::NoData { question, server },
                What::NoSuchName => LookupError::NoSuchName { question, server },
                What::Unknown => {
                    return inner.follow(question, said.name, followed + said.followed);
                }
            };
            Deferred::fail(error.into_failure())
        })
    }

    fn known(self: &Rc<Self>, name: &Name, rtype: Rtype) -> Option<Known> {
        let found = self.cache.borrow_mut().get(name, rtype, self.reactor.now())?;
        if found.wants_refresh {
            drop(self.ask(name.clone(), rtype).add_both(|_| ()));
        }
        Some(found.known)
    }

    fn known_alias(self: &Rc<Self>, name: &Name, rtype: Rtype) -> Option<Name> {
        if rtype == Rtype::CNAME {
            return None;
        }
        match self.known(name, Rtype::CNAME)? {
            Known::Records(alias) => alias.alias(),
            _ => None,
        }
    }

    /// Asks servers, or waits for the answer that somebody else has asked for.
    fn ask(self: &Rc<Self>, name: Name, rtype: Rtype) -> Deferred<Said> {
        let key = (name, rtype);
        if let Some(shared) = self.waiting.borrow().get(&key) {
            return shared.join();
        }
        let forget = {
            let (weak, key) = (Rc::downgrade(self), key.clone());
            move || {
                let inner = weak.upgrade();
                let forgotten = inner.and_then(|inner| inner.waiting.borrow_mut().remove(&key));
                drop(forgotten);
            }
        };
        let shared = Shared::new(forget);
        let answer = shared.join();
        self.waiting.borrow_mut().insert(key.clone(), shared.clone());
        let question = Question::new(key.0.clone(), rtype, Class::IN);
        let servers = self.ways.borrow().servers.clone();
        let weak: Weak<Self> = Rc::downgrade(self);
        let (told, asked) = (Rc::downgrade(&shared), servers.ask(&question));
        let under_way = asked.add_both(move |result| {
            // Neither is there if all have left.
            let (Some(inner), Some(shared)) = (weak.upgrade(), told.upgrade()) else { return };
            drop(inner.waiting.borrow_mut().remove(&key));
            shared.fire(&inner.heard(&question, result));
        });
        shared.waits_for(under_way);
        answer
    }

    /// What servers have said comes to.
    fn heard(
        &self,
        question: &Question,
        result: Result<Response, Failure>,
    ) -> Result<Said, Failure> {
        let now = self.reactor.now();
        let mut cache = self.cache.borrow_mut();
        match result {
            Ok(response) => Ok(read(&response, &mut cache, now)),
            Err(failure) => {
                // Rather what was right some time ago than nothing (RFC 8767).
                let stale = cache.get_stale(question.qname(), question.qtype(), now);
                let what = match stale.map(|stale| stale.known) {
                    None => return Err(failure),
                    Some(Known::Records(records)) => What::Records(records),
                    Some(Known::NoData(_)) => What::NoData,
                    Some(Known::NoSuchName(_)) => What::NoSuchName,
                };
                Ok(Said { what, name: question.qname().clone(), followed: 0, server: None })
            }
        }
    }

    /// The addresses of the first candidate that has some.
    fn search(
        self: Rc<Self>,
        asked: String,
        candidates: Vec<Name>,
        place: usize,
    ) -> Deferred<Vec<IpAddr>> {
        let Some(name) = candidates.get(place) else {
            let why = format!("{asked:?} is not a domain name");
            return Deferred::fail(Failure::new(FailureKind::Local, why));
        };
        self.addresses_of(name).add_errback(move |failure| {
            // Servers that are silent are silent for the next one, too.
            let goes_on = !failure.is(FailureKind::Timeout) && !failure.is(FailureKind::Cancelled);
            if goes_on && place + 1 < candidates.len() {
                return self.search(asked, candidates, place + 1);
            }
            Deferred::fail(failure)
        })
    }

    /// Both families, asked at once, or one after the other where that was wanted.
    fn addresses_of(self: &Rc<Self>, name: &Name) -> Deferred<Vec<IpAddr>> {
        let ways = self.ways.borrow().clone();
        let ask = {
            let (inner, name) = (self.clone(), name.clone());
            move |rtype| {
                let question = Question::new(name.clone(), rtype, Class::IN);
                let found = inner.follow(question, name.clone(), 0);
                found.add_both(|found| Ok::<_, Failure>(found.map(|answer| ips(&answer))))
            }
        };
        let both = if ways.conf.no_ipv6 {
            ask(Rtype::A).add_callback(|found| Ok(vec![found]))
        } else if ways.conf.single_request {
            ask(Rtype::A).add_callback(move |first| {
                ask(Rtype::AAAA).add_callback(|second| Ok(vec![first, second]))
            })
        } else {
            gather_results(vec![ask(Rtype::A), ask(Rtype::AAAA)])
        };
        both.add_callback(move |found| {
            let mut addresses = together(found)?;
            ways.sort(&mut addresses);
            Ok(addresses)
        })
    }
}

fn ips(answer: &Answer) -> Vec<IpAddr> {
    let ip = |data| match data {
        AllRecordData::A(a) => Some(IpAddr::V4(a.addr())),
        AllRecordData::Aaaa(aaaa) => Some(IpAddr::V6(aaaa.addr())),
        _ => None,
    };
    answer.records.data().filter_map(ip).collect()
}

/// All addresses; if there are none, the failure that says the most.
fn together(found: Vec<Result<Vec<IpAddr>, Failure>>) -> Result<Vec<IpAddr>, Failure> {
    let (mut addresses, mut failures) = (Vec::new(), Vec::new());
    for one in found {
        match one {
            Ok(more) => addresses.extend(more),
            Err(failure) => failures.push(failure),
        }
    }
    if !addresses.is_empty() {
        return Ok(addresses);
    }
    // That a server has failed says more than that the other family has nothing.
    let is_absence = |failure: &Failure| {
        matches!(failure.check(), Some(LookupError::NoData { .. } | LookupError::NoSuchName { .. }))
    };
    failures.sort_by_key(is_absence);
    let none = || Failure::new(FailureKind::Peer, "the answer has no addresses");
    Err(failures.into_iter().next().unwrap_or_else(none))
}
