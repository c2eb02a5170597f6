//! [`KeptAnswers`]: answers in wire form, as they went out, to be given again with less time to live.
//!
//! An answer is the same for everybody who asks the same: only the id, the letters of the name and the times to live
//! differ. All names in it that are compressed point into the message itself, whose question always has the same length.

use std::collections::HashMap;
use std::time::Duration;

use domain::base::iana::OptRcode;
use ropewalk_core::Time;

use super::answer::{Answer, Written};
use super::query::Query;
use crate::cache_order::Order;
use crate::slab::{Key, Slab};
use crate::wire_name::NAME_BYTES_MAX;

/// Answers by question, up to a number of bytes; the one that has not been asked for for the longest goes first.
pub(super) struct KeptAnswers {
    bytes_max: usize,
    bytes: usize,
    /// By std's hashes, which an asker who chooses the names cannot make collide.
    places: HashMap<Box<[u8]>, Key>,
    answers: Slab<Kept>,
    order: Order,
}

struct Kept {
    question: Box<[u8]>,
    rcode: OptRcode,
    written: Written,
    since: Time,
    until: Time,
}

/// What an answer takes beside its bytes: its places in the tables.
const ENTRY_BYTES: usize = 200;

/// A question as it is looked up: the name in small letters, the type, and what else makes another answer of it.
struct Asked {
    bytes: [u8; NAME_BYTES_MAX + 3],
    len: usize,
}

impl Asked {
    fn of(query: &Query<'_>) -> Self {
        let name = query.lowercase_name();
        let [high, low] = query.rtype().to_int().to_be_bytes();
        let wants = u8::from(query.dnssec_ok()) | u8::from(query.checking_disabled()) << 1;
        let mut bytes = [0; NAME_BYTES_MAX + 3];
        bytes[..name.len()].copy_from_slice(name);
        bytes[name.len()..name.len() + 3].copy_from_slice(&[high, low, wants]);
        Self { bytes, len: name.len() + 3 }
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl KeptAnswers {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            bytes: 0,
            places: HashMap::default(),
            answers: Slab::default(),
            order: Order::default(),
        }
    }

    /// Writes the answer to `query` if it is here; says whether it is.
    pub(super) fn give(&mut self, query: &Query<'_>, answer: &mut Answer<'_>) -> bool {
        let Some(&key) = self.places.get(Asked::of(query).as_slice()) else { return false };
        let Some(kept) = self.answers.get(key) else { return false };
        let now = query.origin().now;
        if now >= kept.until {
            self.take(key);
            return false;
        }
        self.order.used(key);
        answer.set_rcode(kept.rcode);
        answer.push_written(&kept.written, now.since(kept.since));
        true
    }

    /// Keeps an answer for so long, unless it is cut short.
    pub(super) fn keep(
        &mut self,
        query: &Query<'_>,
        answer: &Answer<'_>,
        ttl: Duration,
        now: Time,
    ) {
        let asked = Asked::of(query);
        if let Some(&before) = self.places.get(asked.as_slice()) {
            self.take(before);
        }
        if ttl.is_zero() || answer.is_truncated() {
            return;
        }
        let question: Box<[u8]> = asked.as_slice().into();
        let kept = Kept {
            question: question.clone(),
            rcode: answer.rcode(),
            written: answer.written(),
            since: now,
            until: now + ttl,
        };
        let bytes = kept.bytes();
        if bytes > self.bytes_max {
            return;
        }
        self.bytes += bytes;
        let key = self.answers.insert(kept);
        self.places.insert(question, key);
        self.order.push(key);
        while self.bytes > self.bytes_max
            && let Some(oldest) = self.order.oldest()
        {
            self.take(oldest);
        }
    }

    fn take(&mut self, key: Key) {
        self.order.remove(key);
        if let Some(kept) = self.answers.remove(key) {
            self.bytes -= kept.bytes();
            self.places.remove(&kept.question);
        }
    }
}

impl Kept {
    fn bytes(&self) -> usize {
        2 * self.question.len() + self.written.bytes() + ENTRY_BYTES
    }
}
