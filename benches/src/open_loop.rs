//! The load at a fixed rate: a message is sent when it is due, whether or not the last one has come back.
//!
//! A load that waits for an answer before it sends again asks a stalled server nothing, and so counts one long
//! round trip where all users would have had to wait (the "coordinated omission"). Here the [`Schedule`] says when
//! each message is due, and its latency runs from then: a stall is felt by every message that falls into it, sent
//! late or not.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;

use crate::connection::{self, Speech};
use crate::latencies::Latencies;
use crate::ping_pong::WARM_UP;
use crate::report::{Gauge, Report};
use crate::target::{Target, Wire};

/// How long after the end answers are waited for. What is not back by then has its age for a latency.
const GRACE: Duration = Duration::from_secs(1);

/// When each message is due, evenly spaced.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    per_second: f64,
}

impl Schedule {
    /// So many messages a second.
    pub fn new(per_second: f64) -> Self {
        Self { per_second }
    }

    /// When message `number` is due, after the start.
    pub fn due(&self, number: u64) -> Duration {
        Duration::from_secs_f64(number as f64 / self.per_second)
    }
}

/// The messages of one connection that have become due and have not come back, oldest first.
#[derive(Debug, Default)]
pub struct Pending {
    due: VecDeque<Duration>,
    /// Bytes of the oldest that are back.
    back: usize,
}

impl Pending {
    /// Notes one that is due.
    pub fn push(&mut self, due: Duration) {
        self.due.push_back(due);
    }

    /// Counts the messages of `size` bytes that are whole with `count` more bytes at `now`.
    pub fn heard(&mut self, count: usize, size: usize, now: Duration, latencies: &mut Latencies) {
        self.back += count;
        while self.back >= size {
            self.back -= size;
            let Some(due) = self.due.pop_front() else { return };
            latencies.record(now.saturating_sub(due));
        }
    }

    /// Counts those that are missing at the end with their age; says how many.
    pub fn give_up(&mut self, now: Duration, latencies: &mut Latencies) -> u64 {
        let missing = self.due.drain(..);
        missing.map(|due| latencies.record(now.saturating_sub(due))).count() as u64
    }
}

/// All connections of a load, on one thread that never sleeps.
pub struct OpenLoop {
    epoll: OwnedFd,
    strands: Vec<Strand>,
    latencies: Latencies,
    buffer: Vec<u8>,
}

struct Strand {
    stream: Wire,
    pending: Pending,
    /// Bytes that are due and the socket has not taken.
    unsent: usize,
}

impl OpenLoop {
    /// Opens `connections` to `server`.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn open(server: &Target, connections: usize) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut strands = Vec::with_capacity(connections);
        for index in 0..connections as u64 {
            let stream = connection::open(server, Speech::Echo)?;
            let events = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::ET;
            epoll::add(&epoll, &stream, epoll::EventData::new_u64(index), events)?;
            strands.push(Strand { stream, pending: Pending::default(), unsent: 0 });
        }
        Ok(Self { epoll, strands, latencies: Latencies::new(), buffer: vec![0; 64 * 1024] })
    }

    /// Sends `per_second` messages a second for `length`, first for the warm-up.
    ///
    /// # Errors
    ///
    /// If the server loses a connection.
    pub fn run(&mut self, per_second: f64, length: Duration, pid: u32) -> io::Result<Report> {
        let schedule = Schedule::new(per_second);
        self.play(schedule, WARM_UP)?;
        self.latencies = Latencies::new();
        let gauge = Gauge::begin(pid)?;
        let (asked, missing) = self.play(schedule, length)?;
        let report = gauge.end(&self.latencies)?;
        Ok(Report { asked, messages: asked - missing, ..report })
    }

    /// How many messages were due, and how many of them are not back.
    fn play(&mut self, schedule: Schedule, length: Duration) -> io::Result<(u64, u64)> {
        let began = Instant::now();
        let mut number = 0;
        let mut events = Vec::with_capacity(1024);
        loop {
            let now = began.elapsed();
            while schedule.due(number) <= now && schedule.due(number) < length {
                let index = usize::try_from(number).expect("a run is short") % self.strands.len();
                self.strands[index].send(schedule.due(number))?;
                number += 1;
            }
            let all_back = self.strands.iter().all(|strand| strand.pending.due.is_empty());
            if now >= length && (all_back || now >= length + GRACE) {
                break;
            }
            epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&Timespec::default()))?;
            for event in events.drain(..) {
                let index = usize::try_from(event.data.u64()).expect("it was an index");
                self.hear(index, began)?;
            }
        }
        let (now, latencies) = (began.elapsed(), &mut self.latencies);
        let missing = self.strands.iter_mut().map(|one| one.pending.give_up(now, latencies)).sum();
        Ok((number, missing))
    }

    fn hear(&mut self, index: usize, began: Instant) -> io::Result<()> {
        let strand = &mut self.strands[index];
        strand.flush()?;
        loop {
            let count = match strand.stream.read(&mut self.buffer) {
                Ok(0) => return Err(ErrorKind::ConnectionAborted.into()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                other => other?,
            };
            let size = Speech::Echo.request().len();
            strand.pending.heard(count, size, began.elapsed(), &mut self.latencies);
            if count < self.buffer.len() {
                return Ok(());
            }
        }
    }
}

