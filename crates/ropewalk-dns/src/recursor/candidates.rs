//! [`Candidates`]: the servers of a zone, in the order in which they are asked one question.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use super::Inner;
use super::delegation::{Authority, Delegation, is_within};
use crate::{Name, NameServer};

/// Times that one server is asked the same question, if it does not answer.
const TRIES_MAX: u32 = 2;
/// Servers of one zone that may be asked: thirteen with two addresses each are more than any needs, and a referral may
/// name as many as it likes, to have them asked or to have others forgotten.
const SERVERS_MAX: usize = 32;

/// The servers of a zone, in the order in which they are asked.
///
/// Those come first whose addresses came with the delegation, the best of them before others; then those whose names have
/// to be looked up; then again those that did not answer, and those that have not answered for the zone lately. When all
/// that is of no use, the addresses that came with the delegation are doubted, where others may know better.
pub(super) struct Candidates {
    zone: Rc<Delegation>,
    /// The best is last.
    servers: Vec<(Rc<NameServer>, u32)>,
    /// Those that are asked when all others have been.
    silent: Vec<(Rc<NameServer>, u32)>,
    /// All that are or were in either.
    seen: Vec<SocketAddr>,
    tries: u32,
    /// The zone's servers whose addresses are to be looked up, the next one last.
    unknown: Vec<Name>,
    has_doubted_glue: bool,
    pub(super) looked_up: usize,
}

impl Candidates {
    pub(super) fn new(recursor: &Inner, zone: &Rc<Delegation>) -> Self {
        let mut new = Self {
            zone: zone.clone(),
            servers: Vec::new(),
            silent: Vec::new(),
            seen: Vec::new(),
            tries: 0,
            unknown: names_of(zone, |server| server.addresses.is_empty()),
            has_doubted_glue: false,
            looked_up: 0,
        };
        let glue: Vec<IpAddr> =
            zone.servers.iter().flat_map(|server| server.addresses.iter().copied()).collect();
        new.add(recursor, &glue);
        new
    }

    /// Adds servers; false if none of them is to be asked now.
    pub(super) fn add(&mut self, recursor: &Inner, addresses: &[IpAddr]) -> bool {
        let before = self.servers.len();
        for ip in addresses.iter().filter(|ip| recursor.may_ask(**ip)) {
            let address = SocketAddr::new(*ip, recursor.port);
            if self.seen.len() >= SERVERS_MAX || self.seen.contains(&address) {
                continue;
            }
            self.seen.push(address);
            let server = recursor.server(address);
            if recursor.is_lame(address, &self.zone.zone) {
                self.silent.push((server, TRIES_MAX - 1));
            } else {
                self.servers.push((server, 0));
            }
        }
        recursor.put_best_last(&mut self.servers);
        self.servers.len() > before
    }

    pub(super) fn next(&mut self) -> Option<Rc<NameServer>> {
        let (server, tries) = self.servers.pop()?;
        self.tries = tries;
        Some(server)
    }

    /// Has those asked once more that were put off; false if there are none.
    pub(super) fn again(&mut self) -> bool {
        self.servers.append(&mut self.silent);
        self.servers.reverse();
        !self.servers.is_empty()
    }

    /// The one that came last did not answer.
    pub(super) fn failed(&mut self, server: Rc<NameServer>) {
        if self.tries + 1 < TRIES_MAX {
            self.silent.push((server, self.tries + 1));
        }
    }

    /// The next server whose address is to be looked up.
    pub(super) fn next_unknown(&mut self) -> Option<Name> {
        self.unknown.pop()
    }

    /// Has the servers looked up too whose addresses came with the delegation: they may have moved, and its parent not
    /// have noticed. False if there are none, or it was done before.
    pub(super) fn doubt_glue(&mut self) -> bool {
        if std::mem::replace(&mut self.has_doubted_glue, true) {
            return false;
        }
        self.unknown = names_of(&self.zone, |server| !server.addresses.is_empty());
        !self.unknown.is_empty()
    }
}

/// The names of those servers of a zone, the first one last. One that is within the zone cannot be found without the
/// zone.
fn names_of(zone: &Delegation, is_wanted: impl Fn(&Authority) -> bool) -> Vec<Name> {
    let servers = zone.servers.iter().rev();
    let wanted = servers.filter(|server| is_wanted(server) && !is_within(&server.name, &zone.zone));
    wanted.map(|server| server.name.clone()).collect()
}
