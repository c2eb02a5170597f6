//! [`MemoryDriver`]: a network and a clock in memory, under the same heart as the real ones.
//!
//! Time is virtual: it stands still while anything is ready, and when nothing is, the wait for the next
//! arrival or timer is a jump. So an hour of timeouts takes no time, and nothing in a test ever sleeps. With
//! the same [`Network`] and the same program everything happens in the same order, every time.
//!
//! A real driver waits for ever when there is nothing to wait for; here that is a deadlock, which is a
//! mistake in the test or in what it tests, and an error that says so.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ropewalk_core::{
    Address, Chunk, Close, Datagram, Driver, Event, Failure, FailureKind, Flow, Notify, OutQueue,
    Sink, SlotId, Time, Wait,
};

use crate::alarm::Alarm;
use crate::pipe::Item;
use crate::schedule::{Arrival, What};
use crate::world::World;
use crate::{MemoryNetwork, Network};

/// A driver whose network and clock are in memory.
///
/// # Example: an hour in no time
/// ```
/// use std::time::Duration;
/// use ropewalk_core::{Loop, defer_later};
/// use ropewalk_testing::{MemoryDriver, Network};
///
/// let event_loop = Loop::new(MemoryDriver::new(Network::default()));
/// let hour = defer_later(event_loop.reactor(), Duration::from_secs(3600), || Ok("it is later"));
/// assert_eq!(event_loop.run_until(hour).unwrap(), "it is later");
/// ```
pub struct MemoryDriver {
    world: Rc<RefCell<World>>,
    alarm: Arc<Alarm>,
    expects_threads: bool,
}

/// How long a call from another thread may be waited for, in real time, when nothing else can happen.
const THREADS_TIMEOUT: Duration = Duration::from_secs(10);

impl MemoryDriver {
    /// A network that behaves so, at the start of time.
    pub fn new(network: Network) -> Self {
        Self {
            world: Rc::new(RefCell::new(World::new(network))),
            alarm: Arc::default(),
            expects_threads: false,
        }
    }

    /// Waits for calls from other threads when nothing else can happen, up to 10 seconds of real time,
    /// instead of calling that a deadlock.
    ///
    /// Virtual time knows nothing of other threads: while there is a timer, it jumps there at once.
    #[must_use]
    pub fn expecting_threads(mut self) -> Self {
        self.expects_threads = true;
        self
    }

    /// The handle to change the network by while it runs.
    pub fn network(&self) -> MemoryNetwork {
        MemoryNetwork::new(self.world.clone())
    }

    fn wait_for_ever(&self) -> Result<(), Failure> {
        if self.expects_threads && self.alarm.wait(THREADS_TIMEOUT) {
            return Ok(());
        }
        let world = self.world.borrow();
        let stuck = match world.schedule.stuck() {
            0 => String::new(),
            count => format!(" ({count} things wait for the end of the partition)"),
        };
        let threads = match self.expects_threads {
            true => "no other thread has called in 10 s",
            false => "a call from another thread is not expected (MemoryDriver::expecting_threads)",
        };
        let why = format!(
            "nothing will ever happen: no timer is set, nothing is under way{stuck}, and {threads}"
        );
        Err(Failure::new(FailureKind::Local, why))
    }

    fn arrive(&self, sink: &dyn Sink, Arrival { to, what }: Arrival) {
        match what {
            What::Knock => self.knock(sink, to),
            What::Opened => self.say(sink, to, Event::Opened),
            What::Item(from, item) => self.item_came(sink, from, to, item),
            What::Wanted => self.empty_inbox(sink, to),
            What::Room(count) => self.room_came(sink, to, count),
            What::Lost(failure) => self.lost(sink, to, failure),
            What::Closed => drop(sink.event(to, Event::Closed)),
            What::Datagram(bytes, from) => {
                let mut bytes = Vec::from(bytes);
                let len = bytes.len();
                let chunk = Chunk::from_buffer(&mut bytes, len);
                self.say(sink, to, Event::DatagramReceived(chunk, &from));
            }
        }
    }

    /// Tells the heart, if the slot is still in use and not lost.
    fn say(&self, sink: &dyn Sink, id: SlotId, event: Event<'_>) {
        let up = self.world.borrow_mut().is_up(id);
        if up {
            sink.event(id, event);
        }
    }

    /// A client wants in.
    fn knock(&self, sink: &dyn Sink, client: SlotId) {
        let listener = self.world.borrow_mut().find_listener(client);
        let accepted = match listener {
            None => return,
            Some(Err(refused)) => return self.world.borrow_mut().refuse(client, refused),
            Some(Ok(port)) => sink.accept(port),
        };
        let Some(server) = accepted else {
            let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
            return self.world.borrow_mut().refuse(client, reset.into());
        };
        self.world.borrow_mut().join(client, server);
        sink.event(server, Event::Opened);
    }

