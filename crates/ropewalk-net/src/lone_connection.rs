//! Ports for the one connection that is there already: standard input and output, an adopted socket.
//!
//! A server endpoint promises a listening port, so such a connection gets one that accepts nothing more. It
//! stops by itself when the connection is lost.

use std::io;
use std::rc::Rc;

use ropewalk_core::{
    Deferred, Failure, FailureKind, Lineage, ListeningPort, Reactor, SlotId, Transport,
};

use crate::driver::{sockets, worker};
use crate::sockets::Sockets;

/// A port with one connection, whose descriptors `add` gives to the driver; fires after `connection_made`. Fails in the
/// set-up of several workers.
pub(crate) fn serve_one(
    reactor: &Reactor,
    lineage: Rc<Lineage>,
    add: impl FnOnce(&dyn Sockets, SlotId) -> io::Result<()>,
) -> Result<Deferred<ListeningPort>, Failure> {
    not_shared(reactor)?;
    let sockets = sockets(reactor)?;
    let port = reactor.open_port(lineage.clone())?;
    sockets.add_bare_port(port.slot_id()).inspect_err(|_| reactor.remove(port.slot_id()))?;
    let stops = StopOnDrop(port.clone());
    let opened = open_one(reactor, lineage, add)?;
    Ok(opened.add_callback(move |transport| {
        transport.keep_until_lost(stops);
        Ok(port)
    }))
}

/// Whether the reactor is alone; in the set-up of several workers it is not.
pub(crate) fn not_shared(reactor: &Reactor) -> Result<(), Failure> {
    if worker(reactor).is_none_or(|worker| worker.count() == 1) {
        return Ok(());
    }
    let why = "it is one connection, which several workers cannot share";
    Err(Failure::new(FailureKind::Local, why))
}

/// One connection, whose descriptors `add` gives to the driver.
pub(crate) fn open_one(
    reactor: &Reactor,
    lineage: Rc<Lineage>,
    add: impl FnOnce(&dyn Sockets, SlotId) -> io::Result<()>,
) -> Result<Deferred<Transport>, Failure> {
    let sockets = sockets(reactor)?;
    let (id, opened) = reactor.open_connection(lineage)?;
    if let Err(error) = add(&*sockets, id) {
        reactor.remove(id);
        drop(opened.add_errback(|_| Err(Failure::cancelled())));
        return Err(error.into());
    }
    Ok(opened)
}

struct StopOnDrop(ListeningPort);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        drop(self.0.stop_listening());
    }
}
