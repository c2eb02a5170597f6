//! [`Network`]: what all threads share, and the one lock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use ropewalk_core::{Address, Time};

use super::hidden_host::HostKey;
use super::state::{Moment, State};
use super::{Counts, NetworkLimits, Refusal, Remembered};
use crate::ChannelName;

/// Users and channels, whatever protocols the users came by. May be sent to any thread; a
/// [`Server`](super::Server) on each thread connects the users there.
///
/// A program with one thread never waits for its lock.
#[derive(Clone)]
pub struct Network(Arc<Shared>);

struct Shared {
    limits: Arc<NetworkLimits>,
    host_key: HostKey,
    state: Mutex<State>,
}

impl Network {
    /// An empty one. Addresses are hidden in a way that is this network's only.
    pub fn new(limits: NetworkLimits) -> Self {
        Self::with_key(limits, HostKey::by_chance())
    }

    /// An empty one that shows an address as all others with the same `secret` do: for networks that are linked, and
    /// for bans that outlive the program. Who knows the secret can find out an address by trying all that there are; a
    /// word that can be guessed is no secret.
    pub fn with_host_secret(limits: NetworkLimits, secret: &[u8]) -> Self {
        Self::with_key(limits, HostKey::new(secret))
    }

    fn with_key(limits: NetworkLimits, host_key: HostKey) -> Self {
        let limits = Arc::new(limits);
        let state = Mutex::new(State::new(limits.clone()));
        Self(Arc::new(Shared { limits, host_key, state }))
    }

    /// The limits it was made with; they are for all threads together.
    pub fn limits(&self) -> &NetworkLimits {
        &self.0.limits
    }

    /// What others see of where somebody comes from, by some `way`: `3f9a01c2d4e5b607.lines`. The same for all ports of
    /// an address; nothing is told of the address but that it is the same.
    pub fn hidden_host(&self, peer: &Address, way: &str) -> String {
        self.0.host_key.hide(peer, way)
    }

    /// Makes a channel that stays when nobody is on it; one that is there stays from now on. It belongs to nobody:
    /// who comes first is not its operator, only operators of the network are.
    ///
    /// # Errors
    /// `BadChannelName`.
    pub fn keep_channel(&self, name: &str) -> Result<ChannelName, Refusal> {
        let at = Moment { now: Time::START, wall: SystemTime::now() };
        self.lock().keep_channel(name, at)
    }

    /// Puts something that was said before into the history of its channel, which is there: for who fills it from
    /// a store when the program starts, oldest first. Nobody is told.
    ///
    /// # Errors
    /// `NoSuchChannel`; what is wrong with it.
    pub fn remember(&self, remembered: Remembered) -> Result<(), Refusal> {
        let record = remembered.into_record(self.limits())?;
        self.lock().remember(&record)
    }

    /// How much there is.
    pub fn counts(&self) -> Counts {
        self.lock().counts()
    }

    /// A panic cannot happen while the lock is held; if it did, the tables would still be whole.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
