//! [`Pool`]: the connections of a client, so many for each origin and no more.
//!
//! A connection holds a [`Seat`] for as long as it may be used. Whoever wants one is given an idle one, may
//! dial if there is a free seat, or waits in a bounded line.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::{Rc, Weak};
use std::time::Duration;

use ropewalk_core::{Deferred, Failure, FailureKind, ProtocolRef, Resolver};

use crate::client::ClientProtocol;
use crate::origin::Origin;

/// What a client may have open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolLimits {
    /// Connections to one origin. Default 16: enough to hide round trips, few enough to be a good guest.
    pub connections_per_origin_max: usize,
    /// Connections to one origin that are kept while idle. Default 8.
    pub idle_per_origin_max: usize,
    /// Requests to one origin that wait for a connection; one more fails with a `Limit` failure. Default
    /// 65,536, as calls that wait for a protocol.
    pub waiting_per_origin_max: usize,
    /// How long a connection is kept idle. Default 50 s: less than the 60 s and more after which servers
    /// usually end it.
    pub idle_timeout: Duration,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self {
            connections_per_origin_max: 16,
            idle_per_origin_max: 8,
            waiting_per_origin_max: 65_536,
            idle_timeout: Duration::from_secs(50),
        }
    }
}

pub(crate) struct Pool {
    limits: PoolLimits,
    hosts: RefCell<HashMap<Origin, Host>>,
}

#[derive(Default)]
struct Host {
    seats: usize,
    idle: Vec<ProtocolRef<ClientProtocol>>,
    waiting: VecDeque<Resolver<Place>>,
}

/// What one gets who asks for a connection.
pub(crate) enum Place {
    /// One that was used before.
    Idle(Lease),
    /// Leave to dial.
    Free(Seat),
}

/// An idle connection on its way to whoever uses it; dropped unused, it goes back.
pub(crate) struct Lease {
    connection: Option<ProtocolRef<ClientProtocol>>,
    pool: Weak<Pool>,
    origin: Origin,
}

/// The right to have a connection.
pub(crate) struct Seat {
    pool: Weak<Pool>,
    origin: Origin,
    is_taken: Cell<bool>,
}

impl Pool {
    pub(crate) fn new(limits: PoolLimits) -> Rc<Self> {
        Rc::new(Self { limits, hosts: RefCell::default() })
    }

    /// A connection to `origin`, or leave to dial one.
    pub(crate) fn place(self: &Rc<Self>, origin: &Origin) -> Deferred<Place> {
        let mut hosts = self.hosts.borrow_mut();
        let host = hosts.entry(origin.clone()).or_default();
        while let Some(connection) = host.idle.pop() {
            if connection.is_alive() {
                return Deferred::succeed(Place::Idle(self.lease(origin, connection)));
            }
        }
        if host.seats < self.limits.connections_per_origin_max {
            host.seats += 1;
            return Deferred::succeed(Place::Free(self.seat(origin)));
        }
        let max = self.limits.waiting_per_origin_max;
        if host.waiting.len() >= max {
            host.waiting.retain(|resolver| !resolver.is_cancelled());
        }
        if host.waiting.len() >= max {
            let why = format!(
                "{} requests wait for {} already (waiting_per_origin_max)",
                host.waiting.len(),
                origin.authority()
            );
            return Deferred::fail(Failure::new(FailureKind::Limit, why));
        }
        // One that no longer waits is passed over when its turn comes.
        let (resolver, place) = Deferred::new();
        host.waiting.push_back(resolver);
        place
    }

    fn seat(self: &Rc<Self>, origin: &Origin) -> Seat {
        Seat { pool: Rc::downgrade(self), origin: origin.clone(), is_taken: Cell::new(true) }
    }

    fn lease(self: &Rc<Self>, origin: &Origin, connection: ProtocolRef<ClientProtocol>) -> Lease {
        Lease { connection: Some(connection), pool: Rc::downgrade(self), origin: origin.clone() }
    }

    /// Who is next in line, past those that no longer wait.
    fn next_waiting(&self, origin: &Origin) -> Option<Resolver<Place>> {
        let mut hosts = self.hosts.borrow_mut();
        let waiting = &mut hosts.get_mut(origin)?.waiting;
        std::iter::from_fn(|| waiting.pop_front()).find(|resolver| !resolver.is_cancelled())
    }

    /// A connection is idle; `false` if there are enough of these.
    fn take_idle(
        self: &Rc<Self>,
        origin: &Origin,
        connection: ProtocolRef<ClientProtocol>,
    ) -> bool {
        if let Some(resolver) = self.next_waiting(origin) {
            resolver.callback(Place::Idle(self.lease(origin, connection)));
            return true;
        }
        let mut hosts = self.hosts.borrow_mut();
        let Some(host) = hosts.get_mut(origin) else { return false };
        if host.idle.len() >= self.limits.idle_per_origin_max {
            host.idle.retain(ProtocolRef::is_alive);
        }
        let has_room = host.idle.len() < self.limits.idle_per_origin_max;
        if has_room {
            host.idle.push(connection);
        }
        has_room
    }

    /// A connection is gone, and its seat is free.
    fn seat_left(self: &Rc<Self>, origin: &Origin) {
        if let Some(resolver) = self.next_waiting(origin) {
            return resolver.callback(Place::Free(self.seat(origin)));
        }
        let mut hosts = self.hosts.borrow_mut();
        if let Some(host) = hosts.get_mut(origin) {
            host.seats -= 1;
            if host.seats == 0 {
                hosts.remove(origin); // Nothing to remember of it.
            }
        }
    }
}

impl Lease {
    /// The connection, to be used now.
    pub(crate) fn take(mut self) -> Option<ProtocolRef<ClientProtocol>> {
        self.connection.take()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let unused = self.connection.take().filter(ProtocolRef::is_alive);
        if let (Some(connection), Some(pool)) = (unused, self.pool.upgrade())
            && !pool.take_idle(&self.origin, connection.clone())
            && let Some(transport) = connection.transport()
        {
            transport.lose_connection();
        }
    }
}

impl Seat {
    pub(crate) fn idle_timeout(&self) -> Duration {
        self.pool.upgrade().map_or(Duration::ZERO, |pool| pool.limits.idle_timeout)
    }

    /// The connection may be used again; `false` if nobody would.
    pub(crate) fn give_back(&self, connection: ProtocolRef<ClientProtocol>) -> bool {
        let pool = self.pool.upgrade().filter(|_| self.is_taken.get());
        pool.is_some_and(|pool| pool.take_idle(&self.origin, connection))
    }

    /// The connection may not be used again.
    pub(crate) fn leave(&self) {
        if self.is_taken.replace(false)
            && let Some(pool) = self.pool.upgrade()
        {
            pool.seat_left(&self.origin);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.leave();
    }
}
