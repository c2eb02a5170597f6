//! [`NetworkLimits`]: the named limits of a network, with their reasons.

use std::time::Duration;

/// What one network holds, and what a user may do in it. Lengths of text are bytes of UTF-8.
///
/// A line of IRC has 512 bytes with everything that stands before the text, so most lengths are such that the
/// longest of them fit into one.
#[derive(Clone, Debug)]
pub struct NetworkLimits {
    /// Users at a time. Default 20,000: a message to a channel is written to each of its members in one turn of
    /// the loop, and so many writes take some milliseconds.
    pub users_max: usize,
    /// Channels at a time. Default 10,000: more than one for every second user.
    pub channels_max: usize,
    /// Channels that one user is on. Default 100: more windows than anybody looks at.
    pub channels_per_user_max: usize,
    /// Bytes of a nickname. Default 32, ten characters in the largest scripts: it stands before every line, which
    /// should fit beside it.
    pub nick_bytes_max: usize,
    /// Bytes of a channel's name with its `#`. Default 64, which is what others allow.
    pub channel_bytes_max: usize,
    /// Bytes of a user name. Default 20: the name of an account on a machine.
    pub user_bytes_max: usize,
    /// Bytes of a host name. Default 64: those of a label, and more than any IP address.
    pub host_bytes_max: usize,
    /// Bytes of a real name. Default 128.
    pub realname_bytes_max: usize,
    /// Bytes of a topic. Default 390: one line.
    pub topic_bytes_max: usize,
    /// Bytes of what is said while away. Default 200: it is repeated to everybody who writes.
    pub away_bytes_max: usize,
    /// Bytes of why somebody was kicked, leaves a channel or the network. Default 255.
    pub reason_bytes_max: usize,
    /// Bytes of a channel's key. Default 23, as RFC 2812 section 1.3 has it.
    pub key_bytes_max: usize,
    /// Bytes of one message. Default 1,000: some lines of a terminal; longer is a file, not talk. To users of
    /// IRC it is cut into as many lines as it takes.
    pub message_bytes_max: usize,
    /// Bytes of the client-only tags of one message. Default 4,094, as the message-tags specification has it.
    pub tag_bytes_max: usize,
    /// Masks in each of a channel's lists: bans, exceptions, invitations. Default 100: each is compared with
    /// everybody who speaks.
    pub masks_per_list_max: usize,
    /// Events that are kept for each channel. Default 500: some screens.
    pub history_per_channel_max: usize,
    /// Users who left and are remembered, for WHOWAS. Default 1,000.
    pub whowas_max: usize,
    /// Open invitations of one user; the oldest gives way. Default 32: who has more does not read them.
    pub invitations_max: usize,
    /// Nicknames that one user watches. Default 100, as others allow.
    pub watched_max: usize,
    /// How often a user may do something that others hear, in the long run. Default 200 ms: faster than
    /// anybody types.
    pub message_interval: Duration,
    /// So many may come at once, for who pastes some lines, joins a list of channels or was cut off for a
    /// while. Default 40.
    pub message_burst: u32,
    /// Events that one thread of the network has not told yet; what would be one more is refused as
    /// [`Busy`](super::Refusal::Busy), but for news of who left. Default 65,536: some seconds of a full and
    /// lively network, so whoever is behind by so much is stuck.
    pub events_max: usize,
}

impl Default for NetworkLimits {
    fn default() -> Self {
        Self {
            users_max: 20_000,
            channels_max: 10_000,
            channels_per_user_max: 100,
            nick_bytes_max: 32,
            channel_bytes_max: 64,
            user_bytes_max: 20,
            host_bytes_max: 64,
            realname_bytes_max: 128,
            topic_bytes_max: 390,
            away_bytes_max: 200,
            reason_bytes_max: 255,
            key_bytes_max: 23,
            message_bytes_max: 1_000,
            tag_bytes_max: 4_094,
            masks_per_list_max: 100,
            history_per_channel_max: 500,
            whowas_max: 1_000,
            invitations_max: 32,
            watched_max: 100,
            message_interval: Duration::from_millis(200),
            message_burst: 40,
            events_max: 65_536,
        }
    }
}
