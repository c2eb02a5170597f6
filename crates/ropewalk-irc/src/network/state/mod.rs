//! [`State`]: everything that a network knows, and every rule of what may be done to it.
//!
//! A pure machine: each operation is told who does it and when, checks the rules, changes the tables, and *posts*
//! what is to be told into the queue of each thread, all within one hold of the network's lock. So all users hear
//! everything in the same order, and nobody sees a state of which they have not been told.
//!
//! A channel's audience is not copied for each event. Each thread keeps, for its own users, who is on which
//! channel, and changes that when it comes to the event in its queue (see `view.rs`): so an event finds those
//! on the channel who were there when it happened, however late it is told.

mod members;
mod modes;
mod presence;
mod questions;
mod speech;
mod steward;

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::Arc;
use std::time::SystemTime;

use ropewalk_core::Time;

use super::channel::Channel;
use super::event::in_millis;
use super::identity;
use super::pace::Pace;
use super::part::{Audience, Part, Posted};
use super::whowas::WhoWas;
use super::{Event, Identity, MsgId, NetworkLimits, Record, Refusal, UserId, UserModes};
use crate::{ChannelName, Nick};

pub use steward::ChannelState;

/// Everything that a network knows.
pub(crate) struct State {
    pub(crate) limits: Arc<NetworkLimits>,
    /// Boxed, since a table keeps room for half as many again.
    users: HashMap<UserId, Box<Member>>,
    nicks: HashSet<Called>,
    channels: BTreeMap<ChannelName, Channel>,
    parts: Vec<Part>,
    /// The part on whose thread something is being done: it looks into its queue by itself.
    acting: Option<usize>,
    /// Who watches a name.
    watchers: HashMap<Nick, BTreeSet<UserId>>,
    whowas: WhoWas,
    users_peak: usize,
    /// Counts users and events.
    last_number: u64,
    /// Sets this network's events apart from those of others that are linked with it: by chance, in the upper half.
    chance: u64,
    /// When the last event was.
    last_at: SystemTime,
}

/// One user.
pub(crate) struct Member {
    pub(crate) identity: Arc<Identity>,
    part: usize,
    pub(crate) modes: UserModes,
    /// By name. Most users are on one or two, for which a tree would be large.
    pub(crate) channels: Vec<ChannelName>,
    rare: Option<Box<Rare>>,
    /// None if it is counted elsewhere.
    pace: Option<Pace>,
    pub(crate) signed_on: SystemTime,
    /// When they last said something.
    pub(crate) active_at: SystemTime,
}

/// What few users have.
#[derive(Default)]
struct Rare {
    away: Option<Arc<str>>,
    /// To which channels they are invited, the last invitation last, and whether by an operator.
    invited_to: Vec<(ChannelName, bool)>,
    watched: BTreeSet<Nick>,
}

/// A user, as found by the nickname. The table holds no names of its own, for those would be as many again.
struct Called(Arc<Identity>);

impl Borrow<str> for Called {
    fn borrow(&self) -> &str {
        self.0.nick.folded()
    }
}

impl Hash for Called {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.nick.folded().hash(state);
    }
}

impl PartialEq for Called {
    fn eq(&self, other: &Self) -> bool {
        self.0.nick == other.0.nick
    }
}

impl Eq for Called {}

/// When something is done: by the reactor's clock and by the calendar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) now: Time,
    pub(crate) wall: SystemTime,
}

/// What is said when somebody goes on too fast.
const FLOOD_REASON: &str = "Excess flood";

impl State {
    pub(crate) fn new(limits: Arc<NetworkLimits>) -> Self {
        Self {
            limits,
            users: HashMap::new(),
            nicks: HashSet::new(),
            channels: BTreeMap::new(),
            parts: Vec::new(),
            acting: None,
            watchers: HashMap::new(),
            whowas: WhoWas::default(),
            users_peak: 0,
            last_number: 0,
            chance: RandomState::new().hash_one(()) << 32,
            last_at: SystemTime::UNIX_EPOCH,
        }
    }

    /// Opens a part; gives its number.
    pub(crate) fn add_part(&mut self) -> usize {
        self.parts.push(Part::default());
        self.parts.len() - 1
    }

    /// What is done from now on, until the lock is given back, is done on this part's thread.
    pub(crate) fn act_on(&mut self, part: usize) {
        self.acting = Some(part);
    }

    pub(crate) fn part(&mut self, part: usize) -> &mut Part {
        &mut self.parts[part]
    }

    /// Ends a part: its users have left, as the others hear.
    pub(crate) fn close_part(&mut self, part: usize, at: Moment, reason: &str) {
        if self.parts[part].is_closed() {
            return;
        }
        self.parts[part].close();
        let leaving = self.users.iter().filter(|(_, user)| user.part == part);
        let mut leaving: Vec<UserId> = leaving.map(|(id, _)| *id).collect();
        leaving.sort_unstable();
        leaving.into_iter().for_each(|id| self.remove_user(id, at, reason));
    }

    /// Who somebody is now.
    pub(crate) fn identity(&self, who: UserId) -> Result<Arc<Identity>, Refusal> {
        self.user(who).map(|user| user.identity.clone())
    }

    pub(crate) fn user(&self, who: UserId) -> Result<&Member, Refusal> {
        self.users.get(&who).map(|user| &**user).ok_or(Refusal::NotConnected)
    }

    fn user_mut(&mut self, who: UserId) -> Result<&mut Member, Refusal> {
        self.users.get_mut(&who).map(|user| &mut **user).ok_or(Refusal::NotConnected)
    }

