//! A process that is not heard of: its people leave, and what they were is kept until it is back.
//!
//! So it goes on where it was: its people are here again as they were after the last event that was done, and what they
//! have done meanwhile follows by its numbers, as after a shorter absence.

use std::collections::{BTreeMap, BTreeSet};

use ropewalk_core::Time;
use ropewalk_irc::network::{Mode, ModeChange};

use super::letter::{PersonHere, RoomHere, Someone};
use super::others::OthersPeople;
use super::own::{change, milliseconds};
use super::peer::{Peer, Roll};

/// Processes that may come back. One that was killed does not, and its successor has another origin: so there is room
/// for some of those, too.
const ABSENT_MAX: usize = 16;

impl OthersPeople {
    /// Who of `origin` is here, and what their rooms are; [`set_back`](Self::set_back) makes it so again.
    pub(crate) fn roll(&self, origin: &str) -> Roll {
        let people: Vec<PersonHere> =
            self.of(origin).iter().filter_map(|someone| self.person(someone)).collect();
        let names: BTreeSet<&String> = people.iter().flat_map(|person| &person.rooms).collect();
        let rooms = names.into_iter().filter_map(|name| self.room_of(name, &people)).collect();
        Roll { people, rooms }
    }

    fn person(&self, someone: &Someone) -> Option<PersonHere> {
        let other = self.other(someone).ok()?;
        let identity = other.user.identity().ok()?;
        let away = other.user.find(identity.nick().as_str()).ok()?.away;
        let rooms = other.user.channels().ok()?;
        Some(PersonHere {
            id: someone.id,
            nick: identity.nick().to_string(),
            user: identity.user().to_owned(),
            host: identity.host().to_owned(),
            realname: identity.realname().to_owned(),
            account: identity.account().map(str::to_owned),
            claimed_at: other.claimed_at.get(),
            away: away.as_deref().map(str::to_owned),
            rooms: rooms.iter().map(ToString::to_string).collect(),
        })
    }

    /// A room as it is, with the ranks of these people only: those of others may be somebody else's by then.
    fn room_of(&self, name: &str, people: &[PersonHere]) -> Option<RoomHere> {
        let state = self.network().channel_state(name)?;
        let is_theirs = |change: &&ModeChange| match &change.mode {
            Mode::Rank(_, nick) => people.iter().any(|person| *person.nick == **nick),
            _ => true,
        };
        Some(RoomHere {
            room: name.to_owned(),
            created_at: milliseconds(state.created_at),
            changes: state.changes.iter().filter(is_theirs).map(change).collect(),
            topic: self.own.borrow().topic(name).cloned(),
        })
    }

    /// The people of a process are back, as they were. A room that has been there all the time is what it is now, but
    /// for their ranks.
    pub(crate) fn set_back(&self, origin: &str, mut roll: Roll) {
        for room in &mut roll.rooms {
            let here = self.network().created_at(&room.room);
            if here.is_some_and(|here| milliseconds(here) == room.created_at) {
                room.changes.retain(|change| matches!(change.letter, 'o' | 'v'));
            }
        }
        self.set_all(origin, roll);
    }
}

/// Of too many that are absent, the one that was heard of before all others: it is forgotten.
pub(super) fn surplus(peers: &BTreeMap<String, Peer>) -> Option<String> {
    let absent = || peers.iter().filter_map(|(origin, peer)| Some((peer.absent_since()?, origin)));
    let longest: Option<(Time, &String)> = absent().min();
    longest.filter(|_| absent().count() > ABSENT_MAX).map(|(_, origin)| origin.clone())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn of_many_that_are_absent_the_longest_absent_is_forgotten() {
        let (mut peers, mut now) = (BTreeMap::new(), Time::START);
        for number in (0..=ABSENT_MAX).rev() {
            assert_eq!(surplus(&peers), None);
            let mut peer = Peer::new(now);
            peer.leave(Roll::default());
            peers.insert(format!("{number:02}"), peer);
            peers.insert(format!("{number:02} is here"), Peer::new(Time::START));
            now += Duration::from_secs(1);
        }
        assert_eq!(surplus(&peers), Some(format!("{ABSENT_MAX:02}")));
    }
}
