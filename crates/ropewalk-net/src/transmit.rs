//! The writing half of the [readiness driver](crate::readiness).
//!
//! What the heart gives is written at once, since the system nearly always has room. What it has no room for
//! is kept in the row and written when it has.

use std::any::Any;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use ropewalk_core::{BufferPool, Event, Failure, FailureKind, FileRange, OutQueue, Sink, SlotId};
use rustix::fs::sendfile;
use rustix::net::{
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, send, sendmsg, shutdown,
};

use crate::poller::Poller;
use crate::readiness::Readiness;
use crate::row::{Kind, Row, borrow_fd, flag};

/// Pieces given to one vectored write.
const SLICES_MAX: usize = 64;

/// How a write went.
enum Wrote {
    All,
    /// The system has no room; the rest is still in the queue.
    Some,
    Failed(Failure),
}

impl<P: Poller> Readiness<P> {
    /// Writes what `out` has; keeps, and counts, what the system has no room for.
    pub(crate) fn transmit(&self, id: SlotId, out: &mut OutQueue) -> usize {
        // What nearly every write is: some bytes that lie together, and a socket that has room for them.
        if let Some(fd) = self.row(id, |row| row.plain_stream()).flatten()
            && let Some(bytes) = out.only()
        {
            let len = bytes.len();
            if self.poller.send_later(id, bytes) {
                self.row(id, |row| row.set(flag::SENDING));
                out.advance(len);
                return len;
            }
            if let Ok(count) = send(borrow_fd(fd), bytes, SendFlags::NOSIGNAL) {
                out.advance(count);
                if out.is_empty() {
                    return 0;
                }
            }
        }
        self.transmit_rest(id, out)
    }

    fn transmit_rest(&self, id: SlotId, out: &mut OutQueue) -> usize {
        let Some((fd, kind, blocked)) =
            self.row(id, |row| (row.raw_out(), row.kind, row.is_blocked()))
        else {
            *out = OutQueue::new();
            return 0;
        };
        let wrote = if blocked { Wrote::Some } else { write_queue(kind, fd, out) };
        match wrote {
            Wrote::All => 0,
            Wrote::Some => {
                let kept = out.len();
                self.row(id, |row| row.extra.get_or_insert_default().blocked.append(out));
                self.update_interest(id);
                kept
            }
            Wrote::Failed(failure) => {
                *out = OutQueue::new();
                self.send_failed(id, failure);
                0
            }
        }
    }

    /// Writes on where [`transmit`](Self::transmit) had to stop.
    pub(crate) fn send_blocked(&self, sink: &dyn Sink, id: SlotId) {
        if self.row(id, |row| row.has(flag::SENDING)) == Some(true) {
            return; // Out of order.
        }
        let taken = self.row(id, |row| {
            let blocked = row.extra.as_mut().map(|extra| std::mem::take(&mut extra.blocked));
            (row.raw_out(), row.kind, blocked)
        });
        let Some((fd, kind, Some(mut blocked))) = taken else { return };
        if blocked.is_empty() {
            return self.update_interest(id);
        }
        let before = blocked.len();
        let wrote = write_queue(kind, fd, &mut blocked);
        let sent = before - blocked.len();
        let left = !blocked.is_empty();
        self.row(id, |row| {
            if left {
                row.extra.get_or_insert_default().blocked = blocked;
            } else {
                drop_spent_extra(row);
            }
        });
        match wrote {
            Wrote::Failed(failure) => return self.say_lost(sink, id, failure),
            Wrote::All if self.row(id, |row| row.has(flag::CLOSE_WRITE)) == Some(true) => {
                self.shut_write(id)
            }
            Wrote::All | Wrote::Some => {}
        }
        self.update_interest(id);
        if sent > 0 {
            sink.event(id, Event::Sent(sent));
        }
    }

    /// The poller has sent some bytes. The rest, for which there was no room, comes before what was written meanwhile.
    pub(crate) fn sent_later(&self, sink: &dyn Sink, id: SlotId, count: usize, rest: Vec<u8>) {
        self.row(id, |row| {
            row.clear(flag::SENDING);
            if !rest.is_empty() {
                let blocked = &mut row.extra.get_or_insert_default().blocked;
                let mut queue = OutQueue::new();
                queue.push_bytes(rest.into(), &BufferPool::default());
                queue.append(blocked);
                *blocked = queue;
            }
        });
        if count > 0 {
            sink.event(id, Event::Sent(count));
        }
        match self.row(id, |row| (row.is_blocked(), row.has(flag::CLOSE_WRITE))) {
            Some((true, _)) => self.send_blocked(sink, id),
            Some((false, true)) => self.shut_write(id),
            _ => {}
        }
    }

