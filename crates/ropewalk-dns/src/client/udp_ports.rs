//! [`UdpPorts`]: sockets at random ports, and who waits for which answer.
//!
//! A try is known by the port that it was sent from and its id; both are chosen by chance, and the answer must come
//! from the server that was asked ([`believe`] does the rest). A port is used for a bounded number of queries and a
//! bounded time, then replaced: it is closed when its last try is over.
//!
//! Bulk lookups keep tens of thousands of tries in flight, so a try is a plain value in a table: no box, no Deferred,
//! no timer of its own.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::time::Duration;

use bytes::Bytes;
use ropewalk_core::{
    Address, DatagramProtocol, DatagramTransport, DelayedCall, Failure, FailureKind, Reactor, Time,
};

use super::deadlines::Deadlines;
use super::dial::Dial;
use super::hear::{Hear, Heard};
use super::limits::{ClientLimits, QUERIES_AT_PORT_MAX};
use super::query::{Asked, QueryWriter};
use super::response::{Belief, believe};
use crate::Random;
use crate::slab::{Key, Slab};

/// The UDP side of a client. Dropped with its last owner, it closes its sockets.
pub(crate) struct UdpPorts(Rc<Inner>);

struct Inner {
    reactor: Reactor,
    dial: Dial,
    limits: ClientLimits,
    table: RefCell<Table>,
    timer: RefCell<Option<DelayedCall>>,
    /// When the timer runs.
    armed: Cell<Time>,
}

struct Table {
    tries: Slab<Try>,
    deadlines: Deadlines,
    ports: Slab<Port>,
    /// Those that are still used for new queries, for servers of IPv4 and IPv6.
    open: [Vec<Key>; 2],
    random: Random,
    writer: QueryWriter,
    strays: u64,
}

/// A query that was sent.
struct Try {
    sent: Bytes,
    server: SocketAddr,
    port: Key,
    hear: Rc<dyn Hear>,
    number: u64,
    wrong_answers: u8,
}

/// A socket.
struct Port {
    is_ipv6: bool,
    /// There once it is open.
    transport: Option<DatagramTransport>,
    /// What is to be sent then.
    waiting: Vec<(Bytes, SocketAddr)>,
    ids: Ids,
    queries: u32,
    strays: u32,
    retires_at: Time,
}

/// Sockets, with those that have retired and wait for answers, for each that is in use: what is spent on guessing ports
/// must not cost all descriptors.
const SOCKETS_PER_PORT_MAX: usize = 4;

/// The tries of one port. Ids are random already: hashing them is of no use.
type Ids = HashMap<u16, Key, BuildHasherDefault<IdHasher>>;

/// What is known of a port's datagram.
enum Verdict {
    /// Nobody waits for it.
    Stray,
    /// So many of these that the port is given up.
    Flood,
    /// One try is over.
    Over(Try, Belief),
    /// It is no answer; the try goes on waiting.
    Wrong,
    /// No answer either, and too many of them.
    Forged(Try),
}

impl UdpPorts {
    pub(crate) fn new(
        reactor: &Reactor,
        dial: &Dial,
        limits: &ClientLimits,
        random: Random,
    ) -> Self {
        let table = Table {
            tries: Slab::default(),
            deadlines: Deadlines::default(),
            ports: Slab::default(),
            open: Default::default(),
            random,
            writer: QueryWriter::default(),
            strays: 0,
        };
        Self(Rc::new(Inner {
            reactor: reactor.clone(),
            dial: dial.clone(),
            limits: limits.clone(),
            table: RefCell::new(table),
            timer: RefCell::new(None),
            armed: Cell::new(Time::NEVER),
        }))
    }

    /// Sends a query to `server`; `hear` is told under `number` what became of it, never within this call.
    ///
    /// # Errors
    /// `Limit` if `queries_max` are in flight.
    pub(crate) fn ask(
        &self,
        asked: &Asked<'_>,
        server: SocketAddr,
        timeout: Duration,
        hear: Rc<dyn Hear>,
        number: u64,
    ) -> Result<Key, Failure> {
        let inner = &self.0;
        let now = inner.reactor.now();
        let mut table = inner.table.borrow_mut();
        if table.tries.len() >= inner.limits.queries_max {
            return Err(too_many(inner.limits.queries_max));
        }
        let port = match table.choose_port(server.is_ipv6(), inner.limits.ports_max) {
            Some(port) => port,
            None => inner.new_port(&mut table, server.is_ipv6(), now)?,
        };
        let key = table.begin(port, asked, server, hear, number);
        table.deadlines.push(now, timeout, key);
        table.retire_if_spent(port, &inner.limits);
        drop(table);
        inner.arm(now + timeout);
        Ok(key)
    }

