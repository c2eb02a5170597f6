//! Between the heart's [`Address`] and the system's socket addresses.

use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ropewalk_core::Address;
use rustix::io::Errno;
use rustix::net::addr::SocketAddrStorage;
use rustix::net::{
    SendFlags, SocketAddr, SocketAddrAny, SocketAddrUnix, getpeername, getsockname, sendto,
};

use crate::row::borrow_fd;

/// The other end of a socket, if it has one.
pub(crate) fn peer(fd: RawFd) -> Option<Address> {
    Some(address_of(getpeername(borrow_fd(fd)).ok().flatten()))
}

/// This end of a socket, if it is one.
pub(crate) fn host(fd: RawFd) -> Option<Address> {
    Some(address_of(Some(getsockname(borrow_fd(fd)).ok()?)))
}

pub(crate) fn address_of(address: Option<SocketAddrAny>) -> Address {
    let Some(address) = address else { return Address::Unnamed };
    if let Ok(ip) = SocketAddr::try_from(address.clone()) {
        return Address::Ip(ip);
    }
    SocketAddrUnix::try_from(address).map_or(Address::Unnamed, |unix| address_of_unix(&unix))
}

/// The address that the system has written into memory of ours; nothing at all, where the sender has none.
pub(crate) fn read(name: &[u8]) -> Address {
    if name.is_empty() {
        return Address::Unnamed;
    }
    let mut storage = MaybeUninit::<SocketAddrStorage>::zeroed();
    let len = name.len().min(size_of::<SocketAddrStorage>());
    // SAFETY: `len` bytes fit into the storage. What the system wrote is an address of that length; what is shorter
    // than its family says does not become one.
    let address = unsafe {
        std::ptr::copy_nonoverlapping(name.as_ptr(), storage.as_mut_ptr().cast(), len);
        SocketAddrAny::new(storage, u32::try_from(len).unwrap_or(0))
    };
    address_of(Some(address))
}

fn address_of_unix(unix: &SocketAddrUnix) -> Address {
    if let Some(name) = unix.abstract_name() {
        return Address::UnixAbstract(name.into());
    }
    match unix.path_bytes() {
        Some(path) if !path.is_empty() => {
            let path = std::ffi::OsStr::from_bytes(path);
            Address::Unix(Arc::new(PathBuf::from(path)))
        }
        _ => Address::Unnamed,
    }
}

/// The system's address of a UNIX socket: a path, or a name in the abstract space.
pub(crate) fn unix_address(address: &Address) -> Result<SocketAddrUnix, Errno> {
    match address {
        Address::Unix(path) => SocketAddrUnix::new(path.as_path() as &Path),
        Address::UnixAbstract(name) => SocketAddrUnix::new_abstract_name(name),
        _ => Err(Errno::AFNOSUPPORT),
    }
}

/// Sends a datagram to an address of either kind.
pub(crate) fn send_to(fd: BorrowedFd<'_>, bytes: &[u8], to: &Address) -> Result<usize, Errno> {
    match to {
        Address::Ip(ip) => sendto(fd, bytes, SendFlags::NOSIGNAL, ip),
        other => sendto(fd, bytes, SendFlags::NOSIGNAL, &unix_address(other)?),
    }
}
