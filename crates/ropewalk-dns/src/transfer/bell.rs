//! [`Bells`]: how a NOTIFY, which may come in on any thread, reaches the one that keeps the zone.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use crate::server::{Access, Origin};
use crate::wire_name::Shown;

/// A bell for each zone that somebody keeps as a secondary. A cheap handle that threads share.
#[derive(Clone, Default)]
pub struct Bells(Arc<Mutex<BTreeMap<Box<[u8]>, Bell>>>);

struct Bell {
    primaries: Access,
    is_rung: bool,
    waker: Option<Waker>,
}

impl Bells {
    /// Hangs one up for the zone of that name, in wire form; its primaries may ring it.
    pub fn hang(&self, apex: &[u8], primaries: Access) {
        let bell = Bell { primaries, is_rung: false, waker: None };
        self.lock().insert(apex.to_ascii_lowercase().into(), bell);
    }

    /// Rings the bell of a zone, by its name in small letters; gives whether there is one that the origin may ring.
    pub(crate) fn ring(&self, apex: &[u8], origin: &Origin<'_>) -> bool {
        let mut bells = self.lock();
        let Some(bell) = bells.get_mut(apex) else { return false };
        if !bell.primaries.permits(origin) {
            return false;
        }
        bell.is_rung = true;
        let waker = bell.waker.take();
        drop(bells);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// Waits until the bell of a zone is rung, or has been since the last time.
    pub(crate) async fn wait(&self, apex: &[u8]) {
        poll_fn(|cx| {
            let mut bells = self.lock();
            let Some(bell) = bells.get_mut(apex) else { return Poll::Pending };
            if std::mem::take(&mut bell.is_rung) {
                return Poll::Ready(());
            }
            bell.waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// A panic cannot happen while the lock is held; if it did, the bells would still be whole.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Box<[u8]>, Bell>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Bells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lock().keys().map(|apex| Shown(apex).to_string())).finish()
    }
}