    /// Forgets a try: nobody is told of it any more.
    pub(crate) fn forget(&self, key: Key) {
        let forgotten = self.0.table.borrow_mut().take(key);
        drop(forgotten); // What it holds may be the last of its kind.
    }

    /// How many datagrams have come that nobody waited for, or that were no answer to what their try had asked.
    pub(crate) fn strays(&self) -> u64 {
        self.0.table.borrow().strays
    }

    /// How many sockets there are.
    pub(crate) fn open_ports(&self) -> usize {
        self.0.table.borrow().ports.len()
    }

    /// How many queries are in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.0.table.borrow().tries.len()
    }
}

fn too_many(max: usize) -> Failure {
    Failure::new(FailureKind::Limit, format!("{max} queries are in flight already (queries_max)"))
}

impl Table {
    /// A port that is open already, if there are as many as there may be, or `None` for one more.
    fn choose_port(&mut self, is_ipv6: bool, ports_max: usize) -> Option<Key> {
        let open = &self.open[usize::from(is_ipv6)];
        if open.len() < ports_max {
            return None;
        }
        let first = self.random.below(open.len());
        let by_chance = open[first..].iter().chain(&open[..first]);
        let has_room = |port: &Port| port.ids.len() < QUERIES_AT_PORT_MAX;
        by_chance.copied().find(|&key| self.ports.get(key).is_some_and(has_room))
    }

    /// Notes a try and sends it, or has it sent when its port is open.
    fn begin(
        &mut self,
        port_key: Key,
        asked: &Asked<'_>,
        server: SocketAddr,
        hear: Rc<dyn Hear>,
        number: u64,
    ) -> Key {
        let port = self.ports.get_mut(port_key).expect("it was chosen or made just now");
        let id = loop {
            let id = self.random.u16();
            if !port.ids.contains_key(&id) {
                break id;
            }
        };
        let sent = self.writer.write(asked, id, &mut self.random);
        match &port.transport {
            Some(transport) => transport.send_to(sent.clone(), &Address::Ip(server)),
            None => port.waiting.push((sent.clone(), server)),
        }
        let tries = Try { sent, server, port: port_key, hear, number, wrong_answers: 0 };
        let key = self.tries.insert(tries);
        port.ids.insert(id, key);
        port.queries += 1;
        key
    }

    /// Takes a try out, and closes its port if it was the last of one that has retired.
    fn take(&mut self, key: Key) -> Option<Try> {
        let taken = self.tries.remove(key)?;
        if let Some(port) = self.ports.get_mut(taken.port) {
            port.ids.remove(&id_of(&taken.sent));
            if port.ids.is_empty() && port.transport.is_some() {
                self.close_if_retired(taken.port);
            }
        }
        Some(taken)
    }

    /// While many that have retired wait for answers still, ports are used for longer.
    fn retire_if_spent(&mut self, key: Key, limits: &ClientLimits) {
        let spent = |port: &Port| port.queries >= limits.queries_per_port_max;
        let few = self.ports.len() < limits.ports_max * SOCKETS_PER_PORT_MAX;
        if few && self.ports.get(key).is_some_and(spent) {
            self.retire(key);
        }
    }

    /// Uses a port for nothing new; without a try it is closed.
    fn retire(&mut self, key: Key) {
        let Some(port) = self.ports.get(key) else { return };
        self.open[usize::from(port.is_ipv6)].retain(|other| *other != key);
        if port.ids.is_empty() {
            self.close_if_retired(key);
        }
    }

    fn close_if_retired(&mut self, key: Key) {
        if self.open.iter().flatten().all(|open| *open != key)
            && let Some(port) = self.ports.remove(key)
            && let Some(transport) = port.transport
        {
            drop(transport.stop_listening());
        }
    }

