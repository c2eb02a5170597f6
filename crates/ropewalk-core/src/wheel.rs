//! [`Wheel`]: every timer of one reactor, in order of deadline; a reset costs a store.
//!
//! Most timers are time-outs: they are made, moved later again and again, and cancelled. So that is what is
//! cheap here, and exact order is paid for only by the few timers that come near.
//!
//! - An entry lies in a slab and is named by a [`TimerKey`]: its index, and its number in the order of
//!   creation, which is never given twice and so tells a stale key.
//! - A *far* entry lies in the slot of its tick, in no order. Only slots that are not empty exist, in a map, so
//!   the wheel has as many as it needs and no end.
//! - When the time reaches a slot, its entries become *near*: they wait by full deadline and creation.
//! - Moving an entry to a later deadline only stores it: the entry is filed anew when its old place comes
//!   up. Moving it to an earlier one takes it out of its place.
//!
//! The longest pause that this can make is the filing of one whole slot: some tens of nanoseconds an entry.

use std::collections::{BTreeMap, btree_map};

use crate::Time;

/// Timers in order of (deadline, creation), each with a payload.
pub(crate) struct Wheel<P> {
    entries: Vec<Entry<P>>,
    free: Vec<u32>,
    /// Those of the present tick and all before it, in order.
    near: BTreeMap<(Time, u64), u32>,
    /// The others, by tick.
    far: BTreeMap<u64, Vec<u32>>,
    present: u64,
    /// Made in this turn and due already: nowhere else until the turn ends.
    newcomers: Vec<TimerKey>,
    next_seq: u64,
    /// In a turn, its time and the first number that is given in it.
    turn: Option<(Time, u64)>,
}

/// Names one timer of one wheel, for ever: a key that has run or was cancelled is known to be stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimerKey {
    index: u32,
    seq: u64,
}

impl TimerKey {
    /// The key of no timer.
    pub(crate) const STALE: Self = Self { index: u32::MAX, seq: u64::MAX };
}

/// In a cache line of its own, because with many timers reading it is what a reset costs.
#[repr(align(64))]
struct Entry<P> {
    deadline: Time,
    /// The deadline by which it has its place: never later than `deadline`. A newcomer's is the start of time.
    filed: Time,
    /// Its number in the order of creation.
    seq: u64,
    payload: Option<P>,
    /// Its place in its slot, if it is far.
    at: usize,
}

