//! [`ProtocolRef`]: how one protocol reaches another.
//!
//! In Python everybody may hold an object and call it. Here a protocol is owned by its connection and is
//! called with `&mut self`, so others hold a reference that is asked: the call runs now if the protocol is
//! idle, else right after the callback that it is busy with. No borrow can ever clash.

use std::any::Any;
use std::marker::PhantomData;

use crate::connection::flag;
use crate::main_loop::contain;
use crate::{Cx, Deferred, Failure, FailureKind, Protocol, Transport, WeakTransport};

/// A typed handle to a live protocol; it keeps nothing alive.
///
/// It is bound to the protocol, not to the connection: when the connection is handed on with
/// `switch_protocol`, references to the one before are lost.
pub struct ProtocolRef<P> {
    transport: WeakTransport,
    seat: u32,
    protocol: PhantomData<fn(&mut P)>,
}

/// Calls run inside calls this deep; the next one waits. Deep enough for a chain of objects that tell each
/// other, shallow enough for any stack.
pub(crate) const INLINE_DEPTH_MAX: u8 = 8;

impl<P: Protocol> ProtocolRef<P> {
    pub(crate) fn new(transport: &Transport) -> Self {
        Self {
            transport: transport.downgrade(),
            seat: transport.0.seat.get(),
            protocol: PhantomData,
        }
    }

    /// Calls the protocol.
    ///
    /// # Ordering
    /// If the protocol is idle, `f` runs now and the Deferred has fired when this returns. If it is busy (or
    /// eight such calls are nested already) `f` waits, in the order of the calls, and runs right after the
    /// callback that is under way.
    ///
    /// # Errors
    /// The Deferred fails, and `f` is dropped unrun, if the protocol is gone or is not a `P`, or if
    /// `calls_max` of them wait already.
    pub fn call<R: 'static>(
        &self,
        f: impl FnOnce(&mut P, &mut Cx<'_>) -> R + 'static,
    ) -> Deferred<R> {
        let Some(transport) = self.transport.upgrade() else {
            return Deferred::fail(Failure::new(
                FailureKind::ConnectionDone,
                "the protocol's connection is gone",
            ));
        };
        let connection = &transport.0;
        if connection.has(flag::OVER) || connection.seat.get() != self.seat {
            return Deferred::fail(connection.why_unreachable());
        }
        let _depth = match connection.reactor.nest_call(INLINE_DEPTH_MAX) {
            Some(depth) if connection.is_idle() => depth,
            _ => return Self::call_later(&transport, f),
        };
        let result = transport.dispatch(|protocol, cx| downcast(protocol).map(|p| f(p, cx)));
        Deferred::from_result(result.unwrap_or_else(|| Err(connection.why_unreachable())))
    }

    fn call_later<R: 'static>(
        transport: &Transport,
        f: impl FnOnce(&mut P, &mut Cx<'_>) -> R + 'static,
    ) -> Deferred<R> {
        let (resolver, result) = Deferred::new();
        transport.0.queue_call(Box::new(move |reached| match reached {
            Ok((protocol, cx)) => resolver.fire(downcast(protocol).map(|p| f(p, cx))),
            Err(why) => {
                contain("a call", || drop(f));
                resolver.errback(why);
            }
        }));
        if transport.0.is_idle() {
            transport.queue_ready();
        }
        result
    }

    /// The protocol's transport, if the connection's record is still there.
    pub fn transport(&self) -> Option<Transport> {
        self.transport.upgrade()
    }

    /// Whether a call can still reach the protocol.
    pub fn is_alive(&self) -> bool {
        self.transport
            .upgrade()
            .is_some_and(|t| !t.0.has(flag::OVER) && t.0.seat.get() == self.seat)
    }
}

impl<P> Clone for ProtocolRef<P> {
    fn clone(&self) -> Self {
        Self { transport: self.transport.clone(), seat: self.seat, protocol: PhantomData }
    }
}

fn downcast<P: Protocol>(protocol: &mut dyn Protocol) -> Result<&mut P, Failure> {
    (protocol as &mut dyn Any).downcast_mut().ok_or_else(|| {
        Failure::new(
            FailureKind::Local,
            format!("the protocol called is not a {}", std::any::type_name::<P>()),
        )
    })
}
