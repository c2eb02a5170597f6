//! [`LineLimits`]: how long a line may be, in each direction.

/// How long the two parts of a line may be.
///
/// # Example: a server that lets its clients write longer lines
/// ```
/// use ropewalk_irc::LineLimits;
/// let long = LineLimits { body_bytes_max: 2048, ..LineLimits::FROM_CLIENT };
/// assert_eq!(long.line_bytes_max(), 4096 + 2046);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineLimits {
    /// Bytes of the tags, with the `@` before them and the space behind them.
    pub tags_bytes_max: usize,
    /// Bytes of all the rest, with the CR LF that ends it. 512 by RFC 1459 section 2.3 and ever since: others who
    /// pass the line on have no room for more.
    pub body_bytes_max: usize,
}

impl LineLimits {
    /// What a client may send: tags of 4,096 bytes (IRCv3 message-tags, "Size limit": 4,094 of data).
    pub const FROM_CLIENT: Self = Self { tags_bytes_max: 4_096, body_bytes_max: 512 };

    /// What a server may send: tags of 8,191 bytes, those of the server and those of a client.
    pub const FROM_SERVER: Self = Self { tags_bytes_max: 8_191, body_bytes_max: 512 };

    /// The longest line, without what ends it: what the [`LineDecoder`](ropewalk_framing::LineDecoder) is to take.
    pub fn line_bytes_max(&self) -> usize {
        self.tags_bytes_max.saturating_add(self.body_bytes_max).saturating_sub(LINE_END.len())
    }
}

/// What ends a line on the wire.
pub(crate) const LINE_END: &str = "\r\n";
