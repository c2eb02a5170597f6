//! [`View`]: who of one thread's users is on which channel, as of the event that is being told there.
//!
//! It follows the queue: somebody is on a channel here from the event that says that they joined to the one
//! that says that they left, so each event finds its audience as it was when it happened.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use super::part::Audience;
use super::user::Seat;
use super::{Event, Record, UserId};
use crate::ChannelName;

/// Users of one thread, by number. Shared with what is being told.
pub(crate) type Seats = Rc<BTreeSet<Rc<Seat>>>;

/// What one thread knows of its users.
#[derive(Default)]
pub(crate) struct View {
    seats: HashSet<Rc<Seat>>,
    channels: HashMap<ChannelName, Seats>,
}

impl View {
    pub(crate) fn add(&mut self, seat: Rc<Seat>) {
        self.seats.insert(seat);
    }

    /// All of them leave: nothing is told here any more.
    pub(crate) fn take_all(&mut self) -> Vec<Rc<Seat>> {
        self.channels.clear();
        self.seats.drain().collect()
    }

    /// What has to be known before an event is told: who came is told that, who has left the network is not.
    pub(crate) fn begin(&mut self, record: &Record) {
        let source = record.source().id();
        let Some(seat) = self.seats.get(&source) else { return };
        match record.event() {
            Event::Joined { channel, .. } => {
                let seats = self.channels.entry(channel.clone()).or_default();
                Rc::make_mut(seats).insert(seat.clone());
            }
            Event::Quit { .. } => seat.set_gone(),
            _ => {}
        }
    }

    /// What is so after an event was told. Gives who has left the network by it.
    pub(crate) fn end(&mut self, record: &Record, audience: &Audience) -> Option<Rc<Seat>> {
        let source = record.source().id();
        match (record.event(), audience) {
            (Event::Parted { channel, .. }, _) => self.remove(channel, source),
            (Event::Kicked { channel, who, .. }, _) => self.remove(channel, who.id()),
            (Event::Quit { .. }, Audience::Friends { channels, .. }) => {
                channels.iter().for_each(|channel| self.remove(channel, source));
                return self.seats.take(&source);
            }
            _ => {}
        }
        None
    }

    fn remove(&mut self, channel: &ChannelName, id: UserId) {
        let Some(seats) = self.channels.get_mut(channel) else { return };
        // Mostly the event concerns another thread's user.
        if seats.contains(&id) {
            Rc::make_mut(seats).remove(&id);
        }
        if seats.is_empty() {
            self.channels.remove(channel);
        }
    }

    /// Who is to be told because the event concerns them.
    pub(crate) fn audience(&self, record: &Record, audience: &Audience) -> Seats {
        match audience {
            Audience::Channel(channel) => self.channels.get(channel).cloned().unwrap_or_default(),
            Audience::Friends { channels, .. } => self.friends(channels, record.source.id),
            Audience::Users(users) => self.pick(users.iter()),
            Audience::Watchers(_) => Seats::default(),
        }
    }

    /// Who is to be told because they watch the name; some may have been told already.
    pub(crate) fn watchers(&self, audience: &Audience) -> Seats {
        match audience {
            Audience::Friends { watchers, .. } | Audience::Watchers(watchers) => {
                self.pick(watchers.iter())
            }
            _ => Seats::default(),
        }
    }

    fn friends(&self, channels: &[ChannelName], source: UserId) -> Seats {
        let mut all = self.pick([source].iter());
        for seats in channels.iter().filter_map(|channel| self.channels.get(channel)) {
            // Most are on one channel, which may be large.
            if all.iter().all(|seat| seats.contains(seat)) {
                all = seats.clone();
            } else {
                Rc::make_mut(&mut all).extend(seats.iter().cloned());
            }
        }
        all
    }

    fn pick<'a>(&self, users: impl Iterator<Item = &'a UserId>) -> Seats {
        Rc::new(users.filter_map(|id| self.seats.get(id).cloned()).collect())
    }
}
