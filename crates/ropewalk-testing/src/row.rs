//! [`Row`]: what the driver in memory knows of one slot.

use std::collections::VecDeque;
use std::sync::Arc;

use ropewalk_core::Address;
use ropewalk_core::SlotId;

use crate::pipe::{Item, Pipe};

#[derive(Default)]
pub(crate) struct Row {
    pub(crate) generation: u32,
    pub(crate) kind: Kind,
}

#[derive(Default)]
pub(crate) enum Kind {
    #[default]
    Free,
    Listener(Arc<str>),
    Stream(Box<Stream>),
    Socket(Socket),
}

/// One end of a connection.
pub(crate) struct Stream {
    /// The slot of the other end, once there is one.
    pub(crate) other: Option<SlotId>,
    pub(crate) host: Address,
    pub(crate) peer: Address,
    /// What it sends.
    pub(crate) pipe: Pipe,
    /// What came and the heart did not want yet.
    pub(crate) inbox: VecDeque<Item>,
    /// The heart wants what comes: not after it has answered `Enough` or has said so.
    pub(crate) receiving: bool,
    /// Nothing passes any more, in either direction.
    pub(crate) silent: bool,
    /// `Lost` has been said.
    pub(crate) lost: bool,
}

/// A datagram socket.
pub(crate) struct Socket {
    pub(crate) name: Arc<str>,
    /// Where it is connected to.
    pub(crate) peer: Option<Arc<str>>,
}

impl Stream {
    pub(crate) fn new(host: Address, peer: Address) -> Self {
        Self {
            other: None,
            host,
            peer,
            pipe: Pipe::default(),
            inbox: VecDeque::new(),
            receiving: true,
            silent: false,
            lost: false,
        }
    }
}

impl Row {
    pub(crate) fn stream(&mut self) -> Option<&mut Stream> {
        match &mut self.kind {
            Kind::Stream(stream) => Some(stream),
            _ => None,
        }
    }
}

/// The address that is called so: an IP address, if the name is one with a port.
pub(crate) fn address_of(name: &Arc<str>) -> Address {
    name.parse().map_or_else(|_| Address::Named(name.clone()), Address::Ip)
}

/// What an address is called in this network.
pub(crate) fn name_of(address: &Address) -> Option<Arc<str>> {
    match address {
        Address::Named(name) => Some(name.clone()),
        Address::Ip(address) => Some(address.to_string().into()),
        _ => None,
    }
}
