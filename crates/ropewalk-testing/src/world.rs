//! [`World`]: the network and the clock in memory.
//!
//! The world is a [`Schedule`] of what is going to happen, and rows for the slots. It calls nobody: the
//! [driver](crate::MemoryDriver) takes arrivals out when they are due and tells the heart. Whatever crosses
//! the network is put on its way by [`World::transmit`], where its delay is drawn; what happens at one end
//! only is simply due [soon](Schedule::soon).

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ropewalk_core::{Address, Close, Failure, OutQueue, SlotId};

use crate::pipe::Item;
use crate::row::{Kind, Row, Socket, Stream, address_of, name_of};
use crate::schedule::{Arrival, Schedule, What};
use crate::{Network, Random};

pub(crate) struct World {
    pub(crate) schedule: Schedule,
    pub(crate) network: Network,
    random: Random,
    rows: Vec<Row>,
    listeners: BTreeMap<Arc<str>, SlotId>,
    sockets: BTreeMap<Arc<str>, SlotId>,
    clients: u64,
}

impl World {
    pub(crate) fn new(network: Network) -> Self {
        Self {
            schedule: Schedule::default(),
            random: Random::new(network.seed),
            network,
            rows: Vec::new(),
            listeners: BTreeMap::new(),
            sockets: BTreeMap::new(),
            clients: 0,
        }
    }

    /// Puts something on its way through the network.
    fn transmit(&mut self, to: SlotId, what: What) {
        let after = self.delay();
        self.schedule.transmit(after, Arrival { to, what });
    }

    /// The same, from one end of a connection to the other: nothing overtakes what was sent before it.
    fn transmit_in_order(&mut self, from: SlotId, to: SlotId, what: What) {
        let after = self.delay();
        let last = self.stream(from, |stream| stream.pipe.last_arrival).unwrap_or_default();
        let arrival = Arrival { to, what };
        let time = self.schedule.transmit_after(last, after, arrival);
        self.stream(from, |stream| stream.pipe.last_arrival = time);
    }

    fn delay(&mut self) -> Duration {
        let jitter = u64::try_from(self.network.jitter.as_nanos()).unwrap_or(u64::MAX);
        let more = if jitter == 0 { 0 } else { self.random.below(jitter) };
        self.network.latency + Duration::from_nanos(more)
    }

    // Rows.

    /// Works on a slot's row, if it is still that slot's.
    fn row<R>(&mut self, id: SlotId, f: impl FnOnce(&mut Row) -> R) -> Option<R> {
        self.rows.get_mut(id.slot as usize).filter(|row| row.generation == id.generation).map(f)
    }

    /// Works on a slot's end of a connection, if it is one.
    pub(crate) fn stream<R>(&mut self, id: SlotId, f: impl FnOnce(&mut Stream) -> R) -> Option<R> {
        self.row(id, |row| row.stream().map(f)).flatten()
    }

    /// Whether the slot is in use, and not a connection that is lost.
    pub(crate) fn is_up(&mut self, id: SlotId) -> bool {
        let up = self.row(id, |row| match &row.kind {
            Kind::Free => false,
            Kind::Stream(stream) => !stream.lost,
            Kind::Listener(_) | Kind::Socket(_) => true,
        });
        up == Some(true)
    }

    fn install(&mut self, id: SlotId, kind: Kind) {
        let place = id.slot as usize;
        if self.rows.len() <= place {
            self.rows.resize_with(place + 1, Row::default);
        }
        self.rows[place] = Row { generation: id.generation, kind };
    }

    /// The two addresses of a slot: its own, and its peer's.
    pub(crate) fn addresses(&mut self, id: SlotId) -> (Option<Address>, Option<Address>) {
        let found = self.row(id, |row| match &row.kind {
            Kind::Free => (None, None),
            Kind::Listener(name) => (Some(address_of(name)), None),
            Kind::Stream(stream) => (Some(stream.host.clone()), Some(stream.peer.clone())),
            Kind::Socket(socket) => {
                (Some(address_of(&socket.name)), socket.peer.as_ref().map(address_of))
            }
        });
        found.unwrap_or_default()
    }

    /// Every end of a connection that has not been lost.
    pub(crate) fn streams(&mut self) -> Vec<SlotId> {
        let rows = self.rows.iter_mut().zip(0..);
        rows.filter_map(|(row, slot)| {
            let generation = row.generation;
            row.stream().filter(|stream| !stream.lost).map(|_| SlotId { slot, generation })
        })
        .collect()
    }

    // Coming up.

