//! The load that makes connections: each says one message, hears the answer, and is reset.
//!
//! A reset and not an orderly end, because that leaves no port behind in TIME_WAIT, and a machine has only some
//! 28,000 ports towards one address.

use std::io::{self, ErrorKind, Read};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use rustix::fd::OwnedFd;
use socket2::SockRef;

use crate::connection::Speech;
use crate::latencies::Latencies;
use crate::ping_pong::{SILENCE_MAX, WARM_UP};
use crate::report::{Gauge, Report};
use crate::target::{Target, Wire};

/// How many connections are under way at a time: enough that the server never waits, few enough for any backlog.
const AT_ONCE: u64 = 32;

/// The connections under way, on one thread.
pub struct Dial {
    epoll: OwnedFd,
    server: Target,
    speech: Speech,
    strands: Vec<Strand>,
    latencies: Latencies,
}

struct Strand {
    stream: Wire,
    began: Instant,
    heard: Vec<u8>,
}

impl Dial {
    /// Begins the first connections.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn begin(server: Target, speech: Speech) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let latencies = Latencies::new();
        let mut dial = Self { epoll, server, speech, strands: Vec::new(), latencies };
        for index in 0..AT_ONCE {
            let strand = dial.connect(index)?;
            dial.strands.push(strand);
        }
        Ok(dial)
    }

    /// Makes connections for `length`, and for the warm-up before.
    ///
    /// # Errors
    ///
    /// If the server refuses one, loses one or falls silent.
    pub fn run(&mut self, length: Duration, server_pid: u32) -> io::Result<Report> {
        self.play_until(Instant::now() + WARM_UP)?;
        self.latencies = Latencies::new();
        let gauge = Gauge::begin(server_pid)?;
        self.play_until(gauge.began() + length)?;
        gauge.end(&self.latencies)
    }

    fn play_until(&mut self, end: Instant) -> io::Result<()> {
        let mut events = Vec::with_capacity(64);
        while Instant::now() < end {
            let count = epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&SILENCE_MAX))?;
            if count == 0 {
                return Err(io::Error::new(ErrorKind::TimedOut, "the server has fallen silent"));
            }
            for event in events.drain(..) {
                self.hear(event.data.u64())?;
            }
        }
        Ok(())
    }

    /// On one machine a connection is there when `connect` returns, accepted or not.
    fn connect(&self, index: u64) -> io::Result<Strand> {
        let began = Instant::now();
        let mut stream = self.server.connect()?;
        stream.socket().set_nonblocking(true)?;
        SockRef::from(stream.socket()).set_linger(Some(Duration::ZERO))?;
        epoll::add(&self.epoll, &stream, epoll::EventData::new_u64(index), epoll::EventFlags::IN)?;
        stream.say(self.speech.request())?;
        Ok(Strand { stream, began, heard: Vec::new() })
    }

    fn hear(&mut self, index: u64) -> io::Result<()> {
        let at = usize::try_from(index).expect("it was an index");
        let (strand, mut buffer) = (&mut self.strands[at], [0; 1024]);
        let count = match strand.stream.read(&mut buffer) {
            Ok(0) => return Err(ErrorKind::ConnectionAborted.into()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            other => other?,
        };
        strand.heard.extend_from_slice(&buffer[..count]);
        if self.speech.is_answered_by(&strand.heard) {
            self.latencies.record(strand.began.elapsed());
            // The old one is reset as it is dropped.
            self.strands[at] = self.connect(index)?;
        }
        Ok(())
    }
}