    /// Something came over a connection. It goes behind what is not wanted yet.
    fn item_came(&self, sink: &dyn Sink, from: SlotId, to: SlotId, item: Item) {
        let here = self.world.borrow_mut().stream(to, |stream| {
            if !stream.lost {
                stream.inbox.push_back(item);
            }
        });
        match here {
            Some(()) => self.empty_inbox(sink, to),
            None => self.world.borrow_mut().bounce(from),
        }
    }

    /// Delivers what came, for as long as it is wanted.
    fn empty_inbox(&self, sink: &dyn Sink, id: SlotId) {
        loop {
            let next = self.world.borrow_mut().stream(id, |stream| {
                if stream.receiving && !stream.lost { stream.inbox.pop_front() } else { None }
            });
            let flow = match next.flatten() {
                None => return,
                Some(Item::End) => sink.event(id, Event::ReadClosed),
                Some(Item::Attachment(object)) => sink.event(id, Event::Attached(object)),
                Some(Item::Bytes(bytes)) => {
                    let mut bytes = Vec::from(bytes);
                    let len = bytes.len();
                    let flow = sink.event(id, Event::Received(Chunk::from_buffer(&mut bytes, len)));
                    self.world.borrow_mut().acknowledge(id, len);
                    flow
                }
            };
            if flow == Flow::Enough {
                self.world.borrow_mut().stream(id, |stream| stream.receiving = false);
            }
        }
    }

    fn room_came(&self, sink: &dyn Sink, id: SlotId, count: usize) {
        let mut world = self.world.borrow_mut();
        world.stream(id, |stream| stream.pipe.make_room(count));
        let sent = world.pump(id);
        drop(world);
        if sent > 0 {
            sink.event(id, Event::Sent(sent));
        }
    }

    /// A connection is lost, once; or a datagram socket hears of a failure.
    fn lost(&self, sink: &dyn Sink, id: SlotId, failure: Failure) {
        let mut world = self.world.borrow_mut();
        let up = world.is_up(id);
        world.stream(id, |stream| {
            stream.inbox.clear();
            stream.lost = true;
        });
        drop(world);
        if up {
            sink.event(id, Event::Lost(failure));
        }
    }
}

impl Driver for MemoryDriver {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn now(&self) -> Time {
        self.world.borrow().schedule.now()
    }

    fn wait(&self, until: Wait) -> Result<(), Failure> {
        if self.alarm.take() {
            return Ok(());
        }
        let mut world = self.world.borrow_mut();
        let next = world.schedule.next_arrival().unwrap_or(Time::NEVER);
        let then = match until {
            Wait::No => return Ok(()),
            Wait::Until(time) => time.min(next),
            Wait::Forever => next,
        };
        if then == Time::NEVER {
            drop(world);
            return self.wait_for_ever();
        }
        world.schedule.jump(then);
        Ok(())
    }

    fn deliver(&self, sink: &dyn Sink) {
        // What begins meanwhile waits for the next turn, or two ends could keep each other here.
        let before = self.world.borrow().schedule.begun();
        loop {
            let next = self.world.borrow_mut().schedule.pop_due(before);
            let Some(arrival) = next else { return };
            self.arrive(sink, arrival);
        }
    }

    fn send(&self, id: SlotId, out: &mut OutQueue) -> usize {
        self.world.borrow_mut().send(id, out)
    }

    fn set_receiving(&self, id: SlotId, on: bool) {
        let mut world = self.world.borrow_mut();
        let wanted = world.stream(id, |stream| {
            stream.receiving = on;
            on && !stream.inbox.is_empty()
        });
        if wanted == Some(true) {
            world.schedule.soon(id, What::Wanted);
        }
    }

    fn close_write(&self, id: SlotId) {
        let mut world = self.world.borrow_mut();
        world.stream(id, |stream| stream.pipe.end());
        world.pump(id);
    }

    fn close(&self, id: SlotId, how: Close) {
        self.world.borrow_mut().close(id, how);
    }

    fn send_datagrams(&self, id: SlotId, queue: &mut Vec<Datagram>) -> usize {
        let mut world = self.world.borrow_mut();
        for datagram in queue.drain(..) {
            world.send_datagram(id, datagram.to.as_ref(), &datagram.bytes);
        }
        0
    }

    fn peer(&self, id: SlotId) -> Option<Address> {
        self.world.borrow_mut().addresses(id).1
    }

    fn host(&self, id: SlotId) -> Option<Address> {
        self.world.borrow_mut().addresses(id).0
    }

    fn notifier(&self) -> Arc<dyn Notify> {
        self.alarm.clone()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