    /// When the next port is to be retired.
    fn next_retirement(&self) -> Time {
        let times = self.open.iter().flatten().filter_map(|key| self.ports.get(*key));
        times.map(|port| port.retires_at).min().unwrap_or(Time::NEVER)
    }

    fn retire_old(&mut self, now: Time) {
        let is_old = |key: &Key| self.ports.get(*key).is_none_or(|port| port.retires_at <= now);
        let old: Vec<Key> = self.open.iter().flatten().copied().filter(is_old).collect();
        old.into_iter().for_each(|key| self.retire(key));
    }

    /// What a datagram is that has come at a port.
    fn judge(&mut self, port: Key, data: &[u8], from: &Address, limits: &ClientLimits) -> Verdict {
        let Some(at) = self.ports.get_mut(port) else { return Verdict::Stray };
        let id = data.first_chunk().map(|id| u16::from_be_bytes(*id));
        let Some(key) = id.and_then(|id| at.ids.get(&id).copied()) else {
            self.strays += 1;
            at.strays += 1;
            let flooded = at.strays >= limits.stray_datagrams_max;
            return if flooded { Verdict::Flood } else { Verdict::Stray };
        };
        let Some(tried) = self.tries.get_mut(key) else { return Verdict::Stray };
        let belief = match *from == Address::Ip(tried.server) {
            true => believe(&tried.sent, data),
            false => Belief::Not,
        };
        if belief == Belief::Not {
            self.strays += 1;
            tried.wrong_answers += 1;
            if tried.wrong_answers < limits.wrong_answers_max {
                return Verdict::Wrong;
            }
        }
        match (self.take(key), belief) {
            (None, _) => Verdict::Stray,
            (Some(tried), Belief::Not) => Verdict::Forged(tried),
            (Some(tried), belief) => Verdict::Over(tried, belief),
        }
    }
}

impl Inner {
    /// Begins to open a socket.
    fn new_port(
        self: &Rc<Self>,
        table: &mut Table,
        is_ipv6: bool,
        now: Time,
    ) -> Result<Key, Failure> {
        if table.open[usize::from(is_ipv6)].len() >= self.limits.ports_max {
            return Err(too_many(self.limits.ports_max * QUERIES_AT_PORT_MAX));
        }
        let endpoint = self.dial.datagrams(is_ipv6)?;
        let retires_at = now + self.limits.port_lifetime;
        let key = table.ports.insert(Port {
            is_ipv6,
            transport: None,
            waiting: Vec::new(),
            ids: Ids::default(),
            queries: 0,
            strays: 0,
            retires_at,
        });
        table.open[usize::from(is_ipv6)].push(key);
        // Not here: a socket that fails to open would be told of while the table is borrowed.
        let (weak, reactor) = (Rc::downgrade(self), self.reactor.clone());
        self.reactor.call_soon(move || {
            let failed = weak.clone();
            let opened = reactor.open(&endpoint, PortProtocol { ports: weak, key });
            drop(opened.add_both(move |result| {
                if let (Err(why), Some(ports)) = (result, failed.upgrade()) {
                    ports.lost(key, &why);
                }
            }));
        });
        Ok(key)
    }

    /// A socket is open: what waited for that is sent.
    fn opened(self: &Rc<Self>, key: Key, transport: &DatagramTransport) {
        let mut table = self.table.borrow_mut();
        let Some(port) = table.ports.get_mut(key) else {
            drop(transport.stop_listening());
            return;
        };
        for (message, server) in std::mem::take(&mut port.waiting) {
            transport.send_to(message, &Address::Ip(server));
        }
        port.transport = Some(transport.clone());
        if port.ids.is_empty() {
            table.close_if_retired(key); // All were forgotten meanwhile.
        }
        let next = table.next_retirement();
        drop(table);
        self.arm(next);
    }

    fn received(&self, port: Key, data: &[u8], from: &Address) {
        let verdict = self.table.borrow_mut().judge(port, data, from, &self.limits);
        match verdict {
            Verdict::Stray | Verdict::Wrong => {}
            Verdict::Over(tried, Belief::CaseDiffers) => {
                tried.hear.heard(tried.number, Heard::CaseDiffers(data));
            }
            Verdict::Over(tried, _) => tried.hear.heard(tried.number, Heard::Answer(data)),
            Verdict::Forged(tried) => tried.hear.heard(tried.number, Heard::Forged),
            Verdict::Flood => self.end_all(port, || Heard::Forged),
        }
    }

