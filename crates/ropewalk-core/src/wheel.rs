//! [`Wheel`]: every timer of one reactor, in order of deadline; a reset costs a store.
//!
//! Most timers are time-outs: they are made, moved later again and again, and cancelled. So that is what is
//! cheap here, and exact order is paid for only by the few timers that come near.
//!
//! - An entry lies in a slab and is named by a [`TimerKey`]: its index, and its number in the order of
//!   creation, which is never given twice and so tells a stale key.
//! - A far entry hangs in a slot of a hierarchical wheel: [`LEVELS`] levels of 64 slots, where a slot of
//!   level 0 is one tick of 2^20 ns (about 1 ms) and one of the next level is 64 times as long. The level is
//!   that of the highest digit (base 64) in which the entry's tick differs from the cursor's. So the slots
//!   of a level all lie behind those of the level below, and the next slot is the first bit that is set.
//! - When the cursor reaches a slot of a higher level, its entries are filed anew, lower. Those of the
//!   cursor's own tick, and all before it, are *near*: they wait in a heap, by full deadline and creation.
//! - Moving an entry to a later deadline only stores it: the entry is filed anew when its old place comes
//!   up. Moving it to an earlier one takes it out of its slot, or leaves a stale item in the heap.
//!
//! The longest pause that this can make is the filing of one whole slot: some tens of nanoseconds an entry.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::Time;

/// Timers in order of (deadline, creation), each with a payload.
pub(crate) struct Wheel<P> {
    entries: Vec<Entry<P>>,
    free: u32,
    live: usize,
    /// The first entry of each slot, and of the list of newcomers.
    heads: Box<[u32; NEWCOMERS as usize + 1]>,
    /// One bit for each slot that is not empty.
    occupied: [u64; LEVELS],
    heap: BinaryHeap<Reverse<Near>>,
    /// About how many items of the heap are stale.
    stale: usize,
    /// The tick up to which, and with which, all entries are in the heap. It may be ahead of the time.
    cursor: u64,
    next_seq: u64,
    turn_now: Time,
    /// The first number given in this turn; outside of turns, one that is never given.
    turn_first_seq: u64,
}

/// Names one timer of one wheel, for ever: a key that has run or was cancelled is known to be stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimerKey {
    index: u32,
    seq: u64,
}

impl TimerKey {
    /// The key of no timer.
    pub(crate) const STALE: Self = Self { index: NONE, seq: u64::MAX };
}

/// In a cache line of its own, because with many timers reading it is what a reset costs.
#[repr(align(64))]
struct Entry<P> {
    deadline: Time,
    /// The deadline by which it has its place: never later than `deadline`.
    filed: Time,
    /// Its number in the order of creation.
    seq: u64,
    payload: Option<P>,
    prev: u32,
    next: u32,
    place: u16,
}

/// An entry in the heap; stale if the entry has since gone or been filed elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Near {
    deadline: Time,
    seq: u64,
    index: u32,
}

/// A slot of the wheel that is not empty.
struct Slot {
    level: usize,
    place: u16,
    start: u64,
}

impl<P> Wheel<P> {
    pub(crate) fn new() -> Self {
        Self {
            entries: Vec::new(),
            free: NONE,
            live: 0,
            heads: Box::new([NONE; NEWCOMERS as usize + 1]),
            occupied: [0; LEVELS],
            heap: BinaryHeap::new(),
            stale: 0,
            cursor: 0,
            next_seq: 0,
            turn_now: Time::START,
            turn_first_seq: u64::MAX,
        }
    }

    /// Adds a timer, in constant time.
    pub(crate) fn insert(&mut self, deadline: Time, payload: P) -> TimerKey {
        let seq = self.next_seq;
        self.next_seq += 1;
        let entry = Entry {
            deadline,
            filed: deadline,
            seq,
            payload: Some(payload),
            prev: NONE,
            next: NONE,
            place: FREE,
        };
        let index = self.store(entry);
        self.live += 1;
        self.file(index);
        TimerKey { index, seq }
    }

    /// Takes a timer out, in constant time; `None` if it has run or was cancelled.
    ///
    /// The payload is for the caller to drop, when nothing is borrowed.
    pub(crate) fn cancel(&mut self, key: TimerKey) -> Option<P> {
        self.deadline(key)?;
        self.leave(key.index);
        self.release(key.index)
    }

    /// Moves a timer; false if it has run or was cancelled. Later is a store.
    pub(crate) fn reset(&mut self, key: TimerKey, deadline: Time) -> bool {
        let Some(entry) =
            self.entries.get_mut(key.index as usize).filter(|entry| entry.is(key.seq))
        else {
            return false;
        };
        entry.deadline = deadline;
        if deadline < entry.filed {
            self.leave(key.index);
            self.file(key.index);
        }
        true
    }

