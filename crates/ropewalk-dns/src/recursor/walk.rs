//! [`Walk`]: from the root, or the nearest zone that is known, to the answer of one question.
//!
//! At each zone one of its servers is asked, about no more of the name than it needs to know; it names the servers of a
//! zone further down, or has the answer. Whatever that costs, name servers' own addresses included, comes out of one
//! purse.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;

use domain::base::iana::{OptRcode, Rtype};
use domain::rdata::AllRecordData;
use ropewalk_core::{Failure, FailureKind};

use super::delegation::{Delegation, is_within};
use super::minimise::{labels_shown, suffix};
use super::reading::{Link, Says, Useless, read, read_priming};
use super::{Found, Inner};
use crate::{LookupError, Name, NameServer, QueryOptions, Question, Response};

/// The way of one question.
pub(super) struct Walk {
    recursor: Rc<Inner>,
    queries_left: Cell<u32>,
}

/// Aliases that are followed from zone to zone.
pub(super) const ALIASES_MAX: usize = 12;
/// Times that one server is asked the same question, if it does not answer.
const TRIES_MAX: u32 = 2;

/// Authorities are not asked to ask others.
const TO_AUTHORITIES: QueryOptions = QueryOptions {
    recursion_desired: false,
    checking_disabled: false,
    authentic_data: false,
    dnssec_ok: false,
    udp_bytes_max: 1232,
};

/// An answer that is looked for while another one is.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + 'a>>;

impl Walk {
    pub(super) fn new(recursor: Rc<Inner>) -> Self {
        let queries_left = Cell::new(recursor.limits.queries_max);
        Self { recursor, queries_left }
    }

    /// Finds the records, behind whatever aliases; those of the first name `anew`, though they are known.
    pub(super) async fn find(
        &self,
        question: Question,
        depth: u32,
        anew: bool,
    ) -> Result<Found, Failure> {
        let (asked, mut question) = (question.clone(), question);
        let mut records = Vec::new();
        for _ in 0..ALIASES_MAX {
            let known = self.recursor.recall(&question);
            let says = match known.filter(|_| !anew || question != asked) {
                Some(says) => says,
                None => {
                    let says = self.descend(&question, depth).await?;
                    self.recursor.keep(&question, &says);
                    says
                }
            };
            let (rcode, soa) = match says {
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
                Says::Referral(..) | Says::Nothing(_) => return Err(leads_nowhere(&question)),
            };
            return Ok(Found { records, rcode, soa });
        }
        Err(LookupError::TooManyAliases { question: asked, followed: ALIASES_MAX }.into_failure())
    }

    /// Goes down from the nearest zone that is known to the one that answers.
    async fn descend(&self, question: &Question, depth: u32) -> Result<Says, Failure> {
        let name = question.qname();
        let total = name.label_count();
        let mut zone = self.nearest(question).await?;
        let (mut shown, mut steps) = (zone.zone.label_count(), 0);
        loop {
            shown = labels_shown(total, shown, steps);
            steps += 1;
            let is_whole = shown >= total;
            let asked = if is_whole {
                question.clone()
            } else {
                Question::new(suffix(name, shown), Rtype::A, question.qclass())
            };
            match self.ask_zone(&zone, &asked, depth).await? {
                Says::Referral(next, keep) => {
                    shown = next.zone.label_count();
                    zone = Rc::new(next);
                    self.recursor.learn(zone.clone(), keep);
                }
                says if is_whole => return Ok(says),
                Says::Records(_) | Says::NoData(_) => {}
                // Of a part of the name this proves little: some servers say so of names that have others below.
                _ => shown = total,
            }
        }
    }

