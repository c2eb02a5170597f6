//! [`Driver`]: the seam between the heart and the system.
//!
//! The seam is *completion-shaped*. A driver delivers bytes and takes bytes; it never tells the heart that
//! something is readable, so systems of readiness (epoll, poll, select, kqueue) and of completion (io_uring,
//! IOCP) are equal behind it, and so is a network that exists only in memory.

use std::any::Any;
use std::sync::Arc;

use crate::{Address, Chunk, Failure, OutQueue, Time};

/// What moves bytes and tells the time for one reactor.
///
/// # The contract
/// - **Slots.** Whatever a driver serves (a connection, a listening port, a datagram socket, a watched
///   descriptor) has a slot in the reactor's table, named by a [`SlotId`]. The reactor hands out the id; the
///   driver keeps its own row under the same number. After [`close`](Driver::close) the driver says nothing
///   more about the slot but one [`Event::Closed`], when the last resource is gone; only then is the slot's
///   number used again, with another generation. An event for an old generation is ignored.
/// - **Never borrowed while it delivers.** All methods take `&self`, and every one but
///   [`wait`](Driver::wait) and [`deliver`](Driver::deliver) may be called while `deliver` is calling the
///   sink. A driver therefore holds no borrow of its own state across a call to the sink; a read buffer is
///   moved out of its cell for that long.
/// - **No user code.** A driver calls nothing but the [`Sink`].
/// - **Order.** For one connection: `Opened`, then `Received` and `Attached` as the bytes came, then
///   `ReadClosed` at most once; `Lost` at any time, once, and nothing but `Closed` after it.
/// - **Fairness.** One connection gets a bounded number of bytes a turn, the rest goes to the back.
pub trait Driver: 'static {
    /// What it is called on the command line: `epoll`, `memory`.
    fn name(&self) -> &'static str;

    /// The time.
    fn now(&self) -> Time;

    /// Waits until there is something to deliver, until the time given, or until woken by the
    /// [`notifier`](Self::notifier), whichever comes first.
    ///
    /// # Errors
    /// Only if no later wait can work either; the reactor then crashes.
    fn wait(&self, until: Wait) -> Result<(), Failure>;

    /// Delivers what the last [`wait`](Self::wait) found, and what was left over before.
    fn deliver(&self, sink: &dyn Sink);

    /// Takes bytes to send from `out`, all of them, and gives the number of those that it keeps and has not
    /// sent yet: it says [`Event::Sent`] of these later. What it sent at once is not reported.
    ///
    /// A send that fails is reported as [`Event::Lost`], never from inside this call.
    fn send(&self, id: SlotId, out: &mut OutQueue) -> usize;

    /// Starts or stops receiving on a connection. After a stop, bytes that are on their way already may
    /// still be delivered; the heart holds them.
    fn set_receiving(&self, id: SlotId, on: bool);

    /// Ends the sending half of a connection, once all that was taken is sent.
    fn close_write(&self, id: SlotId);

    /// Frees everything the slot has, in its own time, and says [`Event::Closed`] when it is done.
    fn close(&self, id: SlotId, how: Close);

    /// Sends the datagrams of `queue`; what it keeps until later it reports by [`Event::Sent`], one for each
    /// datagram, and gives their number.
    fn send_datagrams(&self, id: SlotId, queue: &mut Vec<Datagram>) -> usize;

    /// The other end, if the system knows it.
    fn peer(&self, id: SlotId) -> Option<Address>;

    /// This end, if the system knows it.
    fn host(&self, id: SlotId) -> Option<Address>;

    /// What ends a [`wait`](Self::wait) from another thread.
    fn notifier(&self) -> Arc<dyn Notify>;

    /// For a reactor that is a guest in another loop: makes [`as_fd`](Self::as_fd) readable at this time, or
    /// at once, or only for events. Called at the end of each turn, and when an earlier deadline or new work
    /// appears outside of one.
    fn park(&self, until: Wait) {
        let _ = until;
    }

    /// The loop is over, and all slots are closed: what a driver still does in its own time it ends now, since
    /// there will be no other wait.
    fn finish(&self) {}

    /// The one descriptor that a host loop watches, if the driver can be a guest.
    #[cfg(unix)]
    fn as_fd(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        None
    }

    /// What the driver's own crate downcasts to reach what only it has, such as the opening of sockets.
    fn as_any(&self) -> &dyn Any;
}

/// Who gets a driver's events: the reactor.
pub trait Sink {
    /// Delivers one event. For [`Event::Received`] the answer says whether to go on reading.
    fn event(&self, id: SlotId, event: Event<'_>) -> Flow;

    /// A slot for a connection that a listening port is about to accept; `None` if it is not to be.
    /// [`Event::Opened`] for it follows once the driver's row is in place.
    fn accept(&self, port: SlotId) -> Option<SlotId>;
}

/// What a driver has to say of a slot.
#[non_exhaustive]
pub enum Event<'a> {
    /// The connection is up, accepted or connected; or the port is ready.
    Opened,
    /// Bytes came, never none.
    Received(Chunk<'a>),
    /// An object came along with the bytes after it.
    Attached(Box<dyn Any>),
    /// A datagram came from this address.
    DatagramReceived(Chunk<'a>, &'a Address),
    /// The peer sends no more.
    ReadClosed,
    /// So many of the bytes (or datagrams) that the driver kept have been sent.
    Sent(usize),
    /// The connection broke or never came up; for a datagram socket, an error that the system reported.
    Lost(Failure),
    /// A watched descriptor is ready.
    Ready(Readiness),
    /// Everything is freed: the last event of a slot.
    Closed,
}

/// The number of a place in the reactor's table, and which use of it this is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SlotId {
    /// The place; a driver uses it as the number of its own row.
    pub slot: u32,
    /// The use of that place; never the same twice in a row.
    pub generation: u32,
}

/// How long to wait for events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// Not at all: there is work.
    No,
    /// Until this time.
    Until(Time),
    /// Until there are some.
    Forever,
}

/// Whether a driver goes on delivering bytes of one connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// Go on.
    More,
    /// Stop: it was paused, or is closing. The heart says by `set_receiving`, at the end of the turn, whether
    /// it is to go on.
    Enough,
}

/// How a slot is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Close {
    /// In order: everything taken was sent.
    Clean,
    /// At once, dropping what was not sent; the peer of a TCP connection is told by a reset.
    Abort,
}

/// Which ways a watched descriptor is ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Readiness {
    /// It can be read, or has hung up.
    pub readable: bool,
    /// It can be written, or has an error.
    pub writable: bool,
}

/// One datagram on its way out.
#[derive(Clone, Debug)]
pub struct Datagram {
    /// Where it goes; `None` on a connected socket.
    pub to: Option<Address>,
    /// What it says.
    pub bytes: bytes::Bytes,
}

/// Wakes a waiting driver from any thread.
pub trait Notify: Send + Sync {
    /// Ends the wait that is under way, or else the next one. May be called often; it coalesces.
    fn notify(&self);
}