    /// A socket is gone.
    fn lost(&self, key: Key, why: &Failure) {
        self.end_all(key, || Heard::Lost(why.clone()));
    }

    /// Gives a port up, and all tries that wait there.
    fn end_all<'a>(&self, key: Key, what: impl Fn() -> Heard<'a>) {
        let mut table = self.table.borrow_mut();
        let of_port = table.tries.iter().filter(|(_, tried)| tried.port == key);
        let keys: Vec<Key> = of_port.map(|(key, _)| key).collect();
        table.retire(key);
        let over: Vec<Try> = keys.into_iter().filter_map(|key| table.take(key)).collect();
        if let Some(port) = table.ports.remove(key)
            && let Some(transport) = port.transport
        {
            drop(transport.stop_listening());
        }
        drop(table);
        over.into_iter().for_each(|tried| tried.hear.heard(tried.number, what()));
    }

    /// Sees to it that the timer runs at `time` or before.
    fn arm(self: &Rc<Self>, time: Time) {
        if time >= self.armed.get() {
            return;
        }
        self.armed.set(time);
        let mut timer = self.timer.borrow_mut();
        let after = time.since(self.reactor.now());
        if timer.as_ref().is_none_or(|timer| timer.reset(after).is_err()) {
            let weak = Rc::downgrade(self);
            *timer = Some(self.reactor.call_at(time, move || {
                if let Some(inner) = weak.upgrade() {
                    inner.time_has_come();
                }
            }));
        }
    }

    /// Ends what is due, and sets the timer for the rest.
    fn time_has_come(self: &Rc<Self>) {
        let now = self.reactor.now();
        self.armed.set(Time::NEVER);
        loop {
            let mut table = self.table.borrow_mut();
            let Table { deadlines, tries, .. } = &mut *table;
            let Some(key) = deadlines.pop_due(now, |key| tries.get(key).is_some()) else { break };
            let over = table.take(key);
            drop(table);
            if let Some(tried) = over {
                tried.hear.heard(tried.number, Heard::TimedOut);
            }
        }
        let mut table = self.table.borrow_mut();
        table.retire_old(now);
        let Table { deadlines, tries, .. } = &mut *table;
        let next = deadlines.next(|key| tries.get(key).is_some()).min(table.next_retirement());
        drop(table);
        if next < Time::NEVER {
            self.arm(next);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for (_, port) in self.table.get_mut().ports.iter() {
            if let Some(transport) = &port.transport {
                drop(transport.stop_listening());
            }
        }
        let _ = self.timer.get_mut().take().map(|timer| timer.cancel());
    }
}

/// What hears the datagrams of one socket.
struct PortProtocol {
    ports: Weak<Inner>,
    key: Key,
}

impl DatagramProtocol for PortProtocol {
    fn started(&mut self, transport: &DatagramTransport) {
        match self.ports.upgrade() {
            Some(ports) => ports.opened(self.key, transport),
            None => drop(transport.stop_listening()),
        }
    }

    fn datagram_received(&mut self, _: &DatagramTransport, data: &[u8], from: &Address) {
        if let Some(ports) = self.ports.upgrade() {
            ports.received(self.key, data, from);
        }
    }

    /// Of which query, is not said: its time will run out.
    fn send_failed(&mut self, _: &DatagramTransport, failure: Failure) {
        tracing::debug!("a query was not sent: {failure}");
    }

    fn stopped(&mut self, reason: Failure) {
        if let Some(ports) = self.ports.upgrade() {
            ports.lost(self.key, &reason);
        }
    }
}

fn id_of(message: &[u8]) -> u16 {
    message.first_chunk().map_or(0, |id| u16::from_be_bytes(*id))
}

/// Spreads 16 random bits over the 64 that the table looks at.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u16(u16::from(*byte)));
    }

    fn write_u16(&mut self, id: u16) {
        self.0 = (self.0 ^ u64::from(id)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}
