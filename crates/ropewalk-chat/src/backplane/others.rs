//! [`OthersPeople`]: those of other processes, as users of this one's network.
//!
//! Each of them is a user here who does what they did there. Two processes may have let in two people of the same name
//! at the same time: then the older claim holds, and the other is called something else, on all processes.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ropewalk_core::{Reactor, Time};
use ropewalk_irc::fold;
use ropewalk_irc::network::{
    ChannelFlag, Listener, MaskList, Mode, ModeChange, MsgId, Network, Notice, Rank, Refusal,
    Registration, Server, Speech, User, UserId,
};

use super::letter::{Change, Happening, PersonHere, RoomHere, Someone, To};
use super::own::{OwnPeople, Relayed, milliseconds};
use super::peer::Roll;
use super::rooms;

/// Users here who are people of other processes.
pub(crate) struct OthersPeople {
    reactor: Reactor,
    server: Server,
    /// The name of this process, by which our own people are meant.
    origin: String,
    pub(super) own: Rc<RefCell<OwnPeople>>,
    people: RefCell<BTreeMap<Someone, Rc<Other>>>,
    by_user: RefCell<HashMap<UserId, Someone>>,
}

pub(super) struct Other {
    pub(super) user: User,
    pub(super) claimed_at: Cell<u64>,
}

/// A claim to a name: of two, the smaller holds.
type Claim = (u64, Someone);

/// Who has a name here.
struct Holder {
    user: UserId,
    nick: String,
    claim: Claim,
}

/// What is said to them is passed on by who observes the network.
struct Deaf;

impl Listener for Deaf {
    fn notified(&self, _: &Notice) {}
}

impl OthersPeople {
    pub(crate) fn new(
        reactor: &Reactor,
        server: &Server,
        origin: &str,
        own: &Rc<RefCell<OwnPeople>>,
    ) -> Self {
        Self {
            reactor: reactor.clone(),
            server: server.clone(),
            origin: origin.to_owned(),
            own: own.clone(),
            people: RefCell::default(),
            by_user: RefCell::default(),
        }
    }

    pub(crate) fn network(&self) -> Network {
        self.server.network().clone()
    }

    fn now(&self) -> Time {
        self.reactor.now()
    }

    /// Does here what somebody of `origin` has done there.
    ///
    /// # Errors
    /// `Busy`: the same may be done later. Everything else that is refused cannot be done here.
    pub(crate) fn perform(&self, origin: &str, what: Happening) -> Result<(), Refusal> {
        let someone = |id: u64| Someone { origin: origin.to_owned(), id };
        let now = self.now();
        match what {
            Happening::Came { person } => self.come(someone(person.id), &person),
            Happening::Joined { who, room, created_at } => {
                self.join(&someone(who), &room, created_at)
            }
            Happening::Parted { who, room, reason } => {
                self.user(&someone(who))?.part(now, &room, &reason)
            }
            Happening::Quit { who, reason } => {
                self.leave(&someone(who), &reason);
                Ok(())
            }
            Happening::Renamed { who, nick, claimed_at } => {
                self.rename(&someone(who), &nick, claimed_at)
            }
            Happening::AwaySet { who, message } => {
                self.user(&someone(who))?.set_away(now, message.as_deref())
            }
            Happening::RealnameSet { who, realname } => {
                self.user(&someone(who))?.set_realname(now, &realname)
            }
            Happening::AccountSet { who, account } => {
                self.user(&someone(who))?.set_account(now, account.as_deref())
            }
            Happening::Said { who, .. }
            | Happening::TopicSet { who, .. }
            | Happening::Kicked { who, .. }
            | Happening::ModeChanged { who, .. }
            | Happening::Invited { who, .. } => self.speak(&*self.user(&someone(who))?, what),
        }
    }

