//! [`RustlsSession`]: a [`Session`] over an unbuffered connection of rustls.
//!
//! rustls looks at the bytes of the wire where they lie, decrypts them there, and says how many of them it is done
//! with. What it is not done with, the beginning of a record or the parts of a long handshake message, has to
//! be shown again in front of what follows; that is all that is kept here. Once nothing is unfinished, nothing
//! is kept.

use std::cell::RefCell;
use std::rc::Rc;

use ropewalk_core::{Chunk, LayerIo, OutQueue};
use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus, WriteTraffic,
};
use rustls::{CommonState, HandshakeKind, ProtocolVersion};

use super::names::Asked;
use crate::session::Session;
use crate::{Certificate, Negotiated, TlsError, TlsVersion};

/// Where records to be sent are made: one buffer for all connections of a server or client.
#[derive(Default)]
pub(crate) struct Scratch(RefCell<Vec<u8>>);

/// Plaintext for one record: the most that fits (RFC 8446 section 5.1).
const RECORD_BYTES_MAX: usize = 16 * 1024;
/// What the header, the type and the tag of a record take, generously; rustls says if it wants more.
const RECORD_OVERHEAD_BYTES: usize = 256;
/// Bytes kept of what is unfinished. rustls takes handshake messages of up to 64 KiB, in records of which one may
/// be unfinished (18 KiB); the rest is what honest peers' record headers take. A peer that cuts a message into
/// records of a byte each comes to more, and is no honest one.
const UNFINISHED_BYTES_MAX: usize = 96 * 1024;
/// The header of a record: its type, its version, its length (RFC 8446 section 5.1).
const HEADER_BYTES: usize = 5;

/// One side's connection of rustls.
pub(super) trait Connection {
    type Data;

    fn process<'c, 'i>(
        &'c mut self,
        incoming: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data>;

    fn common(&self) -> &CommonState;

    /// Whether tickets are still to come, as they mostly do.
    fn awaits_tickets(&self) -> bool;

    /// The name that the client asked for, if one has come since it was last looked for.
    fn take_server_name(&self) -> Option<String>;
}

/// A server's side.
pub(super) struct ServerSide {
    pub(super) connection: UnbufferedServerConnection,
    pub(super) asked: std::sync::Arc<Asked>,
}

impl Connection for ServerSide {
    type Data = ServerConnectionData;

    fn process<'c, 'i>(
        &'c mut self,
        incoming: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.connection.process_tls_records(incoming)
    }

    fn common(&self) -> &CommonState {
        &self.connection
    }

    fn awaits_tickets(&self) -> bool {
        false // It sends them.
    }

    fn take_server_name(&self) -> Option<String> {
        self.asked.take()
    }
}

impl Connection for UnbufferedClientConnection {
    type Data = ClientConnectionData;

    fn process<'c, 'i>(
        &'c mut self,
        incoming: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(incoming)
    }

    fn common(&self) -> &CommonState {
        self
    }

    fn awaits_tickets(&self) -> bool {
        self.protocol_version() == Some(ProtocolVersion::TLSv1_3)
            && self.tls13_tickets_received() == 0
    }

    fn take_server_name(&self) -> Option<String> {
        None
    }
}

pub(super) struct RustlsSession<C> {
    connection: C,
    /// What came and rustls is not done with.
    unfinished: Vec<u8>,
    scratch: Rc<Scratch>,
    server_name: Option<Box<str>>,
    peer_has_closed: bool,
}

impl<C: Connection> RustlsSession<C> {
    pub(super) fn new(connection: C, scratch: Rc<Scratch>, server_name: Option<&str>) -> Self {
        let server_name = server_name.map(Box::from);
        Self { connection, unfinished: Vec::new(), scratch, server_name, peer_has_closed: false }
    }

