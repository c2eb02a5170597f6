//! Ports that several workers listen on at once.
//!
//! The workers' set-ups open the same endpoints, each on its own thread. The first that asks for an address
//! opens it; the others find it here and join: with a socket of their own bound to the same address
//! (`SO_REUSEPORT`), or with a duplicate of the one socket. The last that leaves ends it.

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ropewalk_core::{Address, Failure, Reactor, ReactorRemote, SlotId};
use rustix::net::SocketType;

use crate::driver::sockets;
use crate::row::Accepted;
use crate::socket_address;
use crate::workers::AcceptBalance;

/// All ports that the workers of one program share.
pub(crate) struct SharedPorts {
    balance: AcceptBalance,
    remotes: Arc<[ReactorRemote]>,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    ports: Vec<SharedPort>,
    last_number: u64,
}

struct SharedPort {
    number: u64,
    /// What the endpoints ask for.
    asked: (SocketType, Address),
    /// Where it is, with the port number that the system chose.
    bound: Option<SocketAddr>,
    /// What is duplicated for each worker, unless each has a socket of its own.
    socket: Option<OwnedFd>,
    seats: Vec<Seat>,
    /// Dropped with the last seat: it removes the socket's file.
    _file: Option<Box<dyn Send>>,
}

/// One worker at a port.
struct Seat {
    worker: usize,
    slot: SlotId,
    /// Connections, counted for [`AcceptBalance::Fewest`] only.
    live: usize,
}

/// A socket that is about to be a row, and what the row does for those who share it.
pub(crate) struct Opened {
    pub(crate) fd: OwnedFd,
    pub(crate) on_close: Option<Box<dyn FnOnce()>>,
    pub(crate) hand_over: Option<HandOver>,
}

/// How a kind of socket is shared.
pub(crate) enum Sharing {
    /// Each worker binds a socket to the same address. The system shares out what comes.
    Bind(SocketAddr),
    /// All have the one socket. Whoever is first takes what comes.
    Duplicate(Address),
    /// Not at all.
    No,
}

/// How a socket is to be bound.
#[derive(Clone, Copy)]
pub(crate) enum Bind {
    /// As its endpoint says.
    Alone,
    /// So that others can join; it must be free.
    First,
    /// To where the others are.
    Join(SocketAddr),
}

/// Opens a listening or datagram socket for the row `slot`: alone, or with the other workers if the reactor is
/// being set up as one of several. `open` binds it, and may give what ends it.
pub(crate) fn open_shared<T: Send + 'static>(
    reactor: &Reactor,
    slot: SlotId,
    kind: SocketType,
    sharing: Sharing,
    open: impl Fn(Bind) -> Result<(OwnedFd, Option<T>), Failure>,
) -> Result<Opened, Failure> {
    let crew = crate::driver::worker(reactor).filter(|worker| worker.count() > 1);
    let (worker, address, binds) = match (crew, sharing) {
        (None, _) | (_, Sharing::No) => {
            let (fd, file) = open(Bind::Alone)?;
            let on_close = file.map(|file| Box::new(move || drop(file)) as Box<dyn FnOnce()>);
            return Ok(Opened { fd, on_close, hand_over: None });
        }
        (Some(worker), Sharing::Bind(address)) => (worker, Address::Ip(address), true),
        (Some(worker), Sharing::Duplicate(address)) => (worker, address, false),
    };
    let (ports, worker) = (worker.ports.clone(), worker.index());
    let balanced = ports.balance == AcceptBalance::Fewest && kind == SocketType::STREAM;
    let seat = Seat { worker, slot, live: 0 };
    let (fd, number) = ports.join((kind, address), seat, binds && !balanced, open)?;
    let place = Place { ports, number, worker };
    let hand_over = balanced.then(|| HandOver(place.clone()));
    let on_close = Box::new(move || place.ports.leave(place.number, place.worker));
    Ok(Opened { fd, on_close: Some(on_close), hand_over })
}

impl SharedPorts {
    pub(crate) fn new(balance: AcceptBalance, remotes: Arc<[ReactorRemote]>) -> Self {
        Self { balance, remotes, table: Mutex::default() }
    }

