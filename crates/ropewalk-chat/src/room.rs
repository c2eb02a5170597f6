//! [`Room`]: who is there, and who hears what.
//!
//! A room is a table of seats, and a desk where what happens is entered (see `floor.rs`). Telling somebody may
//! make them do something (a robot that answers, a member who is thrown out), so what happens while something
//! is being told waits at the desk: everybody hears everything in the same order. The audience of an event is
//! who was there when it happened: each event and each seat has a number, and the earlier seats hear it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::rc::Rc;

use crate::floor::{Desk, Posted, To};
use crate::member::Seat;
use crate::{Floor, Listener, Member, Name, Notice, Parting, RoomError, RoomEvent, RoomLimits};

/// A cheap handle to one chat room, or to one worker's part of it.
///
/// # Ordering
/// All members hear the same events in the same order. Who does something is not notified of it; it is
/// [echoed](Listener::echoed) to them at its place in that order.
#[derive(Clone)]
pub struct Room(Rc<State>);

struct State {
    desk: Desk,
    /// By number. Shared with what is being told; copied only if somebody comes or goes meanwhile.
    seats: RefCell<Rc<Seats>>,
    telling: Cell<bool>,
    closed: Cell<bool>,
}

type Seats = BTreeMap<u64, Rc<Seat>>;

impl Room {
    /// An empty room.
    pub fn new(limits: RoomLimits) -> Self {
        Self::on(&Floor::new(limits))
    }

    /// One thread's part of a room that is in several places. What the members elsewhere do is told here by
    /// [`relay`](Self::relay), which has to be spawned.
    pub fn on(floor: &Floor) -> Self {
        Self(Rc::new(State {
            desk: floor.desk(),
            seats: RefCell::default(),
            telling: Cell::new(false),
            closed: Cell::new(false),
        }))
    }

    /// Tells the members here what those elsewhere do, until the room is closed: a task for this thread's
    /// reactor. A room that is in one place does not need it.
    pub fn relay(&self) -> impl Future<Output = ()> + use<> {
        let room = self.clone();
        async move {
            while poll_fn(|cx| room.0.desk.poll_posted(cx)).await {
                room.tell_posted();
            }
        }
    }

    /// Comes into the room as `name`; the others are told. From now on `listener` is told what they do.
    ///
    /// # Errors
    /// What is wrong with the name; `NameTaken`, `Full`, `Closed`, `Busy`.
    pub fn join(&self, name: &str, listener: Rc<dyn Listener>) -> Result<Member, RoomError> {
        if self.is_closed() {
            return Err(RoomError::Closed);
        }
        let name = Name::new(name, self.limits().name_chars_max)?;
        let number = self.0.desk.join(&name)?;
        let seat = Seat::new(number, name, listener);
        self.edit(|seats| seats.insert(number, seat.clone()));
        self.tell_posted();
        Ok(Member::new(self.clone(), seat))
    }

    /// The names of all members, in alphabetical order.
    pub fn who(&self) -> Vec<Name> {
        self.0.desk.names()
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.0.desk.len()
    }

    /// Whether nobody is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends it, or this thread's part of it: all members here hear [`RoomEvent::Closed`] and are members no
    /// more, and nobody can join.
    pub fn close(&self) {
        if !self.0.closed.replace(true) {
            self.0.desk.close();
            self.tell_posted();
        }
    }

    /// Whether it has been closed.
    pub fn is_closed(&self) -> bool {
        self.0.closed.get()
    }

    /// The limits it was made with.
    pub fn limits(&self) -> &RoomLimits {
        self.0.desk.limits()
    }

    pub(crate) fn rename(&self, seat: &Seat, text: &str) -> Result<Name, RoomError> {
        let from = seat.name();
        let to = Name::new(text, self.limits().name_chars_max)?;
        if to.as_str() == from.as_str() {
            return Ok(to); // No news to anybody.
        }
        self.0.desk.rename(&from, &to)?;
        seat.set_name(to.clone());
        self.tell_posted();
        Ok(to)
    }

    pub(crate) fn leave(&self, seat: &Seat, why: Parting) {
        if seat.set_gone() && !self.is_closed() {
            let name = seat.name();
            self.edit(|seats| seats.remove(&seat.number()));
            self.0.desk.leave(&name, seat.number(), RoomEvent::Left { name: name.clone(), why });
            self.tell_posted();
        }
    }

    /// Tells all but one, who did it.
    pub(crate) fn tell_others(&self, but: &Seat, event: RoomEvent) -> Result<(), RoomError> {
        self.0.desk.say(but.number(), event)?;
        self.tell_posted();
        Ok(())
    }

    /// Tells the one who is called so; gives that one's name as it is written.
    pub(crate) fn tell_one(&self, name: &str, event: RoomEvent) -> Result<Name, RoomError> {
        let name = Name::new(name, self.limits().name_chars_max);
        let told = self.0.desk.tell(&name.map_err(|_| RoomError::NoSuchMember)?, event)?;
        self.tell_posted();
        Ok(told)
    }

    /// Changes the table; a copy of it, if it is being told from.
    fn edit<R>(&self, change: impl FnOnce(&mut Seats) -> R) -> R {
        change(Rc::make_mut(&mut self.0.seats.borrow_mut()))
    }

    /// Tells what has been posted, unless that is being done: then it follows by itself.
    fn tell_posted(&self) {
        if self.0.telling.get() {
            return;
        }
        let _telling = Telling::begin(&self.0.telling);
        while let Some(posted) = self.0.desk.next() {
            self.tell(posted);
        }
    }

    /// Who left while others were told is told nothing more.
    fn tell(&self, posted: Posted) {
        let Posted { number, to, event } = posted;
        let notice = Notice::new(event);
        let seats = self.0.seats.borrow().clone();
        match to {
            To::One(seat) => seats.get(&seat).into_iter().for_each(|seat| seat.notify(&notice)),
            To::AllBut(but) => seats.range(..number).for_each(|(number, seat)| {
                if *number == but { seat.echo(&notice) } else { seat.notify(&notice) }
            }),
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
