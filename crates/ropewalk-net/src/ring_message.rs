//! [`MessageForm`]: what the kernel is to leave room for before a message's bytes, and how that is read.
//!
//! A `recvmsg` of the ring puts all of a message into one buffer: a head that says how much there is of each, the
//! sender's address, the control data (open files), and the bytes.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::ptr;

use io_uring::types::RecvMsgOut;

use crate::poller::Message;
use crate::receive::FILES_MAX;
use crate::socket_address;

/// The size of the head, `struct io_uring_recvmsg_out`.
const HEAD_BYTES: usize = 16;
/// The longest address, `struct sockaddr_storage`.
#[allow(clippy::cast_possible_truncation, reason = "128 bytes")]
const NAME_BYTES: u32 = size_of::<libc::sockaddr_storage>() as u32;
#[allow(clippy::cast_possible_truncation, reason = "some hundred bytes")]
const FILES_BYTES: u32 = (FILES_MAX * size_of::<RawFd>()) as u32;

/// A `msghdr` without memory of its own. It is to stay where it is until a request that points to it was submitted.
pub(crate) struct MessageForm(libc::msghdr);

impl MessageForm {
    /// For a datagram: with its sender.
    pub(crate) fn with_sender() -> Self {
        Self::new(NAME_BYTES, 0)
    }

    /// For a UNIX stream: with open files.
    pub(crate) fn with_files() -> Self {
        // SAFETY: it only calculates.
        Self::new(0, unsafe { libc::CMSG_SPACE(FILES_BYTES) })
    }

    fn new(name: u32, control: u32) -> Self {
        // SAFETY: of a msghdr every pointer may be null and every length zero.
        let mut head: libc::msghdr = unsafe { std::mem::zeroed() };
        head.msg_namelen = name;
        head.msg_controllen = control as usize;
        Self(head)
    }

    pub(crate) fn as_ptr(&self) -> *const libc::msghdr {
        &raw const self.0
    }

    /// What comes before the bytes.
    pub(crate) fn room(&self) -> usize {
        HEAD_BYTES + self.0.msg_namelen as usize + self.0.msg_controllen
    }

    /// Reads a buffer that the kernel has filled by this form. The files in it are taken out: this is done once.
    pub(crate) fn read<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Message<'a>> {
        let parts = RecvMsgOut::parse(buffer, &self.0)
            .map_err(|()| io::Error::from(io::ErrorKind::InvalidData))?;
        let from = socket_address::read(parts.name_data());
        let files = files_in(parts.control_data());
        let (start, len) = (self.room(), parts.payload_data().len());
        Ok(Message { bytes: &mut buffer[start..start + len], from, files })
    }
}

/// The open files that control data brings.
fn files_in(control: &[u8]) -> Vec<OwnedFd> {
    let mut files = Vec::new();
    if control.is_empty() {
        return files;
    }
    // SAFETY: as above.
    let mut head: libc::msghdr = unsafe { std::mem::zeroed() };
    head.msg_control = control.as_ptr().cast_mut().cast();
    head.msg_controllen = control.len();
    // SAFETY: `head` describes `control`, in which the macros stay; nothing is written. A message of SCM_RIGHTS is
    // numbers of descriptors that the kernel has just opened for us.
    unsafe {
        let mut next = libc::CMSG_FIRSTHDR(&raw const head);
        while !next.is_null() {
            let message = ptr::read_unaligned(next);
            if (message.cmsg_level, message.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
                let data = libc::CMSG_DATA(next).cast::<RawFd>();
                let count = (message.cmsg_len - libc::CMSG_LEN(0) as usize) / size_of::<RawFd>();
                files.extend(
                    (0..count).map(|at| OwnedFd::from_raw_fd(ptr::read_unaligned(data.add(at)))),
                );
            }
            next = libc::CMSG_NXTHDR(&raw const head, next);
        }
    }
    files
}