    pub(crate) fn listen(&mut self, id: SlotId, name: &Arc<str>) -> io::Result<()> {
        if self.listeners.contains_key(name) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        self.listeners.insert(name.clone(), id);
        self.install(id, Kind::Listener(name.clone()));
        Ok(())
    }

    pub(crate) fn connect(&mut self, id: SlotId, name: &Arc<str>) {
        self.clients += 1;
        let host = Address::Named(format!("client-{}", self.clients).into());
        self.install(id, Kind::Stream(Box::new(Stream::new(host, address_of(name)))));
        self.transmit(id, What::Knock);
    }

    pub(crate) fn open_socket(
        &mut self,
        id: SlotId,
        name: Option<&Arc<str>>,
        peer: Option<Arc<str>>,
    ) -> io::Result<()> {
        self.clients += 1;
        let name = name.cloned().unwrap_or_else(|| format!("client-{}", self.clients).into());
        if self.sockets.contains_key(&name) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        self.sockets.insert(name.clone(), id);
        self.install(id, Kind::Socket(Socket { name, peer }));
        self.schedule.soon(id, What::Opened);
        Ok(())
    }

    /// Who listens where this client knocks; `None` if it has left.
    pub(crate) fn find_listener(&mut self, client: SlotId) -> Option<Result<SlotId, Failure>> {
        let peer = self.stream(client, |stream| stream.peer.clone())?;
        let name = name_of(&peer)?;
        let refused = || Failure::from(io::Error::from(io::ErrorKind::ConnectionRefused));
        Some(self.listeners.get(&name).copied().ok_or_else(refused))
    }

    /// A connection was accepted: its two ends know each other.
    pub(crate) fn join(&mut self, client: SlotId, server: SlotId) {
        let ends = self.stream(client, |stream| {
            stream.other = Some(server);
            (stream.host.clone(), stream.peer.clone())
        });
        let Some((client_address, name)) = ends else { return };
        let mut stream = Stream::new(name, client_address);
        stream.other = Some(client);
        self.install(server, Kind::Stream(Box::new(stream)));
        self.transmit_in_order(server, client, What::Opened);
    }

    /// Tells the other end of a failure.
    pub(crate) fn refuse(&mut self, client: SlotId, why: Failure) {
        self.transmit(client, What::Lost(why));
    }

    // Passing bytes.

    /// Takes all of `out`; gives how many bytes there was no room for.
    pub(crate) fn send(&mut self, id: SlotId, out: &mut OutQueue) -> usize {
        let taken = self.stream(id, |stream| {
            let blocked = stream.pipe.has_waiting();
            (!stream.lost).then(|| (stream.pipe.take(out), blocked))
        });
        match taken.flatten() {
            None => {
                *out = OutQueue::new();
                0
            }
            Some((Err(error), _)) => {
                self.schedule.soon(id, What::Lost(error.into()));
                0
            }
            Some((Ok(taken), true)) => taken,
            Some((Ok(taken), false)) => taken - self.pump(id),
        }
    }

    /// Puts on its way what there is room for; gives the number of bytes.
    pub(crate) fn pump(&mut self, id: SlotId) -> usize {
        let mut moved = 0;
        loop {
            self.apply_faults(id);
            let Some((item, other)) = self.next_item(id) else { return moved };
            if let Item::Bytes(bytes) = &item {
                moved += bytes.len();
            }
            if self.stream(id, |stream| stream.silent) != Some(true) {
                self.transmit_in_order(id, other, What::Item(id, item));
            }
        }
    }

    fn next_item(&mut self, id: SlotId) -> Option<(Item, SlotId)> {
        let (capacity, chunk) = (self.network.capacity, self.network.chunk_size);
        let faults = [self.network.lose_at_byte, self.network.half_open_at_byte];
        self.stream(id, |stream| {
            let other = stream.other.filter(|_| !stream.lost)?;
            let before = faults.into_iter().flatten().map(|at| stream.pipe.before(at));
            let most = before.filter(|&left| left > 0).min().unwrap_or(u64::MAX);
            let most = usize::try_from(most).unwrap_or(usize::MAX).min(chunk);
            Some((stream.pipe.next(capacity, most)?, other))
        })?
    }

    fn apply_faults(&mut self, id: SlotId) {
        let reached = |world: &mut Self, limit: Option<u64>| {
            let passed = |stream: &mut Stream| limit.map(|at| stream.pipe.before(at) == 0);
            !world.is_silent(id) && world.stream(id, passed).flatten() == Some(true)
        };
        if reached(self, self.network.half_open_at_byte) {
            self.vanish(id);
        }
        if reached(self, self.network.lose_at_byte) {
            self.reset(id);
        }
    }

