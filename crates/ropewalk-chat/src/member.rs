//! [`Member`]: somebody in a room, who can speak there.
//!
//! Whoever holds it is that member: there is no way to speak under a name but through the value that
//! [`Room::join`] gave, so a name cannot be taken over. Dropping it leaves the room.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ropewalk_core::Time;

use crate::pace::Pace;
use crate::{Listener, Name, Notice, Parting, Room, RoomError, RoomEvent, Text};

/// Somebody in a [`Room`]. Leaves it when dropped, as if [`Parting::Quit`].
///
/// # Limits
/// What the others hear, and [`who`](Self::who), is counted: over `message_burst` at once, and one each
/// `message_interval` in the long run, it is refused as [`TooFast`](RoomError::TooFast). When that happens
/// again before the member has rested, it is [`Flooding`](RoomError::Flooding): the member is out of the room.
///
/// # Errors
/// Of all methods: these two, `NotAMember` or `Closed` if it is not in the room any more, and `Busy`.
pub struct Member {
    room: Room,
    seat: Rc<Seat>,
}

/// A member as the room knows it.
pub(crate) struct Seat {
    number: u64,
    name: RefCell<Name>,
    listener: Rc<dyn Listener>,
    pace: RefCell<Pace>,
    gone: Cell<bool>,
}

impl Member {
    pub(crate) fn new(room: Room, seat: Rc<Seat>) -> Self {
        Self { room, seat }
    }

    /// Says something to all others.
    ///
    /// # Errors
    /// Also `TextEmpty` and `TextTooLong`.
    pub fn say(&self, now: Time, text: &str) -> Result<(), RoomError> {
        let text = self.spoken(now, text)?;
        self.room.tell_others(&self.seat, RoomEvent::Said { name: self.name(), text })
    }

    /// Does something that all others see: `act(now, "waves")` is "alice waves".
    ///
    /// # Errors
    /// Also `TextEmpty` and `TextTooLong`.
    pub fn act(&self, now: Time, text: &str) -> Result<(), RoomError> {
        let text = self.spoken(now, text)?;
        self.room.tell_others(&self.seat, RoomEvent::Acted { name: self.name(), text })
    }

    /// Says something to one other member alone; gives that one's name as it is written.
    ///
    /// # Errors
    /// Also `NoSuchMember`, `TextEmpty` and `TextTooLong`.
    pub fn tell(&self, now: Time, to: &str, text: &str) -> Result<Name, RoomError> {
        let text = self.spoken(now, text)?;
        self.room.tell_one(to, RoomEvent::Told { name: self.name(), text })
    }

    /// Takes another name; the others are told. To be called the same again is no news to anybody.
    ///
    /// # Errors
    /// Also what is wrong with the name, and `NameTaken`; the member keeps the one before.
    pub fn rename(&self, now: Time, name: &str) -> Result<Name, RoomError> {
        self.step(now)?;
        self.room.rename(&self.seat, name)
    }

    /// The names of all members, in alphabetical order, its own among them.
    ///
    /// # Errors
    /// No others. It is counted because it costs more than to say something; a program that wants to know
    /// asks [`Room::who`].
    pub fn who(&self, now: Time) -> Result<Vec<Name>, RoomError> {
        self.step(now)?;
        Ok(self.room.who())
    }

    /// Leaves the room; the others are told why.
    pub fn leave(self, why: Parting) {
        self.part(why);
    }

    /// Leaves the room while others may hold this member, too; a second time is nothing.
    pub(crate) fn part(&self, why: Parting) {
        self.room.leave(&self.seat, why);
    }

    /// What it is called.
    pub fn name(&self) -> Name {
        self.seat.name()
    }

    /// The room that it is in, or was.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// What is to be said, if it may be.
    fn spoken(&self, now: Time, text: &str) -> Result<Text, RoomError> {
        self.step(now)?;
        Text::new(text, self.room.limits().message_bytes_max)
    }

    /// Counts one more thing that it does.
    fn step(&self, now: Time) -> Result<(), RoomError> {
        if self.room.is_closed() {
            return Err(RoomError::Closed);
        }
        if self.seat.gone.get() {
            return Err(RoomError::NotAMember);
        }
        let step = self.seat.pace.borrow_mut().step(now, self.room.limits());
        if step == Err(RoomError::Flooding) {
            self.room.leave(&self.seat, Parting::Flooding);
        }
        step
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.room.leave(&self.seat, Parting::Quit);
    }
}

impl Seat {
    pub(crate) fn new(number: u64, name: Name, listener: Rc<dyn Listener>) -> Rc<Self> {
        let (name, pace, gone) = (RefCell::new(name), RefCell::default(), Cell::new(false));
        Rc::new(Self { number, name, listener, pace, gone })
    }

    /// Unique in the room, and larger than those of who and what came before.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn name(&self) -> Name {
        self.name.borrow().clone()
    }

    pub(crate) fn set_name(&self, name: Name) {
        drop(self.name.replace(name));
    }

    /// True the first time.
    pub(crate) fn set_gone(&self) -> bool {
        !self.gone.replace(true)
    }

    pub(crate) fn notify(&self, notice: &Notice) {
        if !self.gone.get() {
            self.listener.notified(notice);
        }
    }

    pub(crate) fn echo(&self, notice: &Notice) {
        if !self.gone.get() {
            self.listener.echoed(notice);
        }
    }
}