    /// Who is called so.
    pub(crate) fn called(&self, nick: &str) -> Result<(UserId, &Member), Refusal> {
        let nick = identity::nick(nick, &self.limits).map_err(|_| Refusal::NoSuchNick)?;
        self.called_by(&nick).ok_or(Refusal::NoSuchNick)
    }

    fn called_by(&self, nick: &Nick) -> Option<(UserId, &Member)> {
        let id = self.nicks.get(nick.folded())?.0.id;
        Some((id, self.users.get(&id)?))
    }

    /// What somebody calls a channel by.
    fn channel_name(&self, text: &str) -> Result<ChannelName, Refusal> {
        ChannelName::new(text, self.limits.channel_bytes_max).map_err(Refusal::BadChannelName)
    }

    pub(crate) fn channel(&self, text: &str) -> Result<&Channel, Refusal> {
        let name = self.channel_name(text).map_err(|_| Refusal::NoSuchChannel)?;
        self.channels.get(&name).ok_or(Refusal::NoSuchChannel)
    }

    fn channel_mut(&mut self, text: &str) -> Result<&mut Channel, Refusal> {
        let name = self.channel_name(text).map_err(|_| Refusal::NoSuchChannel)?;
        self.channels.get_mut(&name).ok_or(Refusal::NoSuchChannel)
    }

    /// One more thing that somebody does and others hear. Who goes on too fast has left by this.
    fn step(&mut self, who: UserId, at: Moment) -> Result<(), Refusal> {
        let (interval, burst) = (self.limits.message_interval, self.limits.message_burst);
        let pace = self.user_mut(who)?.pace.as_mut();
        let step = pace.map_or(Ok(()), |pace| pace.step(at.now, interval, burst));
        if step == Err(Refusal::Flooding) {
            self.remove_user(who, at, FLOOD_REASON);
        }
        step?;
        self.check_room()
    }

    /// Whether every thread has told enough of what it was to tell.
    fn check_room(&self) -> Result<(), Refusal> {
        let is_full = |part: &Part| part.len() >= self.limits.events_max;
        if self.parts.iter().any(is_full) { Err(Refusal::Busy) } else { Ok(()) }
    }

    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// An event of this moment, which is not before what was before it, even if the calendar was set back.
    fn record(&mut self, source: Arc<Identity>, event: Event, at: Moment) -> Arc<Record> {
        self.last_at = self.last_at.max(in_millis(at.wall));
        let at = self.last_at;
        let msgid = MsgId::new(at, self.chance | self.next_number());
        Arc::new(Record { source, event, msgid, at })
    }

    /// Enters an event for all who are to hear it, at the same moment on all threads.
    fn post(&mut self, record: &Arc<Record>, audience: &Audience) {
        let concerned = self.parts_of(audience);
        for (index, part) in self.parts.iter_mut().enumerate() {
            if concerned.as_ref().is_none_or(|concerned| concerned.contains(&index)) {
                let posted = Posted::Happened(record.clone(), audience.clone());
                part.post(posted, self.acting == Some(index));
            }
        }
    }

    /// The parts that have somebody to tell it to; `None`: that is not known before they look.
    fn parts_of(&self, audience: &Audience) -> Option<BTreeSet<usize>> {
        let (Audience::Users(users) | Audience::Watchers(users)) = audience else { return None };
        Some(users.iter().filter_map(|id| self.users.get(id)).map(|user| user.part).collect())
    }

    /// Tells all on a channel.
    fn post_to_channel(&mut self, record: &Arc<Record>, channel: &ChannelName) {
        self.post(record, &Audience::Channel(channel.clone()));
    }

    /// Tells all who are on a channel with somebody, themselves, and who watches them.
    fn post_to_friends(&mut self, who: UserId, event: Event, at: Moment) -> Result<(), Refusal> {
        let user = self.user(who)?;
        let (source, channels) = (user.identity.clone(), user.channels.iter().cloned().collect());
        let watchers = self.watchers_of(source.nick());
        let record = self.record(source, event, at);
        self.post(&record, &Audience::Friends { channels, watchers });
        Ok(())
    }

    fn watchers_of(&self, nick: &Nick) -> Arc<[UserId]> {
        let watchers = self.watchers.get(nick);
        watchers.into_iter().flatten().copied().collect()
    }

    /// Tells who watches a name that it came or went.
    fn post_to_watchers(&mut self, identity: &Arc<Identity>, event: Event, at: Moment) {
        let watchers = self.watchers_of(identity.nick());
        if !watchers.is_empty() {
            let record = self.record(identity.clone(), event, at);
            self.post(&record, &Audience::Watchers(watchers));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Registration;

    #[test]
    fn a_network_that_all_have_left_holds_nothing_of_them() {
        let at = Moment { now: Time::START, wall: SystemTime::UNIX_EPOCH };
        let mut state = State::new(Arc::new(NetworkLimits::default()));
        let part = state.add_part();
        for nick in ["alice", "bob"] {
            let user = state.connect(part, &Registration::new(nick), at).expect("they may come");
            state.watch(user.id(), "carol").expect("they may");
            state.join(user.id(), "#ropes", None, at).expect("they may");
            state.rename(user.id(), &format!("{nick}-2"), at).expect("it is free");
        }
        state.close_part(part, at, "over");
        assert!(state.users.is_empty() && state.nicks.is_empty());
        assert!(state.channels.is_empty() && state.watchers.is_empty());
    }
}
