//! [`DatagramService`]: a server's datagrams.
//!
//! Answers of one turn lie behind each other in one piece of memory and leave with its flush; then the piece is used
//! again. So in the long run no memory is allocated for a question.

use bytes::BytesMut;
use ropewalk_core::{Address, DatagramProtocol, DatagramTransport};

use super::query::{Carrier, Origin};
use super::service::{Outcome, Server, Way};

/// Answers the datagrams of one socket. Made by [`Server::datagrams`].
pub struct DatagramService {
    server: Server,
    answer: Vec<u8>,
    sent: BytesMut,
}

/// The piece of memory for the answers of a turn: 256 of the longest, as many as a driver receives in one.
const ARENA_BYTES: usize = 256 * 1_232;

impl Server {
    /// A protocol for one socket; any number of sockets may be open.
    pub fn datagrams(&self) -> DatagramService {
        DatagramService { server: self.clone(), answer: Vec::new(), sent: BytesMut::new() }
    }
}

impl DatagramService {
    fn send(&mut self, transport: &DatagramTransport, to: &Address) {
        // When nobody holds a part of it any more, it begins anew.
        if self.sent.capacity() < ARENA_BYTES && !self.sent.try_reclaim(ARENA_BYTES) {
            self.make_room();
        }
        self.sent.extend_from_slice(&self.answer);
        transport.send_to(self.sent.split().freeze(), to);
    }

    fn make_room(&mut self) {
        if self.sent.capacity() < self.answer.len() {
            self.sent = BytesMut::with_capacity(ARENA_BYTES.max(self.answer.len()));
        }
    }
}

impl DatagramProtocol for DatagramService {
    fn datagram_received(&mut self, transport: &DatagramTransport, data: &[u8], from: &Address) {
        // Nobody can be there to hear it.
        if from.ip().is_some_and(|from| from.port() == 0) {
            return;
        }
        let now = transport.reactor().now();
        let origin = Origin { peer: from, carrier: Carrier::Datagram, key: None, now };
        self.answer.clear();
        let way = || Way::Datagram(transport.clone());
        match self.server.take(data, origin, &way, &mut self.answer) {
            Outcome::Answered => self.send(transport, from),
            Outcome::Later(begin) => begin(),
            Outcome::Silent | Outcome::Messages(..) => {}
        }
    }
}
