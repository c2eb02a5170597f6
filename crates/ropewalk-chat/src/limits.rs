//! [`RoomLimits`]: the named limits of a room, with their reasons.

use std::time::Duration;

/// What one room holds, and what a member may do in it.
#[derive(Clone, Debug)]
pub struct RoomLimits {
    /// Members at a time. Default 10,000: a message is written to each of them in one turn of the loop, and so
    /// many writes take a few milliseconds.
    pub members_max: usize,
    /// Characters of a name. Default 24: names stand before every line, which should fit beside them.
    pub name_chars_max: usize,
    /// Bytes of one message, as UTF-8. Default 1,000: some lines of a terminal; longer is a file, not talk.
    pub message_bytes_max: usize,
    /// How often a member may do something that the others hear, in the long run. Default 200 ms: faster than
    /// anybody types.
    pub message_interval: Duration,
    /// So many may come at once, for who pastes some lines or was cut off for a while. Default 20.
    pub message_burst: u32,
    /// Events that one thread of a room on several has not told yet; what would be one more is refused as
    /// [`Busy`](crate::RoomError::Busy), but for news of who left. Default 65,536: some seconds of a full and
    /// lively room, so whoever is behind by so much is stuck.
    pub events_max: usize,
}

impl Default for RoomLimits {
    fn default() -> Self {
        Self {
            members_max: 10_000,
            name_chars_max: 24,
            message_bytes_max: 1_000,
            message_interval: Duration::from_millis(200),
            message_burst: 20,
            events_max: 65_536,
        }
    }
}
