//! [`Relay`]: two connections, each of which says what the other hears.

use std::cell::RefCell;
use std::rc::Rc;

use ropewalk_core::{
    Chunk, Consumer, Cx, Failure, FailureKind, Protocol, Streaming, Transport, WeakTransport,
};

/// One end of a pair of connections that are joined. What comes while the other is not up is held by its transport;
/// who reads slowly holds the other end back.
pub(crate) struct Relay {
    ends: Rc<RefCell<[Option<WeakTransport>; 2]>>,
    own: usize,
}

impl Relay {
    /// The two ends of a pair.
    pub(crate) fn pair() -> (Self, Self) {
        let ends = Rc::new(RefCell::new([None, None]));
        (Self { ends: ends.clone(), own: 0 }, Self { ends, own: 1 })
    }

    fn other(&self) -> Option<Transport> {
        self.ends.borrow()[1 - self.own].as_ref()?.upgrade()
    }
}

impl Protocol for Relay {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        let own = cx.transport();
        self.ends.borrow_mut()[self.own] = Some(own.downgrade());
        let Some(other) = self.other() else { return own.pause_producing() };
        // Each is the other's producer from here on. A transport that is lost already says so by itself.
        let _ = own.register_producer(Rc::new(other.clone()), Streaming::Push);
        let _ = other.register_producer(Rc::new(own.clone()), Streaming::Push);
        other.resume_producing();
    }

    fn chunk_received(&mut self, _: &mut Cx<'_>, chunk: Chunk<'_>) {
        if let Some(other) = self.other() {
            other.write_bytes(chunk.into_bytes());
        }
    }

    fn read_connection_lost(&mut self, _: &mut Cx<'_>) {
        if let Some(other) = self.other() {
            other.unregister_producer();
            other.lose_write_connection();
        }
    }

    fn connection_lost(&mut self, _: &mut Cx<'_>, reason: Failure) {
        let Some(other) = self.other() else { return };
        other.unregister_producer();
        if reason.is(FailureKind::ConnectionDone) {
            other.lose_connection();
        } else {
            other.abort_connection();
        }
    }
}
