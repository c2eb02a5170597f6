//! [`Sockets`]: how descriptors come to the readiness driver.
//!
//! An endpoint opens a socket, asks the reactor for a slot, and gives the two to the driver here. What kind of
//! row that makes says how it is read and written from then on.

use std::io;
use std::os::fd::{OwnedFd, RawFd};

use ropewalk_core::{
    DatagramProtocol, DatagramTransport, Deferred, Driver, Failure, Reactor, SlotId,
};

use crate::driver::sockets;
use crate::poller::Poller;
use crate::readiness::Readiness;
use crate::row::{Extra, Kind, Row, flag};

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
    fn add_listener(
        &self,
        id: SlotId,
        fd: OwnedFd,
        kind: Kind,
        on_close: Option<Box<dyn FnOnce()>>,
    ) -> io::Result<()>;

    /// A socket that is bound already.
    fn add_datagram(
        &self,
        id: SlotId,
        fd: OwnedFd,
        on_close: Option<Box<dyn FnOnce()>>,
    ) -> io::Result<()>;

    /// A port without a socket of its own, for a connection that is there already.
    fn add_bare_port(&self, id: SlotId) -> io::Result<()>;

    /// A descriptor of the user's own.
    fn add_watch(&self, id: SlotId, fd: RawFd, readable: bool, writable: bool) -> io::Result<()>;

    /// Changes what a descriptor is watched for.
    fn set_watch(&self, id: SlotId, readable: bool, writable: bool);

    /// The descriptor of a slot.
    fn raw_fd(&self, id: SlotId) -> Option<RawFd>;
}

impl<P: Poller> Sockets for Readiness<P> {
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

    fn add_listener(
        &self,
        id: SlotId,
        fd: OwnedFd,
        kind: Kind,
        on_close: Option<Box<dyn FnOnce()>>,
    ) -> io::Result<()> {
        let extra = on_close.map(|f| Box::new(Extra { on_close: Some(f), ..Extra::default() }));
        let flags = flag::RECEIVING | flag::SHARED;
        self.install(id, Row { fd: Some(fd), kind, flags, extra, ..Row::default() })
    }

    fn add_datagram(
        &self,
        id: SlotId,
        fd: OwnedFd,
        on_close: Option<Box<dyn FnOnce()>>,
    ) -> io::Result<()> {
        let extra = on_close.map(|f| Box::new(Extra { on_close: Some(f), ..Extra::default() }));
        let flags = flag::RECEIVING | flag::OPENING | flag::SHARED;
        self.install(id, Row { fd: Some(fd), kind: Kind::Datagram, flags, extra, ..Row::default() })
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

/// Gives a datagram socket that is ready to a reactor.
pub(crate) fn add_datagram(
    reactor: &Reactor,
    fd: OwnedFd,
    protocol: Box<dyn DatagramProtocol>,
    on_close: Option<Box<dyn FnOnce()>>,
) -> Result<Deferred<DatagramTransport>, Failure> {
    let sockets = sockets(reactor)?;
    let transport = reactor.open_datagram(protocol)?;
    let added = sockets.add_datagram(transport.slot_id(), fd, on_close);
    added.inspect_err(|_| reactor.remove(transport.slot_id()))?;
    Ok(transport.when_started())
}
