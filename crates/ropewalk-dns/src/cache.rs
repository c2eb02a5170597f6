//! [`Cache`]: what is known for a while: records, that there are none, and that a name does not exist.
//!
//! Each entry has a [`Rank`], by how much it is to be trusted (RFC 2181, section 5.4.1): what came along with an answer
//! never replaces an answer. Memory is bounded; the entry that has not been used for the longest goes first. It reads no
//! clock: the time is the caller's.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use domain::base::iana::Rtype;
use ropewalk_core::Time;

use crate::cache_order::Order;
use crate::slab::{Key, Slab};
use crate::{Name, RecordSet};

/// What a [`Cache`] may hold, and for how long.
#[derive(Clone, Debug)]
pub struct CacheOptions {
    /// Bytes of all entries. Default 16 MiB, some 60,000 of them; 0 keeps nothing.
    pub bytes_max: usize,
    /// The longest that records are kept, whatever they say. Default 1 day: who has moved is found again.
    pub ttl_max: Duration,
    /// The shortest. Default zero: not longer than they say.
    pub ttl_min: Duration,
    /// The longest that it is kept that there is nothing (RFC 2308, section 5, has one to three hours). Default 1 hour.
    pub negative_ttl_max: Duration,
    /// Whether what is found in the last tenth of its time is to be asked for anew, so that what is in use never runs
    /// out. Default yes.
    pub prefetch: bool,
    /// How long records are kept beyond their time, for when nobody can be asked (RFC 8767). Default zero, not at all;
    /// the RFC proposes one to three days.
    pub serve_stale: Duration,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            bytes_max: 16 << 20,
            ttl_max: Duration::from_secs(86_400),
            ttl_min: Duration::ZERO,
            negative_ttl_max: Duration::from_secs(3600),
            prefetch: true,
            serve_stale: Duration::ZERO,
        }
    }
}

/// How much something is to be trusted, by the part of a message that it came in. Less is lower.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Rank {
    /// It came along: the additional section, glue.
    Additional,
    /// The authority section of a server that is no authority for it: a referral.
    Referral,
    /// An answer of a server that is no authority.
    Answer,
    /// The authority section of an authority's answer.
    Authority,
    /// An answer of an authority.
    AuthoritativeAnswer,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Cached {
    /// What is known.
    pub known: Known,
    /// How much it is to be trusted.
    pub rank: Rank,
    /// How long it may be kept from now on; of what is stale 30 s (RFC 8767, section 4).
    pub ttl: Duration,
    /// It is to be asked for anew, in the background.
    pub wants_refresh: bool,
    /// Its time is over.
    pub is_stale: bool,
}

/// What is known of a name and a type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Known {
    /// These records.
    Records(RecordSet),
    /// The name has no records of the type.
    NoData(Option<Soa>),
    /// The name does not exist.
    NoSuchName(Option<Soa>),
}

/// Who says that there is nothing: the start of authority that came with it (RFC 2308, section 5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Soa {
    /// The name of its zone.
    pub zone: Name,
    /// It.
    pub record: RecordSet,
}

/// Records and their absence, by name and type.
pub struct Cache {
    options: CacheOptions,
    places: HashMap<(Name, Rtype), Key>,
    entries: Slab<Entry>,
    order: Order,
    bytes: usize,
}

struct Entry {
    name: Name,
    /// What is asked for; of a name that does not exist [`ANY_TYPE`].
    rtype: Rtype,
    known: Known,
    rank: Rank,
    since: Time,
    until: Time,
    refreshed: bool,
    bytes: usize,
}

/// Stands for all types of a name that does not exist: no record has it (RFC 6895, section 3.1).
const ANY_TYPE: Rtype = Rtype::from_int(0);

/// What an entry takes beside its name and its records: its place in three tables.
const ENTRY_BYTES: usize = 200;

/// How long what is stale may be kept by who got it.
const STALE_TTL: Duration = Duration::from_secs(30);

impl Cache {
    /// An empty one.
    pub fn new(options: CacheOptions) -> Self {
        Self {
            options,
            places: HashMap::new(),
            entries: Slab::default(),
            order: Order::default(),
            bytes: 0,
        }
    }

    /// What is known of `name` and `rtype` at `now`, and not stale. An alias is not followed: that is what is known of the
    /// name and CNAME.
    pub fn get(&mut self, name: &Name, rtype: Rtype, now: Time) -> Option<Cached> {
        self.find(name, ANY_TYPE, now)
            .filter(|found| !found.is_stale)
            .or_else(|| self.find(name, rtype, now).filter(|found| !found.is_stale))
    }

    /// The same, stale or not: for when nobody can be asked.
    pub fn get_stale(&mut self, name: &Name, rtype: Rtype, now: Time) -> Option<Cached> {
        self.get(name, rtype, now)
            .or_else(|| self.find(name, rtype, now).or_else(|| self.find(name, ANY_TYPE, now)))
    }