    fn is_silent(&mut self, id: SlotId) -> bool {
        self.stream(id, |stream| stream.silent) != Some(false)
    }

    /// The heart has read so many bytes at this end: there is room for more from the other.
    pub(crate) fn acknowledge(&mut self, id: SlotId, count: usize) {
        let other = self.stream(id, |stream| stream.other.filter(|_| !stream.silent)).flatten();
        if let Some(other) = other {
            self.transmit(other, What::Room(count));
        }
    }

    /// Bytes came for a slot that is free.
    pub(crate) fn bounce(&mut self, from: SlotId) {
        let silent = self.is_silent(from);
        if !silent {
            self.transmit(from, What::Lost(was_reset()));
        }
    }

    /// Resets a connection, as something between its ends may.
    pub(crate) fn reset(&mut self, id: SlotId) {
        let other = self.stream(id, |stream| stream.other).flatten();
        if let Some(other) = other {
            self.transmit_in_order(id, other, What::Lost(was_reset()));
        }
        self.transmit(id, What::Lost(was_reset()));
        self.vanish(id);
    }

    /// From now on nothing passes between the two ends, and neither is told.
    pub(crate) fn vanish(&mut self, id: SlotId) {
        let silence = |stream: &mut Stream| {
            stream.silent = true;
            stream.other
        };
        if let Some(other) = self.stream(id, silence).flatten() {
            self.stream(other, silence);
        }
    }

    // Ending.

    /// Frees a slot's row, and tells the other end.
    pub(crate) fn close(&mut self, id: SlotId, how: Close) {
        if how == Close::Clean {
            self.send_the_rest(id);
        }
        let Some(kind) = self.row(id, |row| std::mem::take(&mut row.kind)) else { return };
        match kind {
            Kind::Free => return,
            Kind::Listener(name) => drop(self.listeners.remove(&name)),
            Kind::Socket(socket) => drop(self.sockets.remove(&socket.name)),
            Kind::Stream(stream) => self.part(&stream, how),
        }
        self.schedule.soon(id, What::Closed);
    }

    /// A clean close sends what it has, however much there is room for, and then the end.
    fn send_the_rest(&mut self, id: SlotId) {
        let Some(()) = self.stream(id, |stream| stream.pipe.end()) else { return };
        let capacity = std::mem::replace(&mut self.network.capacity, usize::MAX);
        self.pump(id);
        self.network.capacity = capacity;
    }

    /// The other end hears of an abort, and of a close that left something unread, by a reset.
    fn part(&mut self, stream: &Stream, how: Close) {
        let unread = stream.inbox.iter().any(|item| !matches!(item, Item::End));
        let Some(other) = stream.other.filter(|_| !stream.silent && !stream.lost) else { return };
        if how == Close::Abort || unread {
            let (after, last) = (self.delay(), stream.pipe.last_arrival);
            let arrival = Arrival { to: other, what: What::Lost(was_reset()) };
            self.schedule.transmit_after(last, after, arrival);
        }
    }

    // Datagrams.

    /// Sends a datagram, or loses it, or doubles it.
    pub(crate) fn send_datagram(&mut self, from: SlotId, to: Option<&Address>, bytes: &Bytes) {
        let addressed = self.row(from, |row| match &row.kind {
            Kind::Socket(socket) => Some((address_of(&socket.name), socket.peer.clone())),
            _ => None,
        });
        let Some((host, peer)) = addressed.flatten() else { return };
        let to = to.and_then(name_of).or_else(|| peer.clone());
        let copies = 1 + u32::from(self.random.chance(self.network.datagram_duplication));
        for _ in 0..copies {
            let lost =
                self.schedule.is_partitioned() || self.random.chance(self.network.datagram_loss);
            let Some(to) = to.as_ref().filter(|_| !lost) else { continue };
            match self.sockets.get(to).copied() {
                Some(to) => self.transmit_datagram(to, bytes.clone(), host.clone()),
                // Only a connected socket learns that nobody is there.
                None if peer.is_some() => {
                    let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
                    self.transmit(from, What::Lost(refused.into()));
                }
                None => {}
            }
        }
    }

    fn transmit_datagram(&mut self, to: SlotId, bytes: Bytes, from: Address) {
        let mut after = self.delay();
        if self.random.chance(self.network.datagram_reordering) {
            after = after * 3 + Duration::from_millis(1);
        }
        self.schedule.transmit(after, Arrival { to, what: What::Datagram(bytes, from) });
    }
}

fn was_reset() -> Failure {
    Failure::from(io::Error::from(io::ErrorKind::ConnectionReset))
}
