//! Many datagrams with one system call: `recvmmsg` and `sendmmsg`.
//!
//! A server of small questions and answers spends most of its time in the system; taking sixteen datagrams at once instead
//! of one saves a good part of that. rustix has only half of this, so both are called through libc.

use std::os::fd::RawFd;
use std::{io, mem, ptr};

use ropewalk_core::{Address, Datagram};
use rustix::io::Errno;
use rustix::net::addr::SocketAddrStorage;
use rustix::net::{SendFlags, SocketAddrAny, send};

use crate::row::borrow_fd;
use crate::socket_address::{self, unix_address};

/// Datagrams taken with one system call. More save little: the call itself is then a small part of the work.
const RECEIVED_AT_ONCE: usize = 32;
/// Room for each of them: more than UDP can carry, so that none is cut off. Memory that is never written to costs
/// nothing.
const DATAGRAM_BYTES: usize = 64 * 1024;
/// Datagrams given to one system call.
const SENT_AT_ONCE: usize = 64;

/// The longest address that a system has.
#[expect(clippy::cast_possible_truncation, reason = "it is 128")]
const NAME_BYTES: u32 = size_of::<SocketAddrStorage>() as u32;

/// Where a reactor's datagrams are received.
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    names: Vec<SocketAddrStorage>,
    slices: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        let mut inbox = Self {
            bytes: vec![0; RECEIVED_AT_ONCE * DATAGRAM_BYTES],
            // SAFETY: a storage for addresses is plain bytes, for which zeros are a value.
            names: (0..RECEIVED_AT_ONCE).map(|_| unsafe { mem::zeroed() }).collect(),
            slices: Vec::with_capacity(RECEIVED_AT_ONCE),
            headers: Vec::with_capacity(RECEIVED_AT_ONCE),
        };
        // None of these lists grows or shrinks again, so what points into them stays true.
        for part in inbox.bytes.chunks_exact_mut(DATAGRAM_BYTES) {
            inbox.slices.push(slice_of(part.as_mut_ptr(), part.len()));
        }
        for (name, slice) in inbox.names.iter_mut().zip(&mut inbox.slices) {
            inbox.headers.push(header(Some((name, NAME_BYTES)), slice));
        }
        inbox
    }

    /// Takes what waits on the socket, as much as there is room for; gives how many there were.
    pub(crate) fn receive(&mut self, fd: RawFd) -> Result<usize, Errno> {
        for header in &mut self.headers {
            header.msg_hdr.msg_namelen = NAME_BYTES;
        }
        // SAFETY: each header has a name and a slice of their full lengths, all in lists that this owns and nobody
        // else touches during the call.
        let count = unsafe {
            let headers = self.headers.as_mut_ptr();
            libc::recvmmsg(
                fd,
                headers,
                count_of(&self.headers),
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        };
        usize::try_from(count).map_err(|_| last_error())
    }

    /// Whether so many were all that waited.
    pub(crate) fn is_all(count: usize) -> bool {
        count < RECEIVED_AT_ONCE
    }

    /// One of those taken last, and whom it is from.
    pub(crate) fn datagram(&mut self, index: usize) -> (&mut [u8], Address) {
        let header = &self.headers[index];
        let len = (header.msg_len as usize).min(DATAGRAM_BYTES);
        let name_len = header.msg_hdr.msg_namelen.min(NAME_BYTES);
        let name = ptr::from_ref(&self.names[index]).cast::<u8>();
        // SAFETY: the storage is that long, and was made of zeros before the system wrote to it.
        let name = unsafe { std::slice::from_raw_parts(name, name_len as usize) };
        let start = index * DATAGRAM_BYTES;
        (&mut self.bytes[start..start + len], socket_address::read(name))
    }
}

/// The lists that datagrams are sent by, kept for the next time.
#[derive(Default)]
pub(crate) struct Outbox {
    /// Where each goes; none, where its socket is connected to.
    names: Vec<Option<SocketAddrAny>>,
    slices: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
}

impl Outbox {
    /// Sends the first of these datagrams, and as many after it as the system takes at once; gives how many. An error is
    /// that of the first.
    pub(crate) fn send(&mut self, fd: RawFd, datagrams: &[Datagram]) -> Result<usize, Errno> {
        match datagrams {
            [] => Ok(0),
            [one] => send_one(fd, one).map(|()| 1),
            [first, ..] => {
                self.fill(datagrams);
                if self.headers.is_empty() {
                    return send_one(fd, first).map(|()| 1); // Which says what is wrong with its address.
                }
                // SAFETY: the headers point at names and slices that `fill` has just made, and at the datagrams' own
                // bytes, which the system only reads.
                let sent = unsafe {
                    let headers = self.headers.as_mut_ptr();
                    libc::sendmmsg(fd, headers, count_of(&self.headers), libc::MSG_NOSIGNAL)
                };
                usize::try_from(sent).map_err(|_| last_error())
            }
        }
    }

    /// Makes the lists for the datagrams up to the first whose address is none; there are as many headers then.
    fn fill(&mut self, datagrams: &[Datagram]) {
        self.names.clear();
        self.slices.clear();
        self.headers.clear();
        // First whatever is pointed at, so that no list moves afterwards.
        for datagram in datagrams.iter().take(SENT_AT_ONCE) {
            let Ok(name) = datagram.to.as_ref().map(name_of).transpose() else { break };
            self.names.push(name);
            let bytes = &datagram.bytes;
            self.slices.push(slice_of(bytes.as_ptr().cast_mut(), bytes.len()));
        }
        for (name, slice) in self.names.iter().zip(&mut self.slices) {
            let name = name.as_ref().map(|name| (name.as_ptr().cast_mut(), name.addr_len()));
            self.headers.push(header(name, slice));
        }
    }
}

/// One system call.
fn send_one(fd: RawFd, datagram: &Datagram) -> Result<(), Errno> {
    let fd = borrow_fd(fd);
    let sent = match &datagram.to {
        None => send(fd, &datagram.bytes, SendFlags::NOSIGNAL),
        Some(to) => socket_address::send_to(fd, &datagram.bytes, to),
    };
    sent.map(drop)
}

fn name_of(address: &Address) -> Result<SocketAddrAny, Errno> {
    match address {
        Address::Ip(ip) => Ok((*ip).into()),
        other => unix_address(other).map(SocketAddrAny::from),
    }
}

fn slice_of(place: *mut u8, len: usize) -> libc::iovec {
    libc::iovec { iov_base: place.cast(), iov_len: len }
}

/// A header for one piece of memory, with a place for an address and its length.
fn header(name: Option<(*mut SocketAddrStorage, u32)>, slice: &mut libc::iovec) -> libc::mmsghdr {
    // SAFETY: of numbers and pointers, all of which may be zero.
    let mut header: libc::mmsghdr = unsafe { mem::zeroed() };
    if let Some((place, len)) = name {
        header.msg_hdr.msg_name = place.cast();
        header.msg_hdr.msg_namelen = len;
    }
    header.msg_hdr.msg_iov = slice;
    header.msg_hdr.msg_iovlen = 1;
    header
}

fn count_of(headers: &[libc::mmsghdr]) -> u32 {
    u32::try_from(headers.len()).unwrap_or(u32::MAX)
}

fn last_error() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)
}