    /// As [`sent_later`](Self::sent_later), when none were.
    pub(crate) fn send_later_failed(&self, id: SlotId, error: i32) {
        self.row(id, |row| row.clear(flag::SENDING));
        self.send_failed(id, Failure::from(io::Error::from_raw_os_error(error)));
    }

    /// Sending failed: that is said once what the peer sent before has been read.
    fn send_failed(&self, id: SlotId, failure: Failure) {
        self.row(id, |row| row.extra.get_or_insert_default().send_failure = Some(failure));
        self.do_again(id);
    }

    /// Ends the writing half. A peer that is gone already shows when it is read from; what is no socket, and
    /// has no second descriptor, has no halves.
    pub(crate) fn shut_write(&self, id: SlotId) {
        self.row(id, |row| {
            let _ = shutdown(borrow_fd(row.raw_out()), Shutdown::Write);
            if let Some(fd) = row.extra.as_mut().and_then(|extra| extra.write_fd.take()) {
                self.poller.remove(fd.as_raw_fd(), id, false);
            }
        });
    }
}

fn drop_spent_extra(row: &mut Row) {
    let spent = row.extra.as_ref().is_some_and(|extra| {
        extra.write_fd.is_none() && extra.on_close.is_none() && extra.send_failure.is_none()
    });
    if spent && row.kind != Kind::Watch {
        row.extra = None;
    }
}

fn write_queue(kind: Kind, fd: RawFd, out: &mut OutQueue) -> Wrote {
    while !out.is_empty() {
        let attached = out.take_attachments();
        let written = if !attached.is_empty() {
            write_with_files(kind, fd, out, &attached)
        } else if let Some(range) = out.first_file() {
            send_range(fd, range)
        } else {
            write_some(kind, fd, out)
        };
        match written {
            Ok(count) => out.advance(count),
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => put_back(out, attached),
                io::ErrorKind::WouldBlock => {
                    put_back(out, attached);
                    return Wrote::Some;
                }
                _ => return Wrote::Failed(Failure::from(error)),
            },
        }
    }
    Wrote::All
}

/// The files go with the first byte, which is still to be written.
fn put_back(out: &mut OutQueue, attached: Vec<Box<dyn Any>>) {
    if attached.is_empty() {
        return;
    }
    let mut rest = std::mem::take(out);
    attached.into_iter().for_each(|object| out.push_attachment(object));
    out.append(&mut rest);
}

/// One system call: a plain send for one piece, a vectored one for several.
fn write_some(kind: Kind, fd: RawFd, out: &OutQueue) -> io::Result<usize> {
    let fd = borrow_fd(fd);
    let mut slices = [IoSlice::new(&[]); SLICES_MAX];
    let count = out.slices(&mut slices);
    Ok(match (kind, count) {
        (Kind::Pipe, _) => rustix::io::writev(fd, &slices[..count])?,
        (_, 1) => send(fd, &slices[0], SendFlags::NOSIGNAL)?,
        _ => {
            let control = &mut SendAncillaryBuffer::default();
            sendmsg(fd, &slices[..count], control, SendFlags::NOSIGNAL)?
        }
    })
}

/// Has the system send what it has in a file.
fn send_range(fd: RawFd, range: &FileRange) -> io::Result<usize> {
    let mut offset = range.offset;
    match sendfile(borrow_fd(fd), &range.file, Some(&mut offset), range.len)? {
        0 => Err(io::Error::other("the file became shorter before it was sent")),
        count => Ok(count),
    }
}

/// Sends open files along with the first bytes.
fn write_with_files(
    kind: Kind,
    fd: RawFd,
    out: &OutQueue,
    attached: &[Box<dyn Any>],
) -> io::Result<usize> {
    let refuse = |why| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    if kind != Kind::UnixStream {
        return refuse("only a UNIX socket can carry open files");
    }
    if out.first().is_empty() {
        return refuse("what was attached needs a byte to go with, not a part of a file");
    }
    let files: Vec<_> = attached.iter().filter_map(|o| o.downcast_ref::<OwnedFd>()).collect();
    if files.len() < attached.len() {
        return refuse("what was attached is not an OwnedFd");
    }
    let files: Vec<_> = files.into_iter().map(AsFd::as_fd).collect();
    let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(files.len()))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&files)) {
        return refuse("too many open files for one message");
    }
    let slices = [IoSlice::new(out.first())];
    Ok(sendmsg(borrow_fd(fd), &slices, &mut control, SendFlags::NOSIGNAL)?)
}

/// A failure for something that this driver's kind of slot cannot do.
pub(crate) fn not_a_socket(what: &str) -> Failure {
    Failure::new(
        FailureKind::Local,
        format!("{what} needs a reactor of ropewalk-net with a socket"),
    )
}
