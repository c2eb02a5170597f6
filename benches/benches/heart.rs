//! What single operations of the heart cost: a timer's reset among a million, a stage of a Deferred, the
//! dispatch of an event to a protocol. Run by `cargo xtask bench micro`.

use std::any::Any;
use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use ropewalk_core::{
    Address, Chunk, Clock, Close, ConnectionLimits, Cx, Datagram, Deferred, Driver, Event, Failure,
    Lineage, Loop, Notify, OutQueue, Protocol, ReactorTime, Sink, SlotId, Time, Wait,
};

/// A driver for which nothing happens: what is left is the heart.
struct Nothing;

impl Notify for Nothing {
    fn notify(&self) {}
}

impl Driver for Nothing {
    fn name(&self) -> &'static str {
        "nothing"
    }
    fn now(&self) -> Time {
        Time::START
    }
    fn wait(&self, _: Wait) -> Result<(), Failure> {
        Ok(())
    }
    fn deliver(&self, _: &dyn Sink) {}
    fn send(&self, _: SlotId, out: &mut OutQueue) -> usize {
        out.advance(out.len());
        0
    }
    fn set_receiving(&self, _: SlotId, _: bool) {}
    fn close_write(&self, _: SlotId) {}
    fn close(&self, _: SlotId, _: Close) {}
    fn send_datagrams(&self, _: SlotId, queue: &mut Vec<Datagram>) -> usize {
        queue.clear();
        0
    }
    fn peer(&self, _: SlotId) -> Option<Address> {
        None
    }
    fn host(&self, _: SlotId) -> Option<Address> {
        None
    }
    fn notifier(&self) -> Arc<dyn Notify> {
        Arc::new(Self)
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Counts what it hears.
struct Count(Cell<usize>);

impl Protocol for Count {
    fn data_received(&mut self, _: &mut Cx<'_>, data: &[u8]) {
        self.0.set(self.0.get() + data.len());
    }
}

fn dispatch(c: &mut Criterion) {
    let main_loop = Loop::new(Nothing);
    let lineage = Lineage::new(Box::new(|| Count(Cell::new(0))), ConnectionLimits::default());
    let (id, _opened) = main_loop.reactor().open_connection(lineage).expect("the table has room");
    main_loop.event(id, Event::Opened);
    let mut bytes = *b"ping";
    c.bench_function("dispatch one event", |b| {
        b.iter(|| main_loop.event(id, Event::Received(Chunk::lent(black_box(&mut bytes)))));
    });
}

/// A power of two, so that the order costs nothing.
const LIVE: usize = 1 << 20;

fn timers(c: &mut Criterion) {
    let clock = Clock::new();
    let after = |n: usize| Duration::from_secs(60) + Duration::from_micros(n as u64);
    let in_order: Vec<_> = (0..LIVE).map(|n| clock.call_later(after(n), || ())).collect();
    // Connections become active in no order; each has its own call at hand when it does.
    let in_no_order: Vec<_> = (0..LIVE).map(|n| in_order[n * 618_033 % LIVE].clone()).collect();
    for (name, calls) in [("in order", in_order), ("in no order", in_no_order)] {
        let mut next = 0;
        c.bench_function(&format!("reset a timer, 1,048,576 live, {name}"), |b| {
            b.iter(|| {
                next = (next + 1) % LIVE;
                calls[next].reset(Duration::from_secs(90))
            });
        });
    }
}

fn deferreds(c: &mut Criterion) {
    let stages = |count: usize| {
        let (resolver, mut deferred) = Deferred::<usize>::new();
        for _ in 0..count {
            deferred = deferred.add_callback(|n| Ok(n + 1));
        }
        resolver.callback(0);
        black_box(deferred.is_fired())
    };
    c.bench_function("a Deferred with 10 pending stages, fired", |b| b.iter(|| stages(10)));
    c.bench_function("a Deferred with no stage, fired", |b| b.iter(|| stages(0)));
    c.bench_function("a callback on a fired Deferred", |b| {
        b.iter_batched(
            || Deferred::succeed(1),
            |deferred| deferred.add_callback(|n| Ok(n + 1)).is_fired(),
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(heart, dispatch, timers, deferreds);
criterion_main!(heart);