    /// Keeps records, unless something is known that is to be trusted more; says whether it does.
    pub fn insert(&mut self, name: &Name, records: RecordSet, rank: Rank, now: Time) -> bool {
        let ttl = records.ttl.clamp(self.options.ttl_min, self.options.ttl_max);
        let rtype = records.rtype();
        let kept = self.put(name, rtype, Known::Records(records), rank, ttl, now);
        if kept && rank >= Rank::Answer {
            self.remove(name, ANY_TYPE);
        }
        kept
    }

    /// Keeps that `name` has no records of `rtype`. `soa` says for how long (RFC 2308, section 5); without it nothing is
    /// kept.
    pub fn insert_no_data(
        &mut self,
        name: &Name,
        rtype: Rtype,
        soa: Option<Soa>,
        rank: Rank,
        now: Time,
    ) -> bool {
        let ttl = self.negative_ttl(soa.as_ref());
        self.put(name, rtype, Known::NoData(soa), rank, ttl, now)
    }

    /// Keeps that `name` does not exist, as [`insert_no_data`](Self::insert_no_data).
    pub fn insert_no_such_name(
        &mut self,
        name: &Name,
        soa: Option<Soa>,
        rank: Rank,
        now: Time,
    ) -> bool {
        let ttl = self.negative_ttl(soa.as_ref());
        self.put(name, ANY_TYPE, Known::NoSuchName(soa), rank, ttl, now)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::new(self.options.clone());
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that they take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What it may hold.
    pub fn options(&self) -> &CacheOptions {
        &self.options
    }

    fn negative_ttl(&self, soa: Option<&Soa>) -> Duration {
        soa.map_or(Duration::ZERO, Soa::negative_ttl).min(self.options.negative_ttl_max)
    }

    fn find(&mut self, name: &Name, rtype: Rtype, now: Time) -> Option<Cached> {
        let key = *self.places.get(&(name.clone(), rtype))?;
        let entry = self.entries.get_mut(key)?;
        if now >= entry.until + self.options.serve_stale {
            self.take(key);
            return None;
        }
        let ttl = entry.until.since(now);
        let is_stale = ttl.is_zero();
        let is_old = ttl <= entry.until.since(entry.since) / 10;
        // Asked for once: the answer comes in another entry, and without one there is nothing to be gained.
        let wants_refresh = self.options.prefetch
            && is_old
            && !is_stale
            && !std::mem::replace(&mut entry.refreshed, true);
        let ttl = if is_stale { STALE_TTL } else { ttl };
        let mut known = entry.known.clone();
        if let Known::Records(records) = &mut known {
            records.ttl = ttl;
        }
        let found = Cached { known, rank: entry.rank, ttl, wants_refresh, is_stale };
        self.order.used(key);
        Some(found)
    }

    fn put(
        &mut self,
        name: &Name,
        rtype: Rtype,
        known: Known,
        rank: Rank,
        ttl: Duration,
        now: Time,
    ) -> bool {
        let before = self.places.get(&(name.clone(), rtype)).copied();
        if let Some(key) = before {
            let trusted = self.entries.get(key);
            if trusted.is_some_and(|entry| entry.rank > rank && entry.until > now) {
                return false;
            }
        }
        let bytes = ENTRY_BYTES + name.len() + known.bytes();
        if ttl.is_zero() || bytes > self.options.bytes_max {
            return false;
        }
        if let Some(key) = before {
            self.take(key);
        }
        // A slice of a message would keep all of it.
        let name = Name::from_octets(Bytes::copy_from_slice(name.as_slice()));
        let name = name.expect("it is a name already");
        let place = (name.clone(), rtype);
        let (since, until) = (now, now + ttl);
        let entry = Entry { name, rtype, known, rank, since, until, refreshed: false, bytes };
        let key = self.entries.insert(entry);
        self.places.insert(place, key);
        self.order.push(key);
        self.bytes += bytes;
        while self.bytes > self.options.bytes_max
            && let Some(oldest) = self.order.oldest()
        {
            self.take(oldest);
        }
        true
    }

    fn remove(&mut self, name: &Name, rtype: Rtype) {
        if let Some(key) = self.places.get(&(name.clone(), rtype)).copied() {
            self.take(key);
        }
    }

    fn take(&mut self, key: Key) {
        self.order.remove(key);
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= entry.bytes;
            self.places.remove(&(entry.name, entry.rtype));
        }
    }
}

impl Known {
    fn bytes(&self) -> usize {
        match self {
            Self::Records(records) => records.bytes(),
            Self::NoData(soa) | Self::NoSuchName(soa) => {
                soa.as_ref().map_or(0, |soa| soa.zone.len() + soa.record.bytes())
            }
        }
    }
}

impl Soa {
    /// For how long there is nothing: the least of the record's own time to live and its last number.
    pub fn negative_ttl(&self) -> Duration {
        let minimum = self.record.wire().next().and_then(|data| data.last_chunk().copied());
        let minimum = minimum.map_or(0, u32::from_be_bytes);
        Duration::from_secs(minimum.into()).min(self.record.ttl)
    }
}

#[cfg(test)]
mod tests;
