//! [`Notice`] and [`Listener`]: how users are told what happens.
//!
//! A message to ten thousand users is one [`Notice`]. What it looks like on the wire is made when the first
//! listener of a protocol asks, and shared by all others who are to read the same ([`Encoding`]).

use std::any::TypeId;
use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;

use super::Record;

/// Who is told what happens on a network: one for each user.
///
/// It must not wait and should not do much, since all others are told after it: writing to a transport is what it
/// is for. It may call the network and its own user; what comes of that is heard after what is being told now.
pub trait Listener: 'static {
    /// Something happened that concerns the user, by somebody else, or said by the user to themselves.
    fn notified(&self, notice: &Notice);

    /// What the user did is being told to all others, or to one: for those who show it at its place in the order
    /// of things. Does nothing by default.
    fn echoed(&self, _notice: &Notice) {}

    /// Somebody whose name the user [watches](super::User::watch) came, went, or changed, and is on none of the
    /// user's channels. Does nothing by default.
    fn watched(&self, _notice: &Notice) {}

    /// The network, or this thread's part of it, is closed. The user is on it no more; nothing follows.
    fn closed(&self) {}
}

/// One event on its way to everybody.
#[derive(Debug)]
pub struct Notice {
    record: Arc<Record>,
    audience: Cell<usize>,
    encoded: RefCell<Vec<(TypeId, u64, Bytes)>>,
}

/// How one protocol writes what happens, with no regard to who reads it beyond a key. Its type stands for it.
pub trait Encoding: 'static {
    /// What all users on that protocol with that key are sent. A key is whatever makes a difference: the
    /// capabilities that a client has, for example. 0 if nothing does.
    fn encode(record: &Record, key: u64) -> Bytes;
}

impl Notice {
    /// Tells `record`: for who tells what was kept in the same way as what happens.
    pub fn new(record: Arc<Record>) -> Self {
        Self { record, audience: Cell::new(0), encoded: RefCell::default() }
    }

    /// How many users on this thread are told: for who tells less where there are many.
    pub fn audience(&self) -> usize {
        self.audience.get()
    }

    pub(crate) fn set_audience(&self, users: usize) {
        self.audience.set(users);
    }

    /// What happened, to be kept.
    pub fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// The event as `E` writes it for `key`: made once, then shared.
    pub fn encoded<E: Encoding>(&self, key: u64) -> Bytes {
        let kind = TypeId::of::<E>();
        let is_it = |(other, of, _): &&(TypeId, u64, Bytes)| *other == kind && *of == key;
        let found = self.encoded.borrow().iter().find(is_it).map(|(_, _, bytes)| bytes.clone());
        if let Some(bytes) = found {
            return bytes;
        }
        let bytes = E::encode(&self.record, key);
        self.encoded.borrow_mut().push((kind, key, bytes.clone()));
        bytes
    }
}

impl Deref for Notice {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.record
    }
}