    /// Has rustls work off `incoming`; gives how many bytes from its front it is done with.
    fn work(&mut self, incoming: &mut [u8], io: &mut LayerIo<'_>) -> Result<usize, TlsError> {
        let mut done = 0;
        loop {
            let UnbufferedStatus { mut discard, state } =
                self.connection.process(&mut incoming[done..]);
            let goes_on = match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(Ok(record)) = traffic.next_record() {
                        discard += record.discard;
                        io.deliver(record.payload);
                    }
                    true
                }
                Ok(ConnectionState::EncodeTlsData(data)) => {
                    self.scratch.encode(data, io);
                    true
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done(); // It lies in the queue to the wire.
                    true
                }
                Ok(ConnectionState::PeerClosed) => {
                    self.peer_has_closed = true;
                    io.close_inbound();
                    true
                }
                Ok(_) => false,
                Err(error) => {
                    self.send_alert(&mut incoming[done..], io);
                    return Err(match error.into() {
                        TlsError::NotTls if !self.is_handshaking() => TlsError::BadRecord,
                        error => error,
                    });
                }
            };
            done += discard;
            if !goes_on {
                // What comes after close_notify is nobody's (RFC 8446 section 6.1).
                return Ok(if self.peer_has_closed { incoming.len() } else { done });
            }
        }
    }

    /// Fetches the alert that belongs to an error, if there is one. Not more: rustls would look at the bytes that it
    /// failed at once again.
    fn send_alert(&mut self, incoming: &mut [u8], io: &mut LayerIo<'_>) {
        while self.connection.common().wants_write() {
            match self.connection.process(incoming).state {
                Ok(ConnectionState::EncodeTlsData(data)) => self.scratch.encode(data, io),
                _ => return,
            }
        }
    }

    /// Has rustls work off what is kept.
    fn work_off_unfinished(&mut self, io: &mut LayerIo<'_>) -> Result<(), TlsError> {
        let mut unfinished = std::mem::take(&mut self.unfinished);
        let done = self.work(&mut unfinished, io)?;
        if done < unfinished.len() {
            unfinished.drain(..done);
            self.unfinished = unfinished;
        }
        if self.unfinished.len() > UNFINISHED_BYTES_MAX {
            return Err(TlsError::Limit(
                "an unfinished TLS handshake message is over 96 KiB (UNFINISHED_BYTES_MAX)",
            ));
        }
        Ok(())
    }

    /// Calls `f` in the state in which there can be sent.
    fn when_writable(
        &mut self,
        io: &mut LayerIo<'_>,
        f: impl FnOnce(WriteTraffic<'_, C::Data>, &Scratch, &mut LayerIo<'_>) -> Result<(), TlsError>,
    ) -> Result<(), TlsError> {
        self.work_off_unfinished(io)?; // Answers that are due go first.
        match self.connection.process(&mut self.unfinished).state {
            Ok(ConnectionState::WriteTraffic(traffic)) => f(traffic, &self.scratch, io),
            Ok(_) => Ok(()), // This side has closed already.
            Err(error) => Err(error.into()),
        }
    }
}

impl<C: Connection> Session for RustlsSession<C> {
    fn receive(&mut self, mut chunk: Chunk<'_>, io: &mut LayerIo<'_>) -> Result<(), TlsError> {
        while !self.unfinished.is_empty() && !chunk.is_empty() {
            let count = missing(&self.unfinished).min(chunk.len());
            self.unfinished.extend_from_slice(&chunk.as_slice()[..count]);
            chunk.advance(count);
            self.work_off_unfinished(io)?;
        }
        if self.unfinished.is_empty() {
            let done = self.work(chunk.as_mut(), io)?;
            self.unfinished.extend_from_slice(&chunk.as_slice()[done..]);
        }
        if let Some(name) = self.connection.take_server_name() {
            self.server_name = Some(name.into());
        }
        Ok(())
    }

    fn send(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), TlsError> {
        if from.is_empty() {
            return Ok(());
        }
        self.when_writable(io, |mut traffic, scratch, io| {
            while !from.is_empty() {
                if !from.take_attachments().is_empty() {
                    return Err(TlsError::Unsupported("TLS carries bytes only, no attachments"));
                }
                let count = from.first().len().min(RECORD_BYTES_MAX);
                let plaintext = &from.first()[..count];
                scratch.fill(io, |records| traffic.encrypt(plaintext, records))?;
                from.advance(count);
            }
            Ok(())
        })
    }

