//! [`Catalogue`]: which zones there are, for all threads; and [`Authority`], which answers from them on one.
//!
//! Zones are put in and taken out from any thread. Each thread keeps the list that it has seen, and looks at one number
//! per question to know whether there is a newer one: in between nothing is locked, and a question is answered
//! from one version of a zone as a whole.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::base::iana::{Class, Opcode, OptRcode, Rtype};
use foldhash::fast::RandomState;

use super::zone::{SharedZone, Zone};
use crate::server::{Answer, Query, Responder, Verdict};
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
pub(crate) enum Entry {
    /// A zone to answer from.
    Zone(SharedZone),
    /// A zone that is known and cannot be answered from now: not here yet, or too old. SERVFAIL.
    Absent,
}

/// The list at one time.
#[derive(Clone, Default)]
struct Zones {
    by_apex: HashMap<Box<[u8]>, Entry, RandomState>,
    /// Of how many labels the zones' names are: a bit each. Names of other lengths are not looked for.
    depths: u128,
}

impl Catalogue {
    /// A catalogue of no zones.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a zone in, in the place of the one of that name if there is one.
    pub fn put(&self, zone: SharedZone) {
        let apex = zone.apex().into();
        self.change(|zones| drop(zones.by_apex.insert(apex, Entry::Zone(zone))));
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
        match self.lock().by_apex.get(&*apex.to_ascii_lowercase()) {
            Some(Entry::Zone(zone)) => Some(zone.clone()),
            _ => None,
        }
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
    /// What has the authority for a name in small letters: the longest name at or above it, or strictly above.
    fn find(&self, name: &[u8], strictly_above: bool) -> Option<&Entry> {
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

/// Answers from the zones of a [`Catalogue`], on one reactor.
pub struct Authority {
    catalogue: Catalogue,
    seen: RefCell<(u64, Arc<Zones>)>,
}

impl Authority {
    /// Answers from `catalogue`.
    pub fn new(catalogue: &Catalogue) -> Self {
        let seen = RefCell::new((u64::MAX, Arc::default()));
        Self { catalogue: catalogue.clone(), seen }
    }

    /// Whether there is a zone for the query, so that it is for others to answer if not.
    pub fn has(&self, query: &Query<'_>) -> bool {
        self.zones(|zones| zones.find(query.lowercase_name(), false).is_some())
    }

    fn zones<R>(&self, look: impl FnOnce(&Zones) -> R) -> R {
        let version = self.catalogue.0.version.load(Ordering::Acquire);
        let mut seen = self.seen.borrow_mut();
        if seen.0 != version {
            *seen = (version, self.catalogue.lock().clone());
        }
        look(&seen.1)
    }

    fn answer(&self, query: &Query<'_>, answer: &mut Answer<'_>) {
        self.zones(|zones| {
            let name = query.lowercase_name();
            // A delegation's DS is its parent's, so it is looked for there first.
            let above = (query.rtype() == Rtype::DS).then(|| zones.find(name, true)).flatten();
            match above.or_else(|| zones.find(name, false)) {
                Some(Entry::Zone(zone)) => Zone::answer(zone, query, answer),
                Some(Entry::Absent) => answer.set_rcode(OptRcode::SERVFAIL),
                None => answer.set_rcode(OptRcode::REFUSED),
            }
        });
    }
}

impl Responder for Authority {
    fn respond(&self, query: &Query<'_>, answer: &mut Answer<'_>) -> Verdict {
        let is_known = matches!(query.class(), Class::IN | Class::ANY);
        match query.opcode() {
            Opcode::QUERY if !is_known => answer.set_rcode(OptRcode::REFUSED),
            Opcode::QUERY => match query.rtype() {
                Rtype::AXFR | Rtype::IXFR => answer.set_rcode(OptRcode::REFUSED),
                // Types of mail from before 1986, and what is no type of data.
                Rtype::MAILA | Rtype::MAILB => answer.set_rcode(OptRcode::NOTIMP),
                _ => self.answer(query, answer),
            },
            _ => answer.set_rcode(OptRcode::NOTIMP),
        }
        Verdict::Answered
    }
}