    /// The nearest zone above the name whose servers are known. What delegates a zone is known above it (RFC 4035,
    /// section 3.1.4.1).
    async fn nearest(&self, question: &Question) -> Result<Rc<Delegation>, Failure> {
        let name = question.qname();
        let above = if question.qtype() == Rtype::DS { name.parent() } else { None };
        if let Some(zone) = self.recursor.closest(above.as_ref().unwrap_or(name)) {
            return Ok(zone);
        }
        let hints = Rc::new(self.recursor.hints.delegation());
        let whole = Question::new_in(Name::root_bytes(), Rtype::NS);
        let primed = self.ask_servers(&hints, &whole, 0, |response| {
            read_priming(response).ok_or(Useless::Absurd)
        });
        let (root, keep) = Box::pin(primed).await?;
        let root = Rc::new(root);
        self.recursor.learn(root.clone(), keep);
        Ok(root)
    }

    async fn ask_zone(
        &self,
        zone: &Rc<Delegation>,
        question: &Question,
        depth: u32,
    ) -> Result<Says, Failure> {
        let reading = |response: &Response| match read(response, &zone.zone, question) {
            Says::Nothing(useless) => Err(useless),
            says => Ok(says),
        };
        self.ask_servers(zone, question, depth, reading).await
    }

    /// Asks one server of a zone after the other, until one says something of use.
    async fn ask_servers<T>(
        &self,
        zone: &Rc<Delegation>,
        question: &Question,
        depth: u32,
        reading: impl Fn(&Response) -> Result<T, Useless>,
    ) -> Result<T, Failure> {
        let mut candidates = Candidates::new(&self.recursor, zone);
        let mut last = None;
        loop {
            let Some(server) = candidates.next() else {
                if self.find_more(&mut candidates, depth).await? || candidates.again() {
                    continue;
                }
                break;
            };
            self.spend(question)?;
            let asked = self.recursor.ask(&server, question, &TO_AUTHORITIES);
            let useless = match asked.await {
                Ok(response) => match reading(&response) {
                    Ok(read) => return Ok(read),
                    Err(useless) => useless,
                },
                Err(failure) => {
                    candidates.failed(server);
                    last = Some(failure);
                    continue;
                }
            };
            if useless == Useless::NotItsZone {
                self.recursor.note_lame(server.address(), &zone.zone);
            }
            last = Some(is_useless(&server, zone, useless));
        }
        // Its parent may know better by now.
        self.recursor.forget(&zone.zone);
        Err(last.unwrap_or_else(|| has_no_servers(zone)))
    }

