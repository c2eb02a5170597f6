//! [`Probe`]: what stands where the heart does, for the cases about a driver alone.
//!
//! It is the [`Sink`] of the driver, writes down every event, and frees slots in the reactor's table as the
//! heart does; the driver's methods are called by hand.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{
    BufferPool, ConnectionLimits, Driver, Event, Flow, Lineage, ListeningPort, OutQueue, Protocol,
    Sink, SlotId, Time, Wait,
};

use super::runner::PATIENCE;
use super::setup::Bench;

/// A driver, and somebody who listens to it.
pub(crate) struct Probe {
    pub(crate) driver: Rc<dyn Driver>,
    pub(crate) port: ListeningPort,
    bench: Bench,
    records: RefCell<HashMap<SlotId, Record>>,
    /// Every slot that something was said of, by its first event.
    order: RefCell<Vec<SlotId>>,
    /// Those that were accepted.
    accepted: RefCell<Vec<SlotId>>,
    /// What `accept` and data are answered with.
    pub(crate) refuses: Cell<bool>,
    pub(crate) flow: Cell<Flow>,
    /// Done in the middle of each event.
    reaction: RefCell<Option<Reaction>>,
    pool: BufferPool,
}

type Reaction = Rc<dyn Fn(&dyn Driver, SlotId, Seen)>;

/// What was said of one slot.
#[derive(Default)]
struct Record {
    events: Vec<Seen>,
    counts: [usize; 7],
    received: Vec<u8>,
    sent: usize,
}

/// An event, in one word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Seen {
    Opened,
    Received,
    ReadClosed,
    Sent,
    Lost,
    Closed,
    Other,
}

/// The slots of the two ends of a connection.
#[derive(Clone, Copy)]
pub(crate) struct Slots {
    pub(crate) server: SlotId,
    pub(crate) client: SlotId,
}

struct Nobody;

impl Protocol for Nobody {}

fn lineage() -> Rc<Lineage> {
    Lineage::new(Box::new(|| Nobody), ConnectionLimits::default())
}

impl Probe {
    pub(crate) fn new(bench: Bench) -> Self {
        let driver = bench.reactor().driver().clone();
        let port = bench.listen(|| Nobody);
        Self {
            driver,
            port,
            bench,
            records: RefCell::default(),
            order: RefCell::default(),
            accepted: RefCell::default(),
            refuses: Cell::new(false),
            flow: Cell::new(Flow::More),
            reaction: RefCell::new(None),
            pool: BufferPool::default(),
        }
    }

    /// From now on does this in the middle of each event.
    pub(crate) fn react(&self, reaction: impl Fn(&dyn Driver, SlotId, Seen) + 'static) {
        self.reaction.replace(Some(Rc::new(reaction)));
    }

    pub(crate) fn now(&self) -> Time {
        self.driver.now()
    }

    /// Begins to connect.
    pub(crate) fn dial(&self) {
        let dialled = self.bench.dial(&self.port, || Nobody);
        drop(dialled.add_both(|_| ()));
    }

    /// A connection that has come up at both ends.
    #[track_caller]
    pub(crate) fn connect(&self) -> Slots {
        let before = self.order.borrow().len();
        self.dial();
        let opened = || -> Vec<SlotId> {
            let new = self.order.borrow()[before..].to_vec();
            new.into_iter().filter(|id| self.has(*id, Seen::Opened)).collect()
        };
        self.until("both ends to come up", || opened().len() == 2);
        let server = *self.accepted.borrow().last().expect("one was accepted");
        let client = opened().into_iter().find(|id| *id != server);
        Slots { server, client: client.expect("the two ends have two slots") }
    }

    /// Waits, at most until then, and delivers.
    pub(crate) fn turn(&self, most: Wait) {
        self.driver.wait(most).expect("the driver can wait");
        self.driver.deliver(self);
    }

