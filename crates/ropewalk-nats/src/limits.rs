//! [`NatsLimits`]: the named limits of a client, with their reasons.

use std::time::Duration;

/// What a client holds, and how long it waits.
#[derive(Clone, Debug)]
pub struct NatsLimits {
    /// The longest line that a server may send. Default 32 KiB: a server says by one line where all others of its
    /// cluster are, and everything else is far shorter.
    pub line_bytes_max: usize,
    /// The longest payload, both ways; a server's own limit holds if it is smaller. Default 1 MiB, as
    /// `nats-server` has it.
    pub payload_bytes_max: usize,
    /// The longest subject. Default 1,024 bytes: a line with two of them fits in the 4,096 bytes that a
    /// server takes (`max_control_line`).
    pub subject_bytes_max: usize,
    /// Bytes that were published and not sent yet: kept while the server is away, or waiting to be written. What
    /// would be more is refused. Default 8 MiB, as the client for Go keeps.
    pub unsent_bytes_max: usize,
    /// Subscriptions at a time. Default 65,536: each is said to the server again after each absence.
    pub subscriptions_max: usize,
    /// Flushes and waits for a connection that are not answered yet. Default 1,024.
    pub waiting_max: usize,
    /// How long a connection may take from its first byte to the answer to our greeting. Default 5 s.
    pub greeting_timeout: Duration,
    /// How often the server is asked whether it is there. Default 30 s: what breaks without a word is noticed within
    /// a minute and a half.
    pub ping_interval: Duration,
    /// With so many of those questions unanswered the connection is given up. Default 2.
    pub pings_unanswered_max: usize,
    /// The pause before the first attempt to come back. Default 100 ms: a server that is restarted is soon there.
    pub pause_min: Duration,
    /// The pause doubles with each attempt that failed, up to this. Default 5 s: nobody waits long for a server that
    /// is back, and a thousand clients are no load.
    pub pause_max: Duration,
}

impl Default for NatsLimits {
    fn default() -> Self {
        Self {
            line_bytes_max: 32 << 10,
            payload_bytes_max: 1 << 20,
            subject_bytes_max: 1_024,
            unsent_bytes_max: 8 << 20,
            subscriptions_max: 65_536,
            waiting_max: 1_024,
            greeting_timeout: Duration::from_secs(5),
            ping_interval: Duration::from_secs(30),
            pings_unanswered_max: 2,
            pause_min: Duration::from_millis(100),
            pause_max: Duration::from_secs(5),
        }
    }
}
