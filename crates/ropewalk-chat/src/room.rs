//! [`Room`]: who is there, and who hears what.
//!
//! A room is a table of members by name, and a queue of notices. Telling somebody may make them do something
//! (a robot that answers, a member who is thrown out), so what happens while a notice is being told waits in
//! the queue: everybody hears everything in the same order. The audience of a notice is who was there when it
//! happened; the table is shared with it and copied only if somebody comes or goes meanwhile.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use crate::member::Seat;
use crate::{Listener, Member, Name, Notice, Parting, RoomError, RoomEvent, RoomLimits};

/// A cheap handle to one chat room.
///
/// # Ordering
/// All members hear the same events in the same order. Who does something does not hear of it.
#[derive(Clone)]
pub struct Room(Rc<State>);

struct State {
    limits: RoomLimits,
    members: RefCell<Rc<Members>>,
    queue: RefCell<VecDeque<Pending>>,
    telling: Cell<bool>,
    closed: Cell<bool>,
}

type Members = BTreeMap<Name, Rc<Seat>>;

/// A notice that not everybody has been told yet.
struct Pending {
    notice: Notice,
    audience: Audience,
}

enum Audience {
    All { members: Rc<Members>, but: Option<Rc<Seat>> },
    One(Rc<Seat>),
}

impl Room {
    /// An empty room.
    pub fn new(limits: RoomLimits) -> Self {
        Self(Rc::new(State {
            limits,
            members: RefCell::default(),
            queue: RefCell::default(),
            telling: Cell::new(false),
            closed: Cell::new(false),
        }))
    }

    /// Comes into the room as `name`; the others are told. From now on `listener` is told what they do.
    ///
    /// # Errors
    /// What is wrong with the name; `NameTaken`, `Full`, `Closed`.
    pub fn join(&self, name: &str, listener: Rc<dyn Listener>) -> Result<Member, RoomError> {
        if self.is_closed() {
            return Err(RoomError::Closed);
        }
        let name = self.free_name(name)?;
        if self.len() >= self.limits().members_max {
            return Err(RoomError::Full);
        }
        let seat = Seat::new(name.clone(), listener);
        self.edit(|members| members.insert(name.clone(), seat.clone()));
        self.tell_others(&seat, RoomEvent::Joined { name });
        Ok(Member::new(self.clone(), seat))
    }

    /// The names of all members, in alphabetical order.
    pub fn who(&self) -> Vec<Name> {
        self.0.members.borrow().values().map(|seat| seat.name()).collect()
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.0.members.borrow().len()
    }

    /// Whether nobody is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends it: all members hear [`RoomEvent::Closed`] and are members no more, and nobody can join.
    pub fn close(&self) {
        if self.0.closed.replace(true) {
            return;
        }
        let members = self.0.members.take();
        self.tell(RoomEvent::Closed, Audience::All { members, but: None });
    }

    /// Whether it has been closed.
    pub fn is_closed(&self) -> bool {
        self.0.closed.get()
    }

    /// The limits it was made with.
    pub fn limits(&self) -> &RoomLimits {
        &self.0.limits
    }

    pub(crate) fn find(&self, name: &str) -> Option<Rc<Seat>> {
        let name = Name::new(name, self.limits().name_chars_max).ok()?;
        self.0.members.borrow().get(&name).cloned()
    }

    pub(crate) fn rename(&self, seat: &Rc<Seat>, text: &str) -> Result<Name, RoomError> {
        let from = seat.name();
        let to = Name::new(text, self.limits().name_chars_max)?;
        if to.as_str() == from.as_str() {
            return Ok(to); // No news to anybody.
        }
        // One's own name may be written another way.
        if to != from && self.0.members.borrow().contains_key(&to) {
            return Err(RoomError::NameTaken);
        }
        self.edit(|members| {
            members.remove(&from);
            members.insert(to.clone(), seat.clone())
        });
        seat.set_name(to.clone());
        self.tell_others(seat, RoomEvent::Renamed { from, to: to.clone() });
        Ok(to)
    }

    pub(crate) fn leave(&self, seat: &Rc<Seat>, why: Parting) {
        if seat.set_gone() && !self.is_closed() {
            let name = seat.name();
            self.edit(|members| members.remove(&name));
            self.tell_others(seat, RoomEvent::Left { name, why });
        }
    }

    /// Tells all but one, who did it.
    pub(crate) fn tell_others(&self, but: &Rc<Seat>, event: RoomEvent) {
        let members = self.0.members.borrow().clone();
        self.tell(event, Audience::All { members, but: Some(but.clone()) });
    }

    pub(crate) fn tell_one(&self, seat: Rc<Seat>, event: RoomEvent) {
        self.tell(event, Audience::One(seat));
    }

    fn free_name(&self, text: &str) -> Result<Name, RoomError> {
        let name = Name::new(text, self.limits().name_chars_max)?;
        if self.0.members.borrow().contains_key(&name) {
            return Err(RoomError::NameTaken);
        }
        Ok(name)
    }

    /// Changes the table; a copy of it, if an audience still has it.
    fn edit<R>(&self, change: impl FnOnce(&mut Members) -> R) -> R {
        change(Rc::make_mut(&mut self.0.members.borrow_mut()))
    }

    /// Tells the audience, now or, if something is being told already, after that.
    fn tell(&self, event: RoomEvent, audience: Audience) {
        let notice = Notice::new(event);
        self.0.queue.borrow_mut().push_back(Pending { notice, audience });
        if self.0.telling.get() {
            return;
        }
        let _telling = Telling::begin(&self.0.telling);
        while let Some(pending) = self.next_pending() {
            pending.tell();
        }
    }

    fn next_pending(&self) -> Option<Pending> {
        self.0.queue.borrow_mut().pop_front()
    }
}

impl Pending {
    /// Who left while others were told is told nothing more.
    fn tell(self) {
        let Self { notice, audience } = self;
        match audience {
            Audience::One(seat) => seat.notify(&notice),
            Audience::All { members, but } => members
                .values()
                .filter(|seat| !but.as_ref().is_some_and(|but| Rc::ptr_eq(seat, but)))
                .for_each(|seat| seat.notify(&notice)),
        }
    }
}

/// So that a listener that panics does not leave the room silent.
struct Telling<'a>(&'a Cell<bool>);

impl<'a> Telling<'a> {
    fn begin(telling: &'a Cell<bool>) -> Self {
        telling.set(true);
        Self(telling)
    }
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

#[cfg(test)]
mod tests;