    fn close(&mut self, io: &mut LayerIo<'_>) -> Result<(), TlsError> {
        self.when_writable(io, |mut traffic, scratch, io| {
            scratch.fill(io, |records| traffic.queue_close_notify(records))
        })
    }

    fn is_handshaking(&self) -> bool {
        self.connection.common().is_handshaking()
    }

    fn peer_has_closed(&self) -> bool {
        self.peer_has_closed
    }

    fn awaits_tickets(&self) -> bool {
        self.connection.awaits_tickets()
    }

    fn negotiated(&self) -> Negotiated {
        let common = self.connection.common();
        let suite = common.negotiated_cipher_suite().map(|suite| suite.suite());
        let certificate = common.peer_certificates().and_then(<[_]>::first);
        Negotiated {
            version: match common.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => TlsVersion::Tls12,
                _ => TlsVersion::Tls13,
            },
            cipher_suite: suite.and_then(|suite| suite.as_str()).unwrap_or("unknown"),
            alpn: common.alpn_protocol().map(<[u8]>::to_vec),
            server_name: self.server_name.as_deref().map(str::to_owned),
            peer_certificate: certificate.map(|der| Certificate::from_der(der.to_vec())),
            resumed: common.handshake_kind() == Some(HandshakeKind::Resumed),
        }
    }
}

impl Scratch {
    /// Encodes a handshake record, and sends it.
    fn encode<D>(&self, mut data: EncodeTlsData<'_, D>, io: &mut LayerIo<'_>) {
        let mut records = self.0.borrow_mut();
        loop {
            match data.encode(&mut records) {
                Ok(len) => return io.send(&records[..len]),
                Err(EncodeError::InsufficientSize(wanted)) => {
                    records.resize(wanted.required_size, 0)
                }
                Err(EncodeError::AlreadyEncoded) => return,
            }
        }
    }

    /// Has `encrypt` make records, and sends them.
    fn fill(
        &self,
        io: &mut LayerIo<'_>,
        mut encrypt: impl FnMut(&mut [u8]) -> Result<usize, EncryptError>,
    ) -> Result<(), TlsError> {
        let mut records = self.0.borrow_mut();
        if records.len() < RECORD_BYTES_MAX + RECORD_OVERHEAD_BYTES {
            records.resize(RECORD_BYTES_MAX + RECORD_OVERHEAD_BYTES, 0);
        }
        loop {
            match encrypt(&mut records) {
                Ok(len) => {
                    io.send(&records[..len]);
                    return Ok(());
                }
                Err(EncryptError::InsufficientSize(wanted)) => {
                    records.resize(wanted.required_size, 0)
                }
                Err(EncryptError::EncryptExhausted) => {
                    return Err(TlsError::Limit("the keys of this TLS connection are worn out"));
                }
            }
        }
    }
}

/// How many bytes are missing at the end of `unfinished` before rustls can get on: to the end of a header, or to
/// the end of a record.
fn missing(unfinished: &[u8]) -> usize {
    let mut rest = unfinished;
    loop {
        let Some((header, body)) = rest.split_at_checked(HEADER_BYTES) else {
            return HEADER_BYTES - rest.len();
        };
        let len = usize::from(u16::from_be_bytes([header[3], header[4]]));
        match body.split_at_checked(len) {
            Some((_, next)) => rest = next,
            None => return len - body.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_counted_to_the_end_of_a_header_or_of_a_record() {
        assert_eq!(missing(&[]), 5);
        assert_eq!(missing(&[22, 3, 3]), 2);
        assert_eq!(missing(&[22, 3, 3, 1, 0]), 256);
        assert_eq!(missing(&[22, 3, 3, 0, 2, 9]), 1);
        assert_eq!(missing(&[22, 3, 3, 0, 2, 9, 9]), 5);
        assert_eq!(missing(&[22, 3, 3, 0, 1, 9, 22, 3, 3, 0, 3]), 3);
    }
}
