//! [`ProxyHeader`]: a layer that learns from a proxy where its client is.
//!
//! A proxy that passes on a byte stream hides who is calling. The PROXY protocol, of HAProxy and many others since,
//! has it say so first: in one line of text (version 1) or in a block of bytes (version 2), before anything else.
//! The layer takes that out, and keeps it at the transport as a [`ProxiedPeer`].

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use ropewalk_core::{
    Chunk, Factory, Failure, FailureKind, Layer, LayerIo, OutQueue, Time, Transport,
};

/// Where the client of a proxy is; kept at the transport, to be asked for with
/// [`kept`](Transport::kept), from when the first byte comes.
#[derive(Debug, Default)]
pub struct ProxiedPeer(Cell<Option<SocketAddr>>);

/// Takes the header of the PROXY protocol out of what comes first.
///
/// A connection that begins with anything else, or with nothing for [`HEADER_TIMEOUT`](Self::HEADER_TIMEOUT), is
/// aborted: what listens for a proxy must not be reached by others, who could claim to be anybody.
#[derive(Debug)]
pub struct ProxyHeader {
    peer: Rc<ProxiedPeer>,
    /// What has come of it.
    held: Vec<u8>,
    is_over: bool,
    deadline: Option<Time>,
}

/// What [`behind_proxy`] makes.
pub struct BehindProxy<F>(F);

/// A factory for connections that come through a proxy which says who is calling. What `factory` makes finds
/// that at its transport: `transport.kept::<ProxiedPeer>()`.
///
/// On an endpoint with TLS the header is expected inside of it; most proxies end TLS themselves.
pub fn behind_proxy<F: Factory>(factory: F) -> BehindProxy<F> {
    BehindProxy(factory)
}

impl<F: Factory> Factory for BehindProxy<F> {
    type Protocol = F::Protocol;

    fn build_protocol(&self, transport: &Transport) -> Option<F::Protocol> {
        let layer = ProxyHeader::new();
        transport.keep_until_lost(layer.peer.clone());
        transport.start_layer(layer, Bytes::new());
        self.0.build_protocol(transport)
    }
}

impl ProxiedPeer {
    /// Where the client is; `None` if the proxy has not said so yet, or does not know, or asks for itself.
    pub fn address(&self) -> Option<SocketAddr> {
        self.0.get()
    }
}

const V1_START: &[u8] = b"PROXY ";
/// The longest line of version 1, with its CR LF (section 2.1).
const V1_BYTES_MAX: usize = 107;
const V2_SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, length.
const V2_HEAD_BYTES: usize = 16;
/// Of version 2, addresses and what may follow them (certificates, names).
const V2_REST_BYTES_MAX: usize = 4096;

impl ProxyHeader {
    /// How long the header may take: a proxy sends it at once.
    pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

    /// One that has seen nothing.
    pub fn new() -> Self {
        Self { peer: Rc::default(), held: Vec::new(), is_over: false, deadline: None }
    }

    /// Where it puts what it learns.
    pub fn peer(&self) -> &Rc<ProxiedPeer> {
        &self.peer
    }

    /// Reads the header, if all of it is there: how long it is, and who is calling.
    fn read(&self) -> Result<Option<(usize, Option<SocketAddr>)>, Failure> {
        let held = self.held.as_slice();
        if held.starts_with(V2_SIGNATURE) {
            return read_v2(held);
        }
        if held.starts_with(V1_START) {
            return read_v1(held);
        }
        if V2_SIGNATURE.starts_with(held) || V1_START.starts_with(held) {
            return Ok(None);
        }
        Err(broken("not the PROXY protocol"))
    }
}

impl Default for ProxyHeader {
    fn default() -> Self {
        Self::new()
    }
}

