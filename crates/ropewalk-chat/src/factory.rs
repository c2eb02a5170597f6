//! [`ChatFactory`]: lets connections in, as people who speak lines.

use std::time::Duration;

use bytes::Bytes;
use ropewalk_core::{ConnectionLimits, Factory, Transport};
use ropewalk_framing::{LineDecoder, LineReceiver};

use crate::{Chat, LineMember, Telnet};

/// Makes a [`LineMember`] of each connection.
///
/// # Limits
/// To be listened with [`connection_limits`](Self::connection_limits): with the default ones a slow reader is
/// dropped all the same, but much later.
pub struct ChatFactory {
    chat: Chat,
}

/// What may wait for somebody who does not read, besides what the system holds. Some ten thousand lines: they
/// are hours behind, or have stopped their terminal and gone home. Not less, since one turn of the loop may
/// bring what thirty others paste at the same moment (forty messages of a thousand bytes each, by
/// [`NetworkLimits`](ropewalk_irc::network::NetworkLimits)), or the names of a full room: who reads must not be
/// dropped for that.
const WRITE_BYTES_MAX: usize = 1 << 20;

/// How long a goodbye may take: it is one line, and nobody wants to wait for who does not read.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Room for a command's word and a name, in a line that holds the longest message.
const COMMAND_BYTES_MAX: usize = 200;

impl ChatFactory {
    /// Lets connections into `chat`.
    pub fn new(chat: &Chat) -> Self {
        Self { chat: chat.clone() }
    }

    /// What each connection may hold: so much less than the usual that slow readers are dropped, not waited
    /// for.
    pub fn connection_limits() -> ConnectionLimits {
        ConnectionLimits {
            write_bytes_max: WRITE_BYTES_MAX,
            close_timeout: CLOSE_TIMEOUT,
            ..ConnectionLimits::default()
        }
    }
}

impl Factory for ChatFactory {
    type Protocol = LineReceiver<LineMember>;

    fn build_protocol(&self, transport: &Transport) -> Option<Self::Protocol> {
        transport.start_layer(Telnet::new(), Bytes::new());
        let mut decoder = LineDecoder::new();
        decoder.line_bytes_max = self.chat.server().limits().message_bytes_max + COMMAND_BYTES_MAX;
        Some(LineReceiver::with_decoder(decoder, LineMember::new(self.chat.clone())))
    }
}