    /// Has `user` do what others hear.
    fn speak(&self, user: &User, what: Happening) -> Result<(), Refusal> {
        let now = self.now();
        match what {
            Happening::Said { to, is_notice, text, tags, msgid, at, .. } => {
                let speech = if is_notice { Speech::notice(&text) } else { Speech::message(&text) };
                let Some(to) = self.target(to) else { return Ok(()) };
                let msgid = MsgId::parse(&msgid).ok_or(Refusal::NoSuchMessage)?;
                let speech = speech.with_tags(&tags);
                user.pass_on(&to, speech, msgid, from_milliseconds(at)).map(drop)
            }
            Happening::TopicSet { room, topic, .. } => user.set_topic(now, &room, &topic),
            Happening::Kicked { room, victim, reason, .. } => {
                let victim = self.nick(&victim).ok_or(Refusal::NoSuchNick)?;
                user.kick(now, &room, &victim, &reason)
            }
            Happening::ModeChanged { room, changes, .. } => {
                let changes: Vec<ModeChange> = changes.iter().filter_map(mode_change).collect();
                user.set_modes(now, &room, &changes).map(drop)
            }
            Happening::Invited { room, guest, .. } if guest.origin == self.origin => {
                let guest = self.nick(&guest).ok_or(Refusal::NoSuchNick)?;
                user.invite(now, &guest, &room).map(drop)
            }
            _ => Ok(()), // Somebody of a third process is invited there.
        }
    }

    /// Tells that somebody of `origin` types.
    pub(crate) fn show_typing(&self, origin: &str, who: u64, to: To, tags: &str) {
        let someone = Someone { origin: origin.to_owned(), id: who };
        if let (Some(to), Ok(other)) = (self.target(to), self.other(&someone)) {
            let _ = other.user.tag(self.now(), &to, tags); // It is soon of no interest any more.
        }
    }

    /// Makes it so that exactly these people of `origin` are here, where they are there.
    pub(crate) fn set_all(&self, origin: &str, roll: Roll) {
        let is_there = |someone: &Someone| roll.people.iter().any(|one| one.id == someone.id);
        let gone: Vec<Someone> =
            self.of(origin).into_iter().filter(|someone| !is_there(someone)).collect();
        gone.iter().for_each(|someone| self.leave(someone, "connection lost"));
        for person in &roll.people {
            if let Err(refusal) = self.set_person(origin, person) {
                let nick = &person.nick;
                tracing::warn!(target: "ropewalk::chat", "{nick} of {origin} cannot be here: {refusal}");
            }
        }
        roll.rooms.iter().for_each(|room| self.set_room(origin, room));
    }

    fn set_person(&self, origin: &str, person: &PersonHere) -> Result<(), Refusal> {
        let (someone, now) = (Someone { origin: origin.to_owned(), id: person.id }, self.now());
        if self.other(&someone).is_ok() {
            self.rename(&someone, &person.nick, person.claimed_at)?;
        } else {
            self.come(someone.clone(), person)?;
        }
        let other = self.other(&someone)?;
        let rooms = other.user.channels()?;
        let is_in = |room: &str| rooms.iter().any(|one| fold(one.as_str()) == fold(room));
        for room in person.rooms.iter().filter(|room| !is_in(room)) {
            other.user.join(now, room, None)?; // What it is, is set when all are there.
        }
        for room in rooms.iter().map(|room| room.as_str()) {
            if !person.rooms.iter().any(|one| fold(one) == fold(room)) {
                other.user.part(now, room, "")?;
            }
        }
        other.user.set_away(now, person.away.as_deref())
    }

    /// Somebody comes to a room that was made at that time. Of two that were made while the processes did not hear of
    /// each other, the older holds: who made the younger may do nothing more there.
    fn join(&self, someone: &Someone, room: &str, created_at: u64) -> Result<(), Refusal> {
        let (user, network) = (self.user(someone)?, self.server.network());
        let before = network.channel_state(room);
        user.join(self.now(), room, None)?;
        if before.as_ref().is_none_or(|before| created_at < milliseconds(before.created_at)) {
            network.set_created_at(room, from_milliseconds(created_at))?;
            let taken = rooms::taken_ranks(&before.map_or(Vec::new(), |before| before.changes));
            if !taken.is_empty() {
                user.set_modes(self.now(), room, &taken)?;
            }
        }
        Ok(())
    }