impl Layer for ProxyHeader {
    fn inbound(&mut self, chunk: Chunk<'_>, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        if self.is_over {
            io.deliver(chunk.as_slice());
            return Ok(());
        }
        self.held.extend_from_slice(chunk.as_slice());
        if let Some((length, address)) = self.read()? {
            self.peer.0.set(address);
            self.is_over = true;
            io.deliver(&std::mem::take(&mut self.held)[length..]);
        }
        Ok(())
    }

    fn outbound(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        self.deadline.get_or_insert(io.now() + Self::HEADER_TIMEOUT);
        io.send_queue(from);
        Ok(())
    }

    fn next_deadline(&self) -> Option<Time> {
        self.deadline.filter(|_| !self.is_over)
    }

    fn deadline_reached(&mut self, _: &mut LayerIo<'_>) -> Result<(), Failure> {
        Err(Failure::new(FailureKind::Timeout, "no header of the PROXY protocol came"))
    }
}

fn broken(what: &str) -> Failure {
    Failure::new(FailureKind::Peer, format!("a proxy's header is wrong: {what}"))
}

/// `PROXY TCP4 192.0.2.1 192.0.2.2 56324 443`, or `PROXY UNKNOWN` and anything (section 2.1).
fn read_v1(held: &[u8]) -> Result<Option<(usize, Option<SocketAddr>)>, Failure> {
    let line = &held[..held.len().min(V1_BYTES_MAX)];
    let Some(end) = line.windows(2).position(|pair| pair == b"\r\n") else {
        let is_long = held.len() >= V1_BYTES_MAX;
        return if is_long { Err(broken("its line is too long")) } else { Ok(None) };
    };
    let line = str::from_utf8(&line[..end]).map_err(|_| broken("its line is not text"))?;
    let words: Vec<&str> = line.split(' ').collect();
    let address = match words[..] {
        ["PROXY", "UNKNOWN", ..] => None,
        ["PROXY", family, from, _, port, _] => {
            let from: IpAddr = from.parse().map_err(|_| broken("its address is none"))?;
            let port = port.parse().map_err(|_| broken("its port is none"))?;
            if family != if from.is_ipv4() { "TCP4" } else { "TCP6" } {
                return Err(broken("its address is of another family"));
            }
            Some(SocketAddr::new(from, port))
        }
        _ => return Err(broken("its line has other words")),
    };
    Ok(Some((end + 2, address)))
}

/// The binary form (section 2.2).
fn read_v2(held: &[u8]) -> Result<Option<(usize, Option<SocketAddr>)>, Failure> {
    let Some(head) = held.first_chunk::<V2_HEAD_BYTES>() else { return Ok(None) };
    let (command, family) = (head[12], head[13]);
    let length = usize::from(u16::from_be_bytes([head[14], head[15]]));
    if length > V2_REST_BYTES_MAX {
        return Err(broken("it is too long"));
    }
    let end = V2_HEAD_BYTES + length;
    let Some(rest) = held.get(V2_HEAD_BYTES..end) else { return Ok(None) };
    let address = match command {
        0x20 => None, // LOCAL: the proxy asks for itself, to see whether this is alive.
        0x21 => v2_address(family, rest)?,
        _ => return Err(broken("its version or command is unknown")),
    };
    Ok(Some((end, address)))
}

/// From the addresses and ports, source first; those of UNIX sockets and what else there is say nothing.
fn v2_address(family: u8, rest: &[u8]) -> Result<Option<SocketAddr>, Failure> {
    let short = || broken("it is too short for its addresses");
    let port = |at: usize| {
        let bytes = rest.get(at..).and_then(|rest| rest.first_chunk());
        bytes.map(|bytes| u16::from_be_bytes(*bytes)).ok_or_else(short)
    };
    Ok(match family >> 4 {
        1 => {
            let ip: [u8; 4] = *rest.first_chunk().ok_or_else(short)?;
            Some(SocketAddr::new(Ipv4Addr::from(ip).into(), port(8)?))
        }
        2 => {
            let ip: [u8; 16] = *rest.first_chunk().ok_or_else(short)?;
            Some(SocketAddr::new(Ipv6Addr::from(ip).into(), port(32)?))
        }
        _ => None,
    })
}