impl<P> Wheel<P> {
    pub(crate) fn new() -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            near: BTreeMap::new(),
            far: BTreeMap::new(),
            present: 0,
            newcomers: Vec::new(),
            next_seq: 0,
            turn: None,
        }
    }

    /// Adds a timer.
    pub(crate) fn insert(&mut self, deadline: Time, payload: P) -> TimerKey {
        let seq = self.next_seq;
        self.next_seq += 1;
        let entry = Entry { deadline, filed: deadline, seq, payload: Some(payload), at: 0 };
        let index = match self.free.pop() {
            Some(index) => {
                self.entries[index as usize] = entry;
                index
            }
            None => {
                self.entries.push(entry);
                u32::try_from(self.entries.len() - 1).expect("memory holds fewer than 2^32 timers")
            }
        };
        self.file(index);
        TimerKey { index, seq }
    }

    /// Takes a timer out; `None` if it has run or was cancelled.
    ///
    /// The payload is for the caller to drop, when nothing is borrowed.
    pub(crate) fn cancel(&mut self, key: TimerKey) -> Option<P> {
        self.entry(key)?;
        self.leave(key.index);
        self.release(key.index)
    }

    /// Moves a timer; false if it has run or was cancelled. Later is a store.
    pub(crate) fn reset(&mut self, key: TimerKey, deadline: Time) -> bool {
        let entry = self.entries.get_mut(key.index as usize).filter(|entry| entry.is(key));
        let Some(entry) = entry else { return false };
        entry.deadline = deadline;
        if deadline < entry.filed {
            self.leave(key.index);
            self.file(key.index);
        }
        true
    }

    /// When a timer is due; `None` if it has run or was cancelled.
    pub(crate) fn deadline(&self, key: TimerKey) -> Option<Time> {
        self.entry(key).map(|entry| entry.deadline)
    }

    /// How many timers there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// From now on a new timer that is due at `now` already waits until [`end_turn`](Self::end_turn).
    pub(crate) fn begin_turn(&mut self, now: Time) {
        self.turn = Some((now, self.next_seq));
    }

    /// Lets the timers that were made in the turn take their places.
    pub(crate) fn end_turn(&mut self) {
        self.turn = None;
        for key in std::mem::take(&mut self.newcomers) {
            if self.entry(key).is_some() {
                self.file(key.index);
            }
        }
    }

    /// Takes out the first timer that is due at `now` and was not made in this turn.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<P> {
        self.advance(tick(now));
        loop {
            let first = self.near.first_entry().filter(|first| first.key().0 <= now)?;
            let ((filed, _), index) = first.remove_entry();
            if self.entries[index as usize].deadline == filed {
                return self.release(index);
            }
            self.file(index); // It was moved later.
        }
    }

    /// A moment before which no timer is due; `None` if there is none.
    ///
    /// It is the deadline of the first timer when that is near or has few others in its slot, unless it was moved.
    pub(crate) fn next_wakeup(&self) -> Option<Time> {
        if let (Some((now, _)), false) = (self.turn, self.newcomers.is_empty()) {
            return Some(now);
        }
        let near = self.near.first_key_value().map(|((filed, _), _)| *filed);
        near.or_else(|| {
            let (tick, slot) = self.far.first_key_value()?;
            if slot.len() > ASKED_MAX {
                return Some(Time::from_nanos(tick << TICK_BITS));
            }
            slot.iter().map(|index| self.entries[*index as usize].filed).min()
        })
    }

    /// Empties the wheel into another, which is for the caller to drop when nothing is borrowed.
    pub(crate) fn take(&mut self) -> Self {
        let (present, next_seq, turn) = (self.present, self.next_seq, self.turn);
        std::mem::replace(self, Self { present, next_seq, turn, ..Self::new() })
    }

    /// Moves on to `tick`: the entries of every slot up to there become near.
    fn advance(&mut self, tick: u64) {
        self.present = self.present.max(tick);
        while let Some(slot) = self.far.first_entry().filter(|slot| *slot.key() <= tick) {
            slot.remove().into_iter().for_each(|index| self.file(index));
        }
    }

    /// Gives an entry the place that its deadline asks for.
    fn file(&mut self, index: u32) {
        let entry = &mut self.entries[index as usize];
        let (deadline, seq) = (entry.deadline, entry.seq);
        if self.turn.is_some_and(|(now, first)| seq >= first && deadline <= now) {
            entry.filed = Time::START;
            return self.newcomers.push(TimerKey { index, seq });
        }
        entry.filed = deadline;
        if tick(deadline) <= self.present {
            self.near.insert((deadline, seq), index);
        } else {
            let slot = self.far.entry(tick(deadline)).or_default();
            entry.at = slot.len();
            slot.push(index);
        }
    }

    /// Takes an entry out of its place.
    fn leave(&mut self, index: u32) {
        let Entry { filed, seq, at, .. } = self.entries[index as usize];
        if tick(filed) <= self.present {
            self.near.remove(&(filed, seq));
        } else if let btree_map::Entry::Occupied(mut slot) = self.far.entry(tick(filed)) {
            slot.get_mut().swap_remove(at);
            if let Some(&moved) = slot.get().get(at) {
                self.entries[moved as usize].at = at;
            } else if slot.get().is_empty() {
                slot.remove();
            }
        }
    }

    fn entry(&self, key: TimerKey) -> Option<&Entry<P>> {
        self.entries.get(key.index as usize).filter(|entry| entry.is(key))
    }

    fn release(&mut self, index: u32) -> Option<P> {
        self.free.push(index);
        self.entries[index as usize].payload.take()
    }
}

impl<P> Entry<P> {
    fn is(&self, key: TimerKey) -> bool {
        self.seq == key.seq && self.payload.is_some()
    }
}

fn tick(time: Time) -> u64 {
    time.as_nanos() >> TICK_BITS
}

/// A tick is 2^24 ns, about 17 ms: an hour is 215,000 slots at the most, and few timers are near at a time.
const TICK_BITS: u32 = 24;
/// Looking at more than this for an exact wakeup costs more than waking once too often.
const ASKED_MAX: usize = 16;

#[cfg(test)]
mod tests;