    /// When a timer is due; `None` if it has run or was cancelled.
    pub(crate) fn deadline(&self, key: TimerKey) -> Option<Time> {
        let entry = self.entries.get(key.index as usize)?;
        entry.is(key.seq).then_some(entry.deadline)
    }

    /// How many timers there are.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// From now on a new timer that is due at `now` already waits until [`end_turn`](Self::end_turn).
    pub(crate) fn begin_turn(&mut self, now: Time) {
        self.turn_now = now;
        self.turn_first_seq = self.next_seq;
    }

    /// Lets the timers that were made in the turn take their places.
    pub(crate) fn end_turn(&mut self) {
        self.turn_first_seq = u64::MAX;
        self.file_all(NEWCOMERS);
    }

    /// Takes out the first timer that is due at `now` and was not made in this turn.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<P> {
        self.advance(tick(now));
        let near = self.first_near().filter(|near| near.deadline <= now)?;
        self.heap.pop();
        self.release(near.index)
    }

    /// A moment before which no timer is due; `None` if there is none.
    ///
    /// It is the deadline of the first timer when that lies within about 64 ms or has few others beside it.
    pub(crate) fn next_wakeup(&mut self) -> Option<Time> {
        if self.heads[usize::from(NEWCOMERS)] != NONE {
            return Some(self.turn_now);
        }
        loop {
            let near = self.first_near().map(|near| near.deadline);
            let Some(slot) = self.first_slot() else { return near };
            if near.is_some_and(|near| tick(near) < slot.start) {
                return near;
            }
            if slot.level > 0 {
                let far = self.earliest_in(&slot);
                return Some(near.map_or(far, |near| near.min(far)));
            }
            // The cursor may run ahead within the lowest level, so that the wakeup is exact.
            self.enter(&slot);
        }
    }

    /// Empties the wheel into another, which is for the caller to drop when nothing is borrowed.
    pub(crate) fn take(&mut self) -> Self {
        let mut empty = Self::new();
        empty.next_seq = self.next_seq;
        empty.cursor = self.cursor;
        empty.turn_now = self.turn_now;
        empty.turn_first_seq = self.turn_first_seq;
        std::mem::replace(self, empty)
    }
}

/// The slots.
impl<P> Wheel<P> {
    /// Gives an entry the place that its deadline asks for.
    fn file(&mut self, index: u32) {
        let entry = &mut self.entries[index as usize];
        let deadline = entry.deadline;
        entry.filed = deadline;
        if entry.seq >= self.turn_first_seq && deadline <= self.turn_now {
            return self.link(index, NEWCOMERS);
        }
        let tick = tick(deadline);
        if tick <= self.cursor {
            entry.place = HEAP;
            let seq = entry.seq;
            return self.heap.push(Reverse(Near { deadline, seq, index }));
        }
        let level = (tick ^ self.cursor).ilog2() / SLOT_BITS;
        let slot = (tick >> (level * SLOT_BITS)) & (SLOTS - 1);
        let place = (u64::from(level) * SLOTS + slot) & 0xFFFF; // at most 511
        self.occupied[level as usize] |= 1 << slot;
        self.link(index, place as u16);
    }

    /// Takes an entry out of its place.
    fn leave(&mut self, index: u32) {
        if self.entries[index as usize].place == HEAP {
            self.entries[index as usize].place = FREE;
            self.stale += 1;
            self.sweep_heap();
        } else {
            self.unlink(index);
        }
    }

    /// Moves the cursor to `tick`, filing anew the entries of every slot that it reaches.
    fn advance(&mut self, tick: u64) {
        if tick <= self.cursor {
            return;
        }
        while let Some(slot) = self.first_slot().filter(|slot| slot.start <= tick) {
            self.enter(&slot);
        }
        // No slot begins between here and there, so each entry's highest differing digit stays what it is.
        self.cursor = tick;
    }

    fn enter(&mut self, slot: &Slot) {
        self.cursor = slot.start;
        self.occupied[slot.level] &= !(1 << (u64::from(slot.place) % SLOTS));
        self.file_all(slot.place);
    }

    fn file_all(&mut self, place: u16) {
        let mut index = std::mem::replace(&mut self.heads[usize::from(place)], NONE);
        while index != NONE {
            let next = self.entries[index as usize].next;
            self.file(index);
            index = next;
        }
    }

    /// The slot that the cursor reaches first.
    fn first_slot(&self) -> Option<Slot> {
        let level = self.occupied.iter().position(|&bits| bits != 0)?;
        let slot = u64::from(self.occupied[level].trailing_zeros());
        let place = (level as u64 * SLOTS + slot) & 0xFFFF; // at most 511
        let shift = level as u64 * u64::from(SLOT_BITS);
        let above = self.cursor >> shift >> SLOT_BITS << SLOT_BITS << shift;
        Some(Slot { level, place: place as u16, start: above | slot << shift })
    }

