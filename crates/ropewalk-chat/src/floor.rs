//! [`Floor`]: what the rooms of one building have in common, whichever threads they are on.
//!
//! A program with several workers has a [`Room`](crate::Room) on each, and all of them are one: names are taken
//! once, and everybody hears everything in the same order. So there is one book of names, and what happens is
//! entered at the same moment in a queue for each room. This is the one lock of the chat; a program with a
//! single room never waits for it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::{Name, RoomError, RoomEvent, RoomLimits};

/// A room that is in several places: one [`Room`](crate::Room) for each worker. May be sent to any thread.
#[derive(Clone)]
pub struct Floor(Arc<Shared>);

struct Shared {
    limits: RoomLimits,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    members: BTreeMap<Name, Place>,
    branches: Vec<Branch>,
    /// Counts members and events together, so that it is known which came first.
    last_number: u64,
}

/// Where a member sits.
#[derive(Clone, Copy)]
struct Place {
    branch: usize,
    seat: u64,
}

/// One room's part.
#[derive(Default)]
struct Branch {
    queue: VecDeque<Posted>,
    waker: Option<Waker>,
    closed: bool,
}

/// An event that a room has not told its members yet.
pub(crate) struct Posted {
    pub(crate) number: u64,
    pub(crate) to: To,
    pub(crate) event: RoomEvent,
}

/// Who is to be told, by the numbers of their seats.
#[derive(Clone, Copy)]
pub(crate) enum To {
    /// All whose number is below the event's: who came later does not hear what was before.
    AllBut(u64),
    One(u64),
}

/// One room's way to the floor. Gone from it when dropped.
pub(crate) struct Desk {
    floor: Floor,
    branch: usize,
}

impl Floor {
    /// An empty one.
    pub fn new(limits: RoomLimits) -> Self {
        Self(Arc::new(Shared { limits, book: Mutex::default() }))
    }

    /// The limits it was made with; `members_max` is for all rooms together.
    pub fn limits(&self) -> &RoomLimits {
        &self.0.limits
    }

    pub(crate) fn desk(&self) -> Desk {
        let mut book = self.lock();
        book.branches.push(Branch::default());
        Desk { floor: self.clone(), branch: book.branches.len() - 1 }
    }

    /// A panic cannot happen while the lock is held; if it did, the book would still be whole.
    fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    pub(crate) fn limits(&self) -> &RoomLimits {
        self.floor.limits()
    }

    /// Enters a member, and that it joined; gives the number of its seat.
    pub(crate) fn join(&self, name: &Name) -> Result<u64, RoomError> {
        let mut book = self.floor.lock();
        if book.members.contains_key(name) {
            return Err(RoomError::NameTaken);
        }
        if book.members.len() >= self.limits().members_max {
            return Err(RoomError::Full);
        }
        book.check_room(self.limits())?;
        let seat = book.next_number();
        book.members.insert(name.clone(), Place { branch: self.branch, seat });
        book.post(self.branch, To::AllBut(seat), RoomEvent::Joined { name: name.clone() });
        Ok(seat)
    }

    /// Crosses a member out. That it left is said however much waits: there is one such event for each
    /// that joined.
    pub(crate) fn leave(&self, name: &Name, seat: u64, event: RoomEvent) {
        let mut book = self.floor.lock();
        book.members.remove(name);
        book.post(self.branch, To::AllBut(seat), event);
    }

    pub(crate) fn rename(&self, from: &Name, to: &Name) -> Result<(), RoomError> {
        let mut book = self.floor.lock();
        // One's own name may be written another way.
        if to != from && book.members.contains_key(to) {
            return Err(RoomError::NameTaken);
        }
        book.check_room(self.limits())?;
        let Some(place) = book.members.remove(from) else { return Err(RoomError::NotAMember) };
        book.members.insert(to.clone(), place);
        let event = RoomEvent::Renamed { from: from.clone(), to: to.clone() };
        book.post(self.branch, To::AllBut(place.seat), event);
        Ok(())
    }

    /// Says something to all others.
    pub(crate) fn say(&self, seat: u64, event: RoomEvent) -> Result<(), RoomError> {
        let mut book = self.floor.lock();
        book.check_room(self.limits())?;
        book.post(self.branch, To::AllBut(seat), event);
        Ok(())
    }

    /// Says something to the one who is called so; gives that one's name as it is written.
    pub(crate) fn tell(&self, name: &Name, event: RoomEvent) -> Result<Name, RoomError> {
        let mut book = self.floor.lock();
        let found = book.members.get_key_value(name).map(|(name, place)| (name.clone(), *place));
        let (name, place) = found.ok_or(RoomError::NoSuchMember)?;
        book.check_room(self.limits())?;
        let number = book.next_number();
        let posted = Posted { number, to: To::One(place.seat), event };
        book.put(place.branch, self.branch, posted);
        Ok(name)
    }

    /// Ends this room's part: its members are none any more, and nothing is posted here after that they are
    /// told so.
    pub(crate) fn close(&self) {
        let mut book = self.floor.lock();
        book.members.retain(|_, place| place.branch != self.branch);
        let number = book.next_number();
        let goodbye = Posted { number, to: To::AllBut(0), event: RoomEvent::Closed };
        book.put(self.branch, self.branch, goodbye);
        let branch = &mut book.branches[self.branch];
        branch.closed = true;
        if let Some(waker) = branch.waker.take() {
            waker.wake();
        }
    }

    pub(crate) fn names(&self) -> Vec<Name> {
        self.floor.lock().members.keys().cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.floor.lock().members.len()
    }

    /// The next event to tell here.
    pub(crate) fn next(&self) -> Option<Posted> {
        self.floor.lock().branches[self.branch].queue.pop_front()
    }

    /// Ready with true when there is something to tell, with false when it is closed and there is not.
    pub(crate) fn poll_posted(&self, cx: &mut Context<'_>) -> Poll<bool> {
        let mut book = self.floor.lock();
        let branch = &mut book.branches[self.branch];
        if !branch.queue.is_empty() {
            return Poll::Ready(true);
        }
        if branch.closed {
            return Poll::Ready(false);
        }
        branch.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.close();
        let rest = std::mem::take(&mut self.floor.lock().branches[self.branch].queue);
        drop(rest);
    }
}

impl Book {
    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Whether every room has told enough of what it was to tell.
    fn check_room(&self, limits: &RoomLimits) -> Result<(), RoomError> {
        let is_full = |branch: &Branch| branch.queue.len() >= limits.events_max;
        if self.branches.iter().any(is_full) { Err(RoomError::Busy) } else { Ok(()) }
    }

    /// Enters an event for all rooms, at the same moment.
    fn post(&mut self, from: usize, to: To, event: RoomEvent) {
        let number = self.next_number();
        for branch in 0..self.branches.len() {
            self.put(branch, from, Posted { number, to, event: event.clone() });
        }
    }

    /// Enters an event for one room. The one it comes from looks by itself.
    fn put(&mut self, branch: usize, from: usize, posted: Posted) {
        let is_own = branch == from;
        let branch = &mut self.branches[branch];
        if branch.closed {
            return;
        }
        branch.queue.push_back(posted);
        if let Some(waker) = branch.waker.take_if(|_| !is_own) {
            waker.wake();
        }
    }
}
