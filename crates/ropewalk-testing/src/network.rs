//! [`Network`]: how a network in memory behaves.

use std::time::Duration;

use crate::Seed;

/// How a network in memory behaves. By default perfectly: no delay, no loss, and as much room as a loopback
/// socket has.
///
/// It can be changed while it runs: [`MemoryNetwork::change`](crate::MemoryNetwork::change).
///
/// # Example: one byte at a time, 20 ms away
/// ```
/// use std::time::Duration;
/// use ropewalk_testing::Network;
///
/// let network = Network { latency: Duration::from_millis(20), chunk_size: 1, ..Network::default() };
/// assert_eq!(network.capacity, 64 * 1024);
/// ```
#[derive(Clone, Debug)]
pub struct Network {
    /// How long everything is under way, in one direction. Default zero: it arrives in the next turn.
    pub latency: Duration,
    /// Up to how much longer, by chance. Bytes of one connection are never overtaken by later ones.
    pub jitter: Duration,
    /// At most so many bytes come in one piece; 1 splits everything everywhere. Default 64 KiB.
    pub chunk_size: usize,
    /// So many bytes of one direction of a connection can be under way or waiting at the receiver before the
    /// sender is blocked; at least 1. Default 64 KiB. A receiver that reads makes room one latency later.
    pub capacity: usize,
    /// A connection is reset, at both ends, when this byte of either direction has passed; 0 before the
    /// first.
    pub lose_at_byte: Option<u64>,
    /// A connection falls silent when this byte of either direction has passed: nothing arrives any more, in
    /// either direction, no end and no reset, as when the peer's machine loses its power.
    pub half_open_at_byte: Option<u64>,
    /// How often a datagram is lost: 0 to 1.
    pub datagram_loss: f64,
    /// How often it comes twice.
    pub datagram_duplication: f64,
    /// How often it is overtaken by those after it: it takes up to three times as long, and a millisecond.
    pub datagram_reordering: f64,
    /// What chance begins with. Default 0: the same in every run; see [`Seed::from_env`].
    pub seed: Seed,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            chunk_size: 64 * 1024,
            capacity: 64 * 1024,
            lose_at_byte: None,
            half_open_at_byte: None,
            datagram_loss: 0.0,
            datagram_duplication: 0.0,
            datagram_reordering: 0.0,
            seed: Seed::new(0),
        }
    }
}
