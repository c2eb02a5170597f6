//! [`Alarm`]: what other threads ring to wake a driver in memory.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ropewalk_core::Notify;

#[derive(Default)]
pub(crate) struct Alarm {
    rung: Mutex<bool>,
    ring: Condvar,
}

impl Alarm {
    /// Whether it was rung since it was last asked.
    pub(crate) fn take(&self) -> bool {
        std::mem::take(&mut *self.lock())
    }

    /// Waits for it, in real time; false if it was not rung for so long.
    pub(crate) fn wait(&self, most: Duration) -> bool {
        let waited = self.ring.wait_timeout_while(self.lock(), most, |rung| !*rung);
        let (mut rung, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *rung)
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notify for Alarm {
    fn notify(&self) {
        *self.lock() = true;
        self.ring.notify_one();
    }
}