    /// The first deadline of a slot, or its end if that is before it; its start if it holds too many to ask.
    fn earliest_in(&self, slot: &Slot) -> Time {
        let length = 1 << (slot.level as u64 * u64::from(SLOT_BITS));
        let mut earliest = start_of(slot.start + length);
        let mut index = self.heads[usize::from(slot.place)];
        for _ in 0..ASKED_MAX {
            let Some(entry) = self.entries.get(index as usize) else { return earliest };
            earliest = earliest.min(entry.deadline);
            index = entry.next;
        }
        start_of(slot.start)
    }

    fn link(&mut self, index: u32, place: u16) {
        let next = std::mem::replace(&mut self.heads[usize::from(place)], index);
        if next != NONE {
            self.entries[next as usize].prev = index;
        }
        let entry = &mut self.entries[index as usize];
        entry.prev = NONE;
        entry.next = next;
        entry.place = place;
    }

    fn unlink(&mut self, index: u32) {
        let Entry { prev, next, place, .. } = self.entries[index as usize];
        if next != NONE {
            self.entries[next as usize].prev = prev;
        }
        if prev != NONE {
            self.entries[prev as usize].next = next;
            return;
        }
        self.heads[usize::from(place)] = next;
        if next == NONE && place != NEWCOMERS {
            let (level, slot) = (u64::from(place) / SLOTS, u64::from(place) % SLOTS);
            self.occupied[(level & 0xFF) as usize] &= !(1 << slot);
        }
    }
}

/// The heap.
impl<P> Wheel<P> {
    /// The first near timer, left in the heap, once what lies over it is discarded or filed anew.
    fn first_near(&mut self) -> Option<Near> {
        while let Some(&Reverse(near)) = self.heap.peek() {
            let entry = &self.entries[near.index as usize];
            let current = entry.is_at(&near);
            if current && entry.deadline == near.deadline {
                return Some(near);
            }
            self.heap.pop();
            if current {
                self.file(near.index);
            } else {
                self.stale = self.stale.saturating_sub(1);
            }
        }
        None
    }

    /// Drops the stale items when they are more than twice the others.
    fn sweep_heap(&mut self) {
        let current = self.heap.len().saturating_sub(self.stale);
        if self.stale <= SWEPT_MIN || self.stale <= 2 * current {
            return;
        }
        let entries = &self.entries;
        self.heap.retain(|Reverse(near)| entries[near.index as usize].is_at(near));
        self.stale = 0;
    }
}

/// The slab.
impl<P> Wheel<P> {
    fn store(&mut self, entry: Entry<P>) -> u32 {
        if let Some(free) = self.entries.get_mut(self.free as usize) {
            let index = self.free;
            self.free = free.next;
            *free = entry;
            return index;
        }
        let index = u32::try_from(self.entries.len()).expect("memory holds fewer than 2^32 timers");
        self.entries.push(entry);
        index
    }

    fn release(&mut self, index: u32) -> Option<P> {
        let entry = &mut self.entries[index as usize];
        entry.place = FREE;
        entry.next = self.free;
        self.free = index;
        self.live -= 1;
        entry.payload.take()
    }
}

impl<P> Entry<P> {
    fn is(&self, seq: u64) -> bool {
        self.seq == seq && self.payload.is_some()
    }

    /// Whether this item of the heap is this entry's place. Two items may be, if the entry went back to a
    /// deadline that it had before: then the second is stale once the first is gone.
    fn is_at(&self, near: &Near) -> bool {
        self.place == HEAP && self.seq == near.seq && self.filed == near.deadline
    }
}

fn tick(time: Time) -> u64 {
    time.as_nanos() >> TICK_BITS
}

/// The start of a tick; the end of time for those that are past it.
fn start_of(tick: u64) -> Time {
    Time::from_nanos(tick.saturating_mul(1 << TICK_BITS))
}

/// A tick is 2^20 ns: short beside any time-out, and long enough that a heap of one tick's timers is small.
const TICK_BITS: u32 = 20;
const SLOT_BITS: u32 = 6;
/// One bit of a word each.
const SLOTS: u64 = 1 << SLOT_BITS;
/// Enough for the 44 bits of the last tick.
const LEVELS: usize = 8;
/// Looking at more than this for an exact wakeup costs more than waking once too often.
const ASKED_MAX: usize = 16;
/// Fewer stale items than this are not worth a sweep.
const SWEPT_MIN: usize = 64;
/// The end of a list.
const NONE: u32 = u32::MAX;
/// The list of those that were made in this turn and are due already.
const NEWCOMERS: u16 = 512;
const HEAP: u16 = u16::MAX;
const FREE: u16 = u16::MAX - 1;

#[cfg(test)]
mod tests;
