//! [`OwnPeople`]: who is on this process, and what they do, as the others are told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use ropewalk_irc::ChannelName;
use ropewalk_irc::network::{
    Event, Identity, Mode, ModeChange, Network, Notice, Speech, SpeechKind, Target, UserId,
};

use super::letter::{Change, Happening, PersonHere, RoomHere, Someone, To, TopicHere};

/// Those who came to this process, by the number that the others know them by. Kept by what the network tells, so that
/// at each moment it is what the others know after the last event.
#[derive(Default)]
pub(crate) struct OwnPeople {
    people: BTreeMap<u64, (UserId, PersonHere)>,
    numbers: BTreeMap<UserId, u64>,
    /// What rooms are about, whoever said so.
    topics: BTreeMap<ChannelName, TopicHere>,
    last_number: u64,
}

/// Topics that are known: of as many rooms as a network has, by
/// [`NetworkLimits`](ropewalk_irc::network::NetworkLimits).
const TOPICS_MAX: usize = 10_000;

/// Who somebody is who is not one of ours.
pub(crate) trait Relayed {
    fn someone(&self, user: UserId) -> Option<Someone>;
}

impl OwnPeople {
    /// Notes what happened; gives what the others are to be told: what our own people did.
    pub(crate) fn note(
        &mut self,
        notice: &Notice,
        origin: &str,
        relayed: &dyn Relayed,
        network: &Network,
    ) -> Vec<Happening> {
        self.note_change(notice);
        let source = notice.source();
        let is_own = |identity: &Identity| relayed.someone(identity.id()).is_none();
        let is_between_own = match notice.event() {
            Event::Said { to: Target::User(to), .. } | Event::Invited { who: to, .. } => is_own(to),
            _ => false,
        };
        if !is_own(source) || is_between_own || is_nothing_to_others(notice.event()) {
            return Vec::new();
        }
        let (who, came) = self.number_of(source, milliseconds(notice.at()));
        let happened = of_themselves(who, notice)
            .or_else(|| in_room(who, notice, network))
            .or_else(|| self.with_somebody(who, notice, origin, relayed));
        if let Some(happened) = &happened {
            self.do_own(who, happened);
        }
        came.into_iter().chain(happened).collect()
    }

    /// What somebody did that has to do with somebody else.
    fn with_somebody(
        &mut self,
        who: u64,
        notice: &Notice,
        origin: &str,
        relayed: &dyn Relayed,
    ) -> Option<Happening> {
        let mut someone = |identity: &Identity| {
            relayed.someone(identity.id()).unwrap_or_else(|| Someone {
                origin: origin.to_owned(),
                id: self.number_of(identity, milliseconds(notice.at())).0,
            })
        };
        Some(match notice.event() {
            Event::Said { to, speech } => {
                let to = match to {
                    Target::User(user) => To::Person(someone(user)),
                    room => To::Room(room.to_string()),
                };
                said(who, to, speech, notice)
            }
            Event::Kicked { channel, who: victim, reason } => Happening::Kicked {
                who,
                room: channel.to_string(),
                victim: someone(victim),
                reason: reason.to_string(),
            },
            Event::Invited { channel, who: guest } => {
                Happening::Invited { who, room: channel.to_string(), guest: someone(guest) }
            }
            _ => return None,
        })
    }

    /// The number of one of ours; and that they came, if that was not told yet.
    fn number_of(&mut self, identity: &Identity, claimed_at: u64) -> (u64, Option<Happening>) {
        if let Some(number) = self.numbers.get(&identity.id()) {
            return (*number, None);
        }
        self.last_number += 1;
        let person = PersonHere {
            id: self.last_number,
            nick: identity.nick().to_string(),
            user: identity.user().to_owned(),
            host: identity.host().to_owned(),
            realname: identity.realname().to_owned(),
            account: identity.account().map(str::to_owned),
            claimed_at,
            away: None,
            rooms: Vec::new(),
        };
        self.numbers.insert(identity.id(), person.id);
        self.people.insert(person.id, (identity.id(), person.clone()));
        (person.id, Some(Happening::Came { person }))
    }

    /// What is so now, for who comes later.
    fn do_own(&mut self, who: u64, happened: &Happening) {
        if let Happening::Quit { .. } = happened {
            if let Some((user, _)) = self.people.remove(&who) {
                self.numbers.remove(&user);
            }
            return;
        }
        let Some((_, person)) = self.people.get_mut(&who) else { return };
        match happened {
            Happening::Joined { room, .. } => person.rooms.push(room.clone()),
            Happening::Parted { room, .. } => person.rooms.retain(|other| other != room),
            Happening::Renamed { nick, claimed_at, .. } => {
                (person.nick, person.claimed_at) = (nick.clone(), *claimed_at);
            }
            Happening::AwaySet { message, .. } => person.away.clone_from(message),
            Happening::RealnameSet { realname, .. } => person.realname.clone_from(realname),
            Happening::AccountSet { account, .. } => person.account.clone_from(account),
            _ => {}
        }
    }