    /// Makes a room what it is on the other process, if it is the older one there. The later topic holds in any case.
    /// Who is in the room is told, by somebody of the other process who is there.
    fn set_room(&self, origin: &str, there: &RoomHere) {
        let is_in = |user: &User| user.channel(&there.room).is_ok_and(|room| room.ranks.is_some());
        let others = self.of(origin).into_iter().filter_map(|someone| self.other(&someone).ok());
        let Some(other) = others.into_iter().find(|other| is_in(&other.user)) else { return };
        let (now, network) = (self.now(), self.server.network());
        let Some(here) = network.channel_state(&there.room) else { return };
        let theirs: Vec<ModeChange> = there.changes.iter().filter_map(mode_change).collect();
        let changes = match there.created_at.cmp(&milliseconds(here.created_at)) {
            Ordering::Less => rooms::changes_to(&here.changes, theirs),
            Ordering::Equal => theirs.into_iter().filter(|change| change.adds).collect(),
            Ordering::Greater => Vec::new(),
        };
        if !changes.is_empty() {
            let _ = network.set_created_at(&there.room, from_milliseconds(there.created_at)); // It is there.
            let _ = other.user.set_modes(now, &there.room, &changes); // As many as can be.
        }
        let Some(topic) = &there.topic else { return };
        let known_at = self.own.borrow().topic(&there.room).map_or(0, |known| known.at);
        let known = other.user.topic(&there.room).ok().flatten();
        let is_known = *known.map_or("".into(), |known| known.text) == *topic.topic;
        if topic.at >= known_at && !is_known {
            let _ = other.user.set_topic(now, &there.room, &topic.topic); // It is allowed.
        }
    }

    /// All of a process leave.
    pub(crate) fn leave_all(&self, origin: &str, why: &str) {
        self.of(origin).iter().for_each(|someone| self.leave(someone, why));
    }

    /// Somebody of `origin` is here now, called what they are called there, or if that cannot be, something else.
    fn come(&self, someone: Someone, person: &PersonHere) -> Result<(), Refusal> {
        if self.other(&someone).is_ok() {
            return Ok(());
        }
        let nick = self.claim(&person.nick, (person.claimed_at, someone.clone()))?;
        let user =
            self.server.connect(self.now(), &registration(&nick.name, person), Rc::new(Deaf))?;
        let other = Rc::new(Other { user, claimed_at: person.claimed_at.into() });
        self.by_user.borrow_mut().insert(other.user.id(), someone.clone());
        self.people.borrow_mut().insert(someone, other.clone());
        nick.tell(&other.user, self.now());
        Ok(())
    }

    fn rename(&self, someone: &Someone, nick: &str, claimed_at: u64) -> Result<(), Refusal> {
        let other = self.other(someone)?;
        other.claimed_at.set(claimed_at);
        if other.user.identity()?.nick().as_str() == nick {
            return Ok(());
        }
        let nick = self.claim(nick, (claimed_at, someone.clone()))?;
        other.user.rename(self.now(), &nick.name)?;
        nick.tell(&other.user, self.now());
        Ok(())
    }

    fn leave(&self, someone: &Someone, why: &str) {
        let other = self.people.borrow_mut().remove(someone);
        if let Some(other) = other {
            let id = other.user.id();
            other.user.quit(why);
            self.by_user.borrow_mut().remove(&id);
        }
    }

    /// What somebody is to be called here who wants to be called `nick`: who has that name by a younger claim is called
    /// something else from now on; else they are.
    fn claim(&self, nick: &str, claim: Claim) -> Result<Claimed, Refusal> {
        let mine = Claimed { name: nick.to_owned(), renamed: None };
        match self.holder(nick) {
            _ if self.server.check_nick(nick) != Err(Refusal::NickTaken) => Ok(mine),
            Some(holder) if holder.claim.1 == claim.1 => Ok(mine), // Written another way.
            Some(holder) if holder.claim > claim => {
                let other_name = self.free_name(&holder.nick, &holder.claim.1);
                self.server.rename(self.now(), holder.user, &other_name)?;
                let is_ours = holder.claim.1.origin == self.origin;
                Ok(Claimed { renamed: is_ours.then_some(other_name), ..mine })
            }
            _ => Ok(Claimed { name: self.free_name(nick, &claim.1), renamed: None }),
        }
    }

    /// Who is called so, and since when.
    fn holder(&self, nick: &str) -> Option<Holder> {
        let is_it = |other: &str| fold(other) == fold(nick);
        let own = self.own.borrow().search(is_it).map(|(user, person)| {
            let someone = Someone { origin: self.origin.clone(), id: person.id };
            let claim = (person.claimed_at, someone);
            Holder { user: *user, nick: person.nick.clone(), claim }
        });
        own.or_else(|| {
            let people = self.people.borrow().clone();
            people.into_iter().find_map(|(someone, other)| {
                let nick = other.user.identity().ok()?.nick().to_string();
                let claim = (other.claimed_at.get(), someone);
                is_it(&nick).then(|| Holder { user: other.user.id(), nick, claim })
            })
        })
    }

