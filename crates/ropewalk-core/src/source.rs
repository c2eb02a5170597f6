//! [`Source`]: what has a slot in the reactor's table, and the [`Table`].
//!
//! Connections, listening ports, datagram sockets and watched descriptors are all sources: the loop sends
//! them their events and gives them their turns, and does not know what they are.

use std::rc::Rc;

use crate::{Event, Failure, Flow, SlotId};

/// What a slot of the reactor's table holds. For the crates of drivers.
pub trait Source: 'static {
    /// Something happened to it. After [`Event::Closed`] its slot is free.
    fn event(self: Rc<Self>, event: Event<'_>) -> Flow;

    /// Its turn in the ready phase, if it asked for one.
    fn ready(self: Rc<Self>) {}

    /// Its turn in the flush phase, if it asked for one. Calls no user code.
    fn flush(self: Rc<Self>) {}

    /// A slot for a connection that is about to be accepted, if it is a port.
    fn accept(&self) -> Option<SlotId> {
        None
    }

    /// The reactor is stopping: finish what is under way, begin nothing, and close.
    fn wind_up(self: Rc<Self>);

    /// The reactor is gone: close now, and say so.
    fn abandon(self: Rc<Self>, why: Failure);
}

/// All sources, by slot.
#[derive(Default)]
pub(crate) struct Table {
    places: Vec<Place>,
    free: Vec<u32>,
}

struct Place {
    generation: u32,
    source: Option<Rc<dyn Source>>,
}

impl Table {
    /// A place that is free; `None` if `max` are in use already.
    pub(crate) fn reserve(&mut self, max: usize) -> Option<SlotId> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                let slot = u32::try_from(self.places.len()).ok()?;
                if self.places.len() >= max {
                    return None;
                }
                self.places.push(Place { generation: 0, source: None });
                slot
            }
        };
        Some(SlotId { slot, generation: self.places[slot as usize].generation })
    }

    /// Puts `source` into the place that was reserved for it.
    pub(crate) fn put(&mut self, id: SlotId, source: Rc<dyn Source>) {
        self.places[id.slot as usize].source = Some(source);
    }

    pub(crate) fn get(&self, id: SlotId) -> Option<&Rc<dyn Source>> {
        let place = self.places.get(id.slot as usize)?;
        place.source.as_ref().filter(|_| place.generation == id.generation)
    }

    /// Frees a slot; its number comes again with the next generation.
    pub(crate) fn remove(&mut self, id: SlotId) -> Option<Rc<dyn Source>> {
        self.get(id)?;
        let place = &mut self.places[id.slot as usize];
        place.generation = place.generation.wrapping_add(1);
        self.free.push(id.slot);
        place.source.take()
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    pub(crate) fn sources(&self) -> Vec<Rc<dyn Source>> {
        self.places.iter().filter_map(|place| place.source.clone()).collect()
    }

    /// Takes everything out; the numbers are not used again.
    pub(crate) fn drain(&mut self) -> Vec<Rc<dyn Source>> {
        self.free.clear();
        std::mem::take(&mut self.places).into_iter().filter_map(|place| place.source).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;

    impl Source for Nothing {
        fn event(self: Rc<Self>, _: Event<'_>) -> Flow {
            Flow::More
        }
        fn wind_up(self: Rc<Self>) {}
        fn abandon(self: Rc<Self>, _: Failure) {}
    }

    #[test]
    fn a_slot_that_is_used_again_has_another_generation() {
        let mut table = Table::default();
        let first = table.reserve(1).unwrap();
        table.put(first, Rc::new(Nothing));
        assert!(table.reserve(1).is_none(), "the table is full");
        assert!(table.remove(first).is_some() && table.remove(first).is_none());
        let second = table.reserve(1).unwrap();
        table.put(second, Rc::new(Nothing));
        assert_eq!(first.slot, second.slot);
        assert!(table.get(first).is_none() && table.get(second).is_some());
        assert_eq!(table.len(), 1);
    }
}