    /// Looks up the addresses of one more server of the zone; false if there is none whose addresses could be.
    async fn find_more(&self, candidates: &mut Candidates, depth: u32) -> Result<bool, Failure> {
        let limits = &self.recursor.limits;
        if depth >= limits.depth_max {
            return Ok(false);
        }
        while candidates.looked_up < limits.lookups_per_zone_max {
            let Some(name) = candidates.next_unknown() else { return Ok(false) };
            candidates.looked_up += 1;
            let mut addresses = Vec::new();
            for rtype in self.recursor.address_types() {
                let question = Question::new_in(name.clone(), *rtype);
                match self.find_boxed(question, depth + 1).await {
                    Ok(found) => addresses.extend(found.records.iter().flat_map(addresses_in)),
                    Err(failure) if self.queries_left.get() == 0 => return Err(failure),
                    Err(_) => {} // There are others.
                }
                if !addresses.is_empty() {
                    break;
                }
            }
            if candidates.add(&self.recursor, &addresses) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn find_boxed(&self, question: Question, depth: u32) -> Boxed<'_, Found> {
        Box::pin(self.find(question, depth, false))
    }

    /// One query more.
    fn spend(&self, question: &Question) -> Result<(), Failure> {
        match self.queries_left.get().checked_sub(1) {
            Some(left) => {
                self.queries_left.set(left);
                Ok(())
            }
            None => {
                let max = self.recursor.limits.queries_max;
                let (name, rtype) = (question.qname(), question.qtype());
                let why = format!("{max} queries were not enough; the last was for {name} {rtype}");
                Err(Failure::new(FailureKind::Limit, why))
            }
        }
    }
}

fn addresses_in(link: &Link) -> impl Iterator<Item = IpAddr> {
    link.records.data().filter_map(|data| match data {
        AllRecordData::A(a) => Some(a.addr().into()),
        AllRecordData::Aaaa(aaaa) => Some(aaaa.addr().into()),
        _ => None,
    })
}

fn leads_nowhere(question: &Question) -> Failure {
    let why = format!("the servers for {} send from one to another", question.qname());
    Failure::new(FailureKind::Peer, why)
}

fn is_useless(server: &NameServer, zone: &Delegation, useless: Useless) -> Failure {
    let why = match useless {
        Useless::NotItsZone => "does not answer for",
        Useless::Fails => "fails to answer for",
        Useless::Absurd => "makes no sense about",
    };
    let why = format!("{server} {why} the zone {}", zone.zone.fmt_with_dot());
    Failure::new(FailureKind::Peer, why)
}

fn has_no_servers(zone: &Delegation) -> Failure {
    let why = format!("no server of the zone {} has an address", zone.zone.fmt_with_dot());
    Failure::new(FailureKind::Peer, why)
}

/// The servers of a zone, in the order in which they are asked.
struct Candidates {
    zone: Rc<Delegation>,
    /// The best is last.
    servers: Vec<(Rc<NameServer>, u32)>,
    /// Those that did not answer; they are asked again when all have been.
    silent: Vec<(Rc<NameServer>, u32)>,
    tries: u32,
    /// The next of the zone's servers whose addresses may have to be looked up.
    at: usize,
    looked_up: usize,
}

impl Candidates {
    fn new(recursor: &Inner, zone: &Rc<Delegation>) -> Self {
        let zone = zone.clone();
        let (servers, silent) = (Vec::new(), Vec::new());
        let mut new = Self { zone, servers, silent, tries: 0, at: 0, looked_up: 0 };
        let glue: Vec<IpAddr> =
            new.zone.servers.iter().flat_map(|server| server.addresses.iter().copied()).collect();
        new.add(recursor, &glue);
        new
    }

    /// Adds servers; false if none of them is to be asked.
    fn add(&mut self, recursor: &Inner, addresses: &[IpAddr]) -> bool {
        let before = self.servers.len();
        for address in addresses {
            let server = recursor.server(SocketAddr::new(*address, recursor.port));
            let is_known = |(known, _): &(Rc<NameServer>, u32)| Rc::ptr_eq(known, &server);
            if recursor.may_ask(server.address(), &self.zone.zone)
                && !self.servers.iter().chain(&self.silent).any(is_known)
            {
                self.servers.push((server, 0));
            }
        }
        recursor.put_best_last(&mut self.servers);
        self.servers.len() > before
    }

    fn next(&mut self) -> Option<Rc<NameServer>> {
        let (server, tries) = self.servers.pop()?;
        self.tries = tries;
        Some(server)
    }

    /// Has those asked once more that did not answer; false if there are none.
    fn again(&mut self) -> bool {
        self.servers.append(&mut self.silent);
        self.servers.reverse();
        !self.servers.is_empty()
    }

    /// The one that came last did not answer.
    fn failed(&mut self, server: Rc<NameServer>) {
        if self.tries + 1 < TRIES_MAX {
            self.silent.push((server, self.tries + 1));
        }
    }

    /// The next server of which no address came with its name. One that is within the zone cannot be found without the
    /// zone.
    fn next_unknown(&mut self) -> Option<Name> {
        let zone = self.zone.clone();
        let is_useful = |server: &super::delegation::Authority| {
            server.addresses.is_empty() && !is_within(&server.name, &zone.zone)
        };
        let found = zone.servers[self.at..].iter().position(is_useful);
        let at = found.map(|found| self.at + found);
        self.at = at.map_or(zone.servers.len(), |at| at + 1);
        at.map(|at| zone.servers[at].name.clone())
    }
}
