//! [`Factory`]: makes one [`Protocol`] per connection, and holds what the connections share.
//!
//! A closure that returns a protocol is a factory. A type of one's own is for factories that look at who is
//! calling, refuse, or keep state that their protocols share (give each a clone of an `Rc`).

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::deferred::Ending;
use crate::{ConnectionLimits, Deferred, Failure, Protocol, Transport};

/// Makes one [`Protocol`] per connection.
///
/// # Example: a closure
/// ```
/// # use ropewalk_core::{Factory, Protocol};
/// struct Echo;
/// impl Protocol for Echo {}
/// fn takes_a_factory(_: impl Factory<Protocol = Echo>) {}
/// takes_a_factory(|| Echo);
/// ```
pub trait Factory: 'static {
    /// What it makes. For several kinds, an `enum`.
    type Protocol: Protocol;

    /// The protocol for a new connection, or `None` to refuse it: it is then closed at once.
    ///
    /// The connection is up, so `transport` knows its peer, and can be written to.
    fn build_protocol(&self, transport: &Transport) -> Option<Self::Protocol>;
}

impl<F, P> Factory for F
where
    F: Fn() -> P + 'static,
    P: Protocol,
{
    type Protocol = P;

    fn build_protocol(&self, _: &Transport) -> Option<P> {
        Some(self())
    }
}

/// A [`Factory`] whose protocols are of a type that is not known here. Every factory is one.
pub trait AnyFactory: 'static {
    /// As [`Factory::build_protocol`].
    fn build(&self, transport: &Transport) -> Option<Box<dyn Protocol>>;
}

impl<F: Factory> AnyFactory for F {
    fn build(&self, transport: &Transport) -> Option<Box<dyn Protocol>> {
        self.build_protocol(transport).map(|protocol| Box::new(protocol) as Box<dyn Protocol>)
    }
}

/// What all connections of one port, or of one connect call, share: the factory, the limits, and how many of
/// them are alive.
#[derive(Clone)]
pub struct Lineage {
    factory: Rc<dyn AnyFactory>,
    limits: ConnectionLimits,
    live: Rc<Cell<usize>>,
    drained: Rc<RefCell<Ending>>,
    pub(crate) prepare: Rc<dyn Fn(&Transport)>,
}

impl Lineage {
    /// Connections made by `factory`, held to `limits`.
    pub fn new(factory: Box<dyn AnyFactory>, limits: ConnectionLimits) -> Rc<Self> {
        let (live, drained) = Default::default();
        Rc::new(Self { factory: factory.into(), limits, live, drained, prepare: Rc::new(|_| ()) })
    }

    /// The same connections, prepared by `prepare` before the factory is asked: it is called when one has come
    /// up and may put in layers, which are then waited for until they [are up](crate::Layer::is_up). For
    /// endpoints that stand on others; theirs is called before what was there already.
    #[must_use]
    pub fn prepared_by(&self, prepare: impl Fn(&Transport) + 'static) -> Rc<Self> {
        let above = self.prepare.clone();
        let prepare = Rc::new(move |transport: &Transport| {
            prepare(transport);
            above(transport);
        });
        Rc::new(Self { prepare, ..self.clone() })
    }

    /// The limits of each connection.
    pub fn limits(&self) -> &ConnectionLimits {
        &self.limits
    }

    /// How many connections are up now.
    pub fn live(&self) -> usize {
        self.live.get()
    }

    /// Fires when no connection is up: at once if there is none.
    pub fn drained(&self) -> Deferred<()> {
        if self.live() == 0 {
            return Deferred::succeed(());
        }
        self.drained.borrow().wait()
    }

    pub(crate) fn build(&self, transport: &Transport) -> Result<Box<dyn Protocol>, Failure> {
        self.factory.build(transport).ok_or_else(|| {
            Failure::new(crate::FailureKind::Local, "the factory refused the connection")
        })
    }

    pub(crate) fn count_in(&self) {
        self.live.set(self.live() + 1);
    }

    pub(crate) fn count_out(&self) {
        self.live.set(self.live() - 1);
        if self.live() == 0 {
            self.drained.take().come(Ok(()));
        }
    }
}
