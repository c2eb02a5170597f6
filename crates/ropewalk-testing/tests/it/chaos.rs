//! Both ends of a connection do anything at any time, over a network by chance: whatever happens, bytes come
//! in order, `connection_lost` comes once and last, and the loop comes to rest.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use ropewalk_core::{
    Chunk, ConnectionLimits, Failure, FailureKind, Layer, LayerIo, OutQueue, Transport,
};
use ropewalk_testing::{Log, Network, Pair, Random, Recorder, Seed};

/// Passes everything on as it is.
struct Nothing;

impl Layer for Nothing {
    fn inbound(&mut self, chunk: Chunk<'_>, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        io.deliver(chunk.as_slice());
        Ok(())
    }

    fn outbound(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        io.send_queue(from);
        Ok(())
    }
}

/// One end, and what it has written.
struct End {
    log: Log,
    transport: Transport,
    written: Vec<u8>,
    closed: bool,
}

impl End {
    fn new(log: &Log) -> Self {
        let (log, transport) = (log.clone(), log.transport());
        Self { log, transport, written: Vec::new(), closed: false }
    }

    /// Does something.
    fn act(&mut self, random: &mut Random) {
        match random.below(40) {
            0 => self.close(Transport::lose_connection),
            1 => self.close(Transport::lose_write_connection),
            2 => self.close(Transport::abort_connection),
            3..=6 => self.transport.pause_producing(),
            7..=14 => self.transport.resume_producing(),
            15 => self.transport.start_layer(Nothing, Bytes::new()),
            _ => self.write(random),
        }
    }

    fn close(&mut self, how: impl Fn(&Transport)) {
        how(&self.transport);
        self.closed = true;
    }

    fn write(&mut self, random: &mut Random) {
        let count = random.below(3000);
        let bytes: Vec<u8> = (0..count).map(|_| random.number().to_le_bytes()[0]).collect();
        if !self.closed {
            self.written.extend_from_slice(&bytes);
        }
        if random.chance(0.5) {
            self.transport.write(&bytes);
        } else {
            self.transport.write_bytes(bytes);
        }
    }
}

fn one_of<const N: usize>(random: &mut Random, choices: [usize; N]) -> usize {
    choices[usize::try_from(random.below(N as u64)).unwrap()]
}

fn network(random: &mut Random, seed: Seed) -> Network {
    Network {
        latency: Duration::from_micros(random.below(3) * 500),
        jitter: Duration::from_micros(random.below(3) * 700),
        chunk_size: one_of(random, [1, 10, 1000, 100_000]),
        capacity: one_of(random, [50, 1000, 10_000, 100_000]),
        lose_at_byte: random.chance(0.2).then(|| random.below(30_000)),
        half_open_at_byte: random.chance(0.1).then(|| random.below(30_000)),
        seed,
        ..Network::default()
    }
}

fn live_a_life(seed: Seed) {
    let mut random = Random::new(seed);
    let (server, client) = (Log::default(), Log::default());
    let half = random.chance(0.5);
    let factory = |log: &Log| {
        let log = log.clone();
        move || {
            let recorder = Recorder::new(&log);
            if half { recorder.keeping_half() } else { recorder }
        }
    };
    let limits =
        ConnectionLimits { close_timeout: Duration::from_secs(5), ..ConnectionLimits::default() };
    let network = network(&mut random, seed);
    let pair = Pair::with_limits(network, limits, factory(&server), factory(&client));
    pair.run();
    let ends = Rc::new(RefCell::new([End::new(&server), End::new(&client)]));
    for _ in 0..random.below(200) {
        let which = one_of(&mut random, [0, 1]);
        ends.borrow_mut()[which].act(&mut random);
        pair.run_for(Duration::from_micros(random.below(1000)));
    }
    ends.borrow().iter().for_each(|end| end.transport.resume_producing());
    pair.run();
    let ends = ends.borrow();
    check(&ends[0], &ends[1]);
    check(&ends[1], &ends[0]);
    ends.iter().for_each(|end| end.transport.abort_connection());
    pair.run();
    drop(pair);
    ends.iter().for_each(|end| assert_eq!(end.log.summary().matches(" lost").count(), 1));
}

fn check(here: &End, there: &End) {
    let arrived = here.log.data();
    assert!(there.written.starts_with(&arrived), "{} bytes that nobody sent", arrived.len());
    assert_eq!(here.log.after_lost(), 0);
    assert!(here.log.summary().matches("read-lost").count() <= 1);
    let done = Some(FailureKind::ConnectionDone);
    // An end that neither closed nor was closed by a fault has all that the other sent in order.
    if !here.closed && here.log.lost_kind() == done && there.log.lost_kind() == done {
        assert_eq!(arrived.len(), there.written.len(), "bytes are missing");
    }
}

#[test]
fn whatever_happens_bytes_come_in_order_and_the_end_comes_once() {
    let mut seeds = Random::new(Seed::from_env());
    for _ in 0..150 {
        live_a_life(Seed::new(seeds.number()));
    }
}
