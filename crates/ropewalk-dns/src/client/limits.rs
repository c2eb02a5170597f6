//! The named limits of the client: what each bounds, how much, and why.

use std::time::Duration;

/// What one client may hold, and how long things may take.
#[derive(Clone, Debug)]
pub struct ClientLimits {
    /// UDP sockets open at once for servers of one family of addresses, each at a port that the system chose. Until
    /// there are so many, each query gets a port of its own. Default 32: a forger has five bits more to guess, and a
    /// process keeps its descriptors for others.
    pub ports_max: usize,
    /// Queries sent from one port before it is replaced. Default 64: to find out a port is of little use.
    pub queries_per_port_max: u32,
    /// How long a port is used. Default 10 s, as long as most answers take at all.
    pub port_lifetime: Duration,
    /// Queries in flight over UDP and each connection; one more is refused. Default 65,536: what bulk lookups keep
    /// in flight; 10 MB of memory.
    pub queries_max: usize,
    /// Datagrams with a known id that are no answer to its question, before that question goes on by TCP, where
    /// forging is harder. Default 3: one may be a mistake.
    pub wrong_answers_max: u8,
    /// Datagrams at one port that nobody waits for, before all questions that wait there go on by TCP, and the port
    /// is given up. Default 100: more than answers that come late, and far from the 65,536 ids.
    pub stray_datagrams_max: u32,
    /// Questions in flight over one connection; others wait. Default 100: servers take that many and more.
    pub pipelined_max: usize,
    /// How long a connection that nobody needs is kept. Default 10 s (RFC 7766, section 6.2.3).
    pub idle_timeout: Duration,
    /// How long a connection to a server may take to come up, TLS included. Default 10 s.
    pub connect_timeout: Duration,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            ports_max: 32,
            queries_per_port_max: 64,
            port_lifetime: Duration::from_secs(10),
            queries_max: 65_536,
            wrong_answers_max: 3,
            stray_datagrams_max: 100,
            pipelined_max: 100,
            idle_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(10),
        }
    }
}

/// Queries in flight from one port: a quarter of the ids, so that one by chance is free and remains hard to guess.
pub(crate) const QUERIES_AT_PORT_MAX: usize = 16_384;

/// How long a server is asked without EDNS after it did not understand it: long enough to spare it most of the
/// queries that fail, short enough to notice that it was mended.
pub(crate) const NO_EDNS_FOR: Duration = Duration::from_secs(3600);

/// Answers by TCP in which the letters of the name have changed, before a server is asked in plain letters: one may
/// be forged, two over connections are its habit.
pub(crate) const MANGLED_MAX: u8 = 2;

/// How long a server may take that has not answered yet: above the time around the world.
pub(crate) const FIRST_TIMEOUT: Duration = Duration::from_millis(400);
/// The least that is waited for an answer: below that, a busy moment of the server looks like a loss.
pub(crate) const TIMEOUT_MIN: Duration = Duration::from_millis(50);
/// The most: who has to wait longer for one datagram is better off asking again.
pub(crate) const TIMEOUT_MAX: Duration = Duration::from_secs(6);

/// How long others are asked first after a server has failed: its users are to wait for it once in that time only.
pub(crate) const REST: Duration = Duration::from_secs(30);

/// Aliases of aliases that are followed for one question: as many as other resolvers follow.
pub(crate) const ALIASES_MAX: usize = 16;
