//! [`Network`]: what all threads share, and the one lock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use ropewalk_core::Time;

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
    state: Mutex<State>,
}

impl Network {
    /// An empty one.
    pub fn new(limits: NetworkLimits) -> Self {
        let limits = Arc::new(limits);
        let state = Mutex::new(State::new(limits.clone()));
        Self(Arc::new(Shared { limits, state }))
    }

    /// The limits it was made with; they are for all threads together.
    pub fn limits(&self) -> &NetworkLimits {
        &self.0.limits
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
