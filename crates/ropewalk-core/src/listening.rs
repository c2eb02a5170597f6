//! [`ListeningPort`]: a place where connections are accepted.

use std::cell::Cell;
use std::rc::Rc;

use crate::connection::Connection;
use crate::deferred::Ending;
use crate::source::Source;
use crate::{Address, Close, Deferred, Event, Failure, Flow, Lineage, Reactor, SlotId, Transport};

/// A handle to a place where connections are accepted. Dropping it leaves the port open.
#[derive(Clone)]
pub struct ListeningPort(Rc<Port>);

struct Port {
    reactor: Reactor,
    id: SlotId,
    lineage: Rc<Lineage>,
    closing: Cell<bool>,
    closed: Ending,
}

impl ListeningPort {
    /// Stops accepting. Connections that were accepted go on; those that the system has queued and nobody
    /// accepted yet are reset. Fires when the port's socket is closed, so that the address can be used again.
    pub fn stop_listening(&self) -> Deferred<()> {
        self.0.close();
        self.stopped()
    }

    /// Fires when it has stopped: after [`stop_listening`](Self::stop_listening), or by itself if it was only
    /// for the one connection that was there already (standard input, an adopted socket).
    pub fn stopped(&self) -> Deferred<()> {
        self.0.closed.wait()
    }

    /// The address it listens on, with the port number that the system chose if it was asked to.
    pub fn host(&self) -> Address {
        self.0.reactor.driver().host(self.0.id).unwrap_or(Address::Unnamed)
    }

    /// How many of the connections accepted here are up.
    pub fn live(&self) -> usize {
        self.0.lineage.live()
    }

    /// Fires when none of the connections accepted here is up; stop listening first.
    pub fn drained(&self) -> Deferred<()> {
        self.0.lineage.drained()
    }

    /// Its place in the reactor's table, for the crate of the driver that serves it.
    pub fn slot_id(&self) -> SlotId {
        self.0.id
    }
}

impl Port {
    fn close(&self) {
        if !self.closing.replace(true) {
            self.reactor.driver().close(self.id, Close::Clean);
        }
    }
}

impl Source for Port {
    fn event(self: Rc<Self>, event: Event<'_>) -> Flow {
        match event {
            Event::Closed => self.closed.come(Ok(())),
            Event::Lost(failure) => {
                tracing::error!(target: "ropewalk::reactor", "a listening port was lost: {failure}");
                self.close();
            }
            _ => {}
        }
        Flow::More
    }

    fn accept(&self) -> Option<SlotId> {
        if self.closing.get() || self.reactor.is_stopping() {
            return None;
        }
        let lineage = &self.lineage;
        let made = self.reactor.insert(|id| Connection::new(&self.reactor, id, lineage.clone()));
        match made {
            Ok(connection) => Some(connection.id),
            Err(failure) => {
                tracing::warn!(target: "ropewalk::reactor", "a connection was refused: {failure}");
                None
            }
        }
    }

    fn wind_up(self: Rc<Self>) {
        self.close();
    }

    fn abandon(self: Rc<Self>, why: Failure) {
        self.close();
        self.closed.come(Err(why)); // Nobody will say so any more.
    }
}

/// For the crates of drivers: a slot first, the driver's row right after.
impl Reactor {
    /// A slot for a listening port.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub fn open_port(&self, lineage: Rc<Lineage>) -> Result<ListeningPort, Failure> {
        let (closing, closed) = (Cell::new(false), Ending::default());
        self.insert(|id| Rc::new(Port { reactor: self.clone(), id, lineage, closing, closed }))
            .map(ListeningPort)
    }

    /// A slot for a connection that this side begins. The Deferred fires after `connection_made`, or fails
    /// with what the driver says instead; cancelling it aborts the attempt.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub fn open_connection(
        &self,
        lineage: Rc<Lineage>,
    ) -> Result<(SlotId, Deferred<Transport>), Failure> {
        let connection = self.insert(|id| Connection::new(self, id, lineage))?;
        let attempt = Rc::downgrade(&connection);
        let (resolver, opened) = Deferred::with_canceller(move || {
            if let Some(connection) = attempt.upgrade() {
                Transport(connection).abort_with(Failure::cancelled());
            }
        });
        connection.rare(|rare| rare.on_open = Some(resolver));
        Ok((connection.id, opened))
    }
}