    /// A socket for one more worker at a port, and the port's number. The others wait meanwhile: binding is
    /// quick.
    fn join<T: Send + 'static>(
        &self,
        asked: (SocketType, Address),
        seat: Seat,
        binds: bool,
        open: impl Fn(Bind) -> Result<(OwnedFd, Option<T>), Failure>,
    ) -> Result<(OwnedFd, u64), Failure> {
        let mut table = self.lock();
        let waits_for_it = |port: &&mut SharedPort| {
            port.asked == asked && port.seats.iter().all(|other| other.worker != seat.worker)
        };
        if let Some(port) = table.ports.iter_mut().find(waits_for_it) {
            let fd = match (&port.socket, port.bound) {
                (None, Some(bound)) => open(Bind::Join(bound))?.0,
                (None, None) => open(Bind::Alone)?.0,
                (Some(socket), _) => socket.try_clone()?,
            };
            port.seats.push(seat);
            return Ok((fd, port.number));
        }
        let (fd, file) = open(if binds { Bind::First } else { Bind::Alone })?;
        let socket = if binds { None } else { Some(fd.try_clone()?) };
        let bound = socket_address::host(fd.as_raw_fd()).and_then(|host| host.ip());
        table.last_number += 1;
        let number = table.last_number;
        let _file = file.map(|file| Box::new(file) as Box<dyn Send>);
        table.ports.push(SharedPort { number, asked, bound, socket, seats: vec![seat], _file });
        Ok((fd, number))
    }

    fn leave(&self, number: u64, worker: usize) {
        let mut table = self.lock();
        let Some(at) = table.ports.iter().position(|port| port.number == number) else { return };
        table.ports[at].seats.retain(|seat| seat.worker != worker);
        let ended = table.ports[at].seats.is_empty().then(|| table.ports.remove(at));
        drop(table);
        drop(ended);
    }

    /// Counts one connection more for the worker that has the fewest; among equals, for `worker`.
    fn count_in(&self, number: u64, worker: usize) -> Option<(usize, SlotId)> {
        let mut table = self.lock();
        let port = table.ports.iter_mut().find(|port| port.number == number)?;
        let fewest = |seat: &&mut Seat| (seat.live, seat.worker != worker);
        let seat = port.seats.iter_mut().min_by_key(fewest)?;
        seat.live += 1;
        Some((seat.worker, seat.slot))
    }

    fn count_out(&self, number: u64, worker: usize) {
        let mut table = self.lock();
        let port = table.ports.iter_mut().find(|port| port.number == number);
        let seat = port.and_then(|port| port.seats.iter_mut().find(|seat| seat.worker == worker));
        if let Some(seat) = seat {
            seat.live = seat.live.saturating_sub(1);
        }
    }

    /// A panic cannot happen while the lock is held; if it did, the ports would still be whole.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A worker's place at a port.
#[derive(Clone)]
struct Place {
    ports: Arc<SharedPorts>,
    number: u64,
    worker: usize,
}

/// For [`AcceptBalance::Fewest`]: gives a connection that was accepted to whom it is for.
pub(crate) struct HandOver(Place);

impl HandOver {
    /// The connection comes back if it is for this worker, or if the one that it is for cannot take it.
    pub(crate) fn place(&self, fd: OwnedFd) -> Option<Accepted> {
        let Place { ports, number, worker } = &self.0;
        let Some((chosen, slot)) = ports.count_in(*number, *worker) else {
            return Some(Accepted { fd, on_close: None });
        };
        let counted = Counted(Place { worker: chosen, ..self.0.clone() });
        let accepted = Accepted { fd, on_close: Some(Box::new(move || drop(counted))) };
        if chosen == *worker {
            return Some(accepted);
        }
        // It comes back if the call is refused.
        let parcel = Arc::new(Mutex::new(Some(accepted)));
        let sent = parcel.clone();
        let call = move |reactor: &Reactor| {
            if let (Some(accepted), Ok(sockets)) = (unpack(&sent), sockets(reactor)) {
                sockets.add_accepted(slot, accepted);
            }
        };
        ports.remotes[chosen].call_from_thread(call).err().and_then(|_| unpack(&parcel))
    }
}

fn unpack(parcel: &Mutex<Option<Accepted>>) -> Option<Accepted> {
    parcel.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// One connection of a worker, for as long as it lives.
struct Counted(Place);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.ports.count_out(self.0.number, self.0.worker);
    }
}
