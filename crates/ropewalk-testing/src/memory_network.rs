//! [`MemoryNetwork`]: the hand that pulls the plug while a test runs.

use std::cell::RefCell;
use std::rc::Rc;

use ropewalk_core::{Reactor, Transport};

use crate::schedule::What;
use crate::world::World;
use crate::{MemoryDriver, Network};

/// A handle to the network of a [`MemoryDriver`]; all clones are the same network.
#[derive(Clone)]
pub struct MemoryNetwork(Rc<RefCell<World>>);

impl MemoryNetwork {
    pub(crate) fn new(world: Rc<RefCell<World>>) -> Self {
        Self(world)
    }

    /// The network that a reactor is on, if its driver is a [`MemoryDriver`].
    pub fn of(reactor: &Reactor) -> Option<Self> {
        reactor.driver().as_any().downcast_ref().map(MemoryDriver::network)
    }

    /// How the network behaves now.
    pub fn settings(&self) -> Network {
        self.0.borrow().network.clone()
    }

    /// Changes how it behaves from now on; what is under way already keeps its time. A new seed has no
    /// effect: chance has begun.
    pub fn change(&self, change: impl FnOnce(&mut Network)) {
        let mut settings = self.settings();
        change(&mut settings);
        let mut world = self.0.borrow_mut();
        world.network = settings;
        for id in world.streams() {
            world.schedule.soon(id, What::Room(0)); // There may be more room now.
        }
    }

    /// Resets a connection, as a firewall does: both ends lose it, a `Peer` failure, one latency later.
    pub fn reset(&self, transport: &Transport) {
        self.0.borrow_mut().reset(transport.slot_id());
    }

    /// The connection falls silent: nothing passes any more in either direction, and neither end is told.
    pub fn silence(&self, transport: &Transport) {
        self.0.borrow_mut().vanish(transport.slot_id());
    }

    /// From now on nothing that is sent arrives, by any connection or socket.
    pub fn partition(&self) {
        self.0.borrow_mut().schedule.partition();
    }

    /// Ends a [`partition`](Self::partition): what was sent meanwhile sets out now, as if it were sent again.
    /// Datagrams are gone.
    pub fn heal(&self) {
        self.0.borrow_mut().schedule.heal();
    }

    /// Whether nothing is under way. What waits for the end of a partition does not count, nor what a
    /// receiver that has paused leaves lying.
    pub fn is_quiet(&self) -> bool {
        self.0.borrow().schedule.next_arrival().is_none()
    }

    pub(crate) fn world(&self) -> &RefCell<World> {
        &self.0
    }
}
