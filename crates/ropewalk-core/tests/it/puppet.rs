//! [`Puppet`]: a driver that does what the test says, and writes down what the heart asks of it.
//!
//! The drivers in memory and of the system keep the contract; this one shows what the heart does with each
//! single event, also with those that come late, twice or for a slot of before.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ropewalk_core::{
    Address, Chunk, Close, ConnectionLimits, Datagram, Deferred, Driver, Event, Factory, Failure,
    Flow, Layer, LayerIo, Lineage, Loop, Notify, OutQueue, Reactor, ReactorLimits, Segment, Sink,
    SlotId, Time, Transport, Wait,
};
use ropewalk_testing::{Log, Recorder};

/// What the heart asked of the driver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asked {
    Send(SlotId, usize),
    Receiving(SlotId, bool),
    CloseWrite(SlotId),
    Close(SlotId, Close),
    Wait(Wait),
}

type Said = Box<dyn FnOnce(&dyn Sink)>;

/// The hand in the puppet: all clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Hand(Rc<Strings>);

#[derive(Default)]
struct Strings {
    now: Cell<u64>,
    /// How often the time was asked for.
    looks: Cell<u32>,
    script: RefCell<VecDeque<Said>>,
    asked: RefCell<Vec<Asked>>,
    wire: RefCell<Vec<u8>>,
    /// It keeps what it is given, until it says that it is sent.
    keeps: Cell<bool>,
    /// Runs in the middle of a `send`.
    on_send: RefCell<Option<Box<dyn FnMut()>>>,
    bell: Arc<Bell>,
}

#[derive(Default)]
pub(crate) struct Bell(AtomicUsize);

impl Notify for Bell {
    fn notify(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

pub(crate) struct Puppet(Hand);

/// A loop over a puppet, and the hand.
pub(crate) struct Stage {
    pub(crate) event_loop: Loop,
    pub(crate) hand: Hand,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with_limits(ReactorLimits::default())
    }

    pub(crate) fn with_limits(limits: ReactorLimits) -> Self {
        let hand = Hand::default();
        Self { event_loop: Loop::with_limits(Puppet(hand.clone()), limits), hand }
    }

    pub(crate) fn reactor(&self) -> &Reactor {
        self.event_loop.reactor()
    }

    pub(crate) fn turn(&self) {
        let turned = self.event_loop.turn(Wait::No).expect("a test runs outside of the loop");
        turned.expect("a puppet can wait");
    }

    /// Turns until everything that follows from what was done has happened.
    pub(crate) fn turns(&self) {
        (0..10).for_each(|_| self.turn());
    }

    /// A connection on which nothing has been said yet.
    pub(crate) fn dial(
        &self,
        factory: impl Factory,
        limits: ConnectionLimits,
    ) -> (SlotId, Deferred<Transport>) {
        let lineage = Lineage::new(Box::new(factory), limits);
        self.reactor().open_connection(lineage).expect("there is room in the table")
    }

    /// A connection that is up, with a recorder on it.
    pub(crate) fn connect(&self, make: impl Fn(&Log) -> Recorder + 'static) -> (Log, Transport) {
        self.connect_within(ConnectionLimits::default(), make)
    }

    pub(crate) fn connect_within(
        &self,
        limits: ConnectionLimits,
        make: impl Fn(&Log) -> Recorder + 'static,
    ) -> (Log, Transport) {
        let log = Log::default();
        let for_factory = log.clone();
        let transport = self.connect_to(limits, move || make(&for_factory));
        (log, transport)
    }

    /// A connection that is up, with this factory's protocol on it.
    pub(crate) fn connect_to(&self, limits: ConnectionLimits, factory: impl Factory) -> Transport {
        let (id, opened) = self.dial(factory, limits);
        self.hand.say(id, || Event::Opened);
        self.turn();
        let opened = opened.into_result().expect("it has fired").expect("it came up");
        self.hand.forget();
        opened
    }
}

impl Hand {
    /// In the next deliver phase, says this.
    pub(crate) fn say(&self, id: SlotId, event: impl FnOnce() -> Event<'static> + 'static) {
        self.tell(move |sink| {
            sink.event(id, event());
        });
    }

    /// In the next deliver phase, says that bytes came.
    pub(crate) fn data(&self, id: SlotId, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        self.tell(move |sink| {
            let len = bytes.len();
            sink.event(id, Event::Received(Chunk::from_buffer(&mut bytes, len)));
        });
    }

    /// In the next deliver phase, does this.
    pub(crate) fn tell(&self, say: impl FnOnce(&dyn Sink) + 'static) {
        self.0.script.borrow_mut().push_back(Box::new(say));
    }

