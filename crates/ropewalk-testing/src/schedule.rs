//! [`Schedule`]: what is going to happen, and the clock that jumps to it.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use ropewalk_core::{Address, Failure, SlotId, Time};

use crate::pipe::Item;

/// Arrivals by time, and of the same time in the order in which they began.
#[derive(Default)]
pub(crate) struct Schedule {
    now: Time,
    arrivals: BTreeMap<(Time, u64), Arrival>,
    begun: u64,
    partitioned: bool,
    /// What waits for the end of a partition, with the delay it would have had.
    stuck: Vec<(Duration, Arrival)>,
    /// When the last of what was stuck arrives.
    healed_by: Time,
}

/// Something that is going to happen to a slot.
pub(crate) struct Arrival {
    pub(crate) to: SlotId,
    pub(crate) what: What,
}

pub(crate) enum What {
    /// A client wants in; the arrival is its own.
    Knock,
    Opened,
    /// Something came over a connection, from this other end.
    Item(SlotId, Item),
    /// There may be something in the inbox that is wanted now.
    Wanted,
    /// The receiver has read so many bytes.
    Room(usize),
    Lost(Failure),
    Datagram(Bytes, Address),
    Closed,
}

impl Schedule {
    pub(crate) fn now(&self) -> Time {
        self.now
    }

    /// Moves the clock; never back.
    pub(crate) fn jump(&mut self, then: Time) {
        self.now = self.now.max(then);
    }

    /// When something next happens.
    pub(crate) fn next_arrival(&self) -> Option<Time> {
        self.arrivals.first_key_value().map(|((time, _), _)| *time)
    }

    /// How many arrivals there have been, those to come included.
    pub(crate) fn begun(&self) -> u64 {
        self.begun
    }

    /// Takes out what is due, of those that had begun before number `before`.
    pub(crate) fn pop_due(&mut self, before: u64) -> Option<Arrival> {
        let next = self.arrivals.first_entry()?;
        let (time, number) = *next.key();
        (time <= self.now && number < before).then(|| next.remove())
    }

    /// Happens in the next delivery, at one end only.
    pub(crate) fn soon(&mut self, to: SlotId, what: What) {
        self.at(self.now, Arrival { to, what });
    }

    /// Crosses the network.
    pub(crate) fn transmit(&mut self, after: Duration, arrival: Arrival) {
        if self.partitioned {
            return self.stuck.push((after, arrival));
        }
        self.at(self.now + after, arrival);
    }

    /// Crosses the network, and does not overtake what arrives at `last`; gives when it arrives itself.
    pub(crate) fn transmit_after(&mut self, last: Time, after: Duration, arrival: Arrival) -> Time {
        let time = (self.now + after).max(last).max(self.healed_by);
        self.transmit(time.since(self.now), arrival);
        time
    }

    fn at(&mut self, time: Time, arrival: Arrival) {
        self.arrivals.insert((time, self.begun), arrival);
        self.begun += 1;
    }

    pub(crate) fn is_partitioned(&self) -> bool {
        self.partitioned
    }

    /// Nothing that is sent from now on arrives.
    pub(crate) fn partition(&mut self) {
        self.partitioned = true;
    }

    /// What was sent during the partition sets out now, as if it were sent again, in its order.
    pub(crate) fn heal(&mut self) {
        self.partitioned = false;
        let mut latest = Duration::ZERO;
        for (after, arrival) in std::mem::take(&mut self.stuck) {
            latest = latest.max(after);
            self.transmit(latest, arrival);
        }
        self.healed_by = self.now + latest;
    }

    /// How many things wait for the end of a partition.
    pub(crate) fn stuck(&self) -> usize {
        self.stuck.len()
    }
}
