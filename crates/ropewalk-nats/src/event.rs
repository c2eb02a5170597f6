//! What a client hears: [`NatsMessage`] from others, [`NatsNews`] of its connection, and the lines of a server.

use bytes::Bytes;
use ropewalk_core::Failure;

/// Something that was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsMessage {
    /// Where.
    pub subject: String,
    /// Where an answer is expected.
    pub reply: Option<String>,
    /// What.
    pub payload: Bytes,
}

/// What happened to a client's connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NatsNews {
    /// It is up: the subscriptions have been said, and what was kept is on its way.
    CameUp,
    /// It is gone, for that reason, and is tried again; or it could not be had.
    WentAway(Failure),
    /// The server refused something, in its own words, and the connection stands: a subject that is not allowed.
    Refused(String),
}

/// A line of a server, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ServerLine<'a> {
    /// With JSON behind it.
    Info(&'a [u8]),
    Message(MessageLine<'a>),
    Ping,
    Pong,
    Ok,
    /// With the server's words.
    Error(String),
}

/// The line before a message's payload.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MessageLine<'a> {
    pub(crate) subject: &'a str,
    /// The number that we gave the subscription.
    pub(crate) number: u64,
    pub(crate) reply: Option<&'a str>,
    pub(crate) payload_bytes: usize,
}