    /// What is so now because of anybody.
    fn note_change(&mut self, notice: &Notice) {
        match notice.event() {
            Event::TopicSet { channel, topic } => {
                let at = milliseconds(notice.at());
                let topic = TopicHere { topic: topic.to_string(), at };
                self.topics.insert(channel.clone(), topic);
                if self.topics.len() > TOPICS_MAX {
                    let oldest = self.topics.iter().min_by_key(|(_, topic)| topic.at);
                    if let Some(oldest) = oldest.map(|(room, _)| room.clone()) {
                        self.topics.remove(&oldest);
                    }
                }
            }
            Event::Kicked { channel, who, .. } => {
                let number = self.numbers.get(&who.id());
                if let Some((_, person)) = number.and_then(|number| self.people.get_mut(number)) {
                    person.rooms.retain(|room| room != channel.as_str());
                }
            }
            _ => {}
        }
    }

    /// Everybody of ours.
    pub(crate) fn people(&self) -> impl Iterator<Item = &PersonHere> {
        self.people.values().map(|(_, person)| person)
    }

    /// The rooms that somebody of ours is in.
    pub(crate) fn rooms(&self, network: &Network) -> Vec<RoomHere> {
        let rooms: BTreeSet<&String> = self.people().flat_map(|one| &one.rooms).collect();
        let state = |room: &String| {
            let state = network.channel_state(room)?;
            Some(RoomHere {
                room: room.clone(),
                created_at: milliseconds(state.created_at),
                changes: state.changes.iter().map(change).collect(),
                topic: self.topic(room).cloned(),
            })
        };
        rooms.into_iter().filter_map(state).collect()
    }

    /// What a room is about, if that was set since this process began.
    pub(crate) fn topic(&self, room: &str) -> Option<&TopicHere> {
        self.topics.iter().find(|(name, _)| name.as_str() == room).map(|(_, topic)| topic)
    }

    /// The number of one of ours, if the others know them.
    pub(crate) fn number(&self, user: UserId) -> Option<u64> {
        self.numbers.get(&user).copied()
    }

    /// The user of that number, and who they are.
    pub(crate) fn find(&self, number: u64) -> Option<&(UserId, PersonHere)> {
        self.people.get(&number)
    }

    /// Whoever of ours `is_it`.
    pub(crate) fn search(&self, is_it: impl Fn(&str) -> bool) -> Option<&(UserId, PersonHere)> {
        self.people.values().find(|(_, person)| is_it(&person.nick))
    }
}

/// What only one's own process has to do with; and typing, which is told otherwise.
fn is_nothing_to_others(event: &Event) -> bool {
    matches!(event, Event::Online | Event::Offline | Event::Tagged { .. } | Event::Killed { .. })
}

/// What somebody did that has to do with themselves only.
fn of_themselves(who: u64, notice: &Notice) -> Option<Happening> {
    let source = notice.source();
    Some(match notice.event() {
        Event::Quit { reason } => Happening::Quit { who, reason: reason.to_string() },
        Event::Renamed { to } => {
            Happening::Renamed { who, nick: to.to_string(), claimed_at: milliseconds(notice.at()) }
        }
        Event::AwaySet { message } => {
            Happening::AwaySet { who, message: message.as_ref().map(ToString::to_string) }
        }
        Event::RealnameSet => {
            Happening::RealnameSet { who, realname: source.realname().to_owned() }
        }
        Event::AccountSet => {
            Happening::AccountSet { who, account: source.account().map(str::to_owned) }
        }
        _ => return None,
    })
}

/// What somebody did in a room, to all who are there.
fn in_room(who: u64, notice: &Notice, network: &Network) -> Option<Happening> {
    let room = notice.event().channel()?.to_string();
    Some(match notice.event() {
        Event::Joined { .. } => {
            let created_at = network.created_at(&room).unwrap_or(notice.at());
            Happening::Joined { who, room, created_at: milliseconds(created_at) }
        }
        Event::Parted { reason, .. } => Happening::Parted { who, room, reason: reason.to_string() },
        Event::TopicSet { topic, .. } => {
            Happening::TopicSet { who, room, topic: topic.to_string() }
        }
        Event::ModeChanged { changes, .. } => {
            Happening::ModeChanged { who, room, changes: changes.iter().map(change).collect() }
        }
        _ => return None,
    })
}

fn said(who: u64, to: To, speech: &Speech, notice: &Notice) -> Happening {
    Happening::Said {
        who,
        to,
        is_notice: speech.kind == SpeechKind::Notice,
        text: speech.text.to_string(),
        tags: speech.tags.to_string(),
        msgid: notice.msgid().to_string(),
        at: milliseconds(notice.at()),
    }
}

pub(crate) fn change(change: &ModeChange) -> Change {
    let value = match &change.mode {
        Mode::Flag(_) => None,
        Mode::Key(text) | Mode::Mask(_, text) | Mode::Rank(_, text) => Some(text.to_string()),
        Mode::Limit(limit) => Some(limit.to_string()),
    };
    Change { adds: change.adds, letter: change.mode.letter(), value }
}

/// Since 1970.
pub(crate) fn milliseconds(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
