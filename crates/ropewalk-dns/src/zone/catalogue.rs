//! [`Catalogue`]: which zones there are, for all threads.
//!
//! Zones are put in and taken out from any thread. Each thread keeps the list that it has seen, and looks at one number
//! per question to know whether there is a newer one: in between nothing is locked, and a question is answered
//! from one version of a zone as a whole.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

use super::journal::{Difference, Journal};
use super::zone::SharedZone;
use crate::wire_name::{Shown, label_count, parent};

/// The zones of a server. A cheap handle that threads share.
#[derive(Clone, Default)]
pub struct Catalogue(Arc<Shelf>);

#[derive(Default)]
struct Shelf {
    version: AtomicU64,
    zones: Mutex<Arc<Zones>>,
}

/// What a name that is in the catalogue has behind it.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    /// A zone to answer from, and how it came to be what it is.
    Zone(SharedZone, Arc<Journal>),
    /// A zone that is known and cannot be answered from now: not here yet, or too old. SERVFAIL.
    Absent,
}

/// The list at one time.
#[derive(Clone, Default)]
pub(super) struct Zones {
    by_apex: HashMap<Box<[u8]>, Entry, RandomState>,
    /// Of how many labels the zones' names are: a bit each. Names of other lengths are not looked for.
    depths: u128,
}

impl Catalogue {
    /// A catalogue of no zones.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a zone in, in the place of the one of that name if there is one. What has changed is noted for secondaries, if
    /// the serial number is newer; gives whether it is, or whether there was no such zone.
    pub fn put(&self, zone: SharedZone) -> bool {
        let apex: Box<[u8]> = zone.apex().into();
        let (old, mut journal) = match self.entry(&apex) {
            Some(Entry::Zone(old, journal)) => (Some(old), Journal::clone(&journal)),
            _ => (None, Journal::default()),
        };
        let difference = old.as_ref().map(|old| Difference::between(old, &zone));
        let is_newer = !matches!(difference, Some(None));
        match difference.flatten() {
            Some(difference) => journal.push(difference, zone.records().count()),
            None => journal = Journal::default(),
        }
        let entry = Entry::Zone(zone, Arc::new(journal));
        self.change(|zones| drop(zones.by_apex.insert(apex, entry)));
        is_newer
    }

    /// All zones that can be answered from.
    pub fn all(&self) -> Vec<SharedZone> {
        let zones = self.zones();
        let zone = |entry: &Entry| match entry {
            Entry::Zone(zone, _) => Some(zone.clone()),
            Entry::Absent => None,
        };
        zones.by_apex.values().filter_map(zone).collect()
    }

    fn entry(&self, apex: &[u8]) -> Option<Entry> {
        self.lock().by_apex.get(apex).cloned()
    }

    /// Notes that there is a zone of that name, in wire form, which cannot be answered from now: SERVFAIL is said.
    pub fn put_absent(&self, apex: &[u8]) {
        let apex = apex.to_ascii_lowercase().into();
        self.change(|zones| drop(zones.by_apex.insert(apex, Entry::Absent)));
    }

    /// Takes a zone out, by its name in wire form.
    pub fn remove(&self, apex: &[u8]) {
        self.change(|zones| drop(zones.by_apex.remove(&*apex.to_ascii_lowercase())));
    }

    /// The zone of that name, in wire form.
    pub fn zone(&self, apex: &[u8]) -> Option<SharedZone> {
        match self.entry(&apex.to_ascii_lowercase()) {
            Some(Entry::Zone(zone, _)) => Some(zone),
            _ => None,
        }
    }

    /// A number that is another when the list is.
    pub(super) fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    /// The list as it is now.
    pub(super) fn zones(&self) -> Arc<Zones> {
        self.lock().clone()
    }

    fn change(&self, change: impl FnOnce(&mut Zones)) {
        let mut guard = self.lock();
        let mut zones = Zones::clone(&guard);
        change(&mut zones);
        let depth = |apex: &[u8]| 1 << label_count(apex).min(127);
        zones.depths = zones.by_apex.keys().fold(0, |all, apex| all | depth(apex));
        *guard = Arc::new(zones);
        self.0.version.fetch_add(1, Ordering::Release);
    }

    /// A panic cannot happen while the lock is held; if it did, the list would still be whole.
    fn lock(&self) -> MutexGuard<'_, Arc<Zones>> {
        self.0.zones.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zones = self.lock().clone();
        f.debug_list().entries(zones.by_apex.keys().map(|apex| Shown(apex).to_string())).finish()
    }
}

impl Zones {
    /// The zone of exactly that name in small letters.
    pub(super) fn get(&self, apex: &[u8]) -> Option<&Entry> {
        self.by_apex.get(apex)
    }

    /// What has the authority for a name in small letters: the longest name at or above it, or strictly above.
    pub(super) fn find(&self, name: &[u8], strictly_above: bool) -> Option<&Entry> {
        let (mut rest, mut depth) = (Some(name), label_count(name));
        if strictly_above {
            rest = parent(name);
            depth = depth.saturating_sub(1);
        }
        while let Some(name) = rest {
            if self.depths >> depth & 1 == 1
                && let Some(entry) = self.by_apex.get(name)
            {
                return Some(entry);
            }
            rest = parent(name);
            depth = depth.saturating_sub(1);
        }
        None
    }
}