impl Strand {
    fn send(&mut self, due: Duration) -> io::Result<()> {
        self.pending.push(due);
        self.unsent += Speech::Echo.request().len();
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        let message = Speech::Echo.request();
        while self.unsent > 0 {
            // A partial write leaves the end of a message to be sent first.
            let rest = self.unsent % message.len();
            let piece = if rest == 0 { message } else { &message[message.len() - rest..] };
            match self.stream.write(piece) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                other => self.unsent -= other?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 64;

    /// A server that answers after 100 µs, but nothing between `stall` and `stall_end`, in a run of one second.
    fn simulate(stall: Duration, stall_end: Duration) -> Latencies {
        let schedule = Schedule::new(1000.0);
        let (mut pending, mut latencies) = (Pending::default(), Latencies::new());
        for number in 0..1000 {
            let due = schedule.due(number);
            pending.push(due);
            let answered = due + Duration::from_micros(100);
            let now = if (stall..stall_end).contains(&due) { stall_end } else { answered };
            pending.heard(SIZE, SIZE, now, &mut latencies);
        }
        latencies
    }

    #[test]
    fn messages_are_due_evenly_from_the_start() {
        let schedule = Schedule::new(4.0);
        assert_eq!(schedule.due(0), Duration::ZERO);
        assert_eq!(schedule.due(6), Duration::from_millis(1500));
    }

    #[test]
    fn a_stall_is_felt_by_all_that_fall_into_it() {
        let latencies = simulate(Duration::from_millis(500), Duration::from_millis(600));
        assert_eq!(latencies.count(), 1000);
        assert!(latencies.quantile(0.5) <= Duration::from_micros(100));
        // A tenth of all messages waited up to 100 ms: one in a hundred waited 90 ms or more.
        assert!(latencies.quantile(0.99) >= Duration::from_millis(85));
        let calm = simulate(Duration::ZERO, Duration::ZERO);
        assert!(calm.quantile(0.99) <= Duration::from_micros(100));
    }

    #[test]
    fn what_never_came_back_counts_with_its_age() {
        let (mut pending, mut latencies) = (Pending::default(), Latencies::new());
        pending.push(Duration::ZERO);
        pending.push(Duration::from_millis(1));
        pending.heard(SIZE + SIZE / 2, SIZE, Duration::from_millis(2), &mut latencies);
        assert_eq!(latencies.count(), 1);
        assert_eq!(pending.give_up(Duration::from_secs(1), &mut latencies), 1);
        assert!(latencies.quantile(1.0) > Duration::from_millis(950));
    }
}
