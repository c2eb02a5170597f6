//! [`PingPong`]: the load. Each connection sends a message, waits until it is answered, and sends the next.
//!
//! The message comes back as it is, or it is one request of HTTP or several at once (pipelined). An answer is known by
//! its length, which the first one on each connection showed.
//!
//! So a server is never asked for more than it gives, and is always asked for something: with many connections
//! it works without a pause, with one it is woken for each message.

use std::io::{self, ErrorKind, Read};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;

use crate::connection::{self, Speech};
use crate::latencies::Latencies;
use crate::report::{Gauge, Report};
use crate::target::{Target, Wire};

/// How long the load runs before it is measured: caches fill, the processor finds its pace.
pub(crate) const WARM_UP: Duration = Duration::from_millis(300);

/// How long a wait for the server may be before it is taken for dead.
pub(crate) const SILENCE_MAX: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };

/// Events taken per system call.
const EVENTS_MAX: usize = 1024;

/// All connections of a load, on one thread.
pub struct PingPong {
    epoll: OwnedFd,
    strands: Vec<Strand>,
    message: Vec<u8>,
    /// How many answers a message has.
    answers: usize,
    buffer: Vec<u8>,
    latencies: Latencies,
}

/// One connection, and the message that is under way on it.
struct Strand {
    stream: Wire,
    sent: Instant,
    /// The bytes that answer a message.
    answer: usize,
    /// Those of them that have not come.
    missing: usize,
}

impl PingPong {
    /// Opens `connections` to `server`, for messages of `size` bytes.
    ///
    /// # Errors
    ///
    /// What the system says; a size beyond [`connection::MESSAGE_BYTES_MAX`] or of zero.
    pub fn open(server: &Target, connections: usize, size: usize) -> io::Result<Self> {
        if !(1..=connection::MESSAGE_BYTES_MAX).contains(&size) {
            return Err(io::Error::new(ErrorKind::InvalidInput, "messages of 1 to 16,384 bytes"));
        }
        Self::with(server, connections, Speech::Echo, vec![b'm'; size], 1)
    }

    /// Opens `connections` to `server`, for `pipelined` requests at a time.
    ///
    /// # Errors
    ///
    /// What the system says; more requests at a time than [`connection::MESSAGE_BYTES_MAX`] holds, or none.
    pub fn open_http(
        server: &Target,
        connections: usize,
        speech: Speech,
        pipelined: usize,
    ) -> io::Result<Self> {
        let message = speech.request().repeat(pipelined);
        if !(1..=connection::MESSAGE_BYTES_MAX).contains(&message.len()) {
            return Err(io::Error::new(ErrorKind::InvalidInput, "some requests, but few"));
        }
        Self::with(server, connections, speech, message, pipelined)
    }

    fn with(
        server: &Target,
        connections: usize,
        speech: Speech,
        message: Vec<u8>,
        answers: usize,
    ) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut strands = Vec::with_capacity(connections);
        for index in 0..connections as u64 {
            let (stream, heard) = connection::open_and_hear(server, speech)?;
            let events = epoll::EventFlags::IN | epoll::EventFlags::ET;
            epoll::add(&epoll, &stream, epoll::EventData::new_u64(index), events)?;
            let answer = if speech == Speech::Echo { message.len() } else { heard * answers };
            strands.push(Strand { stream, sent: Instant::now(), answer, missing: 0 });
        }
        let latencies = Latencies::new();
        Ok(Self { epoll, strands, message, answers, buffer: vec![0; 64 * 1024], latencies })
    }

    /// Plays for `length` and says what it cost the server, which is the process `server_pid`.
    ///
    /// # Errors
    ///
    /// If the server loses a connection or falls silent.
    pub fn run(&mut self, length: Duration, server_pid: u32) -> io::Result<Report> {
        self.strands.iter_mut().try_for_each(|strand| strand.send(&self.message))?;
        self.play_until(Instant::now() + WARM_UP)?;
        self.latencies = Latencies::new();
        let gauge = Gauge::begin(server_pid)?;
        self.play_until(gauge.began() + length)?;
        gauge.end(&self.latencies)
    }

    fn play_until(&mut self, end: Instant) -> io::Result<()> {
        let mut events = Vec::with_capacity(EVENTS_MAX);
        while Instant::now() < end {
            let count = epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&SILENCE_MAX))?;
            if count == 0 {
                return Err(io::Error::new(ErrorKind::TimedOut, "the server has fallen silent"));
            }
            for event in events.drain(..) {
                let index = usize::try_from(event.data.u64()).expect("it was an index");
                self.hear(index)?;
            }
        }
        Ok(())
    }

    /// Takes what came on one connection; if the answer is whole, counts it and sends the next message.
    fn hear(&mut self, index: usize) -> io::Result<()> {
        let strand = &mut self.strands[index];
        while strand.missing > 0 {
            match strand.stream.read(&mut self.buffer) {
                Ok(0) => return Err(ErrorKind::ConnectionAborted.into()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                other => strand.missing = strand.missing.saturating_sub(other?),
            }
        }
        let took = strand.sent.elapsed();
        (0..self.answers).for_each(|_| self.latencies.record(took));
        strand.send(&self.message)
    }
}

impl Strand {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.sent = Instant::now();
        self.missing = self.answer;
        self.stream.say(message)
    }
}
