//! The [readiness driver](crate::readiness) over a poller that accepts and receives by itself: what it has done becomes
//! the heart's events here.

use std::any::Any;
use std::io;
use std::os::fd::OwnedFd;

use ropewalk_core::{Chunk, Event, Failure, Sink, SlotId};

use crate::poller::{Completion, Message, Poller};
use crate::readiness::Readiness;
use crate::receive::{is_passed_over, turn_away};
use crate::row::{Kind, flag};

impl<P: Poller> Readiness<P> {
    /// The poller has done something for a slot. What ended for no reason of the slot's begins again.
    pub(crate) fn serve_completion(&self, sink: &dyn Sink, id: SlotId, completion: Completion) {
        if !matches!(completion, Completion::Released) {
            self.say_opened(sink, id);
        }
        let is_over = completion.is_over();
        match completion {
            Completion::None => {}
            Completion::Received { filled, .. } => {
                self.poller.deliver_bytes(filled, |bytes| self.received(sink, id, bytes));
            }
            Completion::Message { filled, .. } => {
                self.poller.deliver_message(filled, |said| self.message_received(sink, id, said));
            }
            Completion::Accepted { fd, .. } => self.accepted(sink, id, fd),
            Completion::Sent { count, rest } => self.sent_later(sink, id, count, rest),
            Completion::SendFailed(error) => self.send_later_failed(id, error),
            Completion::Ended => self.ended(sink, id),
            Completion::Failed(error) => {
                self.failed(sink, id, io::Error::from_raw_os_error(error));
            }
            Completion::Stopped => {}
            Completion::Released => self.closed.borrow_mut().push(id),
        }
        if is_over {
            self.update_interest(id);
        }
    }

    fn received(&self, sink: &dyn Sink, id: SlotId, bytes: &mut [u8]) {
        if self.row(id, |row| !row.has(flag::ENDED)) == Some(true) {
            sink.event(id, Event::Received(Chunk::lent(bytes)));
        }
    }

    /// A datagram, or bytes of a UNIX stream: the files that came along are delivered before them.
    fn message_received(&self, sink: &dyn Sink, id: SlotId, message: Message<'_>) {
        let Message { bytes, from, files } = message;
        if self.row(id, |row| row.kind) == Some(Kind::Datagram) {
            sink.event(id, Event::DatagramReceived(Chunk::lent(bytes), &from));
            return;
        }
        for file in files {
            sink.event(id, Event::Attached(Box::new(file) as Box<dyn Any>));
        }
        if bytes.is_empty() {
            self.ended(sink, id); // As a read of none is.
        } else {
            self.received(sink, id, bytes);
        }
    }

    fn accepted(&self, sink: &dyn Sink, id: SlotId, fd: OwnedFd) {
        let Some(kind) = self.row(id, |row| row.kind) else { return turn_away(fd) };
        let Some(accepted) = self.hand_over(id, fd) else { return };
        if let Err(error) = self.welcome(sink, id, kind, accepted) {
            self.starve(id, &error);
        }
    }

    fn ended(&self, sink: &dyn Sink, id: SlotId) {
        self.read_end(sink, id);
        self.say_send_failure(sink, id);
    }

    fn failed(&self, sink: &dyn Sink, id: SlotId, error: io::Error) {
        match self.row(id, |row| row.kind) {
            Some(Kind::Listener | Kind::UnixListener) if is_passed_over(&error) => {
                self.update_interest(id);
            }
            Some(Kind::Listener | Kind::UnixListener) => self.starve(id, &error),
            Some(Kind::Datagram) => {
                sink.event(id, Event::Lost(Failure::from(error)));
                self.update_interest(id);
            }
            _ => drop(self.read_failed(sink, id, error)),
        }
    }
}
