//! [`drained`]: waits until a peer has taken what was written to it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{
    Consumer, Deferred, DelayedCall, Failure, FailureKind, Producer, Resolver, Streaming,
    Transport, WeakTransport,
};

/// A pull producer that produces nothing: that it is asked to means that everything has been sent.
struct Drain {
    transport: WeakTransport,
    resolver: RefCell<Option<Resolver<()>>>,
    watch: RefCell<Option<DelayedCall>>,
}

/// Fires when nothing waits to be sent over `transport`: what whoever writes much waits for in between.
///
/// # Errors
/// With why the connection was lost. A peer that takes not a byte for `stall_max` loses it (`Timeout`).
///
/// # Cancellation
/// Waits no more.
pub fn drained(transport: &Transport, stall_max: Duration) -> Deferred<()> {
    let weak = transport.downgrade();
    let (resolver, drained) = Deferred::with_canceller(move || {
        if let Some(transport) = weak.upgrade() {
            transport.unregister_producer();
        }
    });
    let drain = Rc::new(Drain {
        transport: transport.downgrade(),
        resolver: RefCell::new(Some(resolver)),
        watch: RefCell::default(),
    });
    drain.watch(transport, stall_max);
    match transport.register_producer(drain, Streaming::Pull) {
        Ok(()) => drained,
        Err(failure) => Deferred::fail(failure),
    }
}

impl Drain {
    /// Aborts the connection if as much waits to be sent after `stall_max` as now.
    fn watch(self: &Rc<Self>, transport: &Transport, stall_max: Duration) {
        let (weak, before) = (Rc::downgrade(self), transport.buffered());
        let watch = transport.reactor().call_later(stall_max, move || {
            let Some(drain) = weak.upgrade() else { return };
            let Some(transport) = drain.transport.upgrade() else { return };
            if transport.buffered() < before {
                return drain.watch(&transport, stall_max);
            }
            transport.abort_with(Failure::new(
                FailureKind::Timeout,
                format!("the peer took nothing for {stall_max:?} (send_timeout)"),
            ));
        });
        self.watch.replace(Some(watch));
    }

    fn end(&self, result: Result<(), Failure>) {
        if let Some(resolver) = self.resolver.take() {
            resolver.fire(result);
        }
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        if let Some(watch) = self.watch.take() {
            let _ = watch.cancel(); // Already run is as good.
        }
    }
}

impl Producer for Drain {
    fn resume_producing(&self) {
        if let Some(transport) = self.transport.upgrade() {
            transport.unregister_producer();
        }
        self.end(Ok(()));
    }

    fn pause_producing(&self) {}

    fn stop_producing(&self) {
        self.end(Err(Failure::new(
            FailureKind::ConnectionDone,
            "the connection was lost before everything was sent",
        )));
    }
}
