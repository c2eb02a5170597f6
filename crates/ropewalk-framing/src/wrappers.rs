//! Factories around factories: [`with_layer`] and [`ConnectionCap`].

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;

use bytes::Bytes;
use ropewalk_core::{Factory, Layer, Transport};

/// A factory that puts a layer under each of its connections, before anything is written to them.
pub fn with_layer<F, L>(factory: F, make_layer: impl Fn() -> L + 'static) -> WithLayer<F>
where
    F: Factory,
    L: Layer,
{
    let start = move |transport: &Transport| transport.start_layer(make_layer(), Bytes::new());
    WithLayer { factory, start: Box::new(start) }
}

/// What [`with_layer`] makes.
pub struct WithLayer<F> {
    factory: F,
    start: Box<dyn Fn(&Transport)>,
}

impl<F: Factory> Factory for WithLayer<F> {
    type Protocol = F::Protocol;

    fn build_protocol(&self, transport: &Transport) -> Option<F::Protocol> {
        (self.start)(transport);
        self.factory.build_protocol(transport)
    }
}

/// A factory that refuses connections over a limit: in total, and from one IP address.
///
/// A refused connection is closed at once, before a protocol is made for it. Peers without an IP address (over
/// UNIX sockets) count for the total only.
pub struct ConnectionCap<F> {
    factory: F,
    total_max: usize,
    per_peer_max: usize,
    counts: Rc<Counts>,
}

#[derive(Default)]
struct Counts {
    total: Cell<usize>,
    by_peer: RefCell<HashMap<IpAddr, usize>>,
}

/// Counts one connection for as long as it is up.
struct Counted {
    counts: Rc<Counts>,
    peer: Option<IpAddr>,
}

impl<F: Factory> ConnectionCap<F> {
    /// At most `total_max` connections at a time, and `per_peer_max` from one address.
    pub fn new(factory: F, total_max: usize, per_peer_max: usize) -> Self {
        Self { factory, total_max, per_peer_max, counts: Rc::default() }
    }
}

impl<F: Factory> Factory for ConnectionCap<F> {
    type Protocol = F::Protocol;

    fn build_protocol(&self, transport: &Transport) -> Option<F::Protocol> {
        let peer = transport.peer().ip().map(|address| address.ip());
        if !self.counts.has_room(peer, self.total_max, self.per_peer_max) {
            return None;
        }
        let counted = Counted::new(&self.counts, peer);
        let protocol = self.factory.build_protocol(transport)?;
        transport.keep_until_lost(counted);
        Some(protocol)
    }
}

impl Counts {
    fn has_room(&self, peer: Option<IpAddr>, total_max: usize, per_peer_max: usize) -> bool {
        let from_peer = peer.and_then(|peer| self.by_peer.borrow().get(&peer).copied());
        self.total.get() < total_max && from_peer.unwrap_or(0) < per_peer_max
    }
}

impl Counted {
    fn new(counts: &Rc<Counts>, peer: Option<IpAddr>) -> Self {
        counts.total.set(counts.total.get() + 1);
        if let Some(peer) = peer {
            *counts.by_peer.borrow_mut().entry(peer).or_default() += 1;
        }
        Self { counts: counts.clone(), peer }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.counts.total.set(self.counts.total.get() - 1);
        let Some(peer) = self.peer else { return };
        let mut by_peer = self.counts.by_peer.borrow_mut();
        if let Some(count) = by_peer.get_mut(&peer) {
            *count -= 1;
            if *count == 0 {
                by_peer.remove(&peer);
            }
        }
    }
}
