//! Datagrams in the [readiness driver](crate::readiness), many at a time.

use std::io;
use std::os::fd::RawFd;

use ropewalk_core::{Address, Chunk, Datagram, Event, Failure, Sink, SlotId};
use rustix::io::Errno;

use crate::datagram_batch::Inbox;
use crate::poller::Poller;
use crate::readiness::Readiness;
use crate::row::{Kind, flag};

/// Datagrams received on one socket in a turn.
const DATAGRAMS_MAX: usize = 256;

impl<P: Poller> Readiness<P> {
    /// Receives the datagrams that wait, up to the turn's share.
    pub(crate) fn receive_datagrams(&self, sink: &dyn Sink, id: SlotId) {
        if P::completes(Kind::Datagram) {
            return;
        }
        let mut inbox = self.inbox.take().unwrap_or_else(|| Box::new(Inbox::new()));
        let mut received = 0;
        while let Some(fd) = self.receives(id) {
            if received >= DATAGRAMS_MAX {
                self.do_again(id);
                break;
            }
            match inbox.receive(fd) {
                Ok(count) => {
                    self.deliver_datagrams(sink, id, &mut inbox, count);
                    if Inbox::is_all(count) {
                        break;
                    }
                    received += count;
                }
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => {
                    received += 1;
                    sink.event(id, Event::Lost(Failure::from(io::Error::from(error))));
                }
            }
        }
        self.inbox.set(Some(inbox));
    }

    /// Of a socket that is closed by the callback for one datagram, the others are nobody's.
    fn deliver_datagrams(&self, sink: &dyn Sink, id: SlotId, inbox: &mut Inbox, count: usize) {
        for index in 0..count {
            if self.receives(id).is_none() {
                return;
            }
            let (bytes, from) = inbox.datagram(index);
            sink.event(id, Event::DatagramReceived(Chunk::lent(bytes), &from));
        }
    }

    fn receives(&self, id: SlotId) -> Option<RawFd> {
        self.row(id, |row| row.has(flag::RECEIVING).then(|| row.raw())).flatten()
    }

    /// Sends what is queued; keeps, and counts, what the system has no room for.
    pub(crate) fn transmit_datagrams(&self, id: SlotId, queue: &mut Vec<Datagram>) -> usize {
        let Some((fd, blocked)) = self.row(id, |row| (row.raw(), row.is_blocked())) else {
            queue.clear();
            return 0;
        };
        let done = if blocked {
            0
        } else {
            self.send_some(fd, queue, |error| self.report_datagram(id, error))
        };
        let kept = queue.len() - done;
        if kept > 0 {
            self.row(id, |row| {
                let waiting = &mut row.extra.get_or_insert_default().datagrams;
                waiting.extend(queue.drain(done..));
            });
            self.update_interest(id);
        }
        queue.clear();
        kept
    }

    /// Sends on where [`transmit_datagrams`](Self::transmit_datagrams) had to stop.
    pub(crate) fn send_blocked_datagrams(&self, sink: &dyn Sink, id: SlotId) {
        let waiting = self.row(id, |row| {
            row.is_blocked().then(|| {
                let waiting = row.extra.as_mut().map(|extra| std::mem::take(&mut extra.datagrams));
                (row.raw(), waiting.unwrap_or_default())
            })
        });
        let Some((fd, mut waiting)) = waiting.flatten() else { return };
        let mut errors = Vec::new();
        let done = self.send_some(fd, waiting.make_contiguous(), |error| errors.push(error));
        waiting.drain(..done);
        self.row(id, |row| row.extra.get_or_insert_default().datagrams = waiting);
        self.update_interest(id);
        for error in errors {
            sink.event(id, Event::Lost(Failure::from(io::Error::from(error))));
        }
        if done > 0 {
            sink.event(id, Event::Sent(done));
        }
    }

    /// Sends from the front until the system has no room; gives how many are done with, those that failed included.
    fn send_some(&self, fd: RawFd, datagrams: &[Datagram], mut fail: impl FnMut(Errno)) -> usize {
        let mut outbox = self.outbox.take();
        let mut done = 0;
        while let [first, ..] = &datagrams[done..] {
            match outbox.send(fd, &datagrams[done..]) {
                Ok(count) => done += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if waits_for_room(first) => break,
                Err(error) => {
                    fail(error);
                    done += 1;
                }
            }
        }
        self.outbox.set(outbox);
        done
    }

    /// A datagram could not be sent: its sender is told in the next delivery.
    fn report_datagram(&self, id: SlotId, error: Errno) {
        let failure = Failure::from(io::Error::from(error)).context("send a datagram");
        self.row(id, |row| row.extra.get_or_insert_default().send_failure = Some(failure));
        self.do_again(id);
    }
}

/// Whether the system says when there is room for a datagram. It does for its own queue, and for that of a
/// connected peer; when the queue of a UNIX socket that was named is full, nobody is told that it no longer is.
fn waits_for_room(datagram: &Datagram) -> bool {
    !matches!(datagram.to, Some(Address::Unix(_) | Address::UnixAbstract(_)))
}
