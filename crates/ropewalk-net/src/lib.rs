//! Ropewalk on real systems: the drivers, and everything that has a descriptor.
//!
//! A [`NetDriver`] moves bytes for one reactor, by epoll, io_uring, poll or select. [`endpoints`] knows the strings
//! `tcp:`, `unix:`, `udp:`, `stdio:`, `fd:` and `systemd:`; each of them is a type here too, for those who
//! like types better: [`TcpServerEndpoint`], [`UnixClientEndpoint`] and so on. [`Workers`] runs several reactors
//! on as many threads.
//!
//! This is the only crate of the workspace with `unsafe` in it: the numbers of open descriptors, `select`, and the
//! memory that io_uring receives into.

#![allow(unsafe_code, reason = "the numbers of descriptors, select, and the buffers of io_uring")]

mod adopted;
mod completions;
mod datagram_batch;
mod datagrams;
mod driver;
mod endpoints;
mod epoll;
mod fd_watch;
mod files;
mod happy_eyeballs;
mod lone_connection;
mod poll;
mod poller;
mod readiness;
mod receive;
mod ring;
mod ring_buffers;
mod ring_guest;
mod ring_message;
mod ring_queues;
mod ring_reads;
mod ring_requests;
mod ring_sends;
mod ring_slot;
#[cfg(test)]
mod ring_tests;
mod row;
mod select;
mod shared_port;
mod signals;
mod socket_address;
mod sockets;
mod starvation;
mod stdio;
mod system_resolver;
mod systemd;
mod tcp;
mod threads;
mod transmit;
mod udp;
mod unix;
mod wake;
mod workers;

pub use adopted::{AdoptedClientEndpoint, AdoptedServerEndpoint};
pub use driver::{NetDriver, new_loop};
pub use endpoints::{endpoints, register};
pub use fd_watch::{FdWatch, Interest, watch_fd};
pub use files::{Directory, DirectoryEntry, File, FileInfo, Symlinks};
pub use signals::{SignalWatch, on_signal, stop_on_signals};
pub use stdio::StdioEndpoint;
pub use system_resolver::SystemResolver;
pub use systemd::{SystemdDomain, SystemdServerEndpoint};
pub use tcp::{TcpClientEndpoint, TcpServerEndpoint, set_keep_alive, set_no_delay};
pub use threads::{ThreadPool, ThreadPoolLimits};
pub use udp::{
    Interface, UdpClientEndpoint, UdpEndpoint, join_group, leave_group, set_broadcast,
    set_multicast_interface, set_multicast_loop, set_multicast_ttl,
};
pub use unix::{UnixClientEndpoint, UnixDatagramEndpoint, UnixServerEndpoint};
pub use workers::{AcceptBalance, RunningWorkers, Worker, Workers};