    pub(crate) fn keep(&self, keeps: bool) {
        self.0.keeps.set(keeps);
    }

    pub(crate) fn advance(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).expect("it is not long");
        self.0.now.set(self.0.now.get() + nanos);
    }

    pub(crate) fn looks(&self) -> u32 {
        self.0.looks.get()
    }

    pub(crate) fn rings(&self) -> usize {
        self.0.bell.0.load(Ordering::SeqCst)
    }

    /// What was asked of one slot, but not to wait.
    pub(crate) fn asked(&self, id: SlotId) -> Vec<Asked> {
        let of = |asked: &Asked| match *asked {
            Asked::Send(other, _)
            | Asked::Receiving(other, _)
            | Asked::CloseWrite(other)
            | Asked::Close(other, _) => other == id,
            Asked::Wait(_) => false,
        };
        self.0.asked.borrow().iter().copied().filter(of).collect()
    }

    pub(crate) fn waits(&self) -> Vec<Wait> {
        let wait = |asked: &Asked| if let Asked::Wait(wait) = asked { Some(*wait) } else { None };
        self.0.asked.borrow().iter().filter_map(wait).collect()
    }

    pub(crate) fn forget(&self) {
        self.0.asked.borrow_mut().clear();
    }

    /// All bytes that were given to it.
    pub(crate) fn wire(&self) -> Vec<u8> {
        self.0.wire.borrow().clone()
    }

    pub(crate) fn on_send(&self, f: impl FnMut() + 'static) {
        self.0.on_send.replace(Some(Box::new(f)));
    }

    fn note(&self, asked: Asked) {
        self.0.asked.borrow_mut().push(asked);
    }
}

impl Driver for Puppet {
    fn name(&self) -> &'static str {
        "puppet"
    }

    fn now(&self) -> Time {
        self.0.0.looks.set(self.0.0.looks.get() + 1);
        Time::START + Duration::from_nanos(self.0.0.now.get())
    }

    fn wait(&self, until: Wait) -> Result<(), Failure> {
        self.0.note(Asked::Wait(until));
        Ok(())
    }

    fn deliver(&self, sink: &dyn Sink) {
        let script = self.0.0.script.take();
        script.into_iter().for_each(|say| say(sink));
    }

    fn send(&self, id: SlotId, out: &mut OutQueue) -> usize {
        let count = out.len();
        self.0.note(Asked::Send(id, count));
        let reaction = self.0.0.on_send.take();
        if let Some(mut reaction) = reaction {
            reaction();
        }
        // As the real ones: an attachment is taken with the byte after it.
        while !out.is_empty() {
            if let Some(Segment::Bytes(bytes)) = out.take_segment() {
                self.0.0.wire.borrow_mut().extend_from_slice(&bytes);
            }
        }
        if self.0.0.keeps.get() { count } else { 0 }
    }

    fn set_receiving(&self, id: SlotId, on: bool) {
        self.0.note(Asked::Receiving(id, on));
    }

    fn close_write(&self, id: SlotId) {
        self.0.note(Asked::CloseWrite(id));
    }

    fn close(&self, id: SlotId, how: Close) {
        self.0.note(Asked::Close(id, how));
        self.0.say(id, || Event::Closed);
    }

    fn send_datagrams(&self, _: SlotId, queue: &mut Vec<Datagram>) -> usize {
        let reaction = self.0.0.on_send.take();
        if let Some(mut reaction) = reaction {
            reaction();
        }
        let count = queue.drain(..).count();
        if self.0.0.keeps.get() { count } else { 0 }
    }

    fn peer(&self, _: SlotId) -> Option<Address> {
        None
    }

    fn host(&self, _: SlotId) -> Option<Address> {
        None
    }

    fn notifier(&self) -> Arc<dyn Notify> {
        self.0.0.bell.clone()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Says whether the driver is to go on.
pub(crate) fn flow_of(hand: &Hand, id: SlotId, bytes: &[u8]) -> Rc<Cell<Option<Flow>>> {
    let (answer, mut bytes) = (Rc::new(Cell::new(None)), bytes.to_vec());
    let slot = answer.clone();
    hand.tell(move |sink| {
        let len = bytes.len();
        let chunk = Chunk::from_buffer(&mut bytes, len);
        slot.set(Some(sink.event(id, Event::Received(chunk))));
    });
    answer
}

/// A layer that lets everything through.
pub(crate) struct Glass;

impl Layer for Glass {
    fn inbound(&mut self, chunk: Chunk<'_>, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        io.deliver(chunk.as_slice());
        Ok(())
    }

    fn outbound(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        io.send_queue(from);
        Ok(())
    }
}
