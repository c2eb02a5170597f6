//! [`IrcFactory`]: lets connections into a network as clients of IRC.

use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{ConnectionLimits, Factory, Transport};
use ropewalk_framing::{LineDecoder, LineReceiver};

use super::IrcSettings;
use super::session::IrcSession;
use super::shared::Shared;
use crate::LineLimits;
use crate::network::Server;

/// Makes an [`IrcSession`] of each connection.
///
/// # Limits
/// To be listened with [`connection_limits`](Self::connection_limits): with the default ones a slow reader is
/// dropped all the same, but much later.
pub struct IrcFactory(Rc<Shared>);

/// What may wait for a client that does not read, besides what the system holds: some fifteen thousand lines. Not
/// less, since a client that asks for all channels of a large network gets them in one turn of the loop: who reads
/// must not be dropped for that.
const WRITE_BYTES_MAX: usize = 4 << 20;

/// How long a goodbye may take: it is one line, and nobody wants to wait for who does not read.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

impl IrcFactory {
    /// Lets connections into the network that `server` is a part of.
    pub fn new(server: Server, settings: IrcSettings) -> Self {
        Self(Rc::new(Shared::new(server, settings)))
    }

    /// What each connection may hold: so much less than the usual that slow readers are dropped, not waited for.
    pub fn connection_limits() -> ConnectionLimits {
        ConnectionLimits {
            write_bytes_max: WRITE_BYTES_MAX,
            close_timeout: CLOSE_TIMEOUT,
            ..ConnectionLimits::default()
        }
    }
}

impl Factory for IrcFactory {
    type Protocol = LineReceiver<IrcSession>;

    fn build_protocol(&self, transport: &Transport) -> Option<Self::Protocol> {
        let mut decoder = LineDecoder::new();
        decoder.line_bytes_max = LineLimits::FROM_CLIENT.line_bytes_max();
        let session = IrcSession::new(self.0.clone(), transport);
        Some(LineReceiver::with_decoder(decoder, session))
    }
}
