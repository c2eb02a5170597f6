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

use super::candidates::Candidates;
use super::delegation::Delegation;
use super::minimise::{labels_shown, suffix};
use super::reading::{Link, Says, Useless, read, read_priming};
use super::{Found, Inner};
use crate::{LookupError, NameServer, QueryOptions, Question, Response};

/// The way of one question.
pub(super) struct Walk {
    recursor: Rc<Inner>,
    queries_left: Cell<u32>,
    /// Name servers whose addresses may yet be looked up.
    lookups_left: Cell<u32>,
}

/// One question, as the servers of one zone on the way are asked it.
struct Step<'a> {
    zone: &'a Rc<Delegation>,
    question: Question,
    /// How many lookups of name servers' addresses this is within.
    depth: u32,
    /// The name is the whole one.
    is_whole: bool,
}

/// Aliases that are followed from zone to zone.
pub(super) const ALIASES_MAX: usize = 12;

/// Tries in a row without an answer after which a server is taken to be silent: a busy one loses one or two.
const SILENT_AFTER: u32 = 5;

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
        let lookups_left = Cell::new(recursor.limits.lookups_max);
        Self { recursor, queries_left, lookups_left }
    }

    /// Finds the records, behind whatever aliases; `anew`, though they may be known.
    pub(super) async fn find(
        &self,
        question: Question,
        depth: u32,
        anew: bool,
    ) -> Result<Found, Failure> {
        let (asked, mut question) = (question.clone(), question);
        let mut records = Vec::new();
        for _ in 0..ALIASES_MAX {
            if let Some(local) = self.recursor.local_names.find(&question) {
                records.extend(local.records);
                return Ok(Found { records, ..local });
            }
            let known = if anew { None } else { self.recursor.recall(&question) };
            let says = match known {
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
            // The names of servers are no secret, and whoever chose one must not choose how often it is asked for.
            shown = if depth > 0 { total } else { labels_shown(total, shown, steps) };
            steps += 1;
            let is_whole = shown >= total;
            let asked = if is_whole {
                question.clone()
            } else {
                Question::new(suffix(name, shown), Rtype::A, question.qclass())
            };
            let step = Step { zone: &zone, question: asked, depth, is_whole };
            let says = match self.ask_zone(&step).await {
                // They may mind to be asked for a part of a name only (RFC 9156, section 2.3).
                Err(failure) if !is_whole && failure.is(FailureKind::Peer) => {
                    shown = total;
                    continue;
                }
                says => says?,
            };
            match says {
                Says::Referral(next, keep) => {
                    let parent = std::mem::replace(&mut zone, Rc::new(next));
                    shown = zone.zone.label_count();
                    self.recursor.learn(zone.clone(), Some(&parent.zone), keep);
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
        // One who asks the root for itself is enough; others do not wait for that.
        let Some(_priming) = Priming::begin(&self.recursor) else { return Ok(hints) };
        let question = Question::new_in(hints.zone.clone(), Rtype::NS);
        let step = Step { zone: &hints, question, depth: 0, is_whole: true };
        let reading = |response: &Response| read_priming(response).ok_or(Useless::Absurd);
        let (root, keep) = Box::pin(self.ask_servers(&step, reading)).await?;
        let mut addresses = root.servers.iter().flat_map(|server| &server.addresses);
        let is_of_use = addresses.any(|address| self.recursor.may_ask(*address));
        let root = if is_of_use { Rc::new(root) } else { hints.clone() };
        self.recursor.learn(root.clone(), None, keep);
        Ok(root)
    }

    async fn ask_zone(&self, step: &Step<'_>) -> Result<Says, Failure> {
        let reading = |response: &Response| match read(response, &step.zone.zone, &step.question) {
            Says::Nothing(useless) => Err(useless),
            says => Ok(says),
        };
        self.ask_servers(step, reading).await
    }

    /// Asks one server of a zone after the other, until one says something of use.
    async fn ask_servers<T>(
        &self,
        step: &Step<'_>,
        reading: impl Fn(&Response) -> Result<T, Useless>,
    ) -> Result<T, Failure> {
        let Step { zone, question, .. } = step;
        let mut candidates = Candidates::new(&self.recursor, zone);
        let (mut last, mut left) = (None, self.recursor.limits.queries_per_zone_max);
        while left > 0 {
            let Some(server) = candidates.next() else {
                let more = self.find_more(&mut candidates, step.depth).await?;
                if more || candidates.again() || candidates.doubt_glue() {
                    continue;
                }
                break;
            };
            let Some(_in_flight) = InFlight::begin(&self.recursor, &server) else {
                last = Some(has_many_waiting(&server));
                continue;
            };
            left -= 1;
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
            if useless == Useless::NotItsZone && step.is_whole {
                self.recursor.note_lame(server.address(), &zone.zone);
            }
            last = Some(is_useless(&server, zone, useless));
        }
        let failure = last.unwrap_or_else(|| has_no_servers(zone));
        if step.is_whole || !failure.is(FailureKind::Peer) {
            // Its parent may know better by now.
            self.recursor.forget(&zone.zone);
        }
        Err(failure)
    }

    /// Looks up the addresses of one more server of the zone; false if there is none whose addresses could be.
    async fn find_more(&self, candidates: &mut Candidates, depth: u32) -> Result<bool, Failure> {
        let limits = &self.recursor.limits;
        if depth >= limits.depth_max {
            return Ok(false);
        }
        while candidates.looked_up < limits.lookups_per_zone_max {
            let Some(name) = candidates.next_unknown() else { return Ok(false) };
            let Some(left) = self.lookups_left.get().checked_sub(1) else { return Ok(false) };
            self.lookups_left.set(left);
            candidates.looked_up += 1;
            let mut addresses = Vec::new();
            for rtype in self.recursor.address_types() {
                let question = Question::new_in(name.clone(), *rtype);
                match self.find_address(question, depth + 1).await {
                    Ok(found) => addresses.extend(found.records.iter().flat_map(addresses_in)),
                    Err(failure) if self.queries_left.get() == 0 => return Err(failure),
                    // There are other servers; and who does not answer for one type does not for another.
                    Err(_) => break,
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

    /// Looks up an address of a name server, unless that has just failed: a zone whose servers cannot be found must not
    /// cost a search for each name in it (RFC 9520, section 3.2).
    fn find_address(&self, question: Question, depth: u32) -> Boxed<'_, Found> {
        Box::pin(async move {
            if let Some(failure) = self.recursor.failed_lately(&question) {
                return Err(failure);
            }
            let found = self.find(question.clone(), depth, false).await;
            if let Err(failure) = &found {
                // It may have failed for want of what is left to this search only.
                let has_room =
                    depth < self.recursor.limits.depth_max && self.lookups_left.get() > 0;
                if failure.is(FailureKind::Timeout) || failure.is(FailureKind::Peer) && has_room {
                    self.recursor.note_failure(&question, failure);
                }
            }
            found
        })
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

/// The root is being asked for itself.
struct Priming<'a>(&'a Cell<bool>);

impl<'a> Priming<'a> {
    fn begin(recursor: &'a Inner) -> Option<Self> {
        (!recursor.is_priming.replace(true)).then(|| Self(&recursor.is_priming))
    }
}

impl Drop for Priming<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// A query to a server.
struct InFlight<'a>(&'a Inner, SocketAddr);

impl<'a> InFlight<'a> {
    /// One more, unless the server is silent and many wait for it already.
    fn begin(recursor: &'a Inner, server: &NameServer) -> Option<Self> {
        let is_silent = server.failures() >= SILENT_AFTER;
        let max =
            if is_silent { recursor.limits.queries_per_silent_server_max } else { usize::MAX };
        let address = server.address();
        let is_room = recursor.book.borrow_mut().begin(address, max);
        is_room.then(|| Self(recursor, address))
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.book.borrow_mut().end(self.1);
    }
}

fn has_many_waiting(server: &NameServer) -> Failure {
    let why = format!("{server} does not answer, and many wait for it already");
    Failure::new(FailureKind::Timeout, why)
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
