//! [`ServerBook`]: what was learnt of servers by asking them, for all zones that they serve.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::Time;

use crate::Name;
use crate::client::{NameServer, Via};

/// Servers that are remembered: those of the zones that people visit in an hour.
const SERVERS_MAX: usize = 10_000;
/// Pairs of a server and a zone that it does not serve.
const LAME_MAX: usize = 10_000;
/// How long a server is not asked for a zone that it did not answer for: long enough not to be asked in vain all the
/// time, short enough to notice that it was mended.
const LAME_FOR: Duration = Duration::from_secs(600);

/// The servers that have been asked.
#[derive(Default)]
pub(crate) struct ServerBook {
    servers: HashMap<SocketAddr, Rc<NameServer>>,
    order: VecDeque<SocketAddr>,
    lame: HashSet<(SocketAddr, Name)>,
    lame_until: VecDeque<(Time, SocketAddr, Name)>,
    /// Queries in flight to each, where there are any.
    in_flight: HashMap<SocketAddr, usize>,
}

impl ServerBook {
    pub(crate) fn server(&mut self, address: SocketAddr) -> Rc<NameServer> {
        if let Some(known) = self.servers.get(&address) {
            return known.clone();
        }
        if self.order.len() >= SERVERS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.servers.remove(&oldest);
        }
        let server = NameServer::new(address, Via::Udp);
        self.servers.insert(address, server.clone());
        self.order.push_back(address);
        server
    }

    /// Counts one query more to a server that has so many in flight; false if these are `max` already.
    pub(crate) fn begin(&mut self, address: SocketAddr, max: usize) -> bool {
        let count = self.in_flight.entry(address).or_default();
        let is_room = *count < max;
        *count += usize::from(is_room);
        is_room
    }

    /// One of them is over.
    pub(crate) fn end(&mut self, address: SocketAddr) {
        if let Some(count) = self.in_flight.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.in_flight.remove(&address);
            }
        }
    }

    /// Remembers that a server does not answer for a zone, whatever its parent says.
    pub(crate) fn note_lame(&mut self, address: SocketAddr, zone: &Name, now: Time) {
        if self.lame.insert((address, zone.clone())) {
            self.lame_until.push_back((now + LAME_FOR, address, zone.clone()));
        }
        if self.lame_until.len() > LAME_MAX {
            self.forget_lame();
        }
    }

    pub(crate) fn is_lame(&mut self, address: SocketAddr, zone: &Name, now: Time) -> bool {
        while self.lame_until.front().is_some_and(|(until, ..)| *until <= now) {
            self.forget_lame();
        }
        !self.lame.is_empty() && self.lame.contains(&(address, zone.clone()))
    }

    fn forget_lame(&mut self) {
        if let Some((_, address, zone)) = self.lame_until.pop_front() {
            self.lame.remove(&(address, zone));
        }
    }
}