    #[track_caller]
    pub(crate) fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let end = self.now() + PATIENCE;
        while !is_so() {
            assert!(self.now() < end, "waited {PATIENCE:?} in vain: {what}");
            self.turn(Wait::Until(end));
        }
    }

    /// Runs for as long as what is on its way may take.
    pub(crate) fn idle(&self) {
        let end = self.now() + Duration::from_millis(30);
        while self.now() < end {
            self.turn(Wait::Until(end));
        }
    }

    /// Sends bytes; gives how many the driver kept.
    pub(crate) fn send(&self, id: SlotId, bytes: &[u8]) -> usize {
        let mut queue = OutQueue::new();
        queue.push(bytes, &self.pool);
        let kept = self.driver.send(id, &mut queue);
        assert!(queue.is_empty(), "a driver takes all that it is given");
        kept
    }

    /// All that was said of a slot.
    pub(crate) fn seen(&self, id: SlotId) -> Vec<Seen> {
        self.record(id, |record| record.events.clone())
    }

    /// The last thing that was said of it.
    pub(crate) fn last(&self, id: SlotId) -> Option<Seen> {
        self.record(id, |record| record.events.last().copied())
    }

    pub(crate) fn has(&self, id: SlotId, event: Seen) -> bool {
        self.count(id, event) > 0
    }

    pub(crate) fn count(&self, id: SlotId, event: Seen) -> usize {
        self.record(id, |record| record.counts[event as usize])
    }

    /// All bytes that a slot received.
    pub(crate) fn received(&self, id: SlotId) -> Vec<u8> {
        self.record(id, |record| record.received.clone())
    }

    pub(crate) fn received_len(&self, id: SlotId) -> usize {
        self.record(id, |record| record.received.len())
    }

    /// How many kept bytes were reported as sent.
    pub(crate) fn sent(&self, id: SlotId) -> usize {
        self.record(id, |record| record.sent)
    }

    /// The slots that something was said of.
    pub(crate) fn slots(&self) -> Vec<SlotId> {
        self.order.borrow().clone()
    }

    fn record<R: Default>(&self, id: SlotId, f: impl FnOnce(&Record) -> R) -> R {
        self.records.borrow().get(&id).map(f).unwrap_or_default()
    }

    fn note(&self, id: SlotId, event: Event<'_>) -> Seen {
        let mut records = self.records.borrow_mut();
        let record = records.entry(id).or_insert_with(|| {
            self.order.borrow_mut().push(id);
            Record::default()
        });
        record.note(event)
    }
}

impl Record {
    fn note(&mut self, event: Event<'_>) -> Seen {
        let seen = match event {
            Event::Opened => Seen::Opened,
            Event::Received(chunk) => {
                assert!(!chunk.is_empty(), "a driver delivers bytes, never none");
                self.received.extend_from_slice(chunk.as_slice());
                Seen::Received
            }
            Event::ReadClosed => Seen::ReadClosed,
            Event::Sent(count) => {
                assert!(count > 0, "a driver reports bytes, never none");
                self.sent += count;
                Seen::Sent
            }
            Event::Lost(_) => Seen::Lost,
            Event::Closed => Seen::Closed,
            _ => Seen::Other,
        };
        self.events.push(seen);
        self.counts[seen as usize] += 1;
        seen
    }
}

impl Sink for Probe {
    fn event(&self, id: SlotId, event: Event<'_>) -> Flow {
        let seen = self.note(id, event);
        let reaction = self.reaction.borrow().clone();
        if let Some(reaction) = reaction {
            reaction(&*self.driver, id, seen);
        }
        if seen == Seen::Closed {
            self.bench.reactor().remove(id);
        }
        self.flow.get()
    }

    fn accept(&self, _: SlotId) -> Option<SlotId> {
        if self.refuses.get() {
            return None;
        }
        let (id, opened) = self.bench.reactor().open_connection(lineage()).ok()?;
        drop(opened.add_both(|_| ()));
        self.accepted.borrow_mut().push(id);
        Some(id)
    }
}
