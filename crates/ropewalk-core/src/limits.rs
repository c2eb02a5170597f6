//! The named limits: what each bounds, how much, and why.

use std::time::Duration;

/// What one connection may hold and how long it may take.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// Bytes written that could not be sent yet. One more, and the connection is aborted with a `Limit` failure.
    /// A burst that the system takes at once never has to wait; see [`Transport::write`](crate::Transport::write).
    ///
    /// Default 16 MiB: a large answer written in one go fits, a peer that never reads cannot cost more.
    pub write_bytes_max: usize,
    /// With this much waiting to be sent, the registered producer is asked to pause. Default 64 KiB: as much
    /// as one system call takes.
    pub write_high_watermark: usize,
    /// With no more than this waiting, it is asked to go on. Default 16 KiB: enough to keep the wire busy
    /// until it has.
    pub write_low_watermark: usize,
    /// Bytes received for a protocol that has paused. Default 1 MiB: some rounds of the reactor's read buffer,
    /// for what was on its way when the pause was called and what a layer makes of it.
    pub held_bytes_max: usize,
    /// Calls waiting for a protocol that is busy, by `ProtocolRef` or `Cx::when`. Default 65,536: one for each
    /// of a crowd that a busy room may tell something at once.
    pub calls_max: usize,
    /// How long `lose_connection` may take to send what was written; while a producer finishes, how long it may
    /// take without a byte sent. Then the connection is aborted with a
    /// `Timeout` failure. Default 60 s: slow is allowed, never is not.
    pub close_timeout: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            write_bytes_max: 16 << 20,
            write_high_watermark: 64 << 10,
            write_low_watermark: 16 << 10,
            held_bytes_max: 1 << 20,
            calls_max: 65_536,
            close_timeout: Duration::from_secs(60),
        }
    }
}

/// What one reactor may hold and do.
#[derive(Clone, Debug)]
pub struct ReactorLimits {
    /// Connections, ports and sockets together. Default 4 million: what the table's memory is worth; the
    /// system's limit on open files is usually reached first.
    pub slots_max: usize,
    /// Calls and tasks run in the ready phase of one turn; the rest keeps its place for the next. Default
    /// 4,096: a fraction of a millisecond of small ones, so that timers and the network are not kept waiting.
    pub ready_per_turn_max: usize,
    /// Calls from other threads waiting for the next turn; one more is refused. Default 65,536.
    pub remote_calls_max: usize,
    /// How long `Reactor::stop` waits for connections to send what was written. Default 5 s: shorter than
    /// what service managers allow.
    pub stop_timeout: Duration,
    /// For connections whose endpoint says nothing else.
    pub connection: ConnectionLimits,
}

impl Default for ReactorLimits {
    fn default() -> Self {
        Self {
            slots_max: 4 << 20,
            ready_per_turn_max: 4096,
            remote_calls_max: 65_536,
            stop_timeout: Duration::from_secs(5),
            connection: ConnectionLimits::default(),
        }
    }
}
