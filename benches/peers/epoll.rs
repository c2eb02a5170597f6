//! The floor: the least that an edge-triggered epoll loop does to echo.
//!
//! One buffer for all connections; per message one `epoll_wait` (shared by all that are ready), one `recv`, one
//! `send`. A short read ends a connection's turn: the next byte is a new edge. Unless the peer has hung up: then we
//! read on to the end, for it may have come before the edge we know of.

#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::fd::OwnedFd;

/// What the listener's events carry. Those of a connection carry its descriptor.
const LISTENER: u64 = u64::MAX;

const BUFFER_BYTES: usize = 64 * 1024;
const EVENTS_MAX: usize = 1024;

struct Server {
    epoll: OwnedFd,
    listener: TcpListener,
    /// By descriptor.
    connections: Vec<Option<Connection>>,
    buffer: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    /// Read, but not yet taken by the socket; nothing more is read until it is.
    unsent: Vec<u8>,
}

fn main() -> Result<(), Box<dyn Error>> {
    Ok(Server::new(peers::listen()?)?.run()?)
}

impl Server {
    fn new(listener: TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        Ok(Self { epoll, listener, connections: Vec::new(), buffer: vec![0; BUFFER_BYTES] })
    }

    fn run(&mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(EVENTS_MAX);
        loop {
            epoll::wait(&self.epoll, spare_capacity(&mut events), None)?;
            for event in events.drain(..) {
                if event.data.u64() == LISTENER { self.accept()? } else { self.echo(event) }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        let stream = match self.listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let slot = usize::try_from(stream.as_raw_fd()).expect("an open descriptor");
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(&self.epoll, &stream, EventData::new_u64(slot as u64), flags)?;
        if slot >= self.connections.len() {
            self.connections.resize_with(slot + 1, || None);
        }
        self.connections[slot] = Some(Connection { stream, unsent: Vec::new() });
        Ok(())
    }

    fn echo(&mut self, event: Event) {
        let slot = usize::try_from(event.data.u64()).expect("it was a descriptor");
        let Some(connection) = &mut self.connections[slot] else { return };
        let flags = event.flags;
        let hung_up = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
        if connection.echo(&mut self.buffer, hung_up).is_err() {
            // Closing the socket takes it out of the epoll set.
            self.connections[slot] = None;
        }
    }
}

impl Connection {
    /// Echoes what there is; an error is the connection's end.
    fn echo(&mut self, buffer: &mut [u8], hung_up: bool) -> io::Result<()> {
        if !self.unsent.is_empty() {
            let unsent = std::mem::take(&mut self.unsent);
            self.write(&unsent)?;
        }
        while self.unsent.is_empty() {
            let count = match self.stream.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                other => other?,
            };
            self.write(&buffer[..count])?;
            if count < buffer.len() && !hung_up {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Writes what the socket takes and keeps the rest.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let count = match self.stream.write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            other => other?,
        };
        self.unsent.extend_from_slice(&bytes[count..]);
        Ok(())
    }
}