    /// `nick-3f9a`, which all processes come to by themselves; another, if that is taken, too.
    fn free_name(&self, nick: &str, someone: &Someone) -> String {
        let bytes_max = self.server.limits().nick_bytes_max;
        let hash = someone.origin.bytes().chain(someone.id.to_le_bytes()).fold(
            0xcbf2_9ce4_8422_2325_u64, // FNV-1a.
            |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3),
        );
        let names = (4..=16).map(|digits| {
            let end = format!("{hash:016x}")[..digits].to_owned();
            let cut =
                nick.floor_char_boundary(bytes_max.saturating_sub(end.len() + 1).min(nick.len()));
            format!("{}-{end}", &nick[..cut])
        });
        let mut names = names.filter(|name| self.server.check_nick(name).is_ok());
        names.next().unwrap_or_else(|| format!("x-{hash:016x}"))
    }

    /// What `to` is called here; `None` if it is somebody of another process than this, to whom it is told there.
    fn target(&self, to: To) -> Option<String> {
        match to {
            To::Room(room) => Some(room),
            To::Person(someone) if someone.origin == self.origin => self.nick(&someone),
            To::Person(_) => None,
        }
    }

    /// What somebody is called here.
    fn nick(&self, someone: &Someone) -> Option<String> {
        if someone.origin == self.origin {
            return self.own.borrow().find(someone.id).map(|(_, person)| person.nick.clone());
        }
        let other = self.other(someone).ok()?;
        Some(other.user.identity().ok()?.nick().to_string())
    }

    pub(super) fn other(&self, someone: &Someone) -> Result<Rc<Other>, Refusal> {
        self.people.borrow().get(someone).cloned().ok_or(Refusal::NoSuchNick)
    }

    fn user(&self, someone: &Someone) -> Result<UserHere, Refusal> {
        self.other(someone).map(UserHere)
    }

    /// Those of one process, by number.
    pub(super) fn of(&self, origin: &str) -> Vec<Someone> {
        let first = Someone { origin: origin.to_owned(), id: 0 };
        let people = self.people.borrow();
        let from_first = people.range(first..).map(|(someone, _)| someone.clone());
        from_first.take_while(|someone| someone.origin == origin).collect()
    }
}

impl Relayed for OthersPeople {
    fn someone(&self, user: UserId) -> Option<Someone> {
        self.by_user.borrow().get(&user).cloned()
    }
}

/// Keeps somebody while they do something.
struct UserHere(Rc<Other>);

impl std::ops::Deref for UserHere {
    type Target = User;

    fn deref(&self) -> &User {
        &self.0.user
    }
}

/// A name that somebody may have.
struct Claimed {
    name: String,
    /// What one of ours is called now who had it.
    renamed: Option<String>,
}

impl Claimed {
    /// Tells who had the name why they have it no more.
    fn tell(&self, by: &User, now: Time) {
        let Some(renamed) = &self.renamed else { return };
        let why = format!(
            "Somebody was called {} before you, on another server; you are {renamed} now.",
            self.name
        );
        let _ = by.say(now, renamed, Speech::notice(&why)); // They may be gone.
    }
}

/// Since 1970. What no calendar has is then.
fn from_milliseconds(at: u64) -> SystemTime {
    let since = Duration::from_millis(at);
    SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn registration(nick: &str, person: &PersonHere) -> Registration {
    Registration {
        nick: nick.to_owned(),
        user: person.user.clone(),
        host: person.host.clone(),
        realname: person.realname.clone(),
        account: person.account.clone(),
        is_relayed: true,
    }
}

fn mode_change(change: &Change) -> Option<ModeChange> {
    let value = || change.value.as_deref().map(Arc::<str>::from);
    let mode = match change.letter {
        'k' => Mode::Key(value()?),
        'l' => Mode::Limit(change.value.as_deref()?.parse().ok()?),
        letter => ChannelFlag::of_letter(letter)
            .map(Mode::Flag)
            .or_else(|| Some(Mode::Mask(MaskList::of_letter(letter)?, value()?)))
            .or_else(|| Some(Mode::Rank(Rank::of_letter(letter)?, value()?)))?,
    };
    Some(ModeChange { adds: change.adds, mode })
}
