//! [`Sockets`]: how descriptors come to the readiness driver.
//!
//! An endpoint opens a socket, asks the reactor for a slot, and gives the two to the driver here. What kind of
//! row that makes says how it is read and written from then on.

use std::fs::File;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;

use ropewalk_core::{
    DatagramProtocol, DatagramTransport, Deferred, Driver, Failure, Lineage, ListeningPort,
    Reactor, SlotId,
};

use crate::driver::sockets;
use crate::poller::Poller;
use crate::readiness::Readiness;
use crate::ring_reads::FileRead;
use crate::row::{Accepted, Extra, Kind, Row, flag};
use crate::shared_port::Opened;

/// What the endpoints ask of whatever driver there is, beyond the heart's [`Driver`]. Each call fills the row
/// of a slot that the reactor has just given.
pub(crate) trait Sockets: Driver {
    /// A stream; `OPENING`, `CONNECTING` and `SHARED` of `flags` say what is to be made of it.
    fn add_stream(&self, id: SlotId, fd: OwnedFd, kind: Kind, flags: u16) -> io::Result<()>;

    /// A descriptor to read, and another to write if that is not the same one; they never wait.
    fn add_pipe(
        &self,
        id: SlotId,
        read: OwnedFd,
        write: Option<OwnedFd>,
        on_close: Box<dyn FnOnce()>,
    ) -> io::Result<()>;

    /// A socket that listens already.
    fn add_listener(&self, id: SlotId, kind: Kind, opened: Opened) -> io::Result<()>;

    /// A connection that another worker has accepted for the listener here.
    fn add_accepted(&self, listener: SlotId, accepted: Accepted);

    /// A socket that is bound already.
    fn add_datagram(&self, id: SlotId, opened: Opened) -> io::Result<()>;

    /// A port without a socket of its own, for a connection that is there already.
    fn add_bare_port(&self, id: SlotId) -> io::Result<()>;

    /// A descriptor of the user's own.
    fn add_watch(&self, id: SlotId, fd: RawFd, readable: bool, writable: bool) -> io::Result<()>;

    /// Changes what a descriptor is watched for.
    fn set_watch(&self, id: SlotId, readable: bool, writable: bool);

    /// Reads up to `len` bytes of a file, perhaps fewer than there are, if the driver does that without waiting.
    fn read_file(&self, file: &Arc<File>, offset: u64, len: usize) -> Option<FileRead>;

    /// The descriptor of a slot.
    fn raw_fd(&self, id: SlotId) -> Option<RawFd>;
}

impl<P: Poller> Sockets for Readiness<P> {
    fn read_file(&self, file: &Arc<File>, offset: u64, len: usize) -> Option<FileRead> {
        self.poller.read_file(file, offset, len)
    }

    fn add_stream(&self, id: SlotId, fd: OwnedFd, kind: Kind, flags: u16) -> io::Result<()> {
        let flags = flags | flag::RECEIVING;
        self.install(id, Row { fd: Some(fd), kind, flags, ..Row::default() })
    }

    fn add_pipe(
        &self,
        id: SlotId,
        read: OwnedFd,
        write: Option<OwnedFd>,
        on_close: Box<dyn FnOnce()>,
    ) -> io::Result<()> {
        let flags = flag::RECEIVING | flag::OPENING | flag::SHARED;
        let extra = Extra { write_fd: write, on_close: Some(on_close), ..Extra::default() };
        self.install(
            id,
            Row {
                fd: Some(read),
                kind: Kind::Pipe,
                flags,
                extra: Some(Box::new(extra)),
                ..Row::default()
            },
        )
    }

    fn add_listener(&self, id: SlotId, kind: Kind, opened: Opened) -> io::Result<()> {
        self.install(id, row_of(opened, kind, flag::RECEIVING | flag::SHARED))
    }

    fn add_accepted(&self, listener: SlotId, accepted: Accepted) {
        // If the listener is gone the connection is, too, as those are that the system had queued for it.
        self.row(listener, |row| row.extra.get_or_insert_default().accepted.push_back(accepted));
        self.do_again(listener);
    }

    fn add_datagram(&self, id: SlotId, opened: Opened) -> io::Result<()> {
        let flags = flag::RECEIVING | flag::OPENING | flag::SHARED;
        self.install(id, row_of(opened, Kind::Datagram, flags))
    }

    fn add_bare_port(&self, id: SlotId) -> io::Result<()> {
        self.install(id, Row { kind: Kind::BarePort, flags: flag::ALWAYS_READY, ..Row::default() })
    }

    fn add_watch(&self, id: SlotId, fd: RawFd, readable: bool, writable: bool) -> io::Result<()> {
        let extra = Extra { watched: Some(fd), ..Extra::default() };
        let mut row = Row { kind: Kind::Watch, extra: Some(Box::new(extra)), ..Row::default() };
        row.set(if readable { flag::RECEIVING } else { 0 });
        row.set(if writable { flag::WANTS_WRITE } else { 0 });
        self.install(id, row)
    }

    fn set_watch(&self, id: SlotId, readable: bool, writable: bool) {
        self.row(id, |row| {
            row.clear(flag::RECEIVING | flag::WANTS_WRITE);
            row.set(if readable { flag::RECEIVING } else { 0 });
            row.set(if writable { flag::WANTS_WRITE } else { 0 });
        });
        self.update_interest(id);
    }

    fn raw_fd(&self, id: SlotId) -> Option<RawFd> {
        self.row(id, |row| row.raw())
    }
}

fn row_of(opened: Opened, kind: Kind, flags: u16) -> Row {
    let Opened { fd, on_close, hand_over } = opened;
    let is_plain = on_close.is_none() && hand_over.is_none();
    let hand_over = hand_over.map(Rc::new);
    let extra = (!is_plain).then(|| Box::new(Extra { on_close, hand_over, ..Extra::default() }));
    Row { fd: Some(fd), kind, flags, extra, ..Row::default() }
}

/// A port with the listening socket that `open` opens for its slot.
pub(crate) fn listen_with(
    reactor: &Reactor,
    lineage: Rc<Lineage>,
    kind: Kind,
    open: impl FnOnce(SlotId) -> Result<Opened, Failure>,
) -> Result<ListeningPort, Failure> {
    let sockets = sockets(reactor)?;
    let port = reactor.open_port(lineage)?;
    let id = port.slot_id();
    let added = open(id).and_then(|opened| Ok(sockets.add_listener(id, kind, opened)?));
    added.inspect_err(|_| reactor.remove(id))?;
    Ok(port)
}

/// A datagram transport with the socket that `open` opens for its slot.
pub(crate) fn open_datagram_with(
    reactor: &Reactor,
    protocol: Box<dyn DatagramProtocol>,
    open: impl FnOnce(SlotId) -> Result<Opened, Failure>,
) -> Result<Deferred<DatagramTransport>, Failure> {
    let sockets = sockets(reactor)?;
    let transport = reactor.open_datagram(protocol)?;
    let id = transport.slot_id();
    let added = open(id).and_then(|opened| Ok(sockets.add_datagram(id, opened)?));
    added.inspect_err(|_| reactor.remove(id))?;
    Ok(transport.when_started())
}
